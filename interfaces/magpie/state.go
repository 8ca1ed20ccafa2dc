// SPDX-License-Identifier: Apache-2.0

package magpie

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/charmsmith/charmsmith/events"
)

// state is what is kept of the peers, by the ID of the relation, and of a peer by
// the unit's number.
type state struct {
	Relations map[int]peers `json:"relations,omitempty"`
	Leaving   bool          `json:"leaving,omitempty"` // this unit
}

// peers are those of one relation.
type peers struct {
	Joined    []int          `json:"joined,omitempty"`    // and not dismissed
	Departed  map[int]string `json:"departed,omitempty"`  // and not dismissed, with the last address
	Addresses map[int]string `json:"addresses,omitempty"` // of those that are there, as they were last seen
}

// What is kept has room in the 64 KiB that Juju keeps of a value, for some 2000 peers.
const (
	maxAddresses = 40 << 10 // bytes; of peers beyond that the address is not known when they have departed
	maxDeparted  = 500      // peers that nobody dismisses; those of the lowest numbers are forgotten
)

// fromVersion is for a state that some older version has stored: there is none.
func fromVersion(from int, _ []byte) (state, error) {
	return state{}, fmt.Errorf("no version of this library has stored version %d", from)
}

// clone returns a copy to change.
func (s state) clone() state {
	s.Relations = maps.Clone(s.Relations)
	if s.Relations == nil {
		s.Relations = make(map[int]peers)
	}
	for id, r := range s.Relations {
		s.Relations[id] = peers{slices.Clone(r.Joined), maps.Clone(r.Departed), maps.Clone(r.Addresses)}
	}
	return s
}

// change stores what change makes of one relation's peers.
func (p *Peers) change(ctx context.Context, id int, change func(*state, *peers)) error {
	before, err := p.stored.Get(ctx)
	if err != nil {
		return err
	}
	after := before.clone()
	r := after.Relations[id]
	if r.Departed == nil {
		r.Departed = make(map[int]string)
	}
	if r.Addresses == nil {
		r.Addresses = make(map[int]string)
	}
	change(&after, &r)
	after.Relations[id] = r
	return p.stored.Set(ctx, after)
}

// seen notes the address of a peer.
func (r *peers) seen(number int, address string) {
	delete(r.Addresses, number)
	size := len(address)
	for _, known := range []map[int]string{r.Addresses, r.Departed} {
		for _, other := range known {
			size += len(other) + len(`"1000":"",`)
		}
	}
	if address != "" && size <= maxAddresses {
		r.Addresses[number] = address
	}
}

// gone notes that a peer has departed, from that address.
func (r *peers) gone(number int, address string) {
	r.Departed[number] = address
	for len(r.Departed) > maxDeparted {
		delete(r.Departed, slices.Min(slices.Collect(maps.Keys(r.Departed))))
	}
}

// left notes that a peer is not there any more.
func (r *peers) left(number int) {
	r.Joined = slices.DeleteFunc(r.Joined, func(n int) bool { return n == number })
	delete(r.Addresses, number)
}

func (p *Peers) joined(ctx context.Context, ev events.PeerJoined) error {
	number, address, err := p.look(ctx, ev, ev.Unit)
	if err != nil {
		return err
	}
	return p.change(ctx, ev.ID, func(_ *state, r *peers) {
		delete(r.Departed, number)
		if !slices.Contains(r.Joined, number) {
			r.Joined = append(r.Joined, number)
		}
		r.seen(number, address)
	})
}

func (p *Peers) changed(ctx context.Context, ev events.PeerChanged) error {
	if ev.Unit == "" {
		return nil // the application's databag
	}
	number, address, err := p.look(ctx, ev, ev.Unit)
	if err != nil {
		return err
	}
	return p.change(ctx, ev.ID, func(_ *state, r *peers) { r.seen(number, address) })
}

// departed is told by the address that was seen last: the databag of a peer that Juju
// has not told of may be unreadable.
func (p *Peers) departed(ctx context.Context, ev events.PeerDeparted) error {
	number, err := unitNumber(ev.Unit)
	if err != nil {
		return err
	}
	return p.change(ctx, ev.ID, func(s *state, r *peers) {
		address := r.Addresses[number]
		_, told := r.Departed[number]
		r.left(number)
		switch {
		case ev.Self:
			s.Leaving = true
		case !told:
			r.gone(number, address)
		}
	})
}

// look returns the number of a unit, and its address as it is in its databag; empty if
// that is malformed.
func (p *Peers) look(ctx context.Context, ev events.RelationEvent, unit string) (number int, address string, err error) {
	if number, err = unitNumber(unit); err != nil {
		return 0, "", err
	}
	bag, err := p.charm.Relation(ev).Remote(unit).All(ctx)
	if err != nil {
		return 0, "", err
	}
	found, err := addressIn(bag)
	if err != nil {
		return number, "", nil
	}
	return number, found.String(), nil
}

// joinedUnits returns the units that have joined, were not dismissed and are there.
func (p *Peers) joinedUnits(ctx context.Context) ([]string, error) {
	now, err := p.stored.Get(ctx)
	if err != nil {
		return nil, err
	}
	some := false
	for _, r := range now.Relations {
		some = some || len(r.Joined) > 0
	}
	if !some {
		return nil, nil
	}
	relations, err := p.charm.PeerRelations(ctx, p.endpoint)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, rel := range relations {
		joined := now.Relations[rel.ID()].Joined
		if len(joined) == 0 {
			continue
		}
		units, err := rel.Units(ctx)
		if err != nil {
			return nil, err
		}
		for _, unit := range units {
			if number, err := unitNumber(unit); err == nil && slices.Contains(joined, number) {
				numbers = append(numbers, number)
			}
		}
	}
	return p.unitNames(numbers), nil
}

// departedUnits returns the units that have departed and were not dismissed.
func (p *Peers) departedUnits(ctx context.Context) ([]string, error) {
	now, err := p.stored.Get(ctx)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, r := range now.Relations {
		numbers = slices.AppendSeq(numbers, maps.Keys(r.Departed))
	}
	return p.unitNames(numbers), nil
}

// unitNames returns the names of units, by number, each once.
func (p *Peers) unitNames(numbers []int) []string {
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	names := make([]string, len(numbers))
	for i, number := range numbers {
		names[i] = p.charm.Application() + "/" + strconv.Itoa(number)
	}
	return names
}

// Joined reports whether the state joined stands: whether there are
// [Peers.JoinedNodes].
func (p *Peers) Joined(ctx context.Context) (bool, error) {
	units, err := p.joinedUnits(ctx)
	return len(units) > 0, err
}

// Departed reports whether the state departed stands: whether there are
// [Peers.DepartedNodes].
func (p *Peers) Departed(ctx context.Context) (bool, error) {
	units, err := p.departedUnits(ctx)
	return len(units) > 0, err
}

// Leaving reports whether it is this unit that leaves. It then has departed events of
// all its peers, with Self set, though they stay: none of them counts as departed.
func (p *Peers) Leaving(ctx context.Context) (bool, error) {
	now, err := p.stored.Get(ctx)
	return now.Leaving, err
}

// DismissJoined ends the state joined, so that it is entered by peers that join later,
// and returns the units it has stood for, by number.
func (p *Peers) DismissJoined(ctx context.Context) (dismissed []string, err error) {
	return p.dismiss(ctx, p.joinedUnits, func(r *peers) { r.Joined = nil })
}

// DismissDeparted ends the state departed, so that it is entered by peers that depart
// later, and returns the units it has stood for, by number.
func (p *Peers) DismissDeparted(ctx context.Context) (dismissed []string, err error) {
	return p.dismiss(ctx, p.departedUnits, func(r *peers) { r.Departed = nil })
}

func (p *Peers) dismiss(ctx context.Context, units func(context.Context) ([]string, error), clear func(*peers)) ([]string, error) {
	dismissed, err := units(ctx)
	if err != nil {
		return nil, err
	}
	now, err := p.stored.Get(ctx)
	if err != nil || len(now.Relations) == 0 {
		return nil, err
	}
	after := now.clone()
	for id, r := range after.Relations {
		clear(&r)
		after.Relations[id] = r
	}
	return dismissed, p.stored.Set(ctx, after)
}

// unitNumber returns the number in a unit's name.
func unitNumber(unit string) (int, error) {
	_, text, ok := strings.Cut(unit, "/")
	number, err := strconv.ParseUint(text, 10, 31)
	if !ok || err != nil {
		return 0, fmt.Errorf("cannot read unit name %s: must be an application, a slash and a number", quote(unit))
	}
	return int(number), nil
}
