// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// State is a unit, and what it can see of its model: what [Run] is given, and
// what it returns. Zero fields mean that there is nothing of the kind or, of those
// that [Options] has too, its defaults.
type State struct {
	// These are as of Options.
	Metadata, Dir        string
	Unit                 string
	Leader               bool
	Config               map[string]any
	Trust                bool
	JujuVersion          string
	Kubernetes           bool
	Machine, Zone        string
	Principal            string
	Resources            map[string]string
	ModelName, ModelUUID string
	Proxies              charm.Proxies
	Cloud                *hookcmd.CloudSpec
	HookTimeout          time.Duration

	Relations       []RelationState
	Secrets         []SecretState
	Storage         []Storage             // nil: the instances that the charm requires
	Stored          map[string]string     // what the charm has stored by state-set, without Deferred
	Deferred        []charm.DeferredEvent // that the charm has deferred; of those given to Run, Event and Handler suffice
	Status          Status                // of which Run takes Status and Message
	AppStatus       Status                // likewise
	WorkloadVersion string
	OpenedPorts     []hookcmd.EndpointPorts
	Networks        map[string]Network // by binding, as of Harness.SetNetwork
	PlannedUnits    int                // as of Harness.SetPlannedUnits
	LeaderSettings  map[string]string  // of Juju 3.6
	Params          map[string]any     // of the action, if the event is one

	// What the event did; Run does not read these.
	Logs   []LogLine
	Calls  []Call
	Action *ActionResult // of an action
}

// Run runs one event in a state, and returns the state after it. The given one
// is not changed. If the event cannot be in that state the error says why, and
// what to change. If the charm fails it is a *HookError, and the state returned
// is what Juju keeps, with the logs and the hook commands; the same event again,
// in that state, is Juju's next try.
//
// Everything has happened that comes before such an event: the unit is installed
// and started, the units in Relations have joined. Run is safe for concurrent
// use. Unlike a [Harness], it does not look for goroutines that a handler leaves
// behind.
func Run(register func(*charm.Charm), ev events.Event, state State) (State, error) {
	r := &stateRun{in: state}
	if err := r.build(register, ev); err != nil {
		return State{}, fmt.Errorf("cannot run %s in this state: %w", describe(ev), err)
	}
	return r.run(ev)
}

// stateRun is one call of Run.
type stateRun struct {
	*subject
	in    State
	opts  *ModelOptions
	model *juju.Model
	ends  []*juju.End // by index of in.Relations
}

// build makes a model of the state.
func (r *stateRun) build(register func(*charm.Charm), ev events.Event) error {
	switch {
	case ev == nil:
		return errors.New("it is nil")
	case register == nil:
		return errors.New("register is nil; give what charm.Main is given")
	}
	meta, err := (&charms{}).load(r.in.Metadata, r.in.Dir)
	if err != nil {
		return err
	}
	o := r.in.options()
	r.opts = o.modelOptions(meta)
	options, err := r.opts.juju()
	if err != nil {
		return err
	}
	r.model = juju.New(options)
	peers, err := r.checkRelations(meta)
	if err != nil {
		return err
	}
	if o.State, err = storeDeferred(r.in.Stored, r.in.Deferred, r.in.unitName(meta), r.model.Now()); err != nil {
		return err
	}
	if r.subject, err = o.deploy(r.model, meta, register, "State", peers); err != nil {
		return err
	}
	for i := range r.in.Relations {
		if err := r.relate(i, ev); err != nil {
			return fmt.Errorf("State.Relations[%d]: %w", i, err)
		}
	}
	if err := r.rest(); err != nil {
		return err
	}
	for i := range r.in.Secrets {
		if err := r.addSecret(i); err != nil {
			return fmt.Errorf("State.Secrets[%d]: %w", i, err)
		}
	}
	return r.prepare(ev)
}

// options returns the options that the state has.
func (s *State) options() *Options {
	return &Options{
		Metadata: s.Metadata, Dir: s.Dir, Unit: s.Unit, Leader: s.Leader, Config: s.Config, Trust: s.Trust,
		JujuVersion: s.JujuVersion, Kubernetes: s.Kubernetes, Machine: s.Machine, Zone: s.Zone, Principal: s.Principal,
		Resources: s.Resources, State: s.Stored, ModelName: s.ModelName, ModelUUID: s.ModelUUID, Proxies: s.Proxies,
		Cloud: s.Cloud, HookTimeout: s.HookTimeout,
	}
}

// unitName returns the name of the unit.
func (s *State) unitName(meta *charmdir.Charm) string {
	if s.Unit == "" {
		return meta.Name + "/0"
	}
	return s.Unit
}

// rest sets what a state has besides relations and secrets.
func (r *stateRun) rest() error {
	if status := r.in.Status; status.Status != "" {
		if err := checkStatus("State.Status", status.Status); err != nil {
			return err
		}
		r.unit.SetStatus(status.Status, status.Message)
	}
	if status := r.in.AppStatus; status.Status != "" {
		if err := checkStatus("State.AppStatus", status.Status); err != nil {
			return err
		}
		r.app.SetStatus(status.Status, status.Message)
	}
	r.unit.SetWorkloadVersion(r.in.WorkloadVersion)
	r.unit.SetPorts(r.in.OpenedPorts)
	for _, binding := range slices.Sorted(maps.Keys(r.in.Networks)) {
		if err := r.checkBinding(binding); err != nil {
			return fmt.Errorf("State.Networks: %w", err)
		}
		r.unit.SetNetwork(binding, networkOf(r.in.Networks[binding]))
	}
	r.app.SetPlannedUnits(r.in.PlannedUnits)
	switch {
	case len(r.in.LeaderSettings) == 0:
	case r.in.JujuVersion == "" || r.in.JujuVersion[0] != '3':
		return errors.New(`there are State.LeaderSettings in Juju 3.6 only; set State.JujuVersion to "3.6.0"`)
	default:
		r.app.SetLeaderSettings(r.in.LeaderSettings)
	}
	return r.setStorage()
}

func (r *stateRun) setStorage() error {
	if r.in.Storage == nil {
		return nil
	}
	var list []juju.Storage
	for i, s := range r.in.Storage {
		if err := s.check(r.meta); err != nil {
			return fmt.Errorf("State.Storage[%d]: %w", i, err)
		}
		if slices.ContainsFunc(list, func(other juju.Storage) bool { return other.ID == s.ID }) {
			return fmt.Errorf("State.Storage[%d]: there is another %q", i, s.ID)
		}
		list = append(list, juju.Storage{ID: s.ID, Kind: s.Kind, Location: s.Location})
	}
	r.unit.SetStorage(list)
	return nil
}

// prepare does what has to be done right before the event, and checks it.
func (r *stateRun) prepare(ev events.Event) error {
	var err error
	switch ev := ev.(type) {
	case events.Action:
		return r.checkAction(ev.Action)
	case events.RelationBroken:
		err = r.remove(ev)
	case events.PeerDeparted:
		if ev.Self {
			err = r.unit.Remove()
		}
	case events.RelationDeparted:
		if ev.Self {
			err = r.unit.Remove()
		}
	}
	if err == nil {
		err = r.checkEvent(r.model, ev)
	}
	if err == nil && len(r.in.Params) > 0 {
		return errors.New("there are State.Params of an action, and it is none")
	}
	if err != nil {
		return fmt.Errorf("%w%s", err, instead(ev, false))
	}
	return nil
}

// run runs the event in a goroutine of its own, so that a handler that does not
// return is an error.
func (r *stateRun) run(ev events.Event) (State, error) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	type result struct {
		out State
		err error
	}
	done := make(chan *result, 1)
	g := newGuard(nil, nil)
	go func() {
		var got *result // nil: a handler has ended the goroutine
		defer func() { done <- got }()
		g.mark()
		out, err := r.dispatch(ctx, ev)
		got = &result{out, err}
	}()
	timer := time.NewTimer(r.opts.timeout())
	defer timer.Stop()
	select {
	case got := <-done:
		if got == nil { // by FailNow, which has to end this one, too
			runtime.Goexit()
		}
		return got.out, got.err
	case <-timer.C:
		return State{}, errors.New(g.blocked(r.model, r.opts.timeout()))
	}
}

func (r *stateRun) dispatch(ctx context.Context, ev events.Event) (State, error) {
	if a, ok := ev.(events.Action); ok {
		return r.runAction(ctx, a)
	}
	hook, outcome, err := r.model.Dispatch(ctx, r.unit, ev)
	if hook == nil {
		return State{}, fmt.Errorf("cannot run %s in this state: %w%s", describe(ev), errors.Unwrap(err), instead(ev, false))
	}
	out, unread := r.after(outcome == juju.Succeeded)
	out.Calls = callsOf(hook)
	if err := hookError(hook, outcome, err); err != nil {
		return out, err
	}
	return out, unread
}

func (r *stateRun) runAction(ctx context.Context, ev events.Action) (State, error) {
	a, err := r.unit.RunAction(ev.Action, r.in.Params)
	if err != nil {
		return State{}, err
	}
	hook, err := r.model.DispatchAction(ctx, r.unit, a)
	if err != nil {
		return State{}, err
	}
	out, err := r.after(true)
	result := resultOf(a)
	out.Action = &result
	if hook == nil {
		return out, err // Juju does not run the charm
	}
	out.Calls = callsOf(hook)
	if a.Err != nil {
		return out, &HookError{Hook: a.Name, Outcome: juju.Failed.String(), Err: a.Err}
	}
	return out, err
}

// after returns the state after an event that has happened, or failed to.
func (r *stateRun) after(happened bool) (out State, err error) {
	out = r.in
	out.Config, out.Networks = maps.Clone(r.in.Config), maps.Clone(r.in.Networks)
	out.Resources, out.Params = maps.Clone(r.in.Resources), maps.Clone(r.in.Params)
	out.Leader = r.unit.IsLeader()
	out.Status, out.AppStatus = statusOf(r.unit.CharmStatus()), statusOf(r.app.Status())
	out.WorkloadVersion, out.Stored = r.unit.WorkloadVersion(), r.unit.State()
	out.Deferred, err = takeDeferred(out.Stored, r.unit.Name)
	out.OpenedPorts, out.Storage = r.unit.OpenedPorts(), storageOf(r.unit)
	out.LeaderSettings = r.app.LeaderSettings()
	out.Relations, out.Secrets = r.relationsAfter(happened), r.secretsAfter()
	out.Action, out.Calls = nil, nil
	out.Logs = logsOf(r.model)
	return out, err
}
