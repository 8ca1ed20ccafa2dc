// SPDX-License-Identifier: Apache-2.0

package magpie

import (
	"context"
	"sync"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
)

// Peers are the peers of one endpoint. Its methods are for handlers, but those that
// begin with On, and safe for concurrent use.
type Peers struct {
	charm      *charm.Charm
	endpoint   string
	stored     *charm.Stored[state]
	onJoined   []func(ctx context.Context, joined []string) error
	onDeparted []func(ctx context.Context, departed []string) error

	mu sync.Mutex // held from the reading to the writing of what is stored or told to the peers
}

// New returns the peers of a peer endpoint, and is called in register: before the charm
// registers handlers that are to see the states as the event has left them. Handlers of
// the states are called where New stands among the charm's: not if one before it has
// failed, the handler of an action included. It panics if it is called twice for an
// endpoint.
func New(c *charm.Charm, endpoint string) *Peers {
	p := &Peers{charm: c, endpoint: endpoint}
	p.stored = charm.NewStored[state](c, "magpie/"+endpoint+"/peers").Version(1, fromVersion)
	charm.OnRelation(c, endpoint, p.joined).Name("magpie/" + endpoint + "/joined")
	charm.OnRelation(c, endpoint, p.changed).Name("magpie/" + endpoint + "/changed")
	charm.OnRelation(c, endpoint, p.departed).Name("magpie/" + endpoint + "/departed")
	charm.OnDispatch(c, p.tell)
	return p
}

// OnJoined registers a handler of the state joined, in register. In every dispatch,
// actions included, in which a peer has joined and was not dismissed, it is called
// once with the units' names, by number, which are those of [Peers.JoinedNodes].
// [Peers.DismissJoined] ends that. Of several handlers each is called, with the same
// units, whatever the ones before it have dismissed; but what one has dismissed is no
// joined node for the next. An error fails the dispatch, and so undoes the dismissal; an
// action then fails as if the program did. There is nothing to defer: what is not
// dismissed comes again.
func (p *Peers) OnJoined(handle func(ctx context.Context, joined []string) error) {
	p.charm.MustRegister("magpie.Peers.OnJoined")
	if handle == nil {
		panic("magpie.Peers.OnJoined: the handler is nil")
	}
	p.onJoined = append(p.onJoined, handle)
}

// OnDeparted registers a handler of the state departed, as [Peers.OnJoined] does. Its
// units are those of [Peers.DepartedNodes]; [Peers.DismissDeparted] ends it. Handlers
// of departures are called before those of joinings.
func (p *Peers) OnDeparted(handle func(ctx context.Context, departed []string) error) {
	p.charm.MustRegister("magpie.Peers.OnDeparted")
	if handle == nil {
		panic("magpie.Peers.OnDeparted: the handler is nil")
	}
	p.onDeparted = append(p.onDeparted, handle)
}

// tell calls the handlers of the states that stand.
func (p *Peers) tell(ctx context.Context, _ events.Event) error {
	if err := p.call(ctx, p.onDeparted, p.departedUnits); err != nil {
		return err
	}
	return p.call(ctx, p.onJoined, p.joinedUnits)
}

func (p *Peers) call(ctx context.Context, handlers []func(context.Context, []string) error, units func(context.Context) ([]string, error)) error {
	if len(handlers) == 0 {
		return nil
	}
	names, err := units(ctx)
	if err != nil || len(names) == 0 {
		return err
	}
	for _, handle := range handlers {
		if err := handle(ctx, append([]string(nil), names...)); err != nil {
			return err
		}
	}
	return nil
}
