// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
)

type cluster struct{ *charm.Charm }

func register(c *charm.Charm) {
	p := &cluster{c}
	charm.On(c, p.install)                      // func(ctx, events.Install) error
	charm.OnRelation(c, "magpie", p.peerJoined) // func(ctx, events.PeerJoined) error
	charm.On(c, p.reconcile)                    // func(ctx, events.Hook) error: every hook, after the above
}

func (p *cluster) install(ctx context.Context, _ events.Install) error {
	return p.SetStatus(ctx, charm.Maintenance("installing"))
}

func (p *cluster) peerJoined(ctx context.Context, ev events.PeerJoined) error {
	rel := p.Relation(ev)                                        // *relation.Relation
	addr, err := rel.Remote(ev.Unit).Get(ctx, "ingress-address") // a View: it has no Set
	if err != nil {
		return err
	}
	return rel.Local().Set(ctx, "reached", ev.Unit+"="+addr) // a Databag
}

func (p *cluster) reconcile(ctx context.Context, _ events.Hook) error {
	peers, err := p.Peers(ctx, "magpie")
	if errors.Is(err, hookcmd.ErrRelationNotFound) {
		return nil // not created yet
	}
	if err != nil {
		return err
	}
	units, err := peers.Units(ctx)
	if err != nil {
		return err
	}
	return p.SetStatus(ctx, charm.Active(fmt.Sprintf("%d peers", len(units))))
}

// answers is a hookcmd.Runner that prints what runs: the text of each answer by
// the command line, nothing for commands that print nothing.
type answers map[string]string

func (a answers) Run(_ context.Context, call hookcmd.Call) ([]byte, error) {
	line := call.Command + " " + strings.Join(call.Args, " ")
	fmt.Println(strings.TrimSpace(line + " " + string(call.Stdin)))
	return []byte(a[line]), nil
}

// Example is a charm, and what it does in one dispatch. Its main function is
//
//	func main() { charm.Main(register) }
func Example() {
	env, err := events.Environ(events.PeerJoined{
		RelationRef: events.RelationRef{Endpoint: "magpie", ID: 1, App: "magpie"},
		Unit:        "magpie/1",
	}, "magpie/0")
	if err != nil {
		fmt.Println(err)
		return
	}
	err = charm.Run(context.Background(), register, &charm.Options{Env: env, Runner: answers{
		"relation-get --format=json -r magpie:1 -- - magpie/1": `{"ingress-address": "10.0.0.2"}`,
		"relation-ids --format=json -- magpie":                 `["magpie:1"]`,
		"relation-list --format=json -r magpie:1":              `["magpie/1"]`,
	}})
	fmt.Println("error:", err)
	// Output:
	// relation-get --format=json -r magpie:1 -- - magpie/1
	// relation-ids --format=json -- magpie
	// relation-list --format=json -r magpie:1
	// status-set -- active 1 peers
	// relation-set -r magpie:1 --file - {"reached": "magpie/1=10.0.0.2"}
	// error: <nil>
}
