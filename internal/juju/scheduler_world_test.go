// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// world is a model that operators and charms change at random. Its charms note
// what they read of others when they are told of them, and fail or are killed at
// times. Of hooks are those that succeeded.
type world struct {
	*cast
	random *rand.Rand
	writes int // that the charms may still do
	fails  int // likewise
	// read is by reader, relation and owner the databag as the reader last read it.
	read      map[reading]map[string]string
	config    map[string]string // by unit the option "n" as it last read it
	units     map[string]*juju.Unit
	suspended map[int]bool
}

type reading struct {
	reader   string
	relation int
	owner    string // a unit, or an application
}

var worldCharms = map[string]string{
	"app":   "requires: {db: mysql, cache: mysql}\nprovides: {info: machine}\npeers: {peers: app}\nstorage: {data: {type: filesystem, multiple: {range: 0-3}}}",
	"mysql": "provides: {server: mysql, store: mysql}\npeers: {cluster: mysql-cluster}",
	"sub":   "subordinate: true\nrequires: {host: {interface: machine, scope: container}}\npeers: {subs: sub}",
}

// worldRelations are the endpoints that can be related; each has at most one
// relation at a time.
var worldRelations = [][4]string{{"app", "db", "mysql", "server"}, {"app", "cache", "mysql", "store"}, {"sub", "host", "app", "info"}}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	version := "4.1.0"
	if seed%2 == 1 {
		version = "3.6.26"
	}
	w := &world{
		cast:   newCast(t, &juju.Options{Seed: seed, Version: version, TextOnly: seed%10 == 0}),
		random: rand.New(rand.NewPCG(seed, 1)),
		read:   make(map[reading]map[string]string), config: make(map[string]string), units: make(map[string]*juju.Unit), suspended: make(map[int]bool),
	}
	w.play = w.act
	w.m.SetFaults(juju.Faults{Restart: int(seed % 3)})
	for _, name := range []string{"app", "mysql", "sub"} {
		charm := configured(t, name, worldCharms[name])
		units := 1 + w.random.IntN(3)
		if name == "sub" {
			units = 0
		}
		_, err := w.m.Deploy(juju.Deployment{Charm: charm, Executor: w, Units: units})
		require.NoError(t, err)
	}
	return w
}

// act is what a charm does in any hook.
func (w *world) act(_ string, h *juju.Hook, c *hookcmd.Client) error {
	u := h.Unit()
	w.units[u.Name] = u
	if w.fails > 0 && w.random.IntN(20) == 0 {
		w.fails--
		return w.spoil(h, c)
	}
	if err := w.note(h, c); err != nil {
		return err
	}
	return w.write(h, c)
}

// spoil writes something that is not kept.
func (w *world) spoil(h *juju.Hook, c *hookcmd.Client) error {
	w.hooks = w.hooks[:len(w.hooks)-1]
	for _, end := range h.Unit().Application().Ends() {
		_ = c.RelationSet(w.t.Context(), idOf(end), map[string]string{"spoilt": "yes"}) // it may not be in that relation
	}
	if w.random.IntN(2) == 0 {
		return errKilled
	}
	return fmt.Errorf("it is spoilt")
}

func idOf(end *juju.End) hookcmd.RelationID {
	return hookcmd.RelationID{Endpoint: end.Endpoint.Name, ID: end.ID()}
}

// note reads what the hook is about.
func (w *world) note(h *juju.Hook, c *hookcmd.Client) error {
	u := h.Unit()
	switch ev := h.Event().(type) {
	case events.ConfigChanged:
		values, err := c.ConfigGet(w.t.Context())
		w.config[u.Name] = string(values["n"])
		return err
	case events.RelationEvent:
		ref := ev.Ref()
		id := hookcmd.RelationID{Endpoint: ref.Endpoint, ID: ref.ID}
		owner, kind := strings.Trim(about(h), " ()"), h.Name()[len(ref.Endpoint+"-relation-"):]
		at := reading{u.Name, ref.ID, owner}
		switch {
		case kind == "departed":
			owner, _, _ = strings.Cut(owner, ";")
			delete(w.read, reading{u.Name, ref.ID, owner})
		case kind == "created":
			maps.DeleteFunc(w.read, func(r reading, _ map[string]string) bool { return r.reader == u.Name && r.relation == ref.ID })
		case owner == "":
		case strings.Contains(owner, "/"):
			bag, err := c.RelationGet(w.t.Context(), id, owner)
			w.read[at] = bag
			return err
		default:
			bag, err := c.RelationGetApp(w.t.Context(), id, owner)
			w.read[at] = bag
			return err
		}
	}
	return nil
}

// write changes a databag, at times.
func (w *world) write(h *juju.Hook, c *hookcmd.Client) error {
	ends := h.Unit().Application().Ends()
	if w.writes == 0 || len(ends) == 0 || w.random.IntN(3) > 0 {
		return nil
	}
	w.writes--
	ids, err := c.RelationIDs(w.t.Context(), ends[w.random.IntN(len(ends))].Endpoint.Name)
	if err != nil || len(ids) == 0 {
		return err
	}
	data := map[string]string{fmt.Sprint("k", w.random.IntN(3)): []string{"", "a", "b", "c"}[w.random.IntN(4)]}
	leader, err := c.IsLeader(w.t.Context())
	if err == nil && leader && w.random.IntN(2) == 0 {
		return c.RelationSetApp(w.t.Context(), ids[0], data)
	}
	if err != nil {
		return err
	}
	return c.RelationSet(w.t.Context(), ids[0], data)
}

// operate is what an operator does: one thing.
func (w *world) operate() {
	apps := w.m.Applications()
	app := apps[w.random.IntN(len(apps))]
	units := app.Units()
	switch w.random.IntN(9) {
	case 0, 1:
		if len(units) < 5 {
			_, _ = app.AddUnits(1 + w.random.IntN(2)) // not of subordinates, nor of what goes
		}
	case 2, 3:
		if len(units) > 0 {
			_ = units[w.random.IntN(len(units))].Remove() // it may be going already
		}
	case 4, 5:
		e := worldRelations[w.random.IntN(len(worldRelations))]
		_, _ = w.m.Relate(e[0], e[1], e[2], e[3]) // they may be related
	case 6:
		relations := w.m.Relations()
		r := relations[w.random.IntN(len(relations))]
		if w.random.IntN(2) == 0 {
			_ = r.Remove() // not peers
		} else {
			if suspended := w.random.IntN(2) == 0; r.Suspend(suspended) == nil { // not peers
				w.suspended[r.ID] = suspended
			}
		}
	case 7:
		require.NoError(w.t, app.SetConfig(map[string]any{"n": w.random.IntN(4)}))
	case 8:
		if len(units) > 0 {
			_ = units[w.random.IntN(len(units))].SetLeader()
		}
	}
}
