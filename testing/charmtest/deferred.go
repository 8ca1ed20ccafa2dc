// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
)

// deferredKey is where a charm stores the deferred events; with a number after
// it, those for which that has no room.
const deferredKey = "charmsmith.deferred"

// maxDeferredValues is how many values of a charm's state the deferred events have.
const maxDeferredValues = 32

// deferredEvent is a deferred event as a charm stores it.
type deferredEvent struct {
	Number    int       `json:"n"`
	Event     string    `json:"event"`
	Env       []string  `json:"env"`
	Handler   string    `json:"handler"`
	Ordinal   int       `json:"ordinal,omitempty"`
	Since     time.Time `json:"since"`
	Times     int       `json:"times"`
	Failures  int       `json:"failures,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	Synthetic bool      `json:"synthetic,omitempty"`
}

// Deferred returns the events that the charm has deferred, the oldest first. It
// fails the test if they cannot be read.
func (h *Harness) Deferred() []charm.DeferredEvent {
	h.t.Helper()
	list, err := deferredIn(h.unit.State(), h.unit.Name)
	h.fatal(err)
	return list
}

// Deferred returns the events that the charm has deferred, the oldest first. It
// fails the test if they cannot be read.
func (u *Unit) Deferred() []charm.DeferredEvent {
	u.model.t.Helper()
	list, err := deferredIn(u.unit.State(), u.unit.Name)
	u.model.fatal(err)
	return list
}

// deferredKeys returns the keys of a charm's state that have deferred events.
func deferredKeys(state map[string]string) []string {
	if !has(state, deferredKey) {
		return nil
	}
	keys := []string{deferredKey}
	for n := 2; n <= maxDeferredValues; n++ {
		if key := deferredKey + "." + strconv.Itoa(n); has(state, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

func has(state map[string]string, key string) bool {
	_, ok := state[key]
	return ok
}

// deferredIn returns the deferred events in a charm's state.
func deferredIn(state map[string]string, unit string) ([]charm.DeferredEvent, error) {
	var list []charm.DeferredEvent
	for _, key := range deferredKeys(state) {
		var entries []deferredEvent
		if err := json.Unmarshal([]byte(state[key]), &entries); err != nil {
			return nil, fmt.Errorf("cannot read deferred events in state %q: %w", key, err)
		}
		for _, e := range entries {
			ev, err := events.Parse(append([]string{"JUJU_UNIT_NAME=" + unit}, e.Env...))
			if err != nil {
				return nil, fmt.Errorf("cannot read deferred events in state %q: %w", key, err)
			}
			if departed, ok := ev.(events.PeerDeparted); ok {
				departed.Synthetic = e.Synthetic
				ev = departed
			}
			list = append(list, charm.DeferredEvent{
				Event: ev, Handler: e.Handler, Ordinal: e.Ordinal,
				Deferral: charm.Deferral{Since: e.Since, Times: e.Times, Failures: e.Failures, Reason: e.Reason},
			})
		}
	}
	return list, nil
}

// storeDeferred returns the charm's state with deferred events.
func storeDeferred(state map[string]string, list []charm.DeferredEvent, unit string, now time.Time) (map[string]string, error) {
	if len(list) == 0 {
		return state, nil
	}
	if _, ok := state[deferredKey]; ok {
		return nil, fmt.Errorf("both State.Deferred and State.Stored[%q] have deferred events; set one of them", deferredKey)
	}
	var entries []deferredEvent
	for i, d := range list {
		if d.Event == nil || d.Handler == "" {
			return nil, fmt.Errorf("State.Deferred[%d] has no Event or no Handler", i)
		}
		ev, synthetic := d.Event, false
		if departed, ok := ev.(events.PeerDeparted); ok {
			synthetic, departed.Synthetic = departed.Synthetic, false
			ev = departed
		}
		env, err := events.Environ(ev, unit)
		if err != nil {
			return nil, fmt.Errorf("State.Deferred[%d]: %w", i, err)
		}
		if d.Since.IsZero() {
			d.Since = now
		}
		entries = append(entries, deferredEvent{
			Number: i + 1, Event: ev.Name(), Env: env[1:], Handler: d.Handler, Ordinal: d.Ordinal,
			Since: d.Since, Times: max(d.Times, 1), Failures: d.Failures, Reason: d.Reason, Synthetic: synthetic,
		})
	}
	text, err := json.Marshal(entries)
	if err != nil {
		return nil, err
	}
	stored := map[string]string{deferredKey: string(text)}
	maps.Copy(stored, state)
	return stored, nil
}

// takeDeferred takes the deferred events out of a state; if they cannot be read
// they stay.
func takeDeferred(state map[string]string, unit string) ([]charm.DeferredEvent, error) {
	list, err := deferredIn(state, unit)
	if err != nil {
		return nil, err
	}
	for _, key := range deferredKeys(state) {
		delete(state, key)
	}
	return list, nil
}
