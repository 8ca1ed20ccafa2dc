// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"errors"
	"fmt"
	"strings"
)

// Churn replaces the unit's pod, as Kubernetes may at any time. What runs is
// killed; what failed or was queued is forgotten; a unit that has started runs
// stop. The new pod has another address, and runs upgrade-charm, config-changed,
// start, and pebble-ready of each container.
func (u *Unit) Churn() error {
	m := u.app.model
	m.mu.Lock()
	defer m.mu.Unlock()
	err := u.canRun()
	switch {
	case err != nil:
	case !m.opts.CAAS:
		err = errors.New("the model is not on Kubernetes")
	case u.life != Alive:
		err = fmt.Errorf("it is %s", u.life)
	}
	if err != nil {
		return fmt.Errorf("cannot replace the pod of unit %s: %w", u.Name, err)
	}
	u.agent.churn()
	return nil
}

func (a *agent) churn() {
	m := a.unit.app.model
	m.note("the pod of %s is replaced", a.unit.Name)
	a.interrupt()
	a.shutdown = true
	m.wake(a)
}

// interrupt kills the charm, if it runs.
func (a *agent) interrupt() {
	if a.running != nil {
		a.running.kill()
	}
}

// nextShutdown returns the stop of a unit whose pod goes. When that has run, or
// need not, there is a new pod and nothing of this kind is due.
func (a *agent) nextShutdown() (hookInfo, bool) {
	switch {
	case a.unit.life != Alive:
		a.shutdown = false // it goes for good
	case a.started && !a.stopped && !a.stopping:
		// The state file of an agent holds one hook: stop takes the place of
		// what failed or was queued.
		a.failed, a.again, a.queued, a.stopping = nil, nil, noHook, true
		a.workload = nil
		return a.simple(stop), true
	default:
		a.newPod()
	}
	return hookInfo{}, false
}

// newPod is the beginning of a pod. Its charm directory is empty, so the agent
// upgrades the charm, unless it finds that a hook was not ended: then it goes
// on with that.
func (a *agent) newPod() {
	u := a.unit
	a.shutdown, a.stopping, a.stopped = false, false, false
	a.restart()
	u.address = u.app.model.address()
	if a.installed && a.failed == nil && a.again == nil && a.queued == noHook {
		a.queued = upgradeCharm
	}
	a.deployed = u.app.charmVersion
}

// RestartAgent restarts the unit's agent: it forgets what it keeps in memory. On
// Kubernetes, where its container restarts with it, start runs again, and
// pebble-ready of each container.
func (u *Unit) RestartAgent() error {
	m := u.app.model
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := u.canRun(); err != nil {
		return fmt.Errorf("cannot restart the agent of unit %s: %w", u.Name, err)
	}
	u.agent.interrupt()
	u.agent.restart()
	m.wake(u.agent)
	return nil
}

// KillAgent kills the unit's agent, with the charm if it runs, for so long that
// another unit becomes the leader in its place, if it leads. Then the agent
// starts again, and runs again what was interrupted.
func (u *Unit) KillAgent() error {
	m := u.app.model
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := u.canRun(); err != nil {
		return fmt.Errorf("cannot kill the agent of unit %s: %w", u.Name, err)
	}
	u.agent.interrupt()
	u.agent.restart()
	if u.isLeader() {
		m.moveLeader(u.app)
	}
	m.wake(u.agent)
	return nil
}

// onMachine returns the agents on the unit's machine.
func (u *Unit) onMachine() ([]*agent, error) {
	m := u.app.model
	if err := u.canRun(); err != nil {
		return nil, err
	}
	if m.opts.CAAS {
		return nil, errors.New("the model has no machines: it is on Kubernetes")
	}
	var agents []*agent
	for _, a := range m.apps {
		for _, other := range a.units {
			if other.agent != nil && other.life != Dead && other.machine == u.machine {
				agents = append(agents, other.agent)
			}
		}
	}
	return agents, nil
}

// Reboot reboots the unit's machine: the units on it that have started run start
// once more.
func (u *Unit) Reboot() error {
	m := u.app.model
	m.mu.Lock()
	defer m.mu.Unlock()
	agents, err := u.onMachine()
	if err != nil {
		return fmt.Errorf("cannot reboot the machine of unit %s: %w", u.Name, err)
	}
	m.note("machine %s reboots", u.machine)
	for _, a := range agents {
		a.interrupt()
		a.restart()
		a.rebooted = a.started
		m.wake(a)
	}
	return nil
}

// PrepareSeriesUpgrade begins to upgrade the base of the unit's machine, which
// Juju 3.6 can, to one such as "ubuntu@22.04/stable": the units on it run
// pre-series-upgrade, and then no hooks.
func (u *Unit) PrepareSeriesUpgrade(base string) error {
	m := u.app.model
	m.mu.Lock()
	defer m.mu.Unlock()
	agents, err := u.onMachine()
	switch {
	case err != nil:
	case !m.is36:
		err = fmt.Errorf("only Juju 3.6 can do that, not %s", m.opts.Version)
	case !strings.Contains(base, "@"):
		err = fmt.Errorf(`%q is no base such as "ubuntu@22.04"`, base)
	case u.agent.gone || u.agent.seriesBase != "":
		err = errors.New("an upgrade has begun")
	}
	if err != nil {
		return fmt.Errorf("cannot upgrade the base of the machine of unit %s: %w", u.Name, err)
	}
	for _, a := range agents {
		a.seriesBase = base
		m.wake(a)
	}
	return nil
}

// CompleteSeriesUpgrade ends what PrepareSeriesUpgrade began: the units run
// post-series-upgrade.
func (u *Unit) CompleteSeriesUpgrade() error {
	m := u.app.model
	m.mu.Lock()
	defer m.mu.Unlock()
	agents, err := u.onMachine()
	if err == nil && !u.agent.gone {
		err = errors.New("none was prepared, or pre-series-upgrade has not run")
	}
	if err != nil {
		return fmt.Errorf("cannot complete the upgrade of the base of the machine of unit %s: %w", u.Name, err)
	}
	for _, a := range agents {
		a.gone, a.seriesDone, a.seriesBase = false, a.gone, ""
		m.wake(a)
	}
	return nil
}
