// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// ModelOptions of [NewModel]. A nil *ModelOptions and zero fields mean the
// defaults.
type ModelOptions struct {
	// Seed decides what Juju leaves open: which unit is served next, and the
	// order of hooks that have none.
	Seed uint64
	// Choices repeats the run that a failure of [Explore] has printed.
	Choices string
	// JujuVersion is what the model's rules are of: "4.1.0" (the default) or,
	// for all that begin with "3.", those of Juju 3.6.
	JujuVersion string
	// Kubernetes says that the model is on Kubernetes, as charms with
	// containers need; otherwise units have machines.
	Kubernetes bool
	// NoRetry leaves a failed hook alone until it is resolved. Otherwise it is
	// run again, as Juju does, when the model settles or the time advances.
	NoRetry bool
	// Attempts is how often a hook may fail in a row before [Model.Settle] fails
	// the test. Default 4.
	Attempts int
	// HookTimeout is after how long a handler is said to block: its context then
	// ends, and the test fails. Default 30 s.
	HookTimeout time.Duration
	// TextOnly runs all hook commands as text, as a charm's process does;
	// otherwise most are answered by value, with the same results.
	TextOnly bool
	// Name and UUID are the model's. Default "testmodel" and a fixed one.
	Name, UUID string
	// Proxies are those that the model sets for charms.
	Proxies charm.Proxies
	// Cloud is what credential-get tells a charm that is trusted. Default: LXD
	// on the own machine.
	Cloud *hookcmd.CloudSpec
	// StorageDir is where storage is, in a directory for each instance, as
	// t.TempDir() for a charm that writes to it. Default: where the charm says, or
	// Juju does; nothing is made there.
	StorageDir string
	// Faults happen by the seed's choice.
	Faults Faults

	recordCalls bool
}

// timeout returns HookTimeout, or its default.
func (o *ModelOptions) timeout() time.Duration { return cmp.Or(o.HookTimeout, 30*time.Second) }

// juju returns the options of the model itself.
func (o *ModelOptions) juju() (*juju.Options, error) {
	if v := charm.ParseJujuVersion(o.JujuVersion); o.JujuVersion != "" && v.Major != 3 && v.Major != 4 {
		return nil, fmt.Errorf(`JujuVersion is %q, but the rules known are those of Juju 4 and 3.6: use "4.1.0" or "3.6.0"`, o.JujuVersion)
	}
	opts := &juju.Options{
		Seed: o.Seed, Version: o.JujuVersion, CAAS: o.Kubernetes, NoRetry: o.NoRetry,
		RecordCalls: o.recordCalls, TextOnly: o.TextOnly,
		Name: o.Name, UUID: o.UUID, Proxies: juju.Proxies(o.Proxies), Cloud: o.Cloud,
	}
	if o.StorageDir != "" {
		opts.Storage = func(id, _ string) string {
			place := filepath.Join(o.StorageDir, filepath.FromSlash(id))
			_ = os.MkdirAll(place, 0o755) // the charm finds out
			return place
		}
	}
	if o.Choices == "" {
		return opts, nil
	}
	var err error
	opts.OnlyChoices = true
	opts.Choices, err = decodeChoices(o.Choices)
	return opts, err
}

// Faults are what can go wrong in a model: each is how often at most, by the
// seed's choice, it does. The zero value has none.
type Faults struct {
	// Kill kills a charm at one of its hook commands, or at its end: nothing of
	// what it wrote is kept, and the hook runs again.
	Kill int
	// RefuseFlush refuses what a hook wrote: it has failed, and is retried.
	RefuseFlush int
	// LoseLeadership makes another unit the leader.
	LoseLeadership int
	// Restart restarts a unit's agent: containers are ready again, and what the
	// agent had read is forgotten.
	Restart int
	// Repeat sends an event again that the charm has handled already.
	Repeat int
	// MissDeparted does not tell the peers of a removed unit that it is gone, as
	// Juju 4 does (juju/juju #23326).
	MissDeparted int
}

// Model is a Juju model in memory, in which the units of several applications
// run. Its methods fail the test if they cannot do what they say. They are for
// one goroutine.
//
// A *Model is a testify TestingT: with require.Equal(m, …) a failure has the
// seed, and the trace of what happened.
type Model struct {
	t       failer
	juju    *juju.Model
	opts    ModelOptions
	charms  *charms
	watch   func(f func())
	ctx     context.Context // of all handlers
	stop    context.CancelCauseFunc
	running bool // hooks
}

// failer is what a model reports to: a test, or one schedule of many.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
	FailNow()
}

// NewModel returns an empty model. When the test has failed, its seed and the
// trace of what happened in it are logged.
func NewModel(t testing.TB, opts *ModelOptions) *Model {
	t.Helper()
	m := newModel(t, opts, &charms{})
	m.guard(t, func() string { return fmt.Sprintf("the model (seed %d):", m.opts.Seed) })
	return m
}

func newModel(t failer, opts *ModelOptions, known *charms) *Model {
	t.Helper()
	m := &Model{t: t, charms: known}
	m.ctx, m.stop = context.WithCancelCause(context.Background())
	if opts != nil {
		m.opts = *opts
	}
	m.opts.HookTimeout = m.opts.timeout()
	o, err := m.opts.juju()
	if err != nil {
		m.fatal(fmt.Errorf("cannot make a model: %w", err))
	}
	m.juju = juju.New(o)
	if m.opts.Faults != (Faults{}) {
		m.SetFaults(m.opts.Faults)
	}
	return m
}

// Errorf fails the test, which then logs the model's seed and trace.
func (m *Model) Errorf(format string, args ...any) {
	m.t.Helper()
	m.t.Errorf(format, args...)
}

// FailNow ends the test.
func (m *Model) FailNow() { m.t.FailNow() }

// Helper is of testify's interface.
func (m *Model) Helper() { m.t.Helper() }

// fatal fails and ends the test if there is an error.
func (m *Model) fatal(err error) {
	if err != nil {
		m.t.Helper()
		m.t.Errorf("%v", err)
		m.t.FailNow()
	}
}

// Seed returns the seed of the model.
func (m *Model) Seed() uint64 { return m.opts.Seed }

// Trace returns the last n lines of what happened, all of them if n is 0: one
// for each hook and for each change of a databag.
func (m *Model) Trace(n int) string {
	var text strings.Builder
	_ = m.juju.WriteTrace(&text, n) // a Builder takes everything
	return text.String()
}

// Settle runs hooks until no unit has one. It fails the test if that does not
// come to an end, or if a hook keeps failing.
func (m *Model) Settle() {
	m.t.Helper()
	m.drive(func() error {
		_, err := m.juju.Settle(m.ctx, m.settle())
		return err
	})
}

func (m *Model) settle() *juju.SettleOptions { return &juju.SettleOptions{Attempts: m.opts.Attempts} }

// Step runs one hook, and reports whether there was one to run.
func (m *Model) Step() bool {
	m.t.Helper()
	ran := false
	m.drive(func() error {
		ran = m.juju.Step(m.ctx)
		return nil
	})
	return ran
}

// Advance moves the model's time, and settles it: update-status, the rotation
// and expiry of secrets and the retries of failed hooks happen on the way.
// Nothing sleeps.
func (m *Model) Advance(d time.Duration) {
	m.t.Helper()
	m.fatal(checkDuration(d))
	m.drive(func() error {
		_, err := m.juju.Advance(m.ctx, d, m.settle())
		return err
	})
}

func checkDuration(d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("cannot advance the time by %v: it does not go back", d)
	}
	return nil
}

// drive runs hooks.
func (m *Model) drive(run func() error) {
	m.t.Helper()
	switch {
	case m.ctx.Err() != nil:
		m.fatal(fmt.Errorf("the model has stopped: %w", context.Cause(m.ctx)))
	case m.running:
		m.fatal(errors.New("the model is running hooks: a handler must not drive it"))
	}
	var err error
	m.running = true
	defer func() { m.running = false }()
	m.watch(func() { err = run() })
	if err != nil {
		m.fatal(fmt.Errorf("%w%s", err, m.panicked()))
	}
}

// panicked returns the stack of a handler's panic, if a hook has failed by that.
func (m *Model) panicked() string {
	for _, u := range m.Units() {
		if stack := panicStack(u.unit.Failure()); stack != "" {
			return stack
		}
	}
	return ""
}

// Now returns the model's time.
func (m *Model) Now() time.Time { return m.juju.Now() }

// Steps returns how many hooks have run.
func (m *Model) Steps() int { return m.juju.Steps() }

// Pick returns a number below n, by the seed's choice: a scenario of [Explore]
// takes its own decisions by it, so that they can be repeated and shrunk.
func (m *Model) Pick(n int) int {
	m.t.Helper()
	if n < 1 {
		m.fatal(fmt.Errorf("cannot pick a number below %d", n))
	}
	return m.juju.Pick(n)
}

// Application returns an application of the model, which must exist.
func (m *Model) Application(name string) *Application {
	m.t.Helper()
	a := m.juju.Application(name)
	if a == nil {
		m.fatal(fmt.Errorf("there is no application %q; there are %s", name, m.names()))
	}
	return &Application{model: m, app: a}
}

func (m *Model) names() string {
	var names []string
	for _, a := range m.juju.Applications() {
		names = append(names, a.Name)
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}

// Unit returns a unit of the model, which must exist.
func (m *Model) Unit(name string) *Unit {
	m.t.Helper()
	u := m.juju.Unit(name)
	if u == nil {
		m.fatal(fmt.Errorf("there is no unit %q; applications are %s", name, m.names()))
	}
	return &Unit{model: m, unit: u}
}

// Units returns all units that are not gone, by application and number.
func (m *Model) Units() []*Unit {
	var units []*Unit
	for _, a := range m.juju.Applications() {
		for _, u := range a.Units() {
			units = append(units, &Unit{model: m, unit: u})
		}
	}
	return units
}

// SetFaults has these faults happen from now on, by the seed's choice.
func (m *Model) SetFaults(f Faults) { m.juju.SetFaults(juju.Faults(f)) }

// KillNext kills the charm at the n-th hook command of the next hook or, if it
// runs fewer, at its end.
func (m *Model) KillNext(n int) {
	m.t.Helper()
	if n < 1 {
		m.fatal(fmt.Errorf("cannot kill the charm at hook command %d: the first is 1", n))
	}
	m.juju.KillNext(n)
}

// RefuseNextFlush refuses what the next hook that writes something wrote.
func (m *Model) RefuseNextFlush() { m.juju.RefuseNextFlush() }

// MissDeparted sets whether peers of a removed unit are not told that it is
// gone, as Juju 4 does (juju/juju #23326).
func (m *Model) MissDeparted(miss bool) { m.juju.MissDeparted(miss) }
