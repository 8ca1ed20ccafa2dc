// SPDX-License-Identifier: Apache-2.0

package relation

import (
	"context"
	"maps"
)

// Savepoint returns a function that undoes all writes to databags that come
// after it. Of those that were flushed meanwhile it undoes what overwrote others;
// the rest stays. It may be called once, while nothing else uses the Store.
func (s *Store) Savepoint(ctx context.Context) (undo func(), err error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.unlock()
	type place struct {
		relation *Relation
		member   member
	}
	saved := make(map[place]map[string]string)
	s.mu.Lock()
	for _, r := range s.relations {
		for m, b := range r.bags {
			if b.pending != nil {
				saved[place{r, m}] = maps.Clone(b.pending)
			}
		}
	}
	s.mu.Unlock()
	return func() {
		s.turn <- struct{}{}
		defer s.unlock()
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, r := range s.relations {
			r.written = false
			for m, b := range r.bags {
				b.pending = saved[place{r, m}] // what of it was flushed is known, and not sent again
				r.written = r.written || len(b.pending) > 0
			}
		}
	}, nil
}

// Drop undoes all writes that were not flushed.
func (s *Store) Drop(ctx context.Context) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.relations {
		r.written = false
		for _, b := range r.bags {
			b.pending = nil
		}
	}
	return nil
}
