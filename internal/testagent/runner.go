// SPDX-License-Identifier: Apache-2.0

package testagent

import (
	"context"
	"slices"
	"strconv"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// Run makes an Agent a [hookcmd.Runner] in the process of the test: no socket,
// no processes.
func (a *Agent) Run(ctx context.Context, call hookcmd.Call) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, &hookcmd.Error{Command: call.Command, Args: call.Args, Code: -1, Err: err}
	}
	answer := a.Handle(call)
	if answer.Code == 0 {
		return []byte(answer.Stdout), nil
	}
	return nil, hookcmd.NewError(call, answer.Code, answer.Stderr)
}

// Peers is an agent of "app/0" with a relation "peers:1" to n peers, "app/1" to
// "app/n", each of which has an address.
func Peers(n int) *Agent {
	rel := &Relation{App: "app", Bags: map[string]map[string]string{
		"app/0": {"ingress-address": "10.0.0.1", "egress-subnets": "10.0.0.1/32"},
		"app":   {},
	}}
	for i := range n {
		unit := "app/" + strconv.Itoa(i+1)
		rel.Units = append(rel.Units, unit)
		address := "10.0." + strconv.Itoa((i+2)/256) + "." + strconv.Itoa((i+2)%256)
		rel.Bags[unit] = map[string]string{
			"ingress-address": address, "egress-subnets": address + "/32", "greeting": "Hello from " + unit,
		}
	}
	slices.Sort(rel.Units)
	return &Agent{Unit: "app/0", Leader: true, Relations: map[string]*Relation{"peers:1": rel}}
}
