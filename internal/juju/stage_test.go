// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// stage is a model whose charms do what a test says, hook by hook.
type stage struct {
	t     *testing.T
	m     *juju.Model
	hooks []string // that ran, "app/0 install"
	// play is called for every hook, with its line in hooks.
	play func(hook string, h *juju.Hook, c *hookcmd.Client) error
}

func newStage(t *testing.T, opts *juju.Options) *stage {
	t.Helper()
	return &stage{t: t, m: juju.New(opts)}
}

// parse returns a charm, of which name, summary and description are added.
func parse(t *testing.T, name, metadata, actions string) *charmdir.Charm {
	t.Helper()
	files := charmdir.Files{Metadata: []byte("name: " + name + "\nsummary: x\ndescription: x\n" + metadata + "\n")}
	if actions != "" {
		files.Actions = []byte(actions)
	}
	charm, err := charmdir.Parse(files)
	require.NoError(t, err)
	return charm
}

func (s *stage) deploy(name, metadata, actions string, units int) *juju.Application {
	s.t.Helper()
	a, err := s.m.Deploy(juju.Deployment{Charm: parse(s.t, name, metadata, actions), Executor: s, Units: units})
	require.NoError(s.t, err)
	return a
}

func (s *stage) Execute(ctx context.Context, h *juju.Hook) juju.Exit {
	hook := h.Unit().Name + " " + h.Name()
	s.hooks = append(s.hooks, hook)
	if s.play == nil {
		return juju.Exit{}
	}
	if err := s.play(hook, h, hookcmd.New(h, nil)); err != nil {
		return juju.Exit{Code: 1, Err: err, Stderr: []byte(err.Error())}
	}
	return juju.Exit{}
}

// in has the charm do something in one hook, the first time it runs.
func (s *stage) in(hook string, do func(h *juju.Hook, c *hookcmd.Client) error) {
	before, done := s.play, false
	s.play = func(running string, h *juju.Hook, c *hookcmd.Client) error {
		if running == hook && !done {
			done = true
			return do(h, c)
		}
		if before != nil {
			return before(running, h, c)
		}
		return nil
	}
}

// settle returns the hooks that run until none is due.
func (s *stage) settle() []string {
	s.t.Helper()
	s.hooks = nil
	_, err := s.m.Settle(s.t.Context(), nil)
	require.NoError(s.t, err)
	return s.hooks
}

// of returns the hooks of a unit without its name.
func of(unit string, hooks []string) []string {
	var own []string
	for _, hook := range hooks {
		if name, ok := strings.CutPrefix(hook, unit+" "); ok {
			own = append(own, name)
		}
	}
	return own
}

// command runs a hook command as text, and returns what it printed.
func command(h *juju.Hook, name string, args ...string) (string, error) {
	out, err := h.Run(context.Background(), hookcmd.Call{Command: name, Args: args})
	return string(out), err
}

// without returns the hooks but those named.
func without(hooks []string, names ...string) []string {
	return slices.DeleteFunc(slices.Clone(hooks), func(hook string) bool { return slices.Contains(names, hook) })
}
