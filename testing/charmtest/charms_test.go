// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"context"
	"sync"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
)

// magpie has an endpoint of each role, and most of what else a charm can have.
const magpie = `
type: charm
name: magpie
summary: A charm for tests.
description: It has one of everything.
peers:
  magpie: {interface: magpie}
provides:
  website: {interface: http}
requires:
  db: {interface: sql}
  host: {interface: juju-info, scope: container}
extra-bindings:
  cluster:
storage:
  data: {type: filesystem, multiple: {range: 0-2}}
  wal: {type: block, multiple: {range: 0-1}}
resources:
  software: {type: file, filename: software.tar}
config:
  options:
    port: {type: int, default: 80}
    motd: {type: string}
    ratio: {type: float}
    debug: {type: boolean, default: false}
    credentials: {type: secret}
actions:
  ping:
    params:
      host: {type: string}
      tries: {type: integer, default: 3}
    required: [host]
`

// web has workload containers, and so is on Kubernetes.
const web = `
type: charm
name: web
summary: A charm for tests.
description: It has two containers.
containers:
  proxy: {resource: proxy-image}
  app: {resource: app-image}
resources:
  proxy-image: {type: oci-image}
  app-image: {type: oci-image}
`

// agentCharm is a subordinate.
const agentCharm = `
type: charm
name: monitor
subordinate: true
summary: A charm for tests.
description: It is a subordinate.
requires:
  host: {interface: juju-info, scope: container}
provides:
  logs: {interface: syslog, scope: container}
`

// database is the other end of magpie's db.
const database = `
type: charm
name: database
summary: A charm for tests.
description: It provides sql.
provides:
  server: {interface: sql}
`

// nothing is a charm without handlers.
func nothing(*charm.Charm) {}

// diary notes the events that a charm is given.
type diary struct {
	mu    sync.Mutex
	units map[string][]events.Event
}

// register registers a handler that notes, and does nothing else.
func (d *diary) register(c *charm.Charm) {
	charm.OnDispatch(c, func(_ context.Context, ev events.Event) error {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.units == nil {
			d.units = make(map[string][]events.Event)
		}
		d.units[c.Unit()] = append(d.units[c.Unit()], ev)
		return nil
	})
}

// take returns the events of a unit since the last take.
func (d *diary) take(unit string) []events.Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	taken := d.units[unit]
	delete(d.units, unit)
	return taken
}

// names returns the names of the events of a unit since the last take.
func (d *diary) names(unit string) []string {
	var names []string
	for _, ev := range d.take(unit) {
		names = append(names, ev.Name())
	}
	return names
}
