// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"unicode/utf8"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// What Juju holds of a charm's state.
const (
	maxStateKey   = 256
	maxStateValue = 64 << 10
	maxState      = 2 << 20 // in all, by default
)

// state is what Juju keeps for the charm: read once, written once.
type state struct {
	client *hookcmd.Client

	written atomic.Bool // whether there is something to flush

	turn    turn // for what follows
	loaded  bool
	known   map[string]string  // read, or written and flushed; not to be changed
	pending map[string]*string // written; nil: deleted
}

// get returns the value of a key, and whether it is there.
func (s *state) get(ctx context.Context, key string) (string, bool, error) {
	if err := s.turn.take(ctx); err != nil {
		return "", false, err
	}
	defer s.turn.give()
	if value, ok := s.pending[key]; ok {
		if value == nil {
			return "", false, nil
		}
		return *value, true, nil
	}
	if err := s.load(ctx); err != nil {
		return "", false, err
	}
	value, ok := s.known[key]
	return value, ok, nil
}

// all returns a copy of all of it.
func (s *state) all(ctx context.Context) (map[string]string, error) {
	if err := s.turn.take(ctx); err != nil {
		return nil, err
	}
	defer s.turn.give()
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	return s.now(), nil
}

// now returns what was read, with the changes.
func (s *state) now() map[string]string {
	all := make(map[string]string, len(s.known)+len(s.pending))
	maps.Copy(all, s.known)
	for key, value := range s.pending {
		if value == nil {
			delete(all, key)
		} else {
			all[key] = *value
		}
	}
	return all
}

func (s *state) load(ctx context.Context) error {
	if s.loaded {
		return nil
	}
	known, err := s.client.StateGet(ctx)
	if err != nil {
		return err
	}
	s.known, s.loaded = known, true
	return nil
}

// set writes a value; nil deletes it.
func (s *state) set(ctx context.Context, key string, value *string) error {
	if err := checkStateKey(key); err != nil {
		return err
	}
	if value != nil {
		switch {
		case !utf8.ValidString(*value):
			return errors.New("the value is not valid UTF-8")
		case len(*value) > maxStateValue:
			return &sizeError{"the value", len(*value), maxStateValue}
		}
	}
	if err := s.turn.take(ctx); err != nil {
		return err
	}
	defer s.turn.give()
	if s.pending == nil {
		s.pending = make(map[string]*string)
	}
	before, was := s.pending[key]
	s.pending[key] = value
	if err := s.checkSize(); err != nil && value != nil {
		if s.pending[key] = before; !was {
			delete(s.pending, key)
		}
		return err
	}
	s.written.Store(true)
	return nil
}

func checkStateKey(key string) error {
	switch {
	case key == "":
		return errors.New("the key is empty")
	case len(key) > maxStateKey:
		return &sizeError{"the key", len(key), maxStateKey}
	case !utf8.ValidString(key):
		return errors.New("the key is not valid UTF-8")
	}
	return nil
}

// flush sends what was written: one state-set, and a state-delete for each key
// that was deleted. What is known to be so already is left out.
func (s *state) flush(ctx context.Context) error {
	if !s.written.Load() {
		return nil
	}
	if err := s.turn.take(ctx); err != nil {
		return err
	}
	defer s.turn.give()
	if err := s.checkSize(); err != nil {
		return fmt.Errorf("cannot store state: %w", err)
	}
	values := make(map[string]string, len(s.pending))
	var deleted []string
	for key, value := range s.pending {
		old, ok := s.known[key]
		switch {
		case value == nil && (ok || !s.loaded):
			deleted = append(deleted, key)
		case value != nil && (!ok || old != *value):
			values[key] = *value
		}
	}
	if len(values) > 0 {
		if err := s.client.StateSet(ctx, values); err != nil {
			return err
		}
	}
	slices.Sort(deleted)
	for _, key := range deleted {
		if err := s.client.StateDelete(ctx, key); err != nil {
			return err
		}
	}
	s.known, s.pending = s.now(), nil
	s.written.Store(false)
	return nil
}

// checkSize checks that all of the state, or what is known of it if it was not
// read, has not grown beyond what Juju 3.6 keeps; Juju 4 does not check yet.
func (s *state) checkSize() error {
	known := 0
	for key, value := range s.known {
		known += len(key) + len(value)
	}
	size := known
	for key, value := range s.pending {
		if old, ok := s.known[key]; ok {
			size -= len(key) + len(old)
		}
		if value != nil {
			size += len(key) + len(*value)
		}
	}
	if size > max(maxState, known) {
		return &sizeError{"all of the state", size, maxState}
	}
	return nil
}

// sizeError is hookcmd.ErrTooLarge, with what is too large.
type sizeError struct {
	what        string
	size, limit int
}

func (e *sizeError) Error() string {
	return fmt.Sprintf("%s has %d bytes, of at most %d", e.what, e.size, e.limit)
}

func (e *sizeError) Unwrap() error { return hookcmd.ErrTooLarge }

// drop undoes what was not flushed.
func (s *state) drop(ctx context.Context) error {
	if err := s.turn.take(ctx); err != nil {
		return err
	}
	defer s.turn.give()
	s.pending = nil
	s.written.Store(false)
	return nil
}

// savepoint returns a function that undoes what is written after it, as that of
// relation.Store does.
func (s *state) savepoint(ctx context.Context) (undo func(), err error) {
	if err := s.turn.take(ctx); err != nil {
		return nil, err
	}
	defer s.turn.give()
	saved := maps.Clone(s.pending)
	return func() {
		_ = s.turn.take(context.Background()) // which does not end
		defer s.turn.give()
		s.pending = saved
		s.written.Store(len(saved) > 0)
	}, nil
}
