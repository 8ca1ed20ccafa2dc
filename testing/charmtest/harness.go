// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/charmdir"
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
	Config map[string]any // of the options that differ from their defaults
	Trust  bool           // as of juju deploy --trust
	// JujuVersion is what the rules are of: "4.1.0" (the default) or, for all
	// that begin with "3.", those of Juju 3.6.
	JujuVersion string
	// Kubernetes says that the model is on Kubernetes. Charms with containers
	// are always there.
	Kubernetes bool
	// Principal is the unit that a subordinate belongs to. Default "principal/0".
	Principal string
	// Resources are the paths that resource-get tells, by name.
	Resources map[string]string
	// State is what the charm has stored before.
	State map[string]string
	// HookTimeout is after how long a handler is said to block. Default 30 s of
	// real time.
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
	t         testing.TB
	model     *Model
	meta      *charmdir.Charm
	app       *juju.Application
	unit      *juju.Unit
	executor  *executor
	calls     []Call
	intercept []interceptor
	tries     int // how many calls of Try there are in each other
}

// New returns a harness for the charm that register registers.
func New(t testing.TB, register func(*charm.Charm), opts *Options) *Harness {
	t.Helper()
	var o Options
	if opts != nil {
		o = *opts
	}
	if register == nil {
		t.Fatal("cannot make a harness: register is nil")
	}
	known := &charms{}
	meta, err := known.load(o.Metadata, o.Dir)
	if err != nil {
		t.Fatalf("cannot make a harness: %v", err)
	}
	m := newModel(t, &ModelOptions{
		JujuVersion: o.JujuVersion, Kubernetes: o.Kubernetes || len(meta.Containers) > 0, NoRetry: true,
		HookTimeout: o.HookTimeout, RecordCalls: true, TextOnly: o.TextOnly,
	}, known)
	g := newGuard(t, m)
	m.watch = g.run
	t.Cleanup(g.end)
	h := &Harness{t: t, model: m, meta: meta, executor: newExecutor(register)}
	if err := h.deploy(&o); err != nil {
		t.Fatalf("cannot make a harness: %v", err)
	}
	return h
}

func (h *Harness) deploy(o *Options) error {
	unit := o.Unit
	if unit == "" {
		unit = h.meta.Name + "/0"
	}
	app, number, err := splitUnit(unit)
	if err != nil {
		return fmt.Errorf("Options.Unit: %w", err)
	}
	d := juju.Deployment{Name: app, Charm: h.meta, Executor: h.executor, Config: o.Config, Trust: o.Trust, Resources: make(map[string]juju.Resource)}
	for name, path := range o.Resources {
		resource, ok := h.meta.Resources[name]
		if !ok {
			return fmt.Errorf("Options.Resources: the charm has no resource %q", name)
		}
		d.Resources[name] = juju.Resource{Type: resource.Type, Path: path}
	}
	if h.app, err = h.model.juju.Deploy(d); err != nil {
		return err
	}
	if h.meta.Subordinate {
		err = h.addSubordinate(o.Principal, number)
	} else {
		h.unit, err = h.app.AddUnit(number)
	}
	if err != nil {
		return err
	}
	if !o.Leader {
		h.app.SetNoLeader()
	}
	h.unit.SkipToStarted()
	h.unit.SetState(o.State)
	return nil
}

// addSubordinate adds our unit to a principal that is made up.
func (h *Harness) addSubordinate(principal string, number int) error {
	if principal == "" {
		principal = "principal/0"
	}
	app, n, err := splitUnit(principal)
	if err != nil {
		return fmt.Errorf("Options.Principal: %w", err)
	}
	a, err := h.model.juju.Deploy(juju.Deployment{Name: app})
	if err != nil {
		return err
	}
	p, err := a.AddUnit(n)
	if err != nil {
		return err
	}
	h.unit, err = h.app.AddSubordinate(number, p)
	return err
}

// splitUnit returns the application and the number of a unit's name.
func splitUnit(name string) (app string, number int, err error) {
	app, text, ok := strings.Cut(name, "/")
	number, numberErr := strconv.Atoi(text)
	if !ok || numberErr != nil || app == "" || number < 0 || strconv.Itoa(number) != text {
		return "", 0, fmt.Errorf("%q is no unit's name; those are like \"db/0\"", name)
	}
	return app, number, nil
}

// Emit runs one event, and fails the test if the charm fails. The event must be
// one that Juju could send now: a RelationJoined is for a unit that is in the
// relation and has not joined, for example, which [Relation.Join] takes care of.
func (h *Harness) Emit(ev events.Event) {
	h.t.Helper()
	h.emit(func() (*juju.Hook, juju.Outcome, error) {
		return h.model.juju.Dispatch(h.model.ctx, h.unit, ev)
	})
}

// Again runs the hook again that has failed, as Juju does until it succeeds.
func (h *Harness) Again() {
	h.t.Helper()
	h.emit(func() (*juju.Hook, juju.Outcome, error) {
		return h.model.juju.Redo(h.model.ctx, h.unit)
	})
}

// emit runs one hook.
func (h *Harness) emit(dispatch func() (*juju.Hook, juju.Outcome, error)) {
	h.t.Helper()
	var hook *juju.Hook
	var outcome juju.Outcome
	var err error
	h.model.drive(func() error {
		hook, outcome, err = dispatch()
		return nil
	})
	if hook == nil {
		h.fatal(err) // the event cannot be, or nothing is due
		return
	}
	h.record(hook)
	if outcome != juju.Succeeded {
		h.failed(&HookError{Hook: hook.Name(), Outcome: outcome.String(), Err: err})
	}
}

// HookError is what [Harness.Try] returns of a hook that did not succeed.
type HookError struct {
	Hook    string // "db-relation-joined"
	Outcome string // "failed", "flush refused", "killed" or "reboot"
	Err     error  // what the charm, or the flush, failed with; may be nil
}

// Error says which hook failed and why.
func (e *HookError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %s", e.Hook, e.Outcome)
	}
	return fmt.Sprintf("%s: %s: %v", e.Hook, e.Outcome, e.Err)
}

// Unwrap returns e.Err.
func (e *HookError) Unwrap() error { return e.Err }

// tried is the panic by which a hook's failure reaches Try.
type tried struct{ err *HookError }

// Try calls do, and returns the failure of the first hook in it, which then is
// the last that was run; nil if none failed. Without Try such a failure fails
// the test.
func (h *Harness) Try(do func()) (err error) {
	h.tries++
	defer func() {
		h.tries--
		switch value := recover().(type) {
		case nil:
		case tried:
			err = value.err
		default:
			panic(value)
		}
	}()
	do()
	return nil
}

func (h *Harness) failed(err *HookError) {
	h.t.Helper()
	if h.tries > 0 {
		panic(tried{err})
	}
	text := err.Error()
	var handler *charm.HandlerError
	if errors.As(err, &handler) && handler.Stack != nil {
		text += "\n" + string(handler.Stack)
	}
	h.t.Fatal(text)
}

// fatal fails and ends the test if there is an error.
func (h *Harness) fatal(err error) {
	if err != nil {
		h.t.Helper()
		h.t.Fatal(err)
	}
}

// Unit returns the unit's name, "app/0".
func (h *Harness) Unit() string { return h.unit.Name }

// KillNext kills the charm at the n-th hook command of the next hook or, if it
// runs fewer, at its end. [Harness.Again] runs the hook again.
func (h *Harness) KillNext(n int) { h.model.KillNext(n) }

// RefuseNextFlush refuses what the next hook that writes something wrote.
func (h *Harness) RefuseNextFlush() { h.model.RefuseNextFlush() }

// LoseLeadership has the unit lose its leadership in the next hook that asks for
// it, after it was told that it is the leader.
func (h *Harness) LoseLeadership() { h.model.juju.DeposeNext() }

// Advance moves the time: the rotation and expiry of secrets that fall into it
// are sent. Other hooks are not: update-status is, as all, sent by Emit.
func (h *Harness) Advance(d time.Duration) {
	h.t.Helper()
	h.model.juju.Pass(d)
	h.secretHooks()
}
