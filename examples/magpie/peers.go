// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/charmsmith/charmsmith/interfaces/magpie"
)

// nodesIn returns all peers: with a network by their addresses inside it, those last that
// have none; otherwise by those that Juju tells.
func (k *checker) nodesIn(ctx context.Context, prefix netip.Prefix) ([]magpie.Node, error) {
	if !prefix.IsValid() {
		return k.peers.Nodes(ctx)
	}
	nodes, missing, err := k.peers.NodesIn(ctx, prefix)
	return append(nodes, missing...), err
}

// named returns those of the peers that the operator has named, in that order; all of
// them, if none.
func named(nodes []magpie.Node, units string) ([]magpie.Node, error) {
	names := words(units)
	if len(names) == 0 {
		return nodes, nil
	}
	var chosen []magpie.Node
	for _, name := range names {
		i := slices.IndexFunc(nodes, func(n magpie.Node) bool { return n.Unit == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no peer %q", name)
		}
		if !slices.ContainsFunc(chosen, func(n magpie.Node) bool { return n.Unit == name }) {
			chosen = append(chosen, nodes[i])
		}
	}
	return chosen, nil
}

// words returns what is between spaces and commas.
func words(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return c == ' ' || c == ',' })
}

// byReadiness returns those of the peers whose throughput servers can be measured, and
// the names of the others.
func (k *checker) byReadiness(ctx context.Context, nodes []magpie.Node) (ready []magpie.Node, waiting []string, err error) {
	servers, err := k.peers.ReadyIperfServers(ctx)
	for _, node := range nodes {
		if slices.ContainsFunc(servers, func(n magpie.Node) bool { return n.Unit == node.Unit }) {
			ready = append(ready, node)
		} else {
			waiting = append(waiting, node.Unit)
		}
	}
	return ready, waiting, err
}
