// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// Options of a Model. A nil *Options and zero fields mean the defaults.
type Options struct {
	Name    string // default "testmodel"
	UUID    string // default a fixed one
	Version string // of Juju, which the rules follow; default "4.1.0"
	CAAS    bool   // a model on Kubernetes, not on machines
	Seed    uint64 // decides what Juju leaves open

	// Choices, if not nil, are repeated before the seed makes new ones; with
	// OnlyChoices it makes none, and the first of what is possible happens.
	Choices     []uint32
	OnlyChoices bool

	// Attempts is after how many failures in a row a hook is not retried any
	// more, but waits to be resolved. 0: it is retried for ever.
	Attempts    int
	NoRetry     bool // failed hooks wait to be resolved: automatically-retry-hooks=false
	RecordCalls bool // keep every hook command; see [Hook.Calls]
	TextOnly    bool // answer nothing by value; see [hookcmd.Answerer]

	APIAddresses []string // of the controllers
	Proxies      Proxies  // that the charm is told of
	LegacyProxy  Proxies  // that are set for the charm's process
	Tracing      Tracing
	CloudAPI     string            // version of Kubernetes
	Environment  map[string]string // what the agent's host has of KUBERNETES_…; LANG, TERM and the like, empty for none
	Cloud        *hookcmd.CloudSpec
	SLA          string                  // of the model; 3.6
	Paths        func(unit string) Paths // of a unit's agent; nil: Juju's; must not call the model

	// These are called with the model's lock: they must not call the model.
	Address func(n int) string                // of the n-th unit, from 1, or of its n-th pod; nil: in 10.1.0.0/16
	Storage func(id, kind string) string      // where a storage instance is; nil: where the charm says, or Juju does
	Pebble  func(unit, container string) bool // whether the container's Pebble answers, so that its pebble-ready is due; nil: it does
	Log     func(LogLine)                     // is given the lines of the log, which the model then does not keep
	Now     func() time.Time                  // a clock that the model's time goes with; nil: it moves only when it must
}

// Proxies are the proxy settings of a model.
type Proxies struct{ HTTP, HTTPS, FTP, NoProxy string }

// Tracing is where Juju 4 tells charms to send traces.
type Tracing struct{ HTTP, GRPC, CACert string }

// Model is a Juju model. Its methods are safe for concurrent use, but for those
// that run hooks: one of them at a time, or an [Engine].
type Model struct {
	mu sync.Mutex // held by all that reads or changes the model, never while a charm runs

	opts      Options
	is36      bool
	apps      []*Application // by name
	relations []*Relation    // by ID
	secrets   secretStore
	addresses int // how many were given to units
	runnable  []*agent
	choose    chooser
	clock     clock
	trace     trace
	logs      []LogLine
	tasks     int // actions so far
	nextRel   int
	nextStore int // storage instances so far
	detached  []*Storage
	faults    faults
	intercept Interceptor
	late      []string // hook commands after the end of their hook
	contexts  uint64
	environ   []string // what the hooks of all units have; nil: to be made
	engine    *Engine  // nil: hooks run one at a time, by Step
	reports   []Report // for the engine, that it has not told yet
	runs      int      // hooks so far, with an engine
}

// New returns an empty model.
func New(opts *Options) *Model {
	m := &Model{}
	if opts != nil {
		m.opts = *opts
	}
	setDefault(&m.opts.Name, "testmodel")
	setDefault(&m.opts.UUID, "deadbeef-0bad-400d-8000-4b1d0d06f00d")
	setDefault(&m.opts.Version, "4.1.0")
	if m.opts.APIAddresses == nil {
		m.opts.APIAddresses = []string{"10.0.0.1:17070"}
	}
	m.is36 = strings.HasPrefix(m.opts.Version, "3.")
	m.choose = chooser{state: m.opts.Seed, replay: m.opts.Choices, only: m.opts.OnlyChoices}
	m.clock.now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if m.opts.Now != nil {
		m.clock.now, m.clock.other = m.opts.Now(), m.opts.Now
	}
	m.clock.after(updateStatusInterval, false, m.tick)
	return m
}

func setDefault(s *string, value string) {
	if *s == "" {
		*s = value
	}
}

// Options returns the model's options with the defaults.
func (m *Model) Options() Options { return m.opts }

// Now returns the model's time.
func (m *Model) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clock.sync()
	return m.clock.now
}

// Choices returns the choices made so far, which with the same calls of the
// model's methods make the same run.
func (m *Model) Choices() []uint32 { return m.choose.made }

// Pick makes a choice among n possibilities, part of the model's choices.
func (m *Model) Pick(n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.choose.pick(n)
}

// Application returns the application of that name, or nil.
func (m *Model) Application(name string) *Application {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.application(name)
}

func (m *Model) application(name string) *Application {
	i, ok := slices.BinarySearchFunc(m.apps, name, func(a *Application, name string) int { return strings.Compare(a.Name, name) })
	if !ok {
		return nil
	}
	return m.apps[i]
}

// Applications returns all applications by name.
func (m *Model) Applications() []*Application {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.apps)
}

// Unit returns the unit of that name, or nil; also one that is dead.
func (m *Model) Unit(name string) *Unit {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.unit(name)
}

func (m *Model) unit(name string) *Unit {
	app, number, ok := strings.Cut(name, "/")
	if !ok {
		return nil
	}
	a := m.application(app)
	if a == nil {
		return nil
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		return nil
	}
	return a.unit(n)
}

// Relation returns the relation of that ID, or nil; also one that breaks.
func (m *Model) Relation(id int) *Relation {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.relation(id)
}

func (m *Model) relation(id int) *Relation {
	i, ok := slices.BinarySearchFunc(m.relations, id, func(r *Relation, id int) int { return r.ID - id })
	if !ok {
		return nil
	}
	return m.relations[i]
}

// Relations returns all relations by ID.
func (m *Model) Relations() []*Relation {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.relations)
}

// address returns the next address of the model's network 10.1.0.0/16, and on
// from there.
func (m *Model) address() string {
	m.addresses++
	if m.opts.Address != nil {
		return m.opts.Address(m.addresses)
	}
	n := m.addresses + 3 // 10.1.0.4 is the first
	return fmt.Sprintf("10.%d.%d.%d", 1+n>>16, n>>8&0xff, n&0xff)
}

// wake has the unit's agent look for work.
func (m *Model) wake(a *agent) {
	if a != nil && a.index < 0 {
		a.index = len(m.runnable)
		m.runnable = append(m.runnable, a)
		if m.engine != nil {
			m.engine.signal()
		}
	}
}

// sleep is the end of wake.
func (m *Model) sleep(a *agent) {
	last := m.runnable[len(m.runnable)-1]
	m.runnable[a.index] = last
	last.index = a.index
	m.runnable = m.runnable[:len(m.runnable)-1]
	a.index = -1
}
