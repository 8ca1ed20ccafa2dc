// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/internal/charmdir"
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
	// HookTimeout is after how long a handler is said to block. Default 30 s of
	// real time.
	HookTimeout time.Duration
	// RecordCalls keeps the hook commands for [Model.Calls].
	RecordCalls bool
	// TextOnly runs all hook commands as text, as a charm's process does;
	// otherwise most are answered by value, with the same results.
	TextOnly bool
	// Faults happen by the seed's choice.
	Faults Faults
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
	ctx     context.Context
	late    []string
	running bool
}

// failer is what a model reports to: a test, or one schedule of many.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
	FailNow()
}

// NewModel returns an empty model. When the test has failed, the trace of what
// happened in the model is logged.
func NewModel(t testing.TB, opts *ModelOptions) *Model {
	t.Helper()
	m := newModel(t, opts, &charms{})
	g := newGuard(t, m)
	m.watch = g.run
	t.Cleanup(func() {
		g.end()
		if t.Failed() {
			t.Logf("the model (seed %d):\n%s", m.opts.Seed, m.Trace(100))
		}
	})
	return m
}

func newModel(t failer, opts *ModelOptions, known *charms) *Model {
	m := &Model{t: t, charms: known, ctx: context.Background()}
	if opts != nil {
		m.opts = *opts
	}
	if m.opts.HookTimeout == 0 {
		m.opts.HookTimeout = 30 * time.Second
	}
	o := juju.Options{
		Seed: m.opts.Seed, Version: m.opts.JujuVersion, CAAS: m.opts.Kubernetes, NoRetry: m.opts.NoRetry,
		RecordCalls: m.opts.RecordCalls, TextOnly: m.opts.TextOnly,
	}
	if m.opts.Choices != "" {
		choices, err := decodeChoices(m.opts.Choices)
		if err != nil {
			t.Helper()
			t.Errorf("%v", err)
			t.FailNow()
		}
		o.Choices, o.OnlyChoices = choices, true
	}
	m.juju = juju.New(&o)
	if m.opts.Faults != (Faults{}) {
		m.SetFaults(m.opts.Faults)
	}
	return m
}

// Errorf fails the test, with the model's seed.
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

// DeployOptions of [Model.DeployCharm]. A nil *DeployOptions and zero fields mean
// the defaults.
type DeployOptions struct {
	// Metadata is the text of the charm's charmcraft.yaml. Default: what Dir has.
	Metadata string
	// Dir is the charm's directory, with a charmcraft.yaml or a metadata.yaml.
	// Default: the nearest such directory at or above the current one, which for
	// a test is the package's.
	Dir    string
	Config map[string]any
	Trust  bool // as of juju deploy --trust
	// Model is the UUID of another model, where the application is offered.
	Model string
	// Resources are the paths that resource-get tells, by name.
	Resources map[string]string
}

// Deploy deploys n units of a charm as an application of the name given. Its
// metadata is found as [DeployOptions] says.
func (m *Model) Deploy(name string, register func(*charm.Charm), n int) *Application {
	m.t.Helper()
	return m.DeployCharm(name, register, n, nil)
}

// DeployCharm is [Model.Deploy] with options.
func (m *Model) DeployCharm(name string, register func(*charm.Charm), n int, opts *DeployOptions) *Application {
	m.t.Helper()
	var o DeployOptions
	if opts != nil {
		o = *opts
	}
	if register == nil {
		m.fatal(fmt.Errorf("cannot deploy %q: register is nil", name))
	}
	meta, err := m.charms.load(o.Metadata, o.Dir)
	if err != nil {
		m.fatal(fmt.Errorf("cannot deploy %q: %w", name, err))
	}
	d := juju.Deployment{Name: name, Charm: meta, Executor: newExecutor(register), Units: n, Config: o.Config, Trust: o.Trust, ModelUUID: o.Model}
	for resource, path := range o.Resources {
		if d.Resources == nil {
			d.Resources = make(map[string]juju.Resource)
		}
		d.Resources[resource] = juju.Resource{Type: meta.Resources[resource].Type, Path: path}
	}
	a, err := m.juju.Deploy(d)
	m.fatal(err)
	return &Application{model: m, app: a}
}

// charms keeps metadata that was read, for the many models of an Explore.
type charms struct {
	mu   sync.Mutex
	read map[[2]string]*charmdir.Charm
}

func (c *charms) load(text, dir string) (*charmdir.Charm, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := [2]string{text, dir}
	if meta := c.read[key]; meta != nil {
		return meta, nil
	}
	meta, err := readCharm(text, dir)
	if err != nil {
		return nil, err
	}
	if c.read == nil {
		c.read = make(map[[2]string]*charmdir.Charm)
	}
	c.read[key] = meta
	return meta, nil
}

func readCharm(text, dir string) (*charmdir.Charm, error) {
	if text != "" {
		return charmdir.Parse(charmdir.Files{Charmcraft: []byte(text)})
	}
	if dir == "" {
		found, err := charmdir.Find(".")
		if err != nil {
			return nil, fmt.Errorf("%w; set Dir or Metadata", err)
		}
		dir = found
	}
	return charmdir.ReadDir(dir)
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
	m.drive(func() error {
		_, err := m.juju.Advance(m.ctx, d, m.settle())
		return err
	})
}

// drive runs hooks.
func (m *Model) drive(run func() error) {
	m.t.Helper()
	if m.running {
		m.fatal(fmt.Errorf("the model is running hooks: a handler must not drive it"))
	}
	var err error
	m.running = true
	m.watch(func() { err = run() })
	m.running = false
	m.fatal(err)
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
func (m *Model) KillNext(n int) { m.juju.KillNext(n) }

// RefuseNextFlush refuses what the next hook that writes something wrote.
func (m *Model) RefuseNextFlush() { m.juju.RefuseNextFlush() }

// MissDeparted sets whether peers of a removed unit are not told that it is
// gone, as Juju 4 does (juju/juju #23326).
func (m *Model) MissDeparted(miss bool) { m.juju.MissDeparted(miss) }
