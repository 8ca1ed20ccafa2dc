// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// Database is an interface library: it makes of the events of one endpoint typed
// callbacks of its own, by what package charm offers to everybody.
type Database struct {
	charm    *charm.Charm
	endpoint string
	seen     *charm.Stored[string] // the host that the charm was told of
	onHost   []func(context.Context, Host) error
}

// Host is where a database is.
type Host struct{ Endpoint, Name string }

// NewDatabase returns the library for an endpoint, and is called in register; for
// several endpoints several times.
func NewDatabase(c *charm.Charm, endpoint string) *Database {
	d := &Database{charm: c, endpoint: endpoint, seen: charm.NewStored[string](c, "database/"+endpoint+"/seen")}
	charm.OnRelation(c, endpoint, d.changed).Name("database/" + endpoint + "/changed")
	charm.OnRelation(c, endpoint, d.broken).Name("database/" + endpoint + "/broken")
	return d
}

// OnHost registers what is called when the database is at another host; the name
// is empty if there is none any more. It may return charm.Defer.
func (d *Database) OnHost(handle func(context.Context, Host) error) {
	d.onHost = append(d.onHost, handle)
}

func (d *Database) changed(ctx context.Context, ev events.RelationChanged) error {
	host, err := d.charm.Relation(ev).RemoteApp().Get(ctx, "host")
	if err != nil {
		return err
	}
	return d.tell(ctx, host)
}

func (d *Database) broken(ctx context.Context, _ events.RelationBroken) error { return d.tell(ctx, "") }

func (d *Database) tell(ctx context.Context, host string) error {
	seen, err := d.seen.Get(ctx)
	if err != nil || seen == host {
		return err
	}
	for _, handle := range d.onHost {
		if err := handle(ctx, Host{d.endpoint, host}); err != nil {
			return err
		}
	}
	return d.seen.Set(ctx, host)
}

// Two instances of a library, on two endpoints, know nothing of each other: not
// their events, not their state, not what they have deferred.
func TestTwoInstancesOfALibrary(t *testing.T) {
	t.Parallel()
	for name, textOnly := range map[string]bool{"by value": false, "as text": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var called calls
			ready := map[string]bool{}
			h := charmtest.New(t, func(c *charm.Charm) {
				c.EnableDefer()
				for _, endpoint := range []string{"db", "cache"} {
					NewDatabase(c, endpoint).OnHost(func(_ context.Context, host Host) error {
						called.add("%s at %q", host.Endpoint, host.Name)
						if host.Name != "" && !ready[host.Endpoint] {
							return charm.Defer(host.Endpoint + " is not ready")
						}
						return nil
					})
				}
			}, &charmtest.Options{Metadata: keeper, TextOnly: textOnly})
			db, cache := h.Relate("db", "mysql"), h.Relate("cache", "redis")
			db.UpdateApp(map[string]string{"host": "10.0.0.1"})
			cache.UpdateApp(map[string]string{"host": "10.0.0.2"})
			assert.Equal(t, []string{`db at "10.0.0.1"`, `db at "10.0.0.1"`, `cache at "10.0.0.2"`}, called.take())

			ready["cache"] = true
			h.Emit(events.UpdateStatus{})
			assert.Equal(t, []string{`db at "10.0.0.1"`, `cache at "10.0.0.2"`}, called.take())
			assert.Equal(t, `"10.0.0.2"`, h.State()["database/cache/seen"])
			require.Len(t, h.Deferred(), 1)
			assert.Equal(t, "database/db/changed", h.Deferred()[0].Handler)
			assert.Equal(t, "db is not ready", h.Deferred()[0].Reason)

			ready["db"] = true
			h.Emit(events.UpdateStatus{})
			assert.Equal(t, map[string]string{"database/db/seen": `"10.0.0.1"`, "database/cache/seen": `"10.0.0.2"`}, h.State())
			called.take()
			cache.Break()
			assert.Equal(t, []string{`cache at ""`}, called.take())
			assert.Equal(t, `""`, h.State()["database/cache/seen"])
			assert.Equal(t, `"10.0.0.1"`, h.State()["database/db/seen"])
		})
	}
}

// The same library twice on one endpoint is a mistake, which names the key.
func TestTwoInstancesOnOneEndpoint(t *testing.T) {
	t.Parallel()
	h := newKeeper(t, func(c *charm.Charm) {
		NewDatabase(c, "db")
		NewDatabase(c, "db")
	})
	err := h.Try(func() { h.Emit(events.Start{}) })
	require.ErrorContains(t, err, `charm.NewStored: the key "database/db/seen" is used twice; a library has its endpoint in its keys`)
}

// The callbacks of a library fail and panic like handlers.
func TestLibraryFails(t *testing.T) {
	t.Parallel()
	var called []Host
	h := newKeeper(t, func(c *charm.Charm) {
		d := NewDatabase(c, "db")
		d.OnHost(func(_ context.Context, host Host) error { called = append(called, host); return nil })
		d.OnHost(func(_ context.Context, host Host) error {
			if len(called) == 1 {
				panic(fmt.Sprint("cannot use ", host.Name))
			}
			return errors.Join()
		})
	})
	db := h.Relate("db", "mysql")
	err := h.Try(func() { db.UpdateApp(map[string]string{"host": "a"}) })
	require.ErrorContains(t, err, "cannot handle db-relation-changed in github.com/charmsmith/charmsmith/charm_test.(*Database).changed: panic: cannot use a")
	assert.Empty(t, h.State())
	h.Again()
	assert.True(t, slices.Equal([]Host{{"db", "a"}, {"db", "a"}}, called))
	assert.Equal(t, map[string]string{"database/db/seen": `"a"`}, h.State())
}
