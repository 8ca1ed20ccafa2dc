// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/jujutext"
)

func goalState(c *call) error {
	c.output("yaml", "json")
	if _, err := c.parse(0); err != nil {
		return err
	}
	goal := c.h.goalState()
	relations := make(map[string]any, len(goal.Relations))
	for endpoint, remote := range goal.Relations {
		relations[endpoint] = printGoals(remote)
	}
	return c.print(jujutext.Map{{Key: "units", Value: printGoals(goal.Units)}, {Key: "relations", Value: relations}})
}

func printGoals(goals map[string]hookcmd.GoalStatus) map[string]any {
	printed := make(map[string]any, len(goals))
	for name, goal := range goals {
		since := goal.Since.UTC()
		if since.IsZero() {
			since = time.Unix(0, 0).UTC()
		}
		printed[name] = jujutext.Map{{Key: "status", Value: goal.Status}, {Key: "since", Value: since.Format("2006-01-02 15:04:05Z")}}
	}
	return printed
}

// goalState returns what the model is to become, as the unit sees it. Nothing
// of it is kept for the rest of the hook.
func (h *Hook) goalState() *hookcmd.GoalState {
	a := h.unit.app
	if a.goal != nil {
		return a.goal
	}
	goal := &hookcmd.GoalState{Units: h.plannedUnits(), Relations: make(map[string]map[string]hookcmd.GoalStatus)}
	for _, e := range a.ends {
		// Peers are left out, and so is who consumes what we offer to other models.
		if e.isPeer() || e.alias != "" {
			continue
		}
		remote := goal.Relations[e.Endpoint.Name]
		if remote == nil {
			remote = make(map[string]hookcmd.GoalStatus)
			goal.Relations[e.Endpoint.Name] = remote
		}
		remote[e.remoteName()] = goalStatus(e.rel.status)
		if e.other.App.modelUUID == a.modelUUID { // of another model's application we know no units
			h.addGoals(remote, e.other.App)
		}
	}
	return goal
}

// addGoals adds the units of an application, whether they are in a relation or
// not. Subordinates are left out but for ours. That takes from a subordinate
// even itself; Juju does so.
func (h *Hook) addGoals(to map[string]hookcmd.GoalStatus, a *Application) {
	for _, u := range a.units {
		if u.life == Dead || u.principal != nil && u.principal != h.unit {
			continue
		}
		status := u.status()
		if u.life == Dying {
			status.Status = "dying"
		}
		to[u.Name] = goalStatus(status)
	}
}

func goalStatus(s Status) hookcmd.GoalStatus {
	return hookcmd.GoalStatus{Status: s.Status, Since: hookcmd.GoalTime{Time: s.Since}}
}

// plannedUnits returns the units that the application is to have.
func (h *Hook) plannedUnits() map[string]hookcmd.GoalStatus {
	a := h.unit.app
	units := make(map[string]hookcmd.GoalStatus)
	h.addGoals(units, a)
	if a.planned == 0 {
		return units
	}
	planned := max(a.planned, 0)
	// Ourselves last: of too many units we go last.
	names := slices.Sorted(maps.Keys(units))
	names = append(slices.DeleteFunc(names, func(name string) bool { return name == h.unit.Name }), h.unit.Name)
	for i := 0; len(units) > planned; i++ {
		delete(units, names[i])
	}
	for number := 0; len(units) < planned; number++ {
		name := fmt.Sprintf("%s/%d", a.Name, number)
		if _, ok := units[name]; !ok {
			units[name] = goalStatus(Status{Status: "waiting", Since: a.model.clock.now})
		}
	}
	return units
}

// setStatus notes the status that the controller or a leader gives a relation.
func (r *Relation) setStatus(status string) {
	if r.status.Status != status {
		r.status = Status{Status: status, Since: r.model.clock.now}
	}
}

// brokenBy notes that a unit's agent has left the relation for good: the leader's
// sets its status.
func (r *Relation) brokenBy(u *Unit) {
	switch {
	case !u.isLeader():
	case r.suspended:
		r.setStatus("suspended")
	case r.life != Alive:
		r.setStatus("broken")
	}
}

// SetGoalState has goal-state tell this to all units of the application; nil
// is what the model has. It must not be changed any more.
func (a *Application) SetGoalState(goal *hookcmd.GoalState) {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	a.goal = goal
}
