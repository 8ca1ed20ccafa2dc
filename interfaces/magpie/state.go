// SPDX-License-Identifier: Apache-2.0

package magpie

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/relation"
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

// What is kept of some 2000 peers has room in the 64 KiB that Juju keeps of a value.
const (
	maxAddresses = 40 << 10 // bytes; of peers beyond that the address is not known when they have departed
	maxDeparted  = 500      // peers that nobody dismisses; those of the lowest numbers are forgotten
)

// fromVersion is for a state that some older version has stored: there is none.
func fromVersion(from int, _ []byte) (state, error) {
	return state{}, fmt.Errorf("no version of this library has stored version %d", from)
}

// change stores what change makes of one relation's peers.
func (p *Peers) change(ctx context.Context, id int, change func(*state, *peers)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, err := p.stored.Get(ctx) // which is ours to change
	if err != nil {
		return err
	}
	if err := p.forget(ctx, s, id); err != nil {
		return err
	}
	r := s.Relations[id]
	if r.Departed == nil {
		r.Departed = make(map[int]string)
	}
	if r.Addresses == nil {
		r.Addresses = make(map[int]string)
	}
	change(&s, &r)
	if s.Relations == nil {
		s.Relations = make(map[int]peers)
	}
	s.Relations[id] = r
	return p.stored.Set(ctx, s)
}

// forget drops the peers of relations that are gone, but for those that have departed.
func (p *Peers) forget(ctx context.Context, s state, id int) error {
	if _, ok := s.Relations[id]; ok && len(s.Relations) == 1 {
		return nil
	}
	relations, err := p.charm.PeerRelations(ctx, p.endpoint)
	if err != nil {
		return err
	}
	for old, r := range s.Relations {
		if slices.ContainsFunc(relations, func(rel *relation.Relation) bool { return rel.ID() == old }) {
			continue
		}
		if r.Joined, r.Addresses = nil, nil; len(r.Departed) == 0 {
			delete(s.Relations, old)
		} else {
			s.Relations[old] = r
		}
	}
	return nil
}

// seen notes the address of a peer, if there is room for it.
func (r *peers) seen(s *state, number int, address string) {
	delete(r.Addresses, number)
	size := len(address)
	for _, known := range append(slices.Collect(maps.Values(s.Relations)), *r) {
		for _, addresses := range []map[int]string{known.Addresses, known.Departed} {
			for _, other := range addresses {
				size += len(other) + len(`"1000":"",`)
			}
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
	return p.seen(ctx, ev, ev.Unit, true)
}

// changed is a join too if the peer has departed: one that is back under its name after
// Juju has missed its departure does not join for Juju.
func (p *Peers) changed(ctx context.Context, ev events.PeerChanged) error {
	if ev.Unit == "" {
		return nil // the application's databag
	}
	return p.seen(ctx, ev, ev.Unit, false)
}

func (p *Peers) seen(ctx context.Context, ev events.RelationEvent, unit string, joins bool) error {
	number, err := unitNumber(unit)
	if err != nil {
		return err
	}
	address, err := p.address(ctx, ev, unit)
	if err != nil {
		return err
	}
	return p.change(ctx, ev.Ref().ID, func(s *state, r *peers) {
		if _, back := r.Departed[number]; joins || back {
			delete(r.Departed, number)
			if !slices.Contains(r.Joined, number) {
				r.Joined = append(r.Joined, number)
			}
		}
		r.seen(s, number, address)
	})
}

// departed keeps the address that was seen last. The databag of a peer that Juju has not
// told of may be unreadable, so it is read only if Juju has told, and nothing was seen.
func (p *Peers) departed(ctx context.Context, ev events.PeerDeparted) error {
	number, err := unitNumber(ev.Unit)
	if err != nil {
		return err
	}
	s, err := p.stored.Get(ctx)
	if err != nil {
		return err
	}
	address := s.Relations[ev.ID].Addresses[number]
	if address == "" && !ev.Synthetic && !ev.Self {
		if address, err = p.address(ctx, ev, ev.Unit); err != nil {
			return err
		}
	}
	return p.change(ctx, ev.ID, func(s *state, r *peers) {
		r.left(number)
		if ev.Self {
			s.Leaving = true
		} else {
			r.gone(number, cmp.Or(address, r.Departed[number]))
		}
	})
}

// address returns the address of a unit as it is in its databag; empty if that is
// malformed or cannot be read.
func (p *Peers) address(ctx context.Context, ev events.RelationEvent, unit string) (string, error) {
	bag, err := p.charm.Relation(ev).Remote(unit).All(ctx)
	if isUnreadable(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	found, err := addressIn(bag)
	if err != nil {
		return "", nil // JoinedNodes and Nodes tell
	}
	return found.String(), nil
}

// joinedUnits returns the units that have joined, were not dismissed and are there.
func (p *Peers) joinedUnits(ctx context.Context) ([]string, error) {
	s, err := p.stored.Get(ctx)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, r := range s.Relations {
		numbers = append(numbers, r.Joined...)
	}
	return p.present(ctx, numbers, true)
}

// departedUnits returns the units that have departed, were not dismissed and are not
// there, as they are if they have left one of several relations only.
func (p *Peers) departedUnits(ctx context.Context) ([]string, error) {
	s, err := p.stored.Get(ctx)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, r := range s.Relations {
		numbers = slices.AppendSeq(numbers, maps.Keys(r.Departed))
	}
	return p.present(ctx, numbers, false)
}

// present returns the names of those units that are in a relation, or are in none.
func (p *Peers) present(ctx context.Context, numbers []int, present bool) ([]string, error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	relations, err := p.charm.PeerRelations(ctx, p.endpoint)
	if err != nil {
		return nil, err
	}
	there := make(map[string]bool)
	for _, rel := range relations {
		units, err := rel.Units(ctx)
		if err != nil {
			return nil, err
		}
		for _, unit := range units {
			there[unit] = true
		}
	}
	return slices.DeleteFunc(p.unitNames(numbers), func(unit string) bool { return there[unit] != present }), nil
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

// DismissJoined ends the state joined of these units, or of all if none is given, so that
// it is entered by peers that join later. It returns those that it has ended for, by
// number.
func (p *Peers) DismissJoined(ctx context.Context, units ...string) (dismissed []string, err error) {
	return p.dismiss(ctx, units, p.joinedUnits, func(r *peers, number int) {
		r.Joined = slices.DeleteFunc(r.Joined, func(n int) bool { return n == number })
	})
}

// DismissDeparted ends the state departed of these units, or of all if none is given, so
// that it is entered by peers that depart later. It returns those that it has ended for,
// by number.
func (p *Peers) DismissDeparted(ctx context.Context, units ...string) (dismissed []string, err error) {
	return p.dismiss(ctx, units, p.departedUnits, func(r *peers, number int) { delete(r.Departed, number) })
}

func (p *Peers) dismiss(ctx context.Context, only []string, units func(context.Context) ([]string, error), clear func(*peers, int)) ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	dismissed, err := units(ctx)
	if err != nil {
		return nil, err
	}
	if len(only) > 0 {
		dismissed = slices.DeleteFunc(dismissed, func(unit string) bool { return !slices.Contains(only, unit) })
	}
	if len(dismissed) == 0 {
		return nil, nil
	}
	s, err := p.stored.Get(ctx)
	if err != nil {
		return nil, err
	}
	for id, r := range s.Relations {
		for _, unit := range dismissed {
			number, err := unitNumber(unit)
			if err != nil {
				return nil, err
			}
			clear(&r, number)
		}
		s.Relations[id] = r
	}
	return dismissed, p.stored.Set(ctx, s)
}

// unitNumber returns the number in a unit's name.
func unitNumber(unit string) (int, error) {
	_, text, ok := strings.Cut(unit, "/")
	number, err := strconv.ParseUint(text, 10, 31)
	if !ok || err != nil || text != strconv.FormatUint(number, 10) {
		return 0, fmt.Errorf("cannot read unit name %s: must be an application, a slash and a number", quote(unit))
	}
	return int(number), nil
}
