// SPDX-License-Identifier: Apache-2.0

package relation

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// Store holds the relations of one dispatch: what was read of them, and what is
// to be written. Package charm makes one per dispatch.
type Store struct {
	client   *hookcmd.Client
	unit     string // ours
	app      string // ours
	isLeader func(context.Context) (bool, error)

	mu        sync.Mutex // guards relations, of each its application and whether it is broken, and the making of turn
	relations map[hookcmd.RelationID]*Relation

	// turn holds one token, for whoever reads or writes what else relations
	// hold; it is kept while hook commands run. It is nil until it is used.
	turn      chan struct{}
	endpoints map[string][]*Relation // listed
}

// NewStore returns a store for the dispatch of unit, "app/0". isLeader is asked
// before an application's databag is written.
func NewStore(client *hookcmd.Client, unit string, isLeader func(context.Context) (bool, error)) *Store {
	app, _, _ := strings.Cut(unit, "/")
	return &Store{client: client, unit: unit, app: app, isLeader: isLeader}
}

// Relation returns the relation of that ID. app is its remote application, our
// own for a peer relation, or empty if that is not known.
func (s *Store) Relation(id hookcmd.RelationID, app string) *Relation {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.relations[id]
	if r == nil {
		if s.relations == nil {
			s.relations = make(map[hookcmd.RelationID]*Relation)
		}
		r = &Relation{store: s, id: id}
		s.relations[id] = r
	}
	if app != "" {
		r.app = app
	}
	return r
}

// SetBroken notes that the dispatch is about the end of a relation.
func (s *Store) SetBroken(id hookcmd.RelationID) {
	r := s.Relation(id, "")
	s.mu.Lock()
	defer s.mu.Unlock()
	r.broken = true
}

// SetGone has [Relation.Units] leave out units that Juju lists and that are gone.
func (s *Store) SetGone(id hookcmd.RelationID, gone func(unit string) bool) {
	r := s.Relation(id, "")
	s.mu.Lock()
	defer s.mu.Unlock()
	r.gone = gone
}

// lock takes the turn, until ctx ends.
func (s *Store) lock(ctx context.Context) error {
	s.mu.Lock()
	if s.turn == nil {
		s.turn = make(chan struct{}, 1)
	}
	s.mu.Unlock()
	select { // mostly it is free, and this way costs less
	case s.turn <- struct{}{}:
		return nil
	default:
	}
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cannot use relations: other commands are unanswered: %w", ctx.Err())
	}
}

func (s *Store) unlock() { <-s.turn }

// List returns the relations of an endpoint, by ID. They are those of
// relation-ids: a relation that breaks in this dispatch is not among them.
func (s *Store) List(ctx context.Context, endpoint string) ([]*Relation, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.unlock()
	list, ok := s.endpoints[endpoint]
	if !ok {
		ids, err := s.client.RelationIDs(ctx, endpoint)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			list = append(list, s.Relation(id, ""))
		}
		sortRelations(list)
		if s.endpoints == nil {
			s.endpoints = make(map[string][]*Relation)
		}
		s.endpoints[endpoint] = list
	}
	return slices.Clone(list), nil
}

// Flush sends what was written since the last flush, with one relation-set per
// changed databag: relations in the order of endpoint and ID, in each the
// unit's databag before the application's. After an error the rest is kept.
func (s *Store) Flush(ctx context.Context) error {
	s.mu.Lock()
	used := s.turn != nil
	s.mu.Unlock()
	if !used {
		return nil // nothing can have been written
	}
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	var written []*Relation
	s.mu.Lock()
	for _, r := range s.relations {
		if r.written {
			written = append(written, r)
		}
	}
	s.mu.Unlock()
	sortRelations(written)
	for _, r := range written {
		if err := r.flush(ctx, member{s.unit, false}, s.client.RelationSet); err != nil {
			return err
		}
		if err := r.flush(ctx, member{s.app, true}, s.client.RelationSetApp); err != nil {
			return err
		}
		r.written = false
	}
	return nil
}

func sortRelations(list []*Relation) {
	slices.SortFunc(list, func(a, b *Relation) int {
		return cmp.Or(cmp.Compare(a.id.Endpoint, b.id.Endpoint), cmp.Compare(a.id.ID, b.id.ID))
	})
}

// bag is what is known of a databag. An empty value is a key that is not there,
// as in Juju.
type bag struct {
	known    map[string]string // read, or written and flushed
	complete bool              // all of the databag was read
	pending  map[string]string // written, not flushed
}

// lookup returns the value of a key if it is known without reading.
func (b *bag) lookup(key string) (value string, known bool) {
	if value, ok := b.pending[key]; ok {
		return value, true
	}
	value, ok := b.known[key]
	return value, ok || b.complete
}

// all returns a copy of a databag that was read.
func (b *bag) all() map[string]string {
	all := maps.Clone(b.known)
	if all == nil {
		all = make(map[string]string, len(b.pending))
	}
	maps.Copy(all, b.pending)
	maps.DeleteFunc(all, func(_, value string) bool { return value == "" })
	return all
}

// changes returns what of pending is not known to be so already.
func (b *bag) changes() map[string]string {
	changes := make(map[string]string, len(b.pending))
	for key, value := range b.pending {
		if now, ok := b.known[key]; now == value && (ok || b.complete) {
			continue
		}
		changes[key] = value
	}
	return changes
}
