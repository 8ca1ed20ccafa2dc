// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"fmt"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

const siteMetadata = `
type: charm
name: web
summary: A web server.
description: It serves pages.
requires: {db: {interface: sql}}
resources:
  pages: {type: file, filename: pages.tar}
  server: {type: oci-image}
config:
  options:
    admin-port: {type: int, default: 8080}
`

// The ports are a function of what the charm knows, set in every hook: only what
// differs is sent.
func ExampleCharm_SetPorts() {
	register := func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.Hook) error {
			return c.SetPorts(ctx, charm.TCP(443), charm.PortRange{Protocol: "udp", From: 8000, To: 8010})
		})
	}
	state := charmtest.State{Metadata: siteMetadata, OpenedPorts: []charm.EndpointPorts{
		{PortRange: charm.TCP(80)}, {PortRange: charm.TCP(443)},
	}}
	for range 2 {
		var err error
		if state, err = charmtest.Run(register, events.ConfigChanged{}, state); err != nil {
			fmt.Println(err)
			return
		}
		for _, call := range state.Calls {
			fmt.Println(call)
		}
	}
	fmt.Println(state.OpenedPorts)
	// Output:
	// opened-ports --format=json --endpoints
	// close-port -- 80/tcp
	// open-port -- 8000-8010/udp
	// opened-ports --format=json --endpoints
	// [443/tcp (*) 8000-8010/udp (*)]
}

// A port for the units of one endpoint only.
func ExampleCharm_OpenPort() {
	register := func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.Install) error {
			if err := c.OpenPort(ctx, charm.TCP(5432), "db"); err != nil {
				return err
			}
			opened, err := c.OpenedPorts(ctx) // with what this dispatch has changed
			fmt.Println(opened)
			return err
		})
	}
	if _, err := charmtest.Run(register, events.Install{}, charmtest.State{Metadata: siteMetadata}); err != nil {
		fmt.Println(err)
	}
	// Output: [5432/tcp (db)]
}
