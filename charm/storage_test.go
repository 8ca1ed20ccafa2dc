// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/testing/charmtest"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// storedAt is a filesystem of the charm's data.
func storedAt(number string) charm.Storage {
	return charm.Storage{Storage: "data", ID: "data/" + number, Kind: "filesystem", Location: "/var/lib/juju/storage/data/" + number}
}

func TestStorages(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		u := newInUpdateStatus(t, opts)
		u.AddStorage("data")
		u.AddStorage("wal")
		u.AddStorage("data")
		wal := charm.Storage{Storage: "wal", ID: "wal/1", Kind: "block", Location: "/dev/disk/by-id/wal-1"}
		lines := u.run(func(ctx context.Context, c *charm.Charm) error {
			for range 2 {
				data, err := c.Storages(ctx, "data")
				require.NoError(t, err)
				assert.Equal(t, []charm.Storage{storedAt("0"), storedAt("2")}, data)
				data[0] = charm.Storage{} // it is ours
				all, err := c.Storages(ctx, "")
				require.NoError(t, err)
				assert.Equal(t, []charm.Storage{storedAt("0"), storedAt("2"), wal}, all)
				one, err := c.Storage(ctx, "wal/1")
				require.NoError(t, err)
				assert.Equal(t, wal, one)
				none, err := c.Storages(ctx, "logs")
				require.NoError(t, err)
				assert.Empty(t, none)
			}
			return nil
		})
		assert.Equal(t, []string{
			"storage-list --format=json -- data", "storage-get --format=json -s data/0", "storage-get --format=json -s data/2",
			"storage-list --format=json", "storage-get --format=json -s wal/1",
		}, lines, "nothing is read twice; that there are no logs is known from the list of all")
	})
}

// Of the list of all, each storage's is a part.
func TestStoragesOfAll(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		for name, list := range map[string]func(ctx context.Context, c *charm.Charm) error{
			"listed": func(ctx context.Context, c *charm.Charm) error {
				_, err := c.Storages(ctx, "")
				return err
			},
			"not listed": func(context.Context, *charm.Charm) error { return nil },
		} {
			own := *opts
			var listed []charm.Storage
			h := charmtest.New(t, func(c *charm.Charm) {
				c.EnableDefer()
				charm.On(c, func(ctx context.Context, _ events.Start) error {
					if _, deferred := charm.Deferred(ctx); !deferred {
						return charm.Defer("later")
					}
					return list(ctx, c)
				})
				charm.On(c, func(ctx context.Context, _ events.StorageAttached) error {
					if _, deferred := charm.Deferred(ctx); !deferred {
						return charm.Defer("later")
					}
					all, err := c.Storages(ctx, "data")
					if len(all) > 0 {
						all[0] = charm.Storage{} // it is ours
					}
					if err == nil {
						listed, err = c.Storages(ctx, "data")
					}
					return err
				})
			}, &own)
			h.Emit(events.Start{})
			// Both are called again in the next hook; the second, if it means anything still.
			h.AddStorage("data")
			h.ResetCalls()
			h.Emit(events.UpdateStatus{})
			assert.Equal(t, []charm.Storage{storedAt("0")}, listed, name)
			assert.Len(t, h.Calls("storage-list"), 1, name)
		}
	})
}

// An instance that is not provisioned yet is asked for once, too.
func TestStoragesThatAreMissing(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		u := newInUpdateStatus(t, opts)
		u.run(func(ctx context.Context, c *charm.Charm) error { return c.AddStorage(ctx, "data", 1) })
		assert.Equal(t, []string{"storage-list --format=json -- data", "storage-get --format=json -s data/0"}, u.run(func(ctx context.Context, c *charm.Charm) error {
			for range 2 {
				list, err := c.Storages(ctx, "data")
				require.NoError(t, err)
				assert.Equal(t, []charm.Storage{{Storage: "data", ID: "data/0"}}, list)
				one, err := c.Storage(ctx, "data/0")
				require.ErrorIs(t, err, hookcmd.ErrStorageNotFound)
				assert.Zero(t, one)
			}
			return nil
		}))
	})
}

// The event has the location and the kind: that instance is not asked for.
func TestStorageOfTheEvent(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		var seen []charm.Storage
		h := charmtest.New(t, func(c *charm.Charm) {
			charm.On(c, func(ctx context.Context, ev events.StorageEvent) error {
				seen = append(seen, ev.Ref())
				one, err := c.Storage(ctx, ev.Ref().ID)
				require.NoError(t, err)
				assert.Equal(t, ev.Ref(), one)
				return nil
			})
		}, opts)
		h.AddStorage("data")
		h.DetachStorage("data/0")
		assert.Equal(t, []charm.Storage{storedAt("0"), storedAt("0")}, seen)
		assert.Empty(t, h.Calls())
	})
}

// What the charm has asked for is there before it can be used.
func TestAddStorage(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		u := newInUpdateStatus(t, opts)
		assert.Equal(t, []string{"storage-add -- data=2"}, u.run(func(ctx context.Context, c *charm.Charm) error {
			return c.AddStorage(ctx, "data", 2)
		}))
		u.run(func(ctx context.Context, c *charm.Charm) error {
			list, err := c.Storages(ctx, "data")
			require.NoError(t, err)
			assert.Equal(t, []charm.Storage{{Storage: "data", ID: "data/0"}, {Storage: "data", ID: "data/1"}}, list)
			_, err = c.Storage(ctx, "data/0")
			require.ErrorIs(t, err, hookcmd.ErrStorageNotFound)
			return nil
		})
		u.StorageHooks()
		u.run(func(ctx context.Context, c *charm.Charm) error {
			list, err := c.Storages(ctx, "data")
			require.NoError(t, err)
			assert.Equal(t, []charm.Storage{storedAt("0"), storedAt("1")}, list)
			_, err = c.Storage(ctx, "data/7")
			require.ErrorIs(t, err, hookcmd.ErrStorageNotFound)
			return nil
		})
		u.do = func(ctx context.Context, c *charm.Charm) error { return c.AddStorage(ctx, "wal", 2) }
		require.ErrorContains(t, u.Try(func() { u.Emit(events.UpdateStatus{}) }), "flush refused", "only Juju knows how many there can be")
	})
}

func TestStorageMisuse(t *testing.T) {
	t.Parallel()
	agent := &testagent.Agent{}
	within(t, agent, func(ctx context.Context, c *charm.Charm) {
		for _, id := range []string{"", "data", "data/", "/0", "data/x", "data/-1", "data/00", "data/0/1", "Data/0", "da ta/0", "--/0", "data/99999999999999999999"} {
			_, err := c.Storage(ctx, id)
			require.EqualError(t, err, `cannot get storage "`+id+`": it is no storage ID; those are like "data/0"`)
		}
		for _, name := range []string{"", "data=1", "data,logs", "-data", "data-", "da--ta", "data-1", "1data", "Data", "dàta", "a b"} {
			require.EqualError(t, c.AddStorage(ctx, name, 1), `cannot add storage "`+name+`": it is no name of a storage`)
		}
		require.EqualError(t, c.AddStorage(ctx, "data", 0), `cannot add storage "data": the count is 0; at least one can be added`)
		require.EqualError(t, c.AddStorage(ctx, "data", -3), `cannot add storage "data": the count is -3; at least one can be added`)
	})
	assert.Empty(t, agent.Calls())
}

// Juju lists in no order, and sorts in none that we would want.
func TestStoragesAreSorted(t *testing.T) {
	t.Parallel()
	agent := &testagent.Agent{Intercept: func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		if call.Command == "storage-list" {
			return hookcmdtest.Answer{Stdout: `["wal/3","data/10","data-b/1","data/2"]`}, true
		}
		return hookcmdtest.Answer{Stdout: `{"kind":"filesystem","location":"/srv"}`}, true
	}}
	within(t, agent, func(ctx context.Context, c *charm.Charm) {
		list, err := c.Storages(ctx, "")
		require.NoError(t, err)
		var ids []string
		for _, s := range list {
			ids = append(ids, s.ID)
		}
		assert.Equal(t, "data/2 data/10 data-b/1 wal/3", strings.Join(ids, " "))
	})
}

func TestStorageAsRecorded(t *testing.T) {
	t.Parallel()
	within(t, recordedAnswer(t, "4", "storage/get-bad-id", "storage-get", "--format=json", "-s", "data"), func(ctx context.Context, c *charm.Charm) {
		_, err := c.Storage(ctx, "data/0")
		require.ErrorContains(t, err, "invalid storage ID")
	})
	within(t, recordedAnswer(t, "4", "storage/list-none-json", "storage-list", "--format=json"), func(ctx context.Context, c *charm.Charm) {
		list, err := c.Storages(ctx, "")
		require.NoError(t, err)
		assert.Empty(t, list)
	})
	within(t, recordedAnswer(t, "4", "storage/add-unknown-name", "storage-add", "nosuch=1"), func(ctx context.Context, c *charm.Charm) {
		require.NoError(t, c.AddStorage(ctx, "nosuch", 1), "Juju does not tell before the dispatch ends")
	})
}

// A failure is told as such, not taken for an instance that is still to come.
func TestStoragesFail(t *testing.T) {
	t.Parallel()
	agent := &testagent.Agent{Intercept: func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		if call.Command == "storage-list" {
			return hookcmdtest.Answer{Stdout: `["data/0"]`}, true
		}
		return hookcmdtest.Failure(1, "no connection"), true
	}}
	within(t, agent, func(ctx context.Context, c *charm.Charm) {
		_, err := c.Storages(ctx, "data")
		require.ErrorContains(t, err, "no connection")
	})
}
