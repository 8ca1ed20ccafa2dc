// SPDX-License-Identifier: Apache-2.0

package desk_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/desk"
	"github.com/charmsmith/charmsmith/internal/process/mountns"
)

func TestUnrelocated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, file := range map[string]struct {
		text string
		mode os.FileMode
	}{
		"pebble":              {"#!/bin/sh\n", 0o755},
		"self":                {"#!/bin/sh\n", 0o755},
		"charm/dispatch":      {"#!/bin/sh\n", 0o755},
		"charm/metadata.yaml": {"name: pod\nsummary: x\ndescription: x\ncontainers: {web: {}}\n", 0o644},
		"plain/dispatch":      {"#!/bin/sh\n", 0o755},
		"plain/metadata.yaml": {"name: plain\nsummary: x\ndescription: x\n", 0o644},
	} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(file.text), file.mode))
	}
	self := filepath.Join(dir, "self") // makes no mounts, so that only a privileged user has namespaces
	ns, err := mountns.New(mountns.Options{Dir: filepath.Join(dir, "plain"), At: "/charm/containers", Self: self})
	if err == nil {
		require.NoError(t, ns.Close())
	}
	d, newErr := desk.New(&desk.Options{CAAS: true, Self: self, Pebble: filepath.Join(dir, "pebble")})
	require.NoError(t, newErr)
	defer func() { assert.NoError(t, d.Close()) }()
	require.NoError(t, d.Deploy(t.Context(), desk.Deployment{Path: filepath.Join(dir, "plain"), Units: 1}))
	require.NoError(t, d.Settle(t.Context()))
	assert.False(t, d.Unrelocated(), "without containers")
	require.NoError(t, d.Deploy(t.Context(), desk.Deployment{Path: filepath.Join(dir, "charm"), Units: 1}))
	require.NoError(t, d.Settle(t.Context()))
	assert.Equal(t, err != nil, d.Unrelocated())
}
