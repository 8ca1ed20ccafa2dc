// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/charmsmith/charmsmith/internal/jsontext"
)

// Stored is a value that Juju keeps for the unit from hook to hook: it survives
// the loss of the unit's pod and upgrades of the charm. It is written when the
// dispatch has succeeded; until then only this dispatch sees it. Its methods are
// safe for concurrent use.
//
// It is stored as JSON, so that people and tools can read it:
//
//	juju exec --unit app/0 -- state-get
//	juju exec --unit app/0 -- state-get magpie/peers/seen
//
// Of T, what encoding/json does not write is lost. Keep bytes in a []byte: a string
// that is not valid UTF-8 is refused. The unit's whole state is read once per
// dispatch, when the first value is asked for, and written at once at its end,
// without what this dispatch has read so already.
type Stored[T any] struct {
	charm   *Charm
	key     string
	version int
	migrate func(from int, data []byte) (T, error)
}

// NewStored returns the value of a key, and is called in register. Libraries begin
// their keys with their name and the endpoint they are for, as "magpie/peers/seen".
// It panics if the key is longer than 256 bytes, is "-", begins with "charmsmith." or
// is there twice.
func NewStored[T any](c *Charm, key string) *Stored[T] {
	c.registers("NewStored")
	c.reserve(key)
	return &Stored[T]{charm: c, key: key}
}

// reserve notes that a key of the state is used.
func (c *Charm) reserve(key string) {
	switch err := checkStateKey(key); {
	case err != nil:
		panic(fmt.Sprintf("charm.NewStored: cannot use key %q: %v", key, err))
	case key == "-":
		panic("charm.NewStored: cannot use key \"-\": for state-get that is all keys")
	case strings.HasPrefix(key, "charmsmith."):
		panic(fmt.Sprintf("charm.NewStored: cannot use key %q: those that begin with \"charmsmith.\" are the SDK's own", key))
	case c.keys[key]:
		panic(fmt.Sprintf("charm.NewStored: the key %q is used twice; a library has its endpoint in its keys", key))
	}
	if c.keys == nil {
		c.keys = make(map[string]bool)
	}
	c.keys[key] = true
}

// Version says which version of T is stored from now on, from 1. migrate is
// called, each time the value is read, for what an older version has stored: from is
// its version, 0 if it had none, and data its JSON. What it returns is stored by
// Set only. A value of a newer version, as after a downgrade of the charm, is an
// error. It returns s.
//
// What is stored is {"charmsmith-version":1,"data":…}, with the JSON of T as data; without
// Version it is that JSON alone. A test of migrate stores an old value: by the old
// charm, before charmtest's Harness.Upgrade, or as text in its Options.State.
func (s *Stored[T]) Version(version int, migrate func(from int, data []byte) (T, error)) *Stored[T] {
	s.charm.registers("Stored.Version")
	if version < 1 || migrate == nil {
		panic(fmt.Sprintf("charm.Stored.Version: key %q: versions begin with 1, and need a function that reads older ones", s.key))
	}
	s.version, s.migrate = version, migrate
	return s
}

// versioned is how a value with a version is stored.
type versioned struct {
	Version *int            `json:"charmsmith-version"`
	Data    json.RawMessage `json:"data"`
}

// Get returns the value; the zero value if there is none.
func (s *Stored[T]) Get(ctx context.Context) (T, error) {
	value, _, err := s.Lookup(ctx)
	return value, err
}

// Lookup returns the value, and whether there is one.
func (s *Stored[T]) Lookup(ctx context.Context) (value T, ok bool, err error) {
	text, ok, err := s.charm.model().state.get(ctx, s.key)
	if ok && err == nil {
		value, err = s.decode([]byte(text))
	}
	if err != nil {
		var none T
		return none, false, fmt.Errorf("cannot read state %q: %w", s.key, err)
	}
	return value, ok, nil
}

func (s *Stored[T]) decode(text []byte) (value T, err error) {
	from, data := 0, text
	if v, ok := envelope(text); ok {
		from, data = *v.Version, v.Data
	}
	switch {
	case from < 0:
		return value, fmt.Errorf("it is of version %d, and versions begin with 1", from)
	case from > s.version:
		return value, fmt.Errorf("it is of version %d, and this charm knows versions up to %d", from, s.version)
	case from < s.version:
		return s.migrate(from, data)
	}
	return value, json.Unmarshal(data, &value)
}

// envelope returns what is stored with a version, whose keys are these two exactly.
func envelope(text []byte) (v versioned, ok bool) {
	var object map[string]json.RawMessage
	if json.Unmarshal(text, &object) != nil || len(object) != 2 {
		return v, false
	}
	version, data := object["charmsmith-version"], object["data"]
	ok = version != nil && data != nil && json.Unmarshal(version, &v.Version) == nil && v.Version != nil
	v.Data = data
	return v, ok
}

// Set stores a value. Its JSON may have 64 KiB, and all of the unit's state 2 MiB,
// of which what the dispatch has not read or written does not count; what is larger is
// [hookcmd.ErrTooLarge]. If Set fails, nothing has changed.
func (s *Stored[T]) Set(ctx context.Context, value T) error {
	d := s.charm.model()
	text, err := s.encode(value)
	if err == nil {
		err = d.state.set(ctx, s.key, &text)
	}
	if err != nil {
		return fmt.Errorf("cannot store state %q: %w", s.key, err)
	}
	return nil
}

func (s *Stored[T]) encode(value T) (string, error) {
	text, err := marshal(value)
	if err != nil {
		return "", err
	}
	if strings.Contains(text, `\ufffd`) && jsontext.HasInvalid(reflect.ValueOf(&value).Elem()) {
		return "", errors.New("it has text that is not valid UTF-8")
	}
	if s.version > 0 {
		return marshal(versioned{&s.version, json.RawMessage(text)})
	}
	return text, nil
}

// Delete deletes the value; there need be none.
func (s *Stored[T]) Delete(ctx context.Context) error {
	if err := s.charm.model().state.set(ctx, s.key, nil); err != nil {
		return fmt.Errorf("cannot delete state %q: %w", s.key, err)
	}
	return nil
}

// marshal returns the JSON of a value, in which people can read "<", ">" and "&".
func marshal(value any) (string, error) {
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	err := e.Encode(value)
	return strings.TrimSuffix(text.String(), "\n"), err
}
