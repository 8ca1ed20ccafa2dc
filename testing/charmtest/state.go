// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// State is a unit, and what it can see of its model: what [Run] is given, and
// what it returns. Zero fields mean that there is nothing of the kind.
type State struct {
	Metadata string // as of [Options]
	Dir      string // as of [Options]

	Unit         string // default: unit 0 of an application with the charm's name
	Leader       bool
	JujuVersion  string // as of [Options]
	Kubernetes   bool
	Trust        bool
	Config       map[string]any // of the options that differ from their defaults
	Relations    []RelationState
	Status       Status
	AppStatus    Status
	Version      string            // of the workload
	Stored       map[string]string // what the charm has stored by state-set
	Networks     map[string]Network
	Resources    map[string]string // paths by name
	PlannedUnits int
	Params       map[string]any // of the action, if the event is one

	// What the event did; Run does not read these.
	Logs   []LogLine
	Calls  []Call
	Action *ActionResult // of an action
}

// RelationState is a relation of the unit. A peer relation that the state does
// not have is there nevertheless, without other units.
type RelationState struct {
	Endpoint  string
	ID        int
	App       string                       // the remote application; of a peer relation our own
	Local     map[string]string            // our unit's databag
	LocalApp  map[string]string            // our application's
	Units     map[string]map[string]string // the remote units' databags, by name; that of a Joined event is among them, too
	RemoteApp map[string]string            // of a peer relation: none, that is LocalApp
}

// Run runs one event in a state, and returns the state after it. The given one
// is not changed. If the charm fails, or the event cannot be in that state, the
// error says why, and the state returned has the logs and the hook commands.
func Run(register func(*charm.Charm), ev events.Event, state State) (State, error) {
	r := &stateRun{in: state, executor: newExecutor(register)}
	if err := r.build(ev); err != nil {
		return State{}, fmt.Errorf("cannot run %T in this state: %w", ev, err)
	}
	return r.run(ev)
}

// stateRun is one call of Run.
type stateRun struct {
	in       State
	meta     *charmdir.Charm
	model    *juju.Model
	app      *juju.Application
	unit     *juju.Unit
	executor *executor
	ends     []*juju.End // by index of in.Relations
}

func (r *stateRun) build(ev events.Event) (err error) {
	if ev == nil {
		return errors.New("the event is nil")
	}
	if r.executor.register == nil {
		return errors.New("register is nil")
	}
	if r.meta, err = (&charms{}).load(r.in.Metadata, r.in.Dir); err != nil {
		return err
	}
	if r.in.Unit == "" {
		r.in.Unit = r.meta.Name + "/0"
	}
	app, number, err := splitUnit(r.in.Unit)
	if err != nil {
		return fmt.Errorf("State.Unit: %w", err)
	}
	if r.meta.Subordinate {
		return errors.New("the charm is a subordinate; use a Harness")
	}
	r.model = juju.New(&juju.Options{
		Version: r.in.JujuVersion, CAAS: r.in.Kubernetes || len(r.meta.Containers) > 0, NoRetry: true, RecordCalls: true,
	})
	d := juju.Deployment{Name: app, Charm: r.meta, Executor: r.executor, Config: r.in.Config, Trust: r.in.Trust, PeerIDs: make(map[string]int), Resources: make(map[string]juju.Resource)}
	for i, rel := range r.in.Relations {
		if err := r.check(i, app); err != nil {
			return err
		}
		if r.meta.Endpoints[rel.Endpoint].Role == charmdir.RolePeer {
			d.PeerIDs[rel.Endpoint] = rel.ID
		}
	}
	r.avoidIDs(d.PeerIDs)
	for name, path := range r.in.Resources {
		resource, ok := r.meta.Resources[name]
		if !ok {
			return fmt.Errorf("State.Resources: the charm has no resource %q", name)
		}
		d.Resources[name] = juju.Resource{Type: resource.Type, Path: path}
	}
	if r.app, err = r.model.Deploy(d); err != nil {
		return err
	}
	if r.unit, err = r.app.AddUnit(number); err != nil {
		return err
	}
	if !r.in.Leader {
		r.app.SetNoLeader()
	}
	r.unit.SkipToStarted()
	for i := range r.in.Relations {
		if err := r.relate(i, ev); err != nil {
			return fmt.Errorf("State.Relations[%d]: %w", i, err)
		}
	}
	return r.rest()
}

// avoidIDs gives the peer relations that the state does not have IDs that are free.
func (r *stateRun) avoidIDs(peers map[string]int) {
	next := 0
	for _, rel := range r.in.Relations {
		next = max(next, rel.ID+1)
	}
	for _, name := range slices.Sorted(maps.Keys(r.meta.Endpoints)) {
		if _, ok := peers[name]; !ok && r.meta.Endpoints[name].Role == charmdir.RolePeer {
			peers[name] = next
			next++
		}
	}
}

// check checks what a relation of the state says.
func (r *stateRun) check(i int, app string) error {
	rel := r.in.Relations[i]
	fail := func(format string, args ...any) error {
		return fmt.Errorf("State.Relations[%d]: %s", i, fmt.Sprintf(format, args...))
	}
	endpoint, ok := r.meta.Endpoints[rel.Endpoint]
	if !ok {
		return fail("the charm has no endpoint %q; it has %s", rel.Endpoint, strings.Join(slices.Sorted(maps.Keys(r.meta.Endpoints)), ", "))
	}
	isPeer := endpoint.Role == charmdir.RolePeer
	remote := rel.App
	switch {
	case isPeer && rel.App != "" && rel.App != app:
		return fail("it is a peer relation: App is %q, not %q", app, rel.App)
	case isPeer && rel.RemoteApp != nil:
		return fail("it is a peer relation: what is in RemoteApp belongs in LocalApp")
	case isPeer:
		remote = app
	case rel.App == "":
		return fail("App is empty")
	case rel.App == app:
		return fail("App is our own application, but %q is no peer endpoint", rel.Endpoint)
	}
	for unit := range rel.Units {
		unitApp, _, err := splitUnit(unit)
		switch {
		case err != nil:
			return fail("%v", err)
		case unit == r.in.Unit:
			return fail("Units has our own unit %s, which is never among its own peers", unit)
		case unitApp != remote:
			return fail("Units has %s, which is no unit of %q", unit, remote)
		}
	}
	for j, other := range r.in.Relations[:i] {
		switch {
		case other.ID == rel.ID:
			return fail("ID %d is that of State.Relations[%d], too", rel.ID, j)
		case isPeer && other.Endpoint == rel.Endpoint:
			return fail("peer endpoint %q has one relation only", rel.Endpoint)
		}
	}
	return nil
}

// relate makes a relation of the state.
func (r *stateRun) relate(i int, ev events.Event) error {
	rel := r.in.Relations[i]
	end := r.end(rel.Endpoint)
	if r.meta.Endpoints[rel.Endpoint].Role != charmdir.RolePeer {
		if r.model.Application(rel.App) == nil {
			if _, err := r.model.Deploy(juju.Deployment{Name: rel.App}); err != nil {
				return err
			}
		}
		if err := r.model.SetNextRelationID(rel.ID); err != nil {
			return err
		}
		added, err := r.model.Relate(r.app.Name, rel.Endpoint, rel.App, "")
		if err != nil {
			return err
		}
		end = added.End(r.app.Name)
		r.unit.Enter(end)
	}
	r.ends = append(r.ends, end)
	if _, err := end.Write(r.unit, rel.Local); err != nil {
		return err
	}
	end.WriteApp(rel.LocalApp)
	end.Other().WriteApp(rel.RemoteApp)
	joining, departing := "", ""
	about := unitOf(ev)
	if re, ok := ev.(events.RelationEvent); ok && re.Ref().ID == rel.ID {
		switch ev.(type) {
		case events.PeerJoined, events.RelationJoined:
			joining = about
		case events.PeerDeparted, events.RelationDeparted:
			departing = about
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rel.Units)) {
		_, number, _ := splitUnit(name)
		u := r.model.Unit(name)
		var err error
		if u == nil {
			if u, err = end.Other().App.AddMadeUpUnit(number); err != nil {
				return err
			}
		}
		if err := end.Other().Enter(u, rel.Units[name]); err != nil {
			return err
		}
		if name != joining {
			r.unit.TakeJoined(end, u)
		}
		if name == departing {
			if err := end.Other().Leave(u); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *stateRun) end(endpoint string) *juju.End {
	for _, e := range r.app.Ends() {
		if e.Endpoint.Name == endpoint {
			return e
		}
	}
	return nil
}

// unitOf returns the remote unit that an event is about.
func unitOf(ev events.Event) string {
	switch ev := ev.(type) {
	case events.PeerJoined:
		return ev.Unit
	case events.PeerChanged:
		return ev.Unit
	case events.PeerDeparted:
		return ev.Unit
	case events.RelationJoined:
		return ev.Unit
	case events.RelationChanged:
		return ev.Unit
	case events.RelationDeparted:
		return ev.Unit
	}
	return ""
}

// rest sets what a state has besides relations.
func (r *stateRun) rest() error {
	r.unit.SetState(r.in.Stored)
	if r.in.Status.Status != "" {
		r.unit.SetStatus(r.in.Status.Status, r.in.Status.Message)
	}
	if r.in.AppStatus.Status != "" {
		r.app.SetStatus(r.in.AppStatus.Status, r.in.AppStatus.Message)
	}
	if r.in.Version != "" {
		r.unit.SetWorkloadVersion(r.in.Version)
	}
	for binding, network := range r.in.Networks {
		r.unit.SetNetwork(binding, networkOf(network))
	}
	if r.in.PlannedUnits > 0 {
		r.app.SetPlannedUnits(r.in.PlannedUnits)
	}
	return nil
}

func (r *stateRun) run(ev events.Event) (State, error) {
	ctx := context.Background()
	var hook *juju.Hook
	var result *ActionResult
	var err error
	switch ev := ev.(type) {
	case events.Action:
		var a *juju.Action
		if a, err = r.unit.RunAction(ev.Action, r.in.Params); err == nil {
			if hook, err = r.model.DispatchAction(ctx, r.unit, a); err == nil {
				outcome := resultOf(a)
				result, err = &outcome, a.Err
			}
		}
	default:
		if _, ok := ev.(events.RelationBroken); ok {
			err = r.remove(ev.(events.RelationBroken))
		}
		if err == nil {
			hook, _, err = r.model.Dispatch(ctx, r.unit, ev)
		}
	}
	out := r.after()
	out.Action = result
	if hook != nil {
		out.Calls = callsOf(hook)
	}
	return out, err
}

// remove begins the removal of the relation that breaks.
func (r *stateRun) remove(ev events.RelationBroken) error {
	for i, rel := range r.in.Relations {
		if rel.ID == ev.ID {
			if len(rel.Units) > 0 {
				return fmt.Errorf("relation %s:%d has units, which depart before it breaks", rel.Endpoint, rel.ID)
			}
			return r.ends[i].Relation().Remove()
		}
	}
	return fmt.Errorf("there is no relation %s:%d", ev.Endpoint, ev.ID)
}

// after returns the state after the event.
func (r *stateRun) after() State {
	out := r.in
	out.Config = maps.Clone(r.in.Config)
	out.Networks, out.Resources, out.Params = maps.Clone(r.in.Networks), maps.Clone(r.in.Resources), maps.Clone(r.in.Params)
	out.Leader = r.unit.IsLeader()
	out.Status, out.AppStatus = statusOf(r.unit.Workload()), statusOf(r.app.Status())
	out.Version, out.Stored = r.unit.WorkloadVersion(), r.unit.State()
	out.Relations = nil
	for i, rel := range r.in.Relations {
		end := r.ends[i]
		if end.Relation().Life() == juju.Dead {
			continue
		}
		rel.Local, rel.LocalApp = end.UnitData(r.unit), end.AppData()
		if end.Other() != end {
			rel.RemoteApp = end.Other().AppData()
		}
		units := make(map[string]map[string]string)
		for _, name := range end.Members(r.unit) {
			units[name] = end.Other().UnitData(r.model.Unit(name))
		}
		rel.Units = units
		out.Relations = append(out.Relations, rel)
	}
	out.Logs = nil
	for _, l := range r.model.Logs() {
		out.Logs = append(out.Logs, LogLine{Unit: l.Unit, Level: l.Level, Message: l.Message})
	}
	return out
}
