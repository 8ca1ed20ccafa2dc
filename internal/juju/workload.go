// SPDX-License-Identifier: Apache-2.0

package juju

import (
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
}

func containersOf(c *charmdir.Charm) []string {
	if c == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(c.Containers))
}

// pebbleAll has the agent see the Pebble of each container as new.
func (a *agent) pebbleAll() {
	for _, c := range a.containers {
		a.workload = append(a.workload, &Workload{kind: pebbleReady, Container: c})
	}
	a.unit.app.model.wake(a)
}

func (a *agent) dropWorkload(w *Workload) {
	a.workload = slices.DeleteFunc(a.workload, func(x *Workload) bool { return x == w })
}
