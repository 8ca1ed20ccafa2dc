// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"

	"github.com/charmsmith/charmsmith/charm"
)

type listenParams struct {
	NetworkCIDR   string `json:"network-cidr"`
	ListenerCount int    `json:"listener-count"`
}

// listenAction has the throughput server listen elsewhere, too. If it cannot, it listens
// where it did before.
func (k *checker) listenAction(ctx context.Context, in listenParams) (out output, err error) {
	if _, err := parseNetwork(in.NetworkCIDR); err != nil {
		return out, param("network-cidr", err)
	}
	o, err := charm.LoadConfig[options](ctx, k.Charm)
	if err != nil {
		return out, err
	}
	before, err := k.listening.Get(ctx)
	if err != nil {
		return out, err
	}
	now := listening{in.NetworkCIDR, in.ListenerCount}
	addresses, problem, err := k.keepServing(ctx, o, now)
	if err == nil && problem != "" {
		err = errors.New(problem)
	}
	if err != nil {
		if _, problem, again := k.keepServing(ctx, o, before); again != nil || problem != "" {
			k.Logger().ErrorContext(ctx, "the server does not listen where it did before", "problem", problem, "cause", again)
		}
		return out, err
	}
	return outputOf(map[string][]string{"listening": addresses}), k.listening.Set(ctx, now)
}

// advertiseAction tells the peers this unit's addresses.
func (k *checker) advertiseAction(ctx context.Context, _ struct{}) (out output, err error) {
	local, err := k.system.addresses()
	if err != nil {
		return out, err
	}
	if err := k.peers.AdvertiseAddresses(ctx, local); err != nil {
		return out, err
	}
	rel, err := k.Peers(ctx, peersEndpoint)
	if err != nil {
		return out, err
	}
	advertised, err := rel.Local().Get(ctx, "iperf_addresses")
	return output{advertised}, err
}
