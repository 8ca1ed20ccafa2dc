// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"fmt"
	"maps"
	"slices"

	"github.com/charmsmith/charmsmith/internal/charmdir"
)

// Workload is what Pebble in a container tells the unit's agent.
type Workload struct {
	kind                            hookKind
	Container                       string
	NoticeID, NoticeType, NoticeKey string
	Check                           string

	failures int // of its hook, in a row
	err      error
}

func containersOf(c *charmdir.Charm) []string {
	if c == nil || len(c.Containers) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(c.Containers))
}

// pebbleAll has the agent see the Pebble of each container as new, in any order:
// each starts when it does.
func (a *agent) pebbleAll() {
	m := a.unit.app.model
	a.workload = slices.DeleteFunc(a.workload, func(w *Workload) bool { return w.kind == pebbleReady })
	containers := slices.Clone(a.containers)
	if answers := m.opts.Pebble; answers != nil {
		containers = slices.DeleteFunc(containers, func(c string) bool { return !answers(a.unit.Name, c) })
	}
	for len(containers) > 0 {
		i := m.choose.pick(len(containers))
		a.workload = append(a.workload, &Workload{kind: pebbleReady, Container: containers[i]})
		containers = slices.Delete(containers, i, i+1)
	}
	m.wake(a)
}

func (a *agent) dropWorkload(w *Workload) {
	a.workload = slices.DeleteFunc(a.workload, func(x *Workload) bool { return x == w })
}

// nextWorkload returns the hook of what Pebble has told. An agent looks at
// Pebble every few seconds, so what else is due may come first; unless nothing
// else is.
func (a *agent) nextWorkload(nothingElse bool) (hookInfo, bool) {
	if len(a.workload) == 0 || !nothingElse && a.unit.app.model.choose.pick(2) == 1 {
		return hookInfo{}, false
	}
	w := a.workload[0]
	return hookInfo{kind: w.kind, workload: w, slot: -1}, true
}

// tell has Pebble tell the unit's agent something.
func (u *Unit) tell(w *Workload) error {
	m := u.app.model
	m.mu.Lock()
	defer m.mu.Unlock()
	err := u.canRun()
	if err == nil && !slices.Contains(u.agent.containers, w.Container) {
		err = fmt.Errorf("its charm has no such container but %q", u.agent.containers)
	}
	if err != nil {
		return fmt.Errorf("cannot have container %q of unit %s send %s: %w", w.Container, u.Name, w.kind, err)
	}
	pending := w.kind == pebbleReady && slices.ContainsFunc(u.agent.workload, func(x *Workload) bool {
		return x.kind == pebbleReady && x.Container == w.Container
	})
	if !pending {
		u.agent.workload = append(u.agent.workload, w)
		m.wake(u.agent)
	}
	return nil
}

// RestartWorkload restarts a container: its pebble-ready runs again.
func (u *Unit) RestartWorkload(container string) error {
	return u.tell(&Workload{kind: pebbleReady, Container: container})
}

// Notice has Pebble in a container record a custom notice, such as
// "example.com/backup-done". Those of one key have the same ID.
func (u *Unit) Notice(container, id, key string) error {
	return u.tell(&Workload{kind: pebbleCustomNotice, Container: container, NoticeID: id, NoticeType: "custom", NoticeKey: key})
}

// CheckFailed has a check of Pebble in a container fail, as often as it may.
func (u *Unit) CheckFailed(container, check string) error {
	return u.tell(&Workload{kind: pebbleCheckFailed, Container: container, Check: check})
}

// CheckRecovered has a check of Pebble that failed succeed.
func (u *Unit) CheckRecovered(container, check string) error {
	return u.tell(&Workload{kind: pebbleCheckRecovered, Container: container, Check: check})
}
