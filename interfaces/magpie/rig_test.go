// SPDX-License-Identifier: Apache-2.0

package magpie_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/interfaces/magpie"
	"github.com/charmsmith/charmsmith/testing/charmtest"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

const metadata = `
type: charm
name: magpie
summary: for tests
description: for tests
peers:
  magpie: {interface: magpie}
actions:
  do: {}
`

// nest is a unit whose peers a test asks, and tells, what it wants: by do in an
// action, and by onJoined and onDeparted in every dispatch in which they are called.
type nest struct {
	*charmtest.Harness
	t          *testing.T
	onJoined   func(ctx context.Context, peers *magpie.Peers, joined []string) error
	onDeparted func(ctx context.Context, peers *magpie.Peers, departed []string) error
	also       func(c *charm.Charm, peers *magpie.Peers) // in register
	todo       func(ctx context.Context, peers *magpie.Peers) error
}

func newNest(t *testing.T, opts *charmtest.Options) *nest {
	t.Helper()
	if opts == nil {
		opts = &charmtest.Options{}
	}
	n := &nest{t: t}
	opts.Metadata = metadata
	n.Harness = charmtest.New(t, func(c *charm.Charm) {
		peers := magpie.New(c, "magpie")
		if n.onJoined != nil {
			peers.OnJoined(func(ctx context.Context, joined []string) error { return n.onJoined(ctx, peers, joined) })
		}
		if n.onDeparted != nil {
			peers.OnDeparted(func(ctx context.Context, departed []string) error { return n.onDeparted(ctx, peers, departed) })
		}
		if n.also != nil {
			n.also(c, peers)
		}
		charm.OnAction(c, "do", func(ctx context.Context, _ struct{}) (struct{}, error) { return struct{}{}, n.todo(ctx, peers) })
	}, opts)
	return n
}

// do does something in an action, which must succeed.
func (n *nest) do(todo func(ctx context.Context, peers *magpie.Peers) error) {
	n.t.Helper()
	n.todo = todo
	result := n.RunAction("do", nil)
	require.Equal(n.t, "completed", result.Status, result.Message)
}

// ask returns what a method of the peers returns.
func ask[T any](n *nest, method func(*magpie.Peers, context.Context) (T, error)) T {
	n.t.Helper()
	var answer T
	n.do(func(ctx context.Context, peers *magpie.Peers) (err error) {
		answer, err = method(peers, ctx)
		return err
	})
	return answer
}

func dismissJoined(p *magpie.Peers, ctx context.Context) ([]string, error) {
	return p.DismissJoined(ctx)
}

func dismissDeparted(p *magpie.Peers, ctx context.Context) ([]string, error) {
	return p.DismissDeparted(ctx)
}

// noRelation answers relation-ids as Juju does before the relation is created.
func noRelation(call hookcmd.Call) (hookcmdtest.Answer, bool) {
	return hookcmdtest.Answer{Stdout: "[]\n"}, call.Command == "relation-ids"
}

// unreadable has Juju not know a unit any more, which it lists still.
func unreadable(unit string) func(hookcmd.Call) (hookcmdtest.Answer, bool) {
	return func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		asked := call.Command == "relation-get" && strings.HasSuffix(strings.Join(call.Args, " "), " "+unit)
		return hookcmdtest.Failure(1, "cannot read settings for unit %q in relation \"magpie\": unit %q: settings not found", unit, unit), asked
	}
}

// secondRelation has the endpoint have a second relation, with the peers magpie/1 and
// magpie/2, at addresses in 10.7.0.0/16.
func secondRelation(call hookcmd.Call) (answer hookcmdtest.Answer, ok bool) {
	args := strings.Join(call.Args, " ")
	switch {
	case call.Command == "relation-ids":
		return hookcmdtest.Answer{Stdout: `["magpie:0","magpie:7"]` + "\n"}, true
	case !strings.Contains(args, "magpie:7"):
		return answer, false
	case call.Command == "relation-list":
		return hookcmdtest.Answer{Stdout: `["magpie/1","magpie/2"]` + "\n"}, true
	case call.Command == "relation-get" && strings.HasSuffix(args, "magpie/0"):
		return hookcmdtest.Answer{Stdout: "{}\n"}, true
	case call.Command == "relation-get":
		return hookcmdtest.Answer{Stdout: fmt.Sprintf(`{"ingress-address":"10.7.0.%c"}`+"\n", args[len(args)-1])}, true
	}
	return answer, true
}

// units returns the names of nodes.
func units(nodes []magpie.Node) []string {
	var names []string
	for _, node := range nodes {
		names = append(names, node.Unit)
	}
	return names
}

// at returns a databag with an address as Juju 4 writes it.
func at(address string) map[string]string { return map[string]string{"ingress-address": address} }
