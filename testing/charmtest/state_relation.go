// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// RelationState is a relation of a [State]. A peer relation that the state does
// not have is there nevertheless, without other units.
type RelationState struct {
	Endpoint  string
	ID        int
	App       string                       // the remote application; of a peer relation our own, or empty
	Model     string                       // the UUID of the model that the remote application is offered from; empty: ours
	Local     map[string]string            // our unit's databag, besides what Juju writes there
	LocalApp  map[string]string            // our application's
	Units     map[string]map[string]string // the remote units' databags, by name; those of who joins or departs in this event, too
	RemoteApp map[string]string            // the remote application's; of a peer relation none, that is LocalApp
}

// checkRelations checks what the state says of relations, and returns the IDs of
// those of peers.
func (r *stateRun) checkRelations(meta *charmdir.Charm) (peers map[string]int, err error) {
	app, _, err := splitUnit(r.in.unitName(meta))
	if err != nil {
		return nil, fmt.Errorf("State.Unit: %w", err)
	}
	peers = make(map[string]int)
	next := 0
	for i, rel := range r.in.Relations {
		if err := r.checkRelation(meta, i, app); err != nil {
			return nil, fmt.Errorf("State.Relations[%d]: %w", i, err)
		}
		if meta.Endpoints[rel.Endpoint].Role == charmdir.RolePeer {
			peers[rel.Endpoint] = rel.ID
		}
		next = max(next, rel.ID+1)
	}
	for _, name := range slices.Sorted(maps.Keys(meta.Endpoints)) { // those that the state does not have
		if _, ok := peers[name]; !ok && meta.Endpoints[name].Role == charmdir.RolePeer {
			peers[name] = next
			next++
		}
	}
	return peers, nil
}

func (r *stateRun) checkRelation(meta *charmdir.Charm, i int, app string) error {
	rel := r.in.Relations[i]
	endpoint, ok := meta.Endpoints[rel.Endpoint]
	isPeer := endpoint.Role == charmdir.RolePeer
	switch {
	case !ok:
		return undeclared("endpoint", rel.Endpoint, meta.Endpoints)
	case rel.ID < 0:
		return fmt.Errorf("ID is %d; those of relations begin with 0", rel.ID)
	case isPeer && rel.App != "" && rel.App != app:
		return fmt.Errorf("it is a peer relation: App is %q, not %q", app, rel.App)
	case isPeer && rel.RemoteApp != nil:
		return errors.New("it is a peer relation: what is in RemoteApp belongs in LocalApp")
	case isPeer && rel.Model != "":
		return errors.New("it is a peer relation: Model is for those with applications of other models")
	case !isPeer && rel.App == "":
		return errors.New("App is empty; name the remote application")
	case !isPeer && rel.App == app:
		return fmt.Errorf("App is our own application, but %q is no peer endpoint; name another one", rel.Endpoint)
	}
	for j, other := range r.in.Relations[:i] {
		switch {
		case other.ID == rel.ID:
			return fmt.Errorf("ID %d is that of State.Relations[%d], too; give each its own", rel.ID, j)
		case isPeer && other.Endpoint == rel.Endpoint:
			return fmt.Errorf("peer endpoint %q has one relation only, which is State.Relations[%d]", rel.Endpoint, j)
		}
	}
	return nil
}

// relate makes a relation of the state.
func (r *stateRun) relate(i int, ev events.Event) error {
	rel := r.in.Relations[i]
	end := r.end(rel.ID) // of peers
	if end == nil {
		var err error
		if end, err = r.addRelation(rel); err != nil {
			return err
		}
	}
	r.ends = append(r.ends, end)
	if _, err := end.Write(r.unit, rel.Local); err != nil {
		return err
	}
	end.WriteApp(rel.LocalApp)
	end.Other().WriteApp(rel.RemoteApp)
	joining, departing := "", ""
	switch ev := ev.(type) {
	case events.PeerJoined:
		joining = of(ev.RelationRef, rel, ev.Unit)
	case events.RelationJoined:
		joining = of(ev.RelationRef, rel, ev.Unit)
	case events.PeerDeparted:
		departing = of(ev.RelationRef, rel, ev.Unit)
		if ev.Self {
			departing = "" // we do, and it stays
		}
	case events.RelationDeparted:
		departing = of(ev.RelationRef, rel, ev.Unit)
		if ev.Self {
			departing = ""
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rel.Units)) {
		u, err := r.enter(r.model, end, name, rel.Units[name])
		if err != nil {
			return fmt.Errorf("Units has %s: %w", name, err)
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

// of returns the unit of an event of that relation.
func of(ref events.RelationRef, rel RelationState, unit string) string {
	if ref.ID != rel.ID {
		return ""
	}
	return unit
}

// addRelation relates the application with one that is made up.
func (r *stateRun) addRelation(rel RelationState) (*juju.End, error) {
	if r.model.Application(rel.App) == nil {
		if _, err := r.model.Deploy(juju.Deployment{Name: rel.App, ModelUUID: rel.Model}); err != nil {
			return nil, err
		}
	}
	if err := r.model.SetNextRelationID(rel.ID); err != nil {
		return nil, err
	}
	added, err := r.model.Relate(r.app.Name, rel.Endpoint, rel.App, "")
	if err != nil {
		return nil, err
	}
	end := added.End(r.app.Name)
	r.unit.Enter(end)
	return end, nil
}

// remove begins the removal of the relation that breaks.
func (r *stateRun) remove(ev events.RelationBroken) error {
	for i, rel := range r.in.Relations {
		switch {
		case rel.ID != ev.ID || r.meta.Endpoints[rel.Endpoint].Role == charmdir.RolePeer:
		case len(rel.Units) > 0:
			return fmt.Errorf("relation %s:%d has units, which depart before it breaks", rel.Endpoint, rel.ID)
		default:
			return r.ends[i].Relation().Remove()
		}
	}
	return nil // the model says what is wrong
}

// relationsAfter returns the relations after the event: without one that broke,
// and in the others without who departed, if that has happened.
func (r *stateRun) relationsAfter(happened bool) []RelationState {
	var all []RelationState
	for i, rel := range r.in.Relations {
		end := r.ends[i]
		if end.Relation().Life() == juju.Dead {
			continue
		}
		rel.Local, rel.LocalApp = end.UnitData(r.unit), end.AppData()
		if end.Other() != end {
			rel.RemoteApp = end.Other().AppData()
		}
		names := end.Members(r.unit)
		if !happened {
			names = slices.Collect(maps.Keys(rel.Units))
		}
		rel.Units = make(map[string]map[string]string)
		for _, name := range names {
			rel.Units[name] = end.Other().UnitData(r.model.Unit(name))
		}
		all = append(all, rel)
	}
	return all
}
