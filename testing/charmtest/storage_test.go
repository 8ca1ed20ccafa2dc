// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

func TestStorage(t *testing.T) {
	t.Parallel()
	var seen diary
	h := charmtest.New(t, seen.register, &charmtest.Options{Metadata: magpie})
	assert.Empty(t, h.Storage())

	data := h.AddStorage("data")
	assert.Equal(t, charmtest.Storage{ID: "data/0", Kind: "filesystem", Location: "/var/lib/juju/storage/data/0"}, data)
	wal := h.AddStorage("wal")
	assert.Equal(t, charmtest.Storage{ID: "wal/1", Kind: "block", Location: "/dev/disk/by-id/wal-1"}, wal)
	assert.Equal(t, []charmtest.Storage{data, wal}, h.Storage())

	h.DetachStorage("data/0")
	assert.Equal(t, []charmtest.Storage{wal}, h.Storage())
	h.AttachStorage("data/0")
	ref := events.StorageRef{Storage: "data", ID: "data/0", Kind: "filesystem", Location: data.Location}
	assert.Equal(t, []events.Event{
		events.StorageAttached{StorageRef: ref},
		events.StorageAttached{StorageRef: events.StorageRef{Storage: "wal", ID: "wal/1", Kind: "block", Location: wal.Location}},
		events.StorageDetaching{StorageRef: ref},
		events.StorageAttached{StorageRef: ref},
	}, seen.take(h.Unit()))
}

// What the charm requires is attached from the start.
func TestRequiredStorage(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, nothing, &charmtest.Options{Metadata: database + "storage: {data: {type: filesystem, location: /srv/data}}\n"})
	assert.Equal(t, []charmtest.Storage{{ID: "data/0", Kind: "filesystem", Location: "/srv/data"}}, h.Storage())
}

// A charm that asks for storage has it when Juju has made it.
func TestStorageAdd(t *testing.T) {
	t.Parallel()
	var seen diary
	h := charmtest.New(t, func(c *charm.Charm) {
		seen.register(c)
		charm.On(c, func(ctx context.Context, _ events.Start) error { return c.HookCommands().StorageAdd(ctx, "data", 2) })
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
			return c.HookCommands().StorageAdd(ctx, "data", 1)
		})
	}, &charmtest.Options{Metadata: magpie})
	h.Emit(events.Start{})
	assert.Equal(t, []string{"start"}, seen.names(h.Unit()))
	h.StorageHooks()
	assert.Equal(t, []string{"data-storage-attached", "data-storage-attached"}, seen.names(h.Unit()))
	assert.Len(t, h.Storage(), 2)

	err := h.Try(func() { h.Emit(events.UpdateStatus{}) })
	require.ErrorContains(t, err, "update-status: flush refused: ")
	require.ErrorContains(t, err, `storage "data": at most 2 instances supported, 3 specified`)
}

func TestStorageDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	register := func(c *charm.Charm) {
		charm.On(c, func(_ context.Context, ev events.StorageAttached) error {
			return os.WriteFile(filepath.Join(ev.Location, "file"), []byte(ev.ID), 0o600)
		})
	}
	metadata := "name: app\ntype: charm\nsummary: x\ndescription: x\nstorage: {data: {type: filesystem, location: /srv/data}}\n"
	m := charmtest.NewModel(t, &charmtest.ModelOptions{StorageDir: dir})
	m.DeployCharm("app", register, 2, &charmtest.DeployOptions{Metadata: metadata})
	m.Settle()
	for _, id := range []string{"data/0", "data/1"} {
		text, err := os.ReadFile(filepath.Join(dir, id, "file"))
		require.NoError(t, err)
		assert.Equal(t, id, string(text))
	}
}
