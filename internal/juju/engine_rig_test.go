// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// patience is how long a test waits for what has to happen.
const patience = time.Minute

// yard is a model with an Engine, whose charms do what a test says.
type yard struct {
	t *testing.T
	m *juju.Model
	e *juju.Engine

	mu      sync.Mutex
	plays   map[string][]play // by hook, "app/0 install", in the order they are played
	always  map[string]play
	every   play
	active  map[string]bool // units whose charm runs
	most    int             // that ran at once
	double  []string        // hooks that ran while another of their unit did
	reports []juju.Report
}

// play is what a charm does in a hook.
type play func(ctx context.Context, h *juju.Hook, c *hookcmd.Client) error

func newYard(t *testing.T, opts *juju.Options) *yard {
	t.Helper()
	return &yard{t: t, m: juju.New(opts), plays: make(map[string][]play), always: make(map[string]play), active: make(map[string]bool)}
}

// start starts the Engine, which ends with the test.
func (y *yard) start(parallel int) {
	y.t.Helper()
	y.e = y.m.Start(juju.EngineOptions{Parallel: parallel, Report: func(r juju.Report) {
		y.mu.Lock()
		defer y.mu.Unlock()
		y.reports = append(y.reports, r)
	}})
	y.t.Cleanup(y.e.Stop)
}

func (y *yard) deploy(name, metadata string, units int) *juju.Application {
	y.t.Helper()
	app, err := y.m.Deploy(juju.Deployment{Charm: configured(y.t, name, metadata), Executor: y, Units: units})
	require.NoError(y.t, err)
	return app
}

func (y *yard) Execute(ctx context.Context, h *juju.Hook) juju.Exit {
	unit := h.Unit().Name
	hook := unit + " " + h.Name()
	y.mu.Lock()
	if y.active[unit] {
		y.double = append(y.double, hook)
	}
	y.active[unit] = true
	y.most = max(y.most, len(y.active))
	do := y.always[hook]
	if next := y.plays[hook]; len(next) > 0 {
		do, y.plays[hook] = next[0], next[1:]
	}
	if do == nil {
		do = y.every
	}
	y.mu.Unlock()
	var err error
	if do != nil {
		err = do(ctx, h, hookcmd.New(h, nil))
	}
	y.mu.Lock()
	delete(y.active, unit)
	y.mu.Unlock()
	switch {
	case err == nil:
		return juju.Exit{}
	case errors.Is(err, errKilled):
		return juju.Exit{Signal: syscall.SIGKILL}
	}
	return juju.Exit{Code: 1, Err: err, Stderr: []byte(err.Error())}
}

// in has a hook do something the next time it runs that nothing is said of yet.
func (y *yard) in(hook string, do play) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.plays[hook] = append(y.plays[hook], do)
}

// ever has a hook do something whenever it runs; nil ends that.
func (y *yard) ever(hook string, do play) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.always[hook] = do
}

// fails has a hook fail the next n times.
func (y *yard) fails(hook string, n int) {
	for range n {
		y.in(hook, func(context.Context, *juju.Hook, *hookcmd.Client) error {
			return fmt.Errorf("%s does not like it", hook)
		})
	}
}

// gate is a hook that waits to be let through.
type gate struct {
	y       *yard
	hook    string
	entered chan struct{}
	let     chan error
}

// gate has a hook wait, the next time it runs. A hook that is killed does not.
func (y *yard) gate(hook string) *gate {
	g := &gate{y, hook, make(chan struct{}), make(chan error, 1)}
	y.in(hook, func(ctx context.Context, _ *juju.Hook, _ *hookcmd.Client) error {
		close(g.entered)
		select {
		case err := <-g.let:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	return g
}

// wait waits until the hook runs.
func (g *gate) wait() {
	g.y.t.Helper()
	select {
	case <-g.entered:
	case <-time.After(patience):
		require.Fail(g.y.t, "the hook does not run", "%s; %q", g.hook, g.y.hooks())
	}
}

// open lets the hook end, with an error or without.
func (g *gate) open(err error) { g.let <- err }

// settle waits until the model is idle.
func (y *yard) settle() {
	y.t.Helper()
	require.NoError(y.t, y.settles(), "%q", y.hooks())
}

func (y *yard) settles() error {
	ctx, cancel := context.WithTimeout(y.t.Context(), patience)
	defer cancel()
	return y.e.Settle(ctx)
}

// told returns the reports of some kinds.
func (y *yard) told(kinds ...juju.ReportKind) []juju.Report {
	y.mu.Lock()
	defer y.mu.Unlock()
	var some []juju.Report
	for _, r := range y.reports {
		if slices.Contains(kinds, r.Kind) {
			some = append(some, r)
		}
	}
	return some
}

// forget forgets what was reported so far.
func (y *yard) forget() {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.reports = nil
}

// hooks returns the hooks that have ended, "app/0 install".
func (y *yard) hooks() []string {
	hooks := []string{}
	for _, r := range y.told(juju.Ended) {
		hook := r.Unit + " " + r.Hook
		if r.Outcome != juju.Succeeded {
			hook += " " + r.Outcome.String()
		}
		hooks = append(hooks, hook)
	}
	return hooks
}

// ran waits until a hook has ended.
func (y *yard) ran(hook string) {
	y.t.Helper()
	require.Eventually(y.t, func() bool { return slices.Contains(y.hooks(), hook) }, patience, time.Millisecond, hook)
}
