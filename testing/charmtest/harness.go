// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// Options of [New]. A nil *Options and zero fields mean the defaults.
type Options struct {
	// Metadata is the text of the charm's charmcraft.yaml. Default: what Dir has.
	Metadata string
	// Dir is the charm's directory, with a charmcraft.yaml or a metadata.yaml.
	// Default: the nearest such directory at or above the current one, which for
	// a test is the package's.
	Dir string
	// Unit is the unit's name. Default: unit 0 of an application with the
	// charm's name.
	Unit string
	// Leader says that the unit is the leader of its application.
	Leader bool
	Config map[string]any // of the charm's options, those that differ from their defaults
	Trust  bool           // as of juju deploy --trust
	// JujuVersion is what the rules are of: "4.1.0" (the default) or, for all
	// that begin with "3.", those of Juju 3.6.
	JujuVersion string
	// Kubernetes says that the model is on Kubernetes. Charms with containers
	// are always there.
	Kubernetes bool
	// Machine and Zone are where the unit is, if not on Kubernetes. Default: a
	// machine in no zone.
	Machine, Zone string
	// Principal is the unit that a subordinate belongs to. Default "principal/0".
	Principal string
	// Resources are the paths that resource-get tells, by name.
	Resources map[string]string
	// State is what the charm has stored before by state-set.
	State map[string]string
	// ModelName and ModelUUID are the model's. Default "testmodel" and a fixed one.
	ModelName, ModelUUID string
	// Proxies are those that the model sets for charms.
	Proxies charm.Proxies
	// Cloud is what credential-get tells a charm that has Trust. Default: LXD
	// on the own machine.
	Cloud *hookcmd.CloudSpec
	// StorageDir is where storage is, in a directory for each instance, as
	// t.TempDir() for a charm that writes to it. Default: where the charm says, or
	// Juju does; nothing is made there.
	StorageDir string
	// HookTimeout is after how long a handler is said to block: its context then
	// ends, and the test fails. Default 30 s.
	HookTimeout time.Duration
	// TextOnly runs all hook commands as text, as a charm's process does;
	// otherwise most are answered by value, with the same results.
	TextOnly bool
}

// Harness runs the charm of one unit, one event after the other. The unit is
// installed and started, and its peer relations exist. Other units do only what
// the test has them do.
//
// Its methods fail the test if they cannot do what they say, or if the charm
// fails; see [Harness.Try]. They are for one goroutine.
type Harness struct {
	*subject
	t         testing.TB
	model     *Model
	hooks     []*juju.Hook // that have run since ResetCalls
	intercept []*interceptor
	tries     int      // how many calls of Try there are in each other
	rest      []func() // what follows on a hook that has failed
}

// New returns a harness for the charm that register registers. When the test has
// failed, what happened is logged.
func New(t testing.TB, register func(*charm.Charm), opts *Options) *Harness {
	t.Helper()
	var o Options
	if opts != nil {
		o = *opts
	}
	if register == nil {
		t.Fatal("cannot make a harness: register is nil; give what charm.Main is given")
	}
	known := &charms{}
	meta, err := known.load(o.Metadata, o.Dir)
	if err != nil {
		t.Fatalf("cannot make a harness: %v", err)
	}
	m := newModel(t, o.modelOptions(meta), known)
	h := &Harness{t: t, model: m}
	if h.subject, err = o.deploy(m.juju, meta, register, "Options", nil); err != nil {
		t.Fatalf("cannot make a harness: %v", err)
	}
	m.guard(t, func() string { return "what happened:" })
	return h
}

// Emit runs one event, and fails the test if the charm fails. The event must be
// one that Juju could send now: a RelationJoined is for a unit that is in the
// relation and has not joined, for example, which [Relation.Join] takes care of.
// Actions are run by [Harness.RunAction].
func (h *Harness) Emit(ev events.Event) {
	h.t.Helper()
	h.rest = nil
	h.send(ev)
}

// send is Emit, as one of several steps.
func (h *Harness) send(ev events.Event) {
	h.t.Helper()
	if err := h.checkEvent(h.model.juju, ev); err != nil {
		h.fatal(fmt.Errorf("cannot send %s to %s: %w%s", describe(ev), h.unit.Name, err, instead(ev, true)))
	}
	h.emit(func() (*juju.Hook, juju.Outcome, error) {
		hook, outcome, err := h.model.juju.Dispatch(h.model.ctx, h.unit, ev)
		if hook == nil {
			err = fmt.Errorf("%w%s", err, instead(ev, true))
		}
		return hook, outcome, err
	})
}

// Remove removes the unit: it has storage-detaching, a departed event with Self
// for each unit in its relations, broken of those that are not of peers, stop and
// remove. After that it is gone.
func (h *Harness) Remove() {
	h.t.Helper()
	h.fatal(h.unit.Remove())
	h.due(h.model.juju.DispatchRemoval)
}

// Unit returns the unit's name, "app/0".
func (h *Harness) Unit() string { return h.unit.Name }

// KillNext kills the charm at the n-th hook command of the next hook or, if it
// runs fewer, at its end: nothing of what it wrote is kept. [Harness.Again] runs
// the hook again.
func (h *Harness) KillNext(n int) {
	h.t.Helper()
	h.model.KillNext(n)
}

// RefuseNextFlush refuses what the next hook that writes something wrote.
func (h *Harness) RefuseNextFlush() { h.model.RefuseNextFlush() }

// LoseLeadership has the unit lose its leadership in the next hook that asks for
// it, after it was told that it is the leader.
func (h *Harness) LoseLeadership() { h.model.juju.DeposeNext() }

// Advance moves the time: the rotation and expiry of secrets that fall into it
// are sent. Other hooks are not: update-status is, as all, sent by Emit.
func (h *Harness) Advance(d time.Duration) {
	h.t.Helper()
	h.fatal(checkDuration(d))
	h.model.juju.Pass(d)
	h.secretHooks()
}
