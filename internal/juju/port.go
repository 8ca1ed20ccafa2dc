// SPDX-License-Identifier: Apache-2.0

package juju

import "github.com/charmsmith/charmsmith/hookcmd"

// portSet is a unit's open ports, by endpoint; "" is all of them.
type portSet map[string][]hookcmd.PortRange

// portChange is an open-port or close-port that waits for the flush.
type portChange struct {
	endpoint string // "" is all of them
	ports    hookcmd.PortRange
}

func (p portSet) byRange() []hookcmd.EndpointPorts { return nil }

func (h *Hook) checkPorts() error { return nil }

func (h *Hook) commitPorts() {}
