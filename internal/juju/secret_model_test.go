// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/juju"
)

// secretModel is what the rules of secrets say of one secret, in few words.
type secretModel struct {
	uri, label string
	unit       string // the owner; empty: db
	latest     int
	revisions  map[int]*revisionModel
	pins       map[string]int
	notified   map[string]int
	due        map[string]bool // has a secret-changed to come
}

type revisionModel struct {
	content  string
	obsolete bool
	told     map[string]bool // units that had secret-remove
}

func (s *secretModel) set(content string, is36 bool, trackedBy string) {
	s.latest++
	s.revisions[s.latest] = &revisionModel{content: content, told: make(map[string]bool)}
	s.mark()
	if trackedBy != "" {
		s.pins[trackedBy] = s.latest
		s.mark()
	}
	for unit, pin := range s.pins {
		if is36 || pin < s.latest {
			s.due[unit] = true
		}
	}
}

func (s *secretModel) mark() {
	tracked := slices.Collect(maps.Values(s.pins))
	for number, r := range s.revisions {
		if number != s.latest && !slices.Contains(tracked, number) {
			r.obsolete = true
		}
	}
}

// read returns the number of the revision that a unit gets.
func (s *secretModel) read(unit, mode string, is36 bool) int {
	_, known := s.pins[unit]
	if !known || mode == "--refresh" {
		s.pins[unit] = s.latest
		s.mark()
	}
	if !known && is36 && s.latest > 1 {
		s.due[unit] = true
	}
	if mode == "--peek" {
		return s.latest
	}
	return s.pins[unit]
}

func (s *secretModel) remove(number int, is36 bool) {
	delete(s.revisions, number)
	if !is36 {
		s.latest = slices.Max(slices.Collect(maps.Keys(s.revisions)))
		s.revisions[s.latest].obsolete = false
	}
}

// secretRun is a run of random operations on a rig and on the rules.
type secretRun struct {
	*rig
	rand    *rand.Rand
	is36    bool
	leader  string
	webs    []string
	secrets []*secretModel
	count   int
}

func TestSecretsFollowTheirRules(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		for seed := range uint64(250) {
			r := &secretRun{rig: seededRig(t, version, 2, 2, seed), rand: rand.New(rand.NewPCG(seed, 1)), is36: version != "4.1.0", leader: "db/0", webs: []string{"web/0", "web/1"}}
			r.addSecret("")
			r.addSecret("db/0")
			for step := range 30 {
				what := r.step()
				r.check(fmt.Sprintf("seed %d, step %d: %s", seed, step, what))
				if t.Failed() {
					return
				}
			}
		}
	})
}

func (r *secretRun) addSecret(unit string) {
	r.count++
	s := &secretModel{
		unit: unit, label: fmt.Sprintf("s%d", r.count), latest: 1, revisions: map[int]*revisionModel{1: {content: "one", told: make(map[string]bool)}},
		pins: make(map[string]int), notified: make(map[string]int), due: make(map[string]bool),
	}
	flags, owner := "--label "+s.label, r.leader
	if unit != "" {
		flags, owner = flags+" --owner unit", unit
	}
	s.uri = r.add(owner, flags)
	r.commands(owner, "secret-grant "+s.uri+" "+r.relationFlag())
	r.secrets = append(r.secrets, s)
}

// step does something, and says what.
func (r *secretRun) step() string {
	s := r.secrets[r.rand.IntN(len(r.secrets))]
	owner := s.unit
	if owner == "" {
		owner = r.leader
	}
	fails := r.rand.IntN(4) == 0
	switch n := r.rand.IntN(20); {
	case n < 5:
		return r.set(s, owner, fails)
	case n < 13:
		return r.readSecret(s, fails)
	case n < 15 && len(s.revisions) > 1:
		numbers := slices.Sorted(maps.Keys(s.revisions))
		number := numbers[r.rand.IntN(len(numbers))]
		r.commands(owner, fmt.Sprintf("secret-remove %s --revision %d", s.uri, number))
		s.remove(number, r.is36)
		return fmt.Sprintf("remove revision %d of %s", number, s.label)
	case n < 16:
		r.commands(owner, "secret-remove "+s.uri)
		r.secrets = slices.DeleteFunc(r.secrets, func(x *secretModel) bool { return x == s })
		r.addSecret(s.unit)
		return "remove " + s.label
	case n < 17:
		r.settleHooks()
		r.leader = map[string]string{"db/0": "db/1", "db/1": "db/0"}[r.leader]
		require.NoError(r.t, r.m.Unit(r.leader).SetLeader())
		if r.is36 {
			for _, s := range r.secrets {
				for _, rev := range s.revisions {
					rev.told[r.leader] = rev.told[r.leader] || s.unit == "" && rev.obsolete // it is not told of what it did not see
				}
			}
		}
		return r.leader + " leads"
	case n < 18 && len(r.webs) > 1:
		r.settleHooks()
		unit := r.webs[0]
		r.webs = r.webs[1:]
		require.NoError(r.t, r.m.Unit(unit).Remove())
		for _, s := range r.secrets {
			delete(s.pins, unit)
			delete(s.due, unit)
		}
		r.settleHooks()
		return unit + " goes"
	case n < 19 && len(r.webs) < 3:
		added, err := r.m.Application("web").AddUnits(1)
		require.NoError(r.t, err)
		r.webs = append(r.webs, added[0].Name)
		r.settleHooks()
		return "web has one more"
	}
	r.settleHooks()
	return "settle"
}

func (r *secretRun) set(s *secretModel, owner string, fails bool) string {
	r.count++
	content := fmt.Sprintf("c%d", r.count)
	lines := []string{"secret-set " + s.uri + " key=lost", "secret-set " + s.uri + " key=" + content}
	trackedBy := ""
	if r.rand.IntN(3) == 0 {
		lines, trackedBy = append(lines, "secret-get --refresh "+s.uri), owner
	}
	err := r.try(owner, func(h *juju.Hook) error {
		err := lined(lines...)(h)
		if fails {
			err = errors.Join(err, errors.New("boom"))
		}
		return err
	})
	assert.Equal(r.t, fails, err != nil, "%v", err)
	if !fails {
		s.set(content, r.is36, trackedBy)
	}
	return fmt.Sprintf("set %s by %s, tracked %t, fails %t", s.label, owner, trackedBy != "", fails)
}

func (r *secretRun) readSecret(s *secretModel, fails bool) string {
	units := append([]string{"db/0", "db/1"}, r.webs...)
	unit := units[r.rand.IntN(len(units))]
	mode := []string{"", "--peek", "--refresh"}[r.rand.IntN(3)]
	what := fmt.Sprintf("%s reads %s %s, fails %t", unit, s.label, mode, fails)
	var got string
	var failed error
	_ = r.try(unit, func(h *juju.Hook) error {
		words := []string{"secret-get", "--format=json", s.uri}
		if unit[0] == 'w' {
			words = append(words, "--label", s.label)
		}
		if mode != "" {
			words = append(words, mode)
		}
		var out []byte
		out, failed = run(h, words...)
		got = string(out)
		if fails {
			return errors.New("boom")
		}
		return nil
	})
	if s.unit != "" && unit == "db/1" {
		denied(r.t, stderrOf(failed))
		return what
	}
	want := s.revisions[s.read(unit, mode, r.is36)]
	if want == nil {
		assert.ErrorContains(r.t, failed, "not found", what)
		return what
	}
	require.NoError(r.t, failed, what)
	assert.Equal(r.t, fmt.Sprintf("{\"key\":%q}\n", want.content), got, what)
	return what
}

// settleHooks runs the secret hooks that are due, which have to be those of the
// rules.
func (r *secretRun) settleHooks() {
	var want []string
	for _, s := range r.secrets {
		for unit := range s.due {
			if s.notified[unit] != s.latest {
				want = append(want, unit+" secret-changed "+s.label)
			}
			s.notified[unit] = s.latest
		}
		clear(s.due)
		owner := s.unit
		if owner == "" {
			owner = r.leader
		}
		for number, rev := range s.revisions {
			if rev.obsolete && number != s.latest && !rev.told[owner] {
				want = append(want, fmt.Sprintf("%s secret-remove %s %d", owner, s.label, number))
				rev.told[owner] = true
			}
		}
	}
	assert.ElementsMatch(r.t, want, r.ran(), "secret hooks")
}

// check compares all that is known of the secrets.
func (r *secretRun) check(what string) {
	var want, got strings.Builder
	for _, s := range r.secrets {
		fmt.Fprintf(&want, "%s latest %d pins %v", s.label, s.latest, s.pins)
		for _, number := range slices.Sorted(maps.Keys(s.revisions)) {
			fmt.Fprintf(&want, ", %d is %s, obsolete %t", number, s.revisions[number].content, s.revisions[number].obsolete)
		}
		want.WriteByte('\n')
		secret := r.m.Secret(s.uri)
		info, pins := secret.Info(), make(map[string]int)
		for _, c := range info.Consumers {
			pins[c.Unit] = c.Tracked
		}
		fmt.Fprintf(&got, "%s latest %d pins %v", info.Label, info.Latest, pins)
		for _, rev := range info.Revisions {
			content, err := secret.Content(rev.Number)
			require.NoError(r.t, err, what)
			fmt.Fprintf(&got, ", %d is %s, obsolete %t", rev.Number, content["key"], rev.Obsolete)
		}
		got.WriteByte('\n')
	}
	if got.String() != want.String() || len(r.m.Secrets()) != len(r.secrets) {
		assert.Equal(r.t, want.String(), got.String(), what)
		assert.Len(r.t, r.m.Secrets(), len(r.secrets), what)
	}
}
