// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"strings"

	"github.com/charmsmith/charmsmith/events"
)

// On registers a handler. The type of its parameter is what it is called for:
// one type of event, such as [events.PeerJoined], or a family, such as
// [events.RelationEvent] or [events.Hook].
//
// Peer endpoints have events of the Peer types only, others of the Relation
// types only. A handler of [events.Action] answers the action by
// [Charm.HookCommands]; an action that none takes fails.
//
// It panics if the type is neither, if the handler is nil, or if it is called
// by a handler: those are mistakes in the charm's code.
func On[E events.Event](c *Charm, handle func(context.Context, E) error) Registration {
	return add(c, "On", "", handle)
}

// OnRelation is [On] for the events of one endpoint. If the handlers of a peer
// endpoint take Relation types, or the other way round, they are never called;
// the log then has a warning.
func OnRelation[E events.RelationEvent](c *Charm, endpoint string, handle func(context.Context, E) error) Registration {
	requireName("OnRelation", "endpoint", endpoint)
	r := add(c, "OnRelation", endpoint, handle)
	h := r.handler()
	switch any((*E)(nil)).(type) {
	case *events.RelationEvent:
		h.peers, h.others = true, true
	case *events.PeerEvent, *events.PeerCreated, *events.PeerJoined, *events.PeerChanged, *events.PeerDeparted:
		h.peers = true
	default:
		h.others = true
	}
	return r
}

// expectsOtherKind reports whether all handlers of the event's endpoint, of
// which there are some, take Peer events while it has Relation events, or the
// other way round.
func (c *Charm) expectsOtherKind(ev events.RelationEvent) bool {
	_, isPeer := ev.(events.PeerEvent)
	some := false
	for _, h := range c.handlers {
		if h.only == ev.Ref().Endpoint && (h.peers || h.others) {
			if isPeer && h.peers || !isPeer && h.others {
				return false
			}
			some = true
		}
	}
	return some
}

// OnStorage is [On] for the events of one storage, as named in charmcraft.yaml.
func OnStorage[E events.StorageEvent](c *Charm, storage string, handle func(context.Context, E) error) Registration {
	requireName("OnStorage", "storage", storage)
	return add(c, "OnStorage", storage, handle)
}

// OnContainer is [On] for the events of one workload container.
func OnContainer[E events.WorkloadEvent](c *Charm, container string, handle func(context.Context, E) error) Registration {
	requireName("OnContainer", "container", container)
	return add(c, "OnContainer", container, handle)
}

// OnSecret is [On] for the events of secrets with one label.
func OnSecret[E events.SecretEvent](c *Charm, label string, handle func(context.Context, E) error) Registration {
	requireName("OnSecret", "label", label)
	return add(c, "OnSecret", label, handle)
}

// OnDispatch registers a handler for every dispatch, actions included. It is called
// once, with the event that Juju has sent: neither with deferred events that are given
// to their handlers again, nor with departures that [WatchPeers] has noticed.
func OnDispatch(c *Charm, handle func(context.Context, events.Event) error) {
	c.add("OnDispatch", handle == nil, handler{function: handle, receiver: always(handle), always: true})
}

// Registration is a handler that was registered.
type Registration struct {
	charm *Charm
	index int
}

// Name gives the handler a name of its own, by which deferral knows it in this
// and in later versions of the charm. Without one that is the name of its
// function, "main.(*cluster).peerJoined"; of several handlers that have it and
// take the event, the place among them counts too. So a function that was renamed
// is given its former name, and closures, which Go numbers, one of their own.
// It panics if another handler was given the name.
func (r Registration) Name(name string) {
	switch {
	case name == "":
		panic("charm.Registration.Name: the name is empty")
	case r.charm.sealed:
		panic("charm.Registration.Name: handlers are named in the function given to charm.Main, not in a handler")
	}
	for i := range r.charm.handlers {
		if i != r.index && r.charm.handlers[i].given == name {
			panic(fmt.Sprintf("charm.Registration.Name: two handlers are called %q", name))
		}
	}
	r.handler().given = name
}

func (r Registration) handler() *handler { return &r.charm.handlers[r.index] }

// handler is a registered handler.
type handler struct {
	receiver
	function any
	by       string // "On", "OnRelation", …
	only     string // the subject of its events, see subjectOf; empty: any
	given    string // its name, if it was given one
	peers    bool   // of OnRelation: its events are of peer endpoints, of others, or of both
	others   bool
	always   bool // it takes no event in particular
}

// isFor reports whether an event is one that the handler is called for.
func (h *handler) isFor(ev events.Event) bool {
	return (h.only == "" || h.only == subjectOf(ev)) && h.takes(ev)
}

// receiver is a handler of events of some type.
type receiver interface {
	takes(ev events.Event) bool
	handle(ctx context.Context, ev events.Event) error // of an event that it takes
}

// typed is a receiver of events of one type or family.
type typed[E events.Event] func(context.Context, E) error

func (f typed[E]) takes(ev events.Event) bool {
	_, ok := ev.(E)
	return ok
}

func (f typed[E]) handle(ctx context.Context, ev events.Event) error { return f(ctx, ev.(E)) }

// always is a receiver of all events.
type always func(context.Context, events.Event) error

func (f always) takes(events.Event) bool                           { return true }
func (f always) handle(ctx context.Context, ev events.Event) error { return f(ctx, ev) }

// subjectOf returns what an event's handlers can be narrowed to.
func subjectOf(ev events.Event) string {
	switch ev := ev.(type) {
	case events.RelationEvent:
		return ev.Ref().Endpoint
	case events.StorageEvent:
		return ev.Ref().Storage
	case events.WorkloadEvent:
		return ev.Ref().Container
	case events.SecretEvent:
		return ev.Ref().Label
	case events.Action:
		return ev.Action
	}
	return ""
}

func add[E events.Event](c *Charm, by, only string, handle func(context.Context, E) error) Registration {
	if fix := misuse[E](); fix != "" {
		panic(fmt.Sprintf("charm.%s: no handler can take %s: %s", by, reflect.TypeFor[E](), fix))
	}
	return c.add(by, handle == nil, handler{function: handle, only: only, receiver: typed[E](handle)})
}

func (c *Charm) add(by string, isNil bool, h handler) Registration {
	if isNil {
		panic("charm." + by + ": the handler is nil")
	}
	c.registers(by)
	h.by = by
	c.handlers = append(c.handlers, h)
	return Registration{c, len(c.handlers) - 1}
}

// MustRegister panics if it is called by a handler: what registers something is for the
// function given to [Main]. Interface libraries call it in functions of theirs that
// register, with the function's name, as "magpie.Peers.OnJoined".
func (c *Charm) MustRegister(by string) {
	if c.sealed {
		panic(by + ": it is called in the function given to charm.Main, not in a handler")
	}
}

// registers panics if it is too late to register something.
func (c *Charm) registers(by string) { c.MustRegister("charm." + by) }

func requireName(by, what, name string) {
	if name == "" {
		panic("charm." + by + ": the name of the " + what + " is empty; charm.On is for all of them")
	}
}

// misuse returns what to write instead of a type that no event is of.
func misuse[E events.Event]() string {
	switch any((*E)(nil)).(type) {
	case *events.Hook, *events.RelationEvent, *events.PeerEvent, *events.StorageEvent,
		*events.SecretEvent, *events.WorkloadEvent,
		*events.Install, *events.Start, *events.Stop, *events.Remove,
		*events.ConfigChanged, *events.UpdateStatus, *events.UpgradeCharm, *events.LeaderElected,
		*events.LeaderSettingsChanged, *events.PreSeriesUpgrade, *events.PostSeriesUpgrade, *events.Unknown,
		*events.PeerCreated, *events.PeerJoined, *events.PeerChanged, *events.PeerDeparted,
		*events.RelationCreated, *events.RelationJoined, *events.RelationChanged,
		*events.RelationDeparted, *events.RelationBroken,
		*events.StorageAttached, *events.StorageDetaching,
		*events.SecretChanged, *events.SecretRotate, *events.SecretExpired, *events.SecretRemove,
		*events.PebbleReady, *events.PebbleCustomNotice, *events.PebbleCheckFailed, *events.PebbleCheckRecovered,
		*events.Action:
		return ""
	case *events.Event:
		return "charm.OnDispatch is for every event"
	}
	switch t := reflect.TypeFor[E](); t.Kind() {
	case reflect.Pointer:
		return fmt.Sprintf("events are values; take %s", t.Elem())
	case reflect.Interface:
		return "take one of the interfaces of package events, such as events.Hook"
	default:
		return "take the event itself, not a type that embeds it"
	}
}

// name returns the name of the handler's function, "main.(*cluster).peerJoined".
func (h handler) name() string {
	f := runtime.FuncForPC(reflect.ValueOf(h.function).Pointer())
	if f == nil {
		return "unknown handler"
	}
	return strings.TrimSuffix(f.Name(), "-fm") // of a method value
}
