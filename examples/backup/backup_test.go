// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// newSource returns a directory with a file.
func newSource(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "letter"), []byte("Dear all,"), 0o600))
	return dir
}

// newUnit is a leader that is configured.
func newUnit(t *testing.T) *charmtest.Harness {
	t.Helper()
	h := charmtest.New(t, register, &charmtest.Options{StorageDir: t.TempDir(), Leader: true})
	h.SetConfig(map[string]any{"source": newSource(t)})
	require.Equal(t, "active", h.Status().Status, h.Status().Message)
	return h
}

// backup runs the action, and returns the archive's name.
func backup(t *testing.T, h *charmtest.Harness, params map[string]any) string {
	t.Helper()
	result := h.RunAction("backup", params)
	require.Equal(t, "completed", result.Status, result.Message)
	return result.Results["archive"].(map[string]any)["name"].(string)
}

func TestConfig(t *testing.T) {
	t.Parallel()
	h := charmtest.New(t, register, &charmtest.Options{StorageDir: t.TempDir()})
	for _, row := range []struct {
		option  string
		value   any
		blocked string // empty: active
	}{
		{"port", 80, `option "source": must be set`},
		{"source", "home", `option "source": must be an absolute path (value "home")`},
		{"source", "/home", ""},
		{"keep", 0, `option "keep": must be from 1 to 100 (value "0")`},
		{"keep", 1, ""},
		{"port", 80000, `option "port": must be from 0 to 65535 (value "80000")`},
		{"port", 8080, ""},
		{"max-age", "1 day", `option "max-age": must be a duration, such as "90s" or "1h30m" (value "1 day")`},
		{"max-age", "24h", ""},
	} {
		h.SetConfig(map[string]any{row.option: row.value})
		if row.blocked != "" {
			assert.Equal(t, "blocked", h.Status().Status, row)
			assert.Equal(t, row.blocked, h.Status().Message, row)
			continue
		}
		assert.Equal(t, "active", h.Status().Status, row)
	}
	assert.Equal(t, []hookcmd.EndpointPorts{{PortRange: hookcmd.PortRange{Protocol: "tcp", From: 8080, To: 8080}}}, h.OpenedPorts())
}

func TestBackup(t *testing.T) {
	t.Parallel()
	h := newUnit(t)
	assert.Equal(t, "no archives", h.Status().Message)

	result := h.RunAction("backup", map[string]any{"note": "before the move"})
	require.Equal(t, "completed", result.Status, result.Message)
	made := result.Results["archive"].(map[string]any)
	assert.Equal(t, "before the move", made["note"])
	assert.Len(t, made["checksum"], 64)
	assert.NotContains(t, result.Results, "removed")
	require.Len(t, result.Log, 1)
	assert.Contains(t, result.Log[0], "reading /")
	assert.Equal(t, "archives: 1, the last: "+made["name"].(string), h.Status().Message)
	assert.FileExists(t, filepath.Join(made["dir"].(string), made["name"].(string)))

	second := backup(t, h, nil)
	result = h.RunAction("backup", map[string]any{"keep": 2})
	require.Equal(t, "completed", result.Status, result.Message)
	assert.Equal(t, `["`+made["name"].(string)+`"]`, result.Results["removed"])
	assert.NoFileExists(t, filepath.Join(made["dir"].(string), made["name"].(string)))
	assert.Contains(t, h.State()["archives"], second)
	assert.Equal(t, "error", h.RunAction("backup", map[string]any{"keep": 0}).Status, "refused by Juju")
}

// TestBackupFails leaves what was there: neither a file nor state.
func TestBackupFails(t *testing.T) {
	t.Parallel()
	h := newUnit(t)
	h.SetConfig(map[string]any{"source": "/nowhere/at/all"})
	result := h.RunAction("backup", nil)
	assert.Equal(t, "failed", result.Status)
	assert.Contains(t, result.Message, "no such file or directory")
	assert.Empty(t, h.State())
	files, err := filepath.Glob(filepath.Join(h.Storage()[0].Location, "archives", "*.gz"))
	require.NoError(t, err)
	assert.Empty(t, files)

	h.ResetConfig("source")
	assert.Equal(t, `cannot use option "source": must be set`, h.RunAction("backup", nil).Message)
}

func TestVerify(t *testing.T) {
	t.Parallel()
	h := newUnit(t)
	first := backup(t, h, nil)
	backup(t, h, nil)
	assert.Equal(t, map[string]any{"intact": "2"}, h.RunAction("verify", nil).Results)

	path := filepath.Join(h.Storage()[0].Location, "archives", first)
	require.NoError(t, os.WriteFile(path, []byte("Dear none,"), 0o600))
	result := h.RunAction("verify", nil)
	assert.Equal(t, "failed", result.Status)
	assert.Equal(t, "archives are gone, were changed, or are signed with another key", result.Message)
	assert.Equal(t, map[string]any{"intact": "1", "changed": `["` + first + `"]`}, result.Results)
}

// TestSigningKey is an option of type secret, from the operator's mistakes on.
func TestSigningKey(t *testing.T) {
	t.Parallel()
	h := newUnit(t)
	key := h.AddUserSecret("signing", map[string]string{"password": "cat"})
	h.SetConfig(map[string]any{"signing-key": key.URI()})
	assert.Contains(t, h.Status().Message, `option "signing-key": must have a value "key"`)

	key.SetContent(map[string]string{"key": "cat"}) // secret-changed
	require.Equal(t, "active", h.Status().Status, h.Status().Message)
	backup(t, h, nil)
	assert.Equal(t, "completed", h.RunAction("verify", nil).Status)
	key.SetContent(map[string]string{"key": "dog"})
	assert.Equal(t, "failed", h.RunAction("verify", nil).Status, "signed with another key")

	key.Revoke("backup")
	assert.Contains(t, h.RunAction("backup", nil).Message, "must be a secret that is granted to backup")
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, "blocked", h.Status().Status)
}

// TestSecretsAreReadOnce: the key is needed by the archives and for the status, the
// token for the server and the clients, and Juju is asked for each once in a hook.
func TestSecretsAreReadOnce(t *testing.T) {
	t.Parallel()
	h := newUnit(t)
	h.Relate("clients", "reader").Join("reader/0", nil)
	key := h.AddUserSecret("signing", map[string]string{"key": "cat"})
	h.SetConfig(map[string]any{"signing-key": key.URI()})
	token := h.Secret(tokenLabel)
	for _, hook := range []func(){func() { h.Emit(events.UpdateStatus{}) }, func() { h.Emit(events.SecretRotate{SecretRef: events.SecretRef{ID: token.URI(), Label: tokenLabel}}) }} {
		h.ResetCalls()
		hook()
		read := make(map[string][]string) // by event
		for _, call := range h.Calls("secret-get") {
			read[call.Event] = append(read[call.Event], call.Args[len(call.Args)-1])
		}
		require.NotEmpty(t, read)
		for event, secrets := range read {
			assert.ElementsMatch(t, []string{key.URI(), token.URI()}, secrets, event)
		}
	}
}

func TestMaxAge(t *testing.T) {
	t.Parallel()
	h := newUnit(t)
	h.SetConfig(map[string]any{"max-age": "24h"})
	assert.Equal(t, "active", h.Status().Status, "nothing is too old")
	backup(t, h, nil)
	h.Advance(23 * time.Hour)
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, "active", h.Status().Status)
	h.Advance(2 * time.Hour)
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, "blocked", h.Status().Status)
	assert.Equal(t, "the last archive is older than 24h0m0s: run the action backup", h.Status().Message)
}

// TestToken is the secret that the charm owns, as one client sees it.
func TestToken(t *testing.T) {
	t.Parallel()
	h := newUnit(t)
	client := h.Relate("clients", "reader")
	client.Join("reader/0", nil)
	token := h.Secret(tokenLabel)
	assert.Equal(t, []string{"reader"}, token.Info().GrantedTo)
	assert.Equal(t, "8080", client.LocalApp()["port"])
	assert.Contains(t, client.LocalApp()["token"], strings.TrimPrefix(token.URI(), "secret:"))
	first := token.ReadBy("reader/0")["token"]
	assert.Equal(t, first, served(t, h.Storage()[0].Location))

	h.Advance(time.Hour)
	second := token.Content(0)["token"]
	assert.NotEqual(t, first, second)
	assert.Equal(t, second, served(t, h.Storage()[0].Location))
	assert.Equal(t, []int{1, 2}, token.Info().Revisions, "the client has the first one still")
	token.ReadBy("reader/0")
	assert.Equal(t, []int{2}, token.Info().Revisions)
}

// served returns the token that the archive server is given.
func served(t require.TestingT, storage string) string {
	text, err := os.ReadFile(filepath.Join(storage, "archives", "token"))
	require.NoError(t, err)
	return string(text)
}

// TestStorage has new archives go to new storage, and go away with it.
func TestStorage(t *testing.T) {
	t.Parallel()
	h := newUnit(t)
	backup(t, h, nil)
	added := h.AddStorage("archives")
	last := backup(t, h, nil)
	assert.FileExists(t, filepath.Join(added.Location, "archives", last))
	assert.Contains(t, h.Status().Message, "archives: 2")
	h.DetachStorage(added.ID)
	assert.Contains(t, h.Status().Message, "archives: 1")
	assert.NotContains(t, h.State()["archives"], last)
}
