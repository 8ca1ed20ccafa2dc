// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

const withStorage = `
storage:
  data: {type: filesystem, location: /srv/data}
  logs: {type: filesystem, multiple: {range: 2-3}}
  disk: {type: block, multiple: {range: 0+}}
peers: {peers: peers}
`

func TestStorageComesBeforeInstallOnMachines(t *testing.T) {
	t.Parallel()
	s := newStage(t, &juju.Options{Seed: 3})
	u := s.deploy("app", withStorage, "", 1).Units()[0]
	hooks := of("app/0", s.settle())
	attached := hooks[:3]
	slices.Sort(attached)
	assert.Equal(t, []string{"data-storage-attached", "logs-storage-attached", "logs-storage-attached"}, attached)
	assert.Equal(t, []string{"install", "peers-relation-created", "leader-elected", "config-changed", "start"}, hooks[3:])
	locations := make(map[string]string)
	for _, storage := range u.Storage() {
		locations[storage.ID] = storage.Kind + " " + storage.Location
	}
	assert.Equal(t, map[string]string{
		"data/0": "filesystem /srv/data", "logs/1": "filesystem /var/lib/juju/storage/logs/1", "logs/2": "filesystem /var/lib/juju/storage/logs/2",
	}, locations)
}

func TestStorageComesAfterInstallOnKubernetes(t *testing.T) {
	t.Parallel()
	places := make(map[int]bool)
	for seed := range uint64(20) {
		s := newStage(t, &juju.Options{Seed: seed, CAAS: true})
		s.deploy("app", withStorage, "", 1)
		hooks := of("app/0", s.settle())
		require.Equal(t, "install", hooks[0])
		last := slices.Index(hooks, "config-changed")
		for i, hook := range hooks {
			if hook == "data-storage-attached" || hook == "logs-storage-attached" {
				places[i] = true
				assert.Less(t, i, last, hooks)
			}
		}
	}
	assert.Greater(t, len(places), 2, "the order of storage is open")
}

func TestStorageOfAUnitThatGoes(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.deploy("app", withStorage, "", 1)
	s.settle()
	require.NoError(t, s.m.Unit("app/0").Remove())
	hooks := of("app/0", s.settle())
	assert.ElementsMatch(t, []string{"data-storage-detaching", "logs-storage-detaching", "logs-storage-detaching"}, hooks[:3])
	assert.Equal(t, []string{"stop", "remove"}, hooks[3:])
}

func TestDetachStorage(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	app := s.deploy("app", withStorage, "", 2)
	s.settle()
	first, second := app.Units()[0], app.Units()[1]
	require.NoError(t, first.DetachStorage("data/0"))
	assert.ErrorContains(t, first.DetachStorage("data/0"), "it is being detached")
	assert.ErrorContains(t, first.AttachStorage("data/0"), "there is no such storage, or it is attached")
	s.in("app/0 data-storage-detaching", func(h *juju.Hook, c *hookcmd.Client) error {
		info, err := c.StorageGet(t.Context(), "data/0")
		assert.Equal(t, hookcmd.StorageInfo{Kind: "filesystem", Location: "/srv/data"}, info)
		return err
	})
	assert.Equal(t, []string{"app/0 data-storage-detaching"}, s.settle())
	assert.ErrorContains(t, second.AttachStorage("data/0"), "at most 1 instances supported, 2 specified")
	require.NoError(t, first.AttachStorage("data/0"))
	assert.Equal(t, []string{"app/0 data-storage-attached"}, s.settle())
	_, err := first.AddStorage("disk", 2)
	require.NoError(t, err)
	assert.Equal(t, []string{"app/0 disk-storage-attached", "app/0 disk-storage-attached"}, s.settle())
	_, err = first.AddStorage("logs", 2)
	assert.EqualError(t, err, `cannot add storage to unit app/0: storage "logs": at most 3 instances supported, 4 specified`)
}

// What was never attached, as far as the charm knows, goes without a word.
func TestDetachStorageThatWasNotAttached(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	u := s.deploy("app", withStorage, "", 1).Units()[0]
	s.settle()
	added, err := u.AddStorage("disk", 1)
	require.NoError(t, err)
	require.NoError(t, u.DetachStorage(added[0].ID))
	assert.Empty(t, s.settle())
	assert.Len(t, u.Storage(), 3)
}

func TestStorageAdd(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	u := s.deploy("app", withStorage, "", 1).Units()[0]
	s.in("app/0 start", func(h *juju.Hook, c *hookcmd.Client) error { return c.StorageAdd(t.Context(), "disk", 2) })
	s.in("app/0 disk-storage-attached", func(h *juju.Hook, c *hookcmd.Client) error {
		text, err := command(h, "storage-get", "location") // of the hook's own
		assert.Contains(t, text, "/dev/disk/by-id/disk-")
		return err
	})
	hooks := s.settle()
	assert.Equal(t, []string{"app/0 disk-storage-attached", "app/0 disk-storage-attached"}, hooks[len(hooks)-2:])
	assert.Len(t, u.Storage(), 5)
}

func TestStorageAddIsRefusedAtTheFlush(t *testing.T) {
	t.Parallel()
	for storage, want := range map[string]string{"nosuch": `charm storage "nosuch" not found`, "data": `at most 1 instances supported, 2 specified`} {
		t.Run(storage, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, nil)
			u := s.deploy("app", withStorage, "", 1).Units()[0]
			s.in("app/0 start", func(h *juju.Hook, c *hookcmd.Client) error {
				require.NoError(t, c.StorageAdd(t.Context(), storage, 1))
				return nil
			})
			for s.m.Step(t.Context()) {
			}
			assert.Equal(t, "error", u.Workload().Status)
			var trace traceText
			require.NoError(t, s.m.WriteTrace(&trace, 0))
			assert.Contains(t, string(trace), want)
			s.settle() // which retries, and the charm thinks better of it
			assert.Len(t, u.Storage(), 3)
		})
	}
}

// traceText is what Model.WriteTrace writes.
type traceText string

func (t *traceText) Write(p []byte) (int, error) {
	*t += traceText(p)
	return len(p), nil
}

func TestStorageCommands(t *testing.T) {
	t.Parallel()
	s := newStage(t, &juju.Options{CAAS: true})
	s.deploy("app", withStorage, "", 1)
	ran := false
	s.in("app/0 start", func(h *juju.Hook, c *hookcmd.Client) error {
		ran = true
		for _, test := range []struct{ command, stderr string }{
			{"storage-get -s data/9", `invalid value "data/9" for option -s: storage "data/9" attachment on unit "app/0" not found (exit code 2)`},
			{"storage-add disk=0", `cannot parse directive for storage "disk": parsing storage count: count must be greater than zero, got "0" (exit code 2)`},
			{"storage-add disk=10G", `only count can be specified for "disk" (exit code 2)`},
			{"storage-add disk=ebs,2", `only count can be specified for "disk" (exit code 2)`},
			{"storage-add disk=!", `cannot parse directive for storage "disk": unrecognized storage directive "!" (exit code 2)`},
			{"storage-add disk=1=2", `expected "name=directive" or "name", got "disk=1=2" (exit code 2)`},
			{"storage-add disk disk=2", `storage "disk" specified more than once (exit code 2)`},
		} {
			words := strings.Fields(test.command)
			_, err := command(h, words[0], words[1:]...)
			assert.ErrorContains(t, err, test.stderr)
		}
		_, err := c.StorageGet(t.Context(), "data/9")
		assert.ErrorIs(t, err, hookcmd.ErrStorageNotFound)
		return nil
	})
	s.settle()
	assert.True(t, ran)
}
