// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

func TestNewStoredPanics(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"":                       `charm.NewStored: cannot use key "": the key is empty`,
		"-":                      `charm.NewStored: cannot use key "-": for state-get that is all keys`,
		"charmsmith.deferred":    `charm.NewStored: cannot use key "charmsmith.deferred": those that begin with "charmsmith." are the SDK's own`,
		"a\xff":                  `charm.NewStored: cannot use key "a\xff": the key is not valid UTF-8`,
		strings.Repeat("é", 129): `the key has 258 bytes, of at most 256`,
		"twice":                  `charm.NewStored: the key "twice" is used twice; a library has its endpoint in its keys`,
	} {
		h := charmtest.New(t, func(c *charm.Charm) {
			charm.NewStored[int](c, "twice")
			charm.NewStored[int](c, "charmsmith") // is nobody's
			charm.NewStored[string](c, key)
		}, &charmtest.Options{Metadata: keeper})
		err := h.Try(func() { h.Emit(events.Install{}) })
		assert.ErrorContains(t, err, want)
	}
}

func TestStoredIsForHandlers(t *testing.T) {
	t.Parallel()
	for want, misuse := range map[string]func(c *charm.Charm){
		"the model is for handlers": func(c *charm.Charm) {
			_, _ = charm.NewStored[int](c, "a").Get(t.Context())
		},
		"charm.NewStored: it is called in the function given to charm.Main, not in a handler": func(c *charm.Charm) {
			charm.On(c, func(context.Context, events.Install) error { charm.NewStored[int](c, "a"); return nil })
		},
		"charm.Stored.Version: it is called in": func(c *charm.Charm) {
			s := charm.NewStored[int](c, "a")
			charm.On(c, func(context.Context, events.Install) error { s.Version(1, fromText); return nil })
		},
		`charm.Stored.Version: key "a": versions begin with 1`: func(c *charm.Charm) { charm.NewStored[int](c, "a").Version(0, fromText) },
		`charm.Stored.Version: key "b": versions begin with 1, and need a function`: func(c *charm.Charm) {
			charm.NewStored[int](c, "b").Version(1, nil)
		},
	} {
		h := charmtest.New(t, misuse, &charmtest.Options{Metadata: keeper})
		assert.ErrorContains(t, h.Try(func() { h.Emit(events.Install{}) }), want)
	}
}

// What Juju would refuse is an error at the call, and changes nothing.
func TestStoredRefuses(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 64<<10-2)
	register := func(c *charm.Charm) {
		text := charm.NewStored[any](c, "text")
		other := charm.NewStored[string](c, strings.Repeat("k", 256))
		charm.On(c, func(ctx context.Context, _ events.Hook) error {
			require.NoError(t, text.Set(ctx, big), "with its quotes it has 64 KiB")
			err := text.Set(ctx, big+"y")
			require.ErrorIs(t, err, hookcmd.ErrTooLarge)
			require.EqualError(t, err, `cannot store state "text": the value has 65537 bytes, of at most 65536`)
			require.EqualError(t, text.Set(ctx, "a\xffb"), `cannot store state "text": it has text that is not valid UTF-8`)
			require.EqualError(t, text.Set(ctx, map[string][]any{"a": {"\xff"}}), `cannot store state "text": it has text that is not valid UTF-8`)
			require.EqualError(t, text.Set(ctx, []struct{ family }{{family{Name: "\xff"}}}), `cannot store state "text": it has text that is not valid UTF-8`)
			child := family{Name: `\ufffd`}
			child.parent, child.Secret = &child, &family{Name: "\xff"}
			require.NoError(t, text.Set(ctx, child), "what is not stored may be anything")
			require.NoError(t, text.Set(ctx, big))
			require.ErrorContains(t, text.Set(ctx, func() {}), `cannot store state "text": json: unsupported type`)
			return other.Set(ctx, `a\ufffdb`+"\ufffd\x00\u0085\u2028\x7f")
		})
	}
	withKeeper(t, register, func(t *testing.T, h *charmtest.Harness) {
		h.Emit(events.UpdateStatus{})
		assert.Equal(t, `"`+big+`"`, h.State()["text"])
		var other string
		require.NoError(t, json.Unmarshal([]byte(h.State()[strings.Repeat("k", 256)]), &other))
		assert.Equal(t, `a\ufffdb`+"\ufffd\x00\u0085\u2028\x7f", other)
	})
}

// All of a unit's state has 2 MiB: at the call if the state was read, else at the
// end.
func TestStoredSizeOfAll(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 64<<10-2)
	for name, version := range map[string]string{"Juju 4": "4.1.0", "Juju 3.6": "3.6.0"} {
		for _, read := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, read %v", name, read), func(t *testing.T) {
				t.Parallel()
				var atCall error
				h := charmtest.New(t, func(c *charm.Charm) {
					var all []*charm.Stored[string]
					for i := range 32 {
						all = append(all, charm.NewStored[string](c, fmt.Sprintf("%02d", i)))
					}
					last := charm.NewStored[string](c, "last")
					charm.On(c, func(ctx context.Context, _ events.Hook) error {
						if read {
							if _, err := last.Get(ctx); err != nil {
								return err
							}
						}
						for _, s := range all {
							if atCall = s.Set(ctx, big); atCall != nil {
								return errors.Join(all[1].Delete(ctx), s.Set(ctx, big)) // now there is room
							}
						}
						_, err := last.Get(ctx)
						return err
					})
				}, &charmtest.Options{Metadata: keeper, JujuVersion: version})
				err := h.Try(func() { h.Emit(events.UpdateStatus{}) })
				require.ErrorIs(t, atCall, hookcmd.ErrTooLarge)
				require.EqualError(t, atCall, `cannot store state "31": all of the state has 2097216 bytes, of at most 2097152`)
				require.NoError(t, err)
				assert.Len(t, h.State(), 31)
			})
		}
	}
}

// What was there counts from when it is read.
func TestStoredSizeOfAllReadLate(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 64<<10-2)
	state := make(map[string]string)
	for i := range 31 {
		state[fmt.Sprint("other", i)] = big
	}
	h := charmtest.New(t, func(c *charm.Charm) {
		first, second, last := charm.NewStored[string](c, "a"), charm.NewStored[string](c, "b"), charm.NewStored[string](c, "last")
		charm.On(c, func(ctx context.Context, _ events.Hook) error {
			return errors.Join(first.Set(ctx, big), second.Set(ctx, big))
		})
		charm.On(c, func(ctx context.Context, _ events.Hook) error {
			_, err := last.Get(ctx)
			return err
		})
	}, &charmtest.Options{Metadata: keeper, State: state})
	err := h.Try(func() { h.Emit(events.UpdateStatus{}) })
	require.ErrorContains(t, err, "update-status: failed: cannot finish update-status: cannot store state: all of the state has ")
}

// What was too large already may be changed, as long as it does not grow.
func TestStoredSizeOfAllThatWasTooLarge(t *testing.T) {
	t.Parallel()
	state := make(map[string]string)
	for i := range 33 {
		state[fmt.Sprintf("%02d", i)] = `"` + strings.Repeat("x", 64<<10-2) + `"`
	}
	h := charmtest.New(t, func(c *charm.Charm) {
		first, second, other := charm.NewStored[string](c, "00"), charm.NewStored[string](c, "01"), charm.NewStored[string](c, "other")
		charm.On(c, func(ctx context.Context, _ events.Hook) error {
			if _, err := other.Get(ctx); err != nil {
				return err
			}
			assert.ErrorContains(t, other.Set(ctx, "x"), "all of the state has 2162762 bytes, of at most 2097152")
			return errors.Join(first.Set(ctx, "small"), second.Set(ctx, "y"), other.Set(ctx, "x"))
		})
	}, &charmtest.Options{Metadata: keeper, State: state})
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, `"x"`, h.State()["other"])
}

// fromText reads what version 0 has stored: a text.
func fromText(from int, data []byte) (int, error) {
	if from != 0 {
		return 0, fmt.Errorf("version %d is not known", from)
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return 0, err
	}
	return len(text), nil
}

func TestStoredVersions(t *testing.T) {
	t.Parallel()
	var value int
	set := false
	unversioned := func(c *charm.Charm) {
		s := charm.NewStored[string](c, "a")
		charm.On(c, func(ctx context.Context, _ events.Hook) error {
			if set {
				return s.Set(ctx, "four")
			}
			_, err := s.Get(ctx)
			return err
		})
	}
	versioned := func(version int, migrate func(int, []byte) (int, error)) func(c *charm.Charm) {
		return func(c *charm.Charm) {
			s := charm.NewStored[int](c, "a").Version(version, migrate)
			charm.On(c, func(ctx context.Context, _ events.Hook) (err error) {
				if value, err = s.Get(ctx); err == nil && set {
					err = s.Set(ctx, value+1)
				}
				return err
			})
		}
	}
	set = true
	h := charmtest.New(t, unversioned, &charmtest.Options{Metadata: keeper})
	h.Emit(events.Start{})
	set = false
	h.Upgrade(versioned(1, fromText))
	assert.Equal(t, 4, value)
	assert.Equal(t, map[string]string{"a": `"four"`}, h.State(), "reading does not write")
	set = true
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, map[string]string{"a": `{"charmsmith-version":1,"data":5}`}, h.State())
	h.Emit(events.UpdateStatus{})
	assert.Equal(t, 5, value, "no migration")

	set = false
	h.Upgrade(versioned(3, func(from int, data []byte) (int, error) { return from * 100, json.Unmarshal(data, new(int)) }))
	assert.Equal(t, 100, value)
	for name, row := range map[string]struct {
		stored, want string
		register     func(*charm.Charm)
	}{
		"newer":           {`{"charmsmith-version":4,"data":1}`, `cannot read state "a": it is of version 4, and this charm knows versions up to 3`, versioned(3, fromText)},
		"newer than none": {`{"charmsmith-version":1,"data":1}`, `cannot read state "a": it is of version 1, and this charm knows versions up to 0`, unversioned},
		"negative":        {`{"charmsmith-version":-1,"data":1}`, `cannot read state "a": it is of version -1, and versions begin with 1`, unversioned},
		"migration fails": {`{"charmsmith-version":1,"data":1}`, `cannot read state "a": version 1 is not known`, versioned(2, fromText)},
		"another type":    {`5`, `cannot read state "a": json: cannot unmarshal number into Go value of type string`, unversioned},
		"no JSON":         {`yes`, `cannot read state "a": invalid character 'y'`, unversioned},
		"other keys":      {`{"Charmsmith-Version":1,"data":1}`, `cannot read state "a": json: cannot unmarshal object into Go value of type string`, unversioned},
		"another key":     {`{"charmsmith-version":1,"data":1,"x":2}`, `cannot read state "a": json: cannot unmarshal object into Go value of type string`, unversioned},
		"empty":           {``, `cannot read state "a": unexpected end of JSON input`, unversioned},
	} {
		t.Run(name, func(t *testing.T) {
			h := charmtest.New(t, row.register, &charmtest.Options{Metadata: keeper, State: map[string]string{"a": row.stored}})
			assert.ErrorContains(t, h.Try(func() { h.Emit(events.Start{}) }), row.want)
		})
	}
}

// A nil is a value like others, with a version, too.
func TestStoredNil(t *testing.T) {
	t.Parallel()
	found := false
	h := charmtest.New(t, func(c *charm.Charm) {
		s := charm.NewStored[*int](c, "a").Version(2, func(int, []byte) (*int, error) { return nil, errTest })
		charm.On(c, func(ctx context.Context, _ events.Hook) (err error) {
			value, ok, err := s.Lookup(ctx)
			found = ok && value == nil
			return errors.Join(err, s.Set(ctx, nil))
		})
	}, &charmtest.Options{Metadata: keeper})
	h.Emit(events.Start{})
	assert.False(t, found)
	h.Emit(events.Start{})
	assert.True(t, found)
}

// FuzzStored reads any text as a value with a version: what is read and stored
// again reads as the same.
func FuzzStored(f *testing.F) {
	f.Add(`{"charmsmith-version":2,"data":{"a":[1,null]}}`)
	f.Add(`{"charmsmith-version":1,"data":null}`)
	f.Add(`{"charmsmith-version":null,"data":7,"Data":8}`)
	f.Add(`{"Charmsmith-Version":1,"DATA":"x"}`)
	f.Add(`[7`)
	f.Fuzz(func(t *testing.T, text string) {
		_, err := run(t, &queueAgent{state: map[string]string{"a": text}}, events.UpdateStatus{}, func(c *charm.Charm) {
			migrated := -1
			s := charm.NewStored[any](c, "a").Version(2, func(from int, data []byte) (value any, err error) {
				migrated = from
				return value, json.Unmarshal(data, &value)
			})
			charm.On(c, func(ctx context.Context, _ events.Hook) error {
				value, ok, err := s.Lookup(ctx)
				if err != nil {
					assert.ErrorContains(t, err, `cannot read state "a": `)
					return nil
				}
				assert.True(t, ok)
				assert.Less(t, migrated, 2)
				var object map[string]json.RawMessage
				if json.Unmarshal([]byte(text), &object) == nil && object["charmsmith-version"] == nil {
					assert.Equal(t, 0, migrated, "it has no version")
				}
				if err := s.Set(ctx, value); err != nil {
					return nil // it has no room, or text that is not valid
				}
				migrated = -1
				again, err := s.Get(ctx)
				assert.Equal(t, value, again)
				assert.Equal(t, -1, migrated)
				return err
			})
		})
		require.NoError(t, err)
	})
}
