// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/charmdir"
)

// Application is an application of a model: a charm with its units. One without
// an Executor is made up: its units have no agents and do what they are told to,
// and it needs no charm.
//
// The exported fields do not change.
type Application struct {
	Name     string
	Executor Executor // nil: made up
	model    *Model

	charm          *charmdir.Charm  // nil: made up
	charmVersion   int              // counts upgrades
	versions       []version        // by charmVersion; nil before the first upgrade
	config         map[string]any   // with defaults; what has neither value nor default is nil
	configs        []map[string]any // all it ever had
	configVersion  int              // which of them it has, from 1
	units          []*Unit          // by slot; those that are dead, too
	byName, rank   []uint32         // slots in the order of the units' names, and back
	alive          int
	nextUnit       int
	leader         *Unit
	ends           []*End // of its relations, by ID
	status         Status
	statusSet      bool
	leaderSettings map[string]string // 3.6
	leaderVersion  int
	trusted        bool
	principal      bool // false: subordinate
	dying          bool
	modelUUID      string // of another model, for one that is offered there
	resources      map[string]Resource
	networks       map[string]Network // by binding, or "endpoint:relid"; "" is the default
	podSpec        string
	rawPodSpec     string
	relationEnds   map[int32]*End     // all it ever had, for the trace
	planned        int                // what planned units are said to be; 0: as they are
	goal           *hookcmd.GoalState // what goal-state says instead of what is; or nil
}

// Deployment says what to deploy. Zero fields mean the defaults.
type Deployment struct {
	Name     string          // default the charm's
	Charm    *charmdir.Charm // nil: a made-up application
	Executor Executor        // nil: a made-up application
	Units    int             // default 0
	Config   map[string]any
	Trust    bool
	// ModelUUID says that the application is one of another model, which
	// offers it here.
	ModelUUID string
	Resources map[string]Resource
	// PeerIDs are the IDs of peer relations by endpoint; others are the model's
	// choice.
	PeerIDs map[string]int
}

// Deploy adds an application with its units and peer relations.
func (m *Model) Deploy(d Deployment) (*Application, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, err := m.deploy(d)
	if err != nil {
		return nil, fmt.Errorf("cannot deploy %q: %w", cmp.Or(d.Name, charmName(d.Charm)), err)
	}
	if d.Executor != nil && d.Units > 0 {
		m.note("deploy %s, units: %d", a.Name, d.Units)
	}
	return a, nil
}

func charmName(c *charmdir.Charm) string {
	if c == nil {
		return ""
	}
	return c.Name
}

func (m *Model) deploy(d Deployment) (*Application, error) {
	if d.Executor != nil && d.Charm == nil {
		return nil, errors.New("it has no charm")
	}
	name := cmp.Or(d.Name, charmName(d.Charm))
	switch {
	case !isApplicationName(name):
		return nil, errors.New("an application's name is made of lower-case letters, digits and dashes, and no part of it is a number")
	case m.application(name) != nil:
		return nil, errors.New("there is an application of that name")
	}
	a := &Application{
		Name: name, Executor: d.Executor, model: m, charm: d.Charm, trusted: d.Trust,
		principal: d.Charm == nil || !d.Charm.Subordinate, modelUUID: cmp.Or(d.ModelUUID, m.opts.UUID),
		status: Status{Status: "unknown"}, leaderVersion: 1, resources: maps.Clone(d.Resources),
	}
	if !a.principal && d.Units > 0 {
		return nil, errors.New("a subordinate has no units of its own: they come with those of a principal it is related to")
	}
	if err := a.checkModelType(); err != nil {
		return nil, err
	}
	if err := a.setConfig(nil, d.Config); err != nil {
		return nil, err
	}
	i, _ := slices.BinarySearchFunc(m.apps, name, func(a *Application, name string) int { return cmp.Compare(a.Name, name) })
	m.apps = slices.Insert(m.apps, i, a)
	if a.charm != nil {
		for _, endpoint := range slices.Sorted(maps.Keys(a.charm.Endpoints)) {
			if e := a.charm.Endpoints[endpoint]; e.Role == charmdir.RolePeer {
				if id, ok := d.PeerIDs[endpoint]; ok {
					m.nextRel = id
				}
				m.addRelation(newEnd(a, e), nil)
			}
		}
	}
	a.addUnits(d.Units, nil)
	return a, nil
}

func (a *Application) checkModelType() error {
	if a.charm != nil && len(a.charm.Containers) > 0 && !a.model.opts.CAAS {
		return errors.New("a charm with containers needs a model on Kubernetes")
	}
	return nil
}

// Model returns the application's model.
func (a *Application) Model() *Model { return a.model }

// Charm returns the metadata of the application's charm; nil if it is made up.
func (a *Application) Charm() *charmdir.Charm {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	return a.charm
}

// AddUnits adds n units and returns them.
func (a *Application) AddUnits(n int) ([]*Unit, error) {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	switch {
	case !a.principal:
		return nil, fmt.Errorf("cannot add units to %q: a subordinate's units come with those of a principal it is related to", a.Name)
	case a.dying:
		return nil, fmt.Errorf("cannot add units to %q: it is being removed", a.Name)
	}
	a.model.note("add %d units to %s", n, a.Name)
	return a.addUnits(n, nil), nil
}

// AddUnit adds the unit of a number, which no other has had.
func (a *Application) AddUnit(number int) (*Unit, error) {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	return a.addUnit(number, nil)
}

func (a *Application) addUnit(number int, principal *Unit) (*Unit, error) {
	if a.unit(number) != nil {
		return nil, fmt.Errorf("cannot add unit %s/%d: there is or was one of that name", a.Name, number)
	}
	next := a.nextUnit
	a.nextUnit = number
	u := a.addUnits(1, principal)[0]
	a.nextUnit = max(next, a.nextUnit)
	return u, nil
}

// AddMadeUpUnit adds a unit without an agent, which does what it is told to.
func (a *Application) AddMadeUpUnit(number int) (*Unit, error) {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	return a.addMadeUp(number, nil)
}

func (a *Application) addMadeUp(number int, principal *Unit) (*Unit, error) {
	executor := a.Executor
	a.Executor = nil
	defer func() { a.Executor = executor }()
	return a.addUnit(number, principal)
}

func (a *Application) addUnits(n int, principal *Unit) []*Unit {
	if n <= 0 {
		return nil
	}
	first := len(a.units)
	for range n {
		u := &Unit{
			app: a, slot: uint32(len(a.units)), Number: a.nextUnit, Name: a.Name + "/" + strconv.Itoa(a.nextUnit), principal: principal,
			workload: Status{Status: "waiting", Message: "waiting for machine", Since: a.model.clock.now},
		}
		u.address = a.model.address()
		a.nextUnit++
		a.alive++
		a.units = append(a.units, u)
		if principal != nil {
			principal.subordinates = append(principal.subordinates, u)
			u.machine, u.address = principal.machine, principal.address
		} else if !a.model.opts.CAAS {
			u.machine = strconv.Itoa(a.model.addresses - 1)
		}
		if a.leader == nil && a.Executor != nil {
			a.leader = u
		}
	}
	a.rankUnits()
	for _, e := range a.ends {
		e.grow()
	}
	for _, u := range a.units[first:] {
		if a.Executor != nil {
			a.startAgent(u)
		}
		a.addRequiredStorage(u)
	}
	return slices.Clone(a.units[first:])
}

func (a *Application) startAgent(u *Unit) {
	u.agent = &agent{unit: u, index: -1, containers: containersOf(a.charm), deployed: a.charmVersion}
	for _, e := range a.ends {
		u.agent.watch(e)
	}
	a.model.wake(u.agent)
}

// rankUnits sorts the units by name, in which order agents serve them.
func (a *Application) rankUnits() {
	a.byName = make([]uint32, len(a.units))
	for i := range a.byName {
		a.byName[i] = uint32(i)
	}
	slices.SortFunc(a.byName, func(x, y uint32) int { return cmp.Compare(a.units[x].Name, a.units[y].Name) })
	a.rank = make([]uint32, len(a.units))
	for rank, slot := range a.byName {
		a.rank[slot] = uint32(rank)
	}
}

func (a *Application) unit(number int) *Unit {
	// Numbers rise with slots, unless they were chosen.
	if number >= 0 && number < len(a.units) && a.units[number].Number == number {
		return a.units[number]
	}
	for _, u := range a.units {
		if u.Number == number {
			return u
		}
	}
	return nil
}

// Units returns the units that are not dead, by number.
func (a *Application) Units() []*Unit {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	return a.liveUnits()
}

func (a *Application) liveUnits() []*Unit {
	live := make([]*Unit, 0, a.alive)
	for _, u := range a.units {
		if u.life != Dead {
			live = append(live, u)
		}
	}
	slices.SortStableFunc(live, func(x, y *Unit) int { return cmp.Compare(x.Number, y.Number) })
	return live
}

// Remove removes the application with its units and relations.
func (a *Application) Remove() error {
	m := a.model
	m.mu.Lock()
	defer m.mu.Unlock()
	if a.dying {
		return fmt.Errorf("cannot remove application %q: it is being removed", a.Name)
	}
	m.note("remove application %s", a.Name)
	a.dying = true
	for _, e := range slices.Clone(a.ends) {
		if e.rel.life == Alive {
			e.rel.life = Dying
			e.rel.leave()
		}
	}
	for _, u := range a.units {
		m.removeUnit(u)
	}
	m.removeDeadRelations()
	m.removeDeadApplication(a)
	return nil
}

// removeDeadApplication removes an application of which nothing is left.
func (m *Model) removeDeadApplication(a *Application) {
	if a.dying && a.alive == 0 && len(a.ends) == 0 {
		m.removeApplicationSecrets(a)
		m.apps = slices.DeleteFunc(m.apps, func(x *Application) bool { return x == a })
	}
}
