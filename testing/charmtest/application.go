// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"context"
	"fmt"
	"strings"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// Application is an application of a [Model].
type Application struct {
	model *Model
	app   *juju.Application
}

// Name returns the application's name.
func (a *Application) Name() string { return a.app.Name }

// AddUnits adds n units, and returns them.
func (a *Application) AddUnits(n int) []*Unit {
	a.model.t.Helper()
	if n < 1 {
		a.model.fatal(fmt.Errorf("cannot add %d units to %q; RemoveUnit removes one", n, a.app.Name))
	}
	added, err := a.app.AddUnits(n)
	a.model.fatal(err)
	units := make([]*Unit, len(added))
	for i, u := range added {
		units[i] = &Unit{model: a.model, unit: u}
	}
	return units
}

// RemoveUnit begins the removal of a unit, "app/1".
func (a *Application) RemoveUnit(name string) {
	a.model.t.Helper()
	a.model.fatal(a.Unit(name).unit.Remove())
}

// Remove begins the removal of the application, with its units and relations.
func (a *Application) Remove() {
	a.model.t.Helper()
	a.model.fatal(a.app.Remove())
}

// Unit returns a unit, "app/1", which must be one of the application's that is
// not gone.
func (a *Application) Unit(name string) *Unit {
	a.model.t.Helper()
	var names []string
	for _, u := range a.app.Units() {
		if u.Name == name {
			return &Unit{model: a.model, unit: u}
		}
		names = append(names, u.Name)
	}
	a.model.fatal(fmt.Errorf("application %q has no unit %q, or no more; it has %s", a.app.Name, name, strings.Join(names, ", ")))
	return nil
}

// Units returns the units that are not gone, by number.
func (a *Application) Units() []*Unit {
	var units []*Unit
	for _, u := range a.app.Units() {
		units = append(units, &Unit{model: a.model, unit: u})
	}
	return units
}

// Leader returns the leader; nil if there is none.
func (a *Application) Leader() *Unit {
	if u := a.app.Leader(); u != nil {
		return &Unit{model: a.model, unit: u}
	}
	return nil
}

// SetConfig sets options of the charm; others stay.
func (a *Application) SetConfig(values map[string]any) {
	a.model.t.Helper()
	a.configure(values)
}

// ResetConfig sets options back to their defaults.
func (a *Application) ResetConfig(names ...string) {
	a.model.t.Helper()
	a.configure(nil, names...)
}

func (a *Application) configure(values map[string]any, unset ...string) {
	a.model.t.Helper()
	if err := checkOptions(a.app.Charm(), values, unset...); err != nil {
		a.model.fatal(fmt.Errorf("cannot set config of %q: %w", a.app.Name, err))
	}
	a.model.fatal(a.app.SetConfig(values, unset...))
}

// Config returns the options; nil is one that has neither a value nor a default.
func (a *Application) Config() map[string]any { return a.app.Config() }

// Status returns the status that the leader set for the application.
func (a *Application) Status() Status { return statusOf(a.app.Status()) }

// LeaderSettings returns what the leader wrote with leader-set, which Juju 3.6 has.
func (a *Application) LeaderSettings() map[string]string { return a.app.LeaderSettings() }

// Refresh gives the application another revision of its charm. nil options mean
// the metadata as it is.
func (a *Application) Refresh(register func(*charm.Charm), opts *DeployOptions) {
	a.model.t.Helper()
	if register == nil {
		a.model.fatal(fmt.Errorf("cannot refresh %q: register is nil; give what charm.Main is given", a.app.Name))
	}
	meta := a.app.Charm()
	if opts != nil && (opts.Metadata != "" || opts.Dir != "") {
		var err error
		if meta, err = a.model.charms.load(opts.Metadata, opts.Dir); err != nil {
			a.model.fatal(fmt.Errorf("cannot refresh %q: %w", a.app.Name, err))
		}
	}
	a.model.fatal(a.app.Refresh(meta, newExecutor(register, meta)))
}

// Unit is a unit of a [Model].
type Unit struct {
	model *Model
	unit  *juju.Unit
}

// Name returns the unit's name, "app/1".
func (u *Unit) Name() string { return u.unit.Name }

// Address returns the unit's address.
func (u *Unit) Address() string { return u.unit.Address() }

// Status returns the status of the unit's workload: "error" if a hook has failed.
func (u *Unit) Status() Status { return statusOf(u.unit.Workload()) }

// StatusHistory returns the statuses that the workload had before.
func (u *Unit) StatusHistory() []Status { return statusesOf(u.unit.History()) }

// WorkloadVersion returns the version that the charm has set.
func (u *Unit) WorkloadVersion() string { return u.unit.WorkloadVersion() }

// OpenedPorts returns the ports that are open.
func (u *Unit) OpenedPorts() []hookcmd.EndpointPorts { return u.unit.OpenedPorts() }

// State returns what the charm has stored by state-set.
func (u *Unit) State() map[string]string { return u.unit.State() }

// IsLeader reports whether the unit is the leader.
func (u *Unit) IsLeader() bool { return u.unit.IsLeader() }

// IsGone reports whether the unit has been removed.
func (u *Unit) IsGone() bool { return u.unit.Life() == juju.Dead }

// SetLeader makes the unit the leader of its application.
func (u *Unit) SetLeader() {
	u.model.t.Helper()
	u.model.fatal(u.unit.SetLeader())
}

// Resolve has a hook that failed run again.
func (u *Unit) Resolve() {
	u.model.t.Helper()
	u.model.fatal(u.unit.Resolve(false))
}

// ResolveNoRetry takes a hook that failed for done, as juju resolve --no-retry.
func (u *Unit) ResolveNoRetry() {
	u.model.t.Helper()
	u.model.fatal(u.unit.Resolve(true))
}

// Restart replaces the unit's pod, on Kubernetes: stop, upgrade-charm,
// config-changed, start and the Pebble of each container.
func (u *Unit) Restart() {
	u.model.t.Helper()
	u.model.fatal(u.unit.Churn())
}

// RestartAgent restarts the unit's agent, which forgets what it keeps in memory.
// On Kubernetes start runs again, and the Pebble of each container is ready.
func (u *Unit) RestartAgent() {
	u.model.t.Helper()
	u.model.fatal(u.unit.RestartAgent())
}

// Reboot reboots the unit's machine, after which start runs again.
func (u *Unit) Reboot() {
	u.model.t.Helper()
	u.model.fatal(u.unit.Reboot())
}

// Databag returns what the unit has in its databag of a relation.
func (u *Unit) Databag(endpoint string) map[string]string {
	u.model.t.Helper()
	rel := u.model.relationOf(u.unit.Application(), endpoint)
	return rel.End(u.unit.Application().Name).UnitData(u.unit)
}

// Exec runs a function with the unit's hook commands, as juju exec does a
// script: what it changes is kept if it returns nil. Then the model settles.
func (u *Unit) Exec(script func(ctx context.Context, hook *hookcmd.Client) error) error {
	u.model.t.Helper()
	return u.exec(-1, "", script)
}
