// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/charmsmith/charmsmith/events"
)

const (
	// queueKey is where the deferred events are in the charm's state; those that
	// one value has no room for are in "charmsmith.deferred.2" and so on, which
	// count for nothing without the first.
	queueKey = "charmsmith.deferred"

	// maxDeferred is how many events can be deferred, with room to spare in what
	// Juju keeps for a unit.
	maxDeferred = 2000
)

// queue is the deferred events: in the charm's state a JSON list, which people
// can read with "juju exec --unit app/0 -- state-get charmsmith.deferred", and
// clear with state-delete.
type queue struct {
	state *state

	mu      sync.Mutex // guards what follows; no hook command runs meanwhile
	loaded  bool
	changed bool
	entries []*queued // the oldest first
	values  int       // how many of the state there are, from the first
}

// queued is a deferred event as it is stored.
type queued struct {
	Number   int       `json:"n"`     // for the log; rises
	Event    string    `json:"event"` // for people
	Env      []string  `json:"env"`   // what Juju's environment said of it
	Handler  string    `json:"handler"`
	Ordinal  int       `json:"ordinal,omitempty"` // among the handlers of that name that take the event
	Since    time.Time `json:"since"`
	Times    int       `json:"times"`
	Failures int       `json:"failures,omitempty"`
	Reason   string    `json:"reason,omitempty"`

	Synthetic bool `json:"synthetic,omitempty"` // of a PeerDeparted, whose environment it is not in

	before string // the reason that was read, for when there is no room for another
}

// is reports whether it is the same event for the same handler.
func (q *queued) is(other *queued) bool {
	return q.Handler == other.Handler && q.Ordinal == other.Ordinal && q.Synthetic == other.Synthetic && slices.Equal(q.Env, other.Env)
}

func (q *queued) deferral() Deferral { return Deferral{q.Since, q.Times, q.Failures, q.Reason} }

// event returns the event of an entry.
func (q *queued) event(unit string) (events.Event, error) {
	ev, err := events.Parse(append([]string{"JUJU_UNIT_NAME=" + unit}, q.Env...))
	if departed, ok := ev.(events.PeerDeparted); ok {
		departed.Synthetic = q.Synthetic
		ev = departed
	}
	return ev, err
}

// entryOf returns the entry of an event for a handler, with what names the two.
func (c *Charm) entryOf(h *handler, ev events.Event) (*queued, error) {
	entry := &queued{Number: 1, Event: ev.Name(), Handler: h.identity(), Ordinal: c.ordinal(h, ev)}
	if departed, ok := ev.(events.PeerDeparted); ok && departed.Synthetic {
		entry.Synthetic, departed.Synthetic = true, false
		ev = departed
	}
	env, err := events.Environ(ev, c.Unit())
	if err != nil {
		return nil, err
	}
	entry.Env = env[1:] // without the unit, which is ours
	return entry, nil
}

// identity returns what deferral knows a handler by.
func (h *handler) identity() string {
	if h.given != "" {
		return h.given
	}
	return h.name()
}

// candidates returns the handlers of a name that take an event: first the one that
// was given the name, then those whose function has it.
func (c *Charm) candidates(identity string, ev events.Event) []*handler {
	var given, all []*handler
	for i := range c.handlers {
		switch h := &c.handlers[i]; {
		case !h.isFor(ev) || h.identity() != identity:
		case h.given != "":
			given = append(given, h)
		default:
			all = append(all, h)
		}
	}
	return append(given, all...)
}

func (c *Charm) ordinal(h *handler, ev events.Event) int {
	return slices.Index(c.candidates(h.identity(), ev), h)
}

// handlerOf returns the handler of an entry; nil if the charm has none any more.
func (c *Charm) handlerOf(q *queued, ev events.Event) *handler {
	all := c.candidates(q.Handler, ev)
	if q.Ordinal < 0 || q.Ordinal >= len(all) {
		return nil
	}
	return all[q.Ordinal]
}

// load reads the queue. One that cannot be read is dropped: the charm would not
// get any further otherwise.
func (q *queue) load(ctx context.Context, c *Charm) error {
	if q.isLoaded() {
		return nil
	}
	state, err := q.state.all(ctx)
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.loaded {
		return nil
	}
	q.loaded = true
	for key := range state {
		q.values = max(q.values, valueNumber(key))
	}
	if _, ok := state[queueKey]; !ok {
		q.changed = q.values > 0 // somebody has deleted the first by hand
		return nil
	}
	for i := range q.values {
		text, ok := state[valueKey(i)]
		if !ok {
			continue
		}
		var entries []*queued
		if err := json.Unmarshal([]byte(text), &entries); err != nil {
			c.Logger().WarnContext(ctx, "deferred events are dropped: they cannot be read", "state", valueKey(i), "cause", err)
			q.changed = true
			continue
		}
		q.entries = append(q.entries, entries...)
	}
	q.entries = slices.DeleteFunc(q.entries, func(e *queued) bool { return e == nil })
	for _, e := range q.entries {
		e.before = e.Reason
	}
	return nil
}

func (q *queue) isLoaded() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.loaded
}

// valueKey returns the key of the state of the i-th part, from 0.
func valueKey(i int) string {
	if i == 0 {
		return queueKey
	}
	return queueKey + "." + strconv.Itoa(i+1)
}

// valueNumber returns the number of a part, from 1; 0 if the key is of none.
func valueNumber(key string) int {
	if key == queueKey {
		return 1
	}
	number, ok := strings.CutPrefix(key, queueKey+".")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 2 || n > maxState/maxStateValue {
		return 0
	}
	return n
}

// all returns the entries, which only the re-emission changes.
func (q *queue) all() []*queued {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.entries)
}

func (q *queue) has(entry *queued) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Contains(q.entries, entry)
}

// drop drops entries.
func (q *queue) drop(which func(*queued) bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	before := len(q.entries)
	q.entries = slices.DeleteFunc(q.entries, which)
	q.changed = q.changed || len(q.entries) != before
}

// change changes an entry, unless it was dropped; it reports whether it did.
func (q *queue) change(entry *queued, change func(*queued)) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.entries, entry)
	if i < 0 {
		return false
	}
	changed := *entry // others may be reading that one
	change(&changed)
	q.entries[i], q.changed = &changed, true
	return true
}

// add adds an event, unless it waits for the same handler already.
func (q *queue) add(ctx context.Context, c *Charm, h *handler, ev events.Event, reason string) error {
	if err := q.load(ctx, c); err != nil {
		return err
	}
	entry, err := c.entryOf(h, ev)
	if err != nil {
		return err
	}
	entry.Since, entry.Times, entry.Reason = c.Now().UTC().Truncate(time.Second), 1, reason
	if text, err := marshal(entry); err != nil || len(text) > maxStateValue-len("[]") {
		return fmt.Errorf("what is to be kept of it has %d bytes, of at most %d", len(text), maxStateValue-len("[]"))
	}
	before := q.all()
	added, err := q.append(entry)
	if err == nil {
		err = q.save(ctx)
	}
	if err != nil {
		q.restore(before)
		return err
	}
	if added {
		c.logDeferral(ctx, "Deferring", ev, entry.Number)
	}
	return nil
}

func (q *queue) append(entry *queued) (added bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, old := range q.entries {
		entry.Number = max(entry.Number, old.Number+1)
		if old.is(entry) {
			again := *old
			again.Reason = entry.Reason
			q.entries[i], q.changed = &again, true
			return false, nil
		}
	}
	if len(q.entries) >= maxDeferred {
		return false, fmt.Errorf("%d events are deferred already", len(q.entries))
	}
	q.entries, q.changed = append(q.entries, entry), true
	return true, nil
}

// done drops what waits for a handler that has succeeded with an equal event.
func (q *queue) done(c *Charm, h *handler, ev events.Event) {
	name := ev.Name()
	if h.always || !slices.ContainsFunc(q.all(), func(e *queued) bool { return e.Event == name }) {
		return
	}
	if entry, err := c.entryOf(h, ev); err == nil {
		q.drop(entry.is)
	}
}

// save writes the queue, if it has changed. If there is no room for it, reasons
// that have grown are as they were, and at last there are none.
func (q *queue) save(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.changed {
		return nil
	}
	undo, err := q.state.savepoint(ctx)
	if err != nil {
		return err
	}
	err = q.write(ctx)
	for _, reason := range []func(*queued) string{func(e *queued) string { return e.before }, func(*queued) string { return "" }} {
		if err == nil || ctx.Err() != nil {
			break
		}
		undo()
		q.shorten(reason)
		err = q.write(ctx)
	}
	if err != nil {
		undo()
	}
	return err
}

// shorten gives the entries other reasons, where those are shorter.
func (q *queue) shorten(reason func(*queued) string) {
	entries := slices.Clone(q.entries)
	for i, e := range entries {
		if text := reason(e); len(text) < len(e.Reason) {
			short := *e // others may be reading that one
			short.Reason = text
			entries[i] = &short
		}
	}
	q.entries = entries
}

func (q *queue) write(ctx context.Context) error {
	values, err := q.encode()
	if err != nil {
		return err
	}
	for i, value := range values {
		if err := q.state.set(ctx, valueKey(i), &value); err != nil {
			return fmt.Errorf("cannot store %d deferred events: %w", len(q.entries), err)
		}
	}
	for i := len(values); i < q.values; i++ {
		if err := q.state.set(ctx, valueKey(i), nil); err != nil {
			return err
		}
	}
	q.values, q.changed = len(values), false
	return nil
}

// encode returns the values of the state: lists of as many entries as there is
// room for, one a line.
func (q *queue) encode() (values []string, err error) {
	var list strings.Builder
	for _, entry := range q.entries {
		text, err := marshal(entry)
		if err != nil {
			return nil, err
		}
		if list.Len() > 0 && list.Len()+len(text)+len(",\n]") > maxStateValue {
			values = append(values, list.String()+"]")
			list.Reset()
		}
		if list.Len() == 0 {
			list.WriteByte('[')
		} else {
			list.WriteString(",\n")
		}
		list.WriteString(text)
	}
	if list.Len() > 0 {
		values = append(values, list.String()+"]")
	}
	if len(values) > maxState/maxStateValue {
		return nil, errors.New("cannot store deferred events: there are too many")
	}
	return values, nil
}
