// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/juju"
)

func (r *rig) nextRotate(uri string) time.Duration {
	next := r.m.Secret(uri).Info().NextRotate
	if next.IsZero() {
		return 0
	}
	return next.Sub(r.m.Now())
}

func TestSecretRotation(t *testing.T) {
	t.Parallel()
	for policy, every := range map[string]time.Duration{"hourly": time.Hour, "daily": 24 * time.Hour} {
		both(t, func(t *testing.T, version string) {
			r := newRig(t, version, 2, 0)
			uri := r.add("db/0", "--label l --rotate "+policy)
			assert.Equal(t, every, r.nextRotate(uri))
			assert.Empty(t, r.advance(every-time.Second))
			r.on = func(_, hook string) script {
				if hook == "secret-rotate l" {
					return lined("secret-set " + uri + " key=two")
				}
				return nil
			}
			assert.Equal(t, []string{"db/0 secret-rotate l", "db/0 secret-remove l 1"}, r.advance(time.Second), "of the leader")
			assert.Equal(t, every, r.nextRotate(uri), "a new revision: the policy's next time")
			assert.Equal(t, []string{"db/0 secret-rotate l"}, r.advance(r.nextRotate(uri)))
			assert.Equal(t, 5*time.Minute, r.nextRotate(uri), "the same content again is no new revision")
			r.on = nil
			assert.Equal(t, []string{"db/0 secret-rotate l"}, r.advance(5*time.Minute))
			assert.Len(t, r.advance(20*time.Minute), 4, "again and again")
			r.commands("db/0", "secret-set "+uri+" --rotate never")
			assert.Empty(t, r.advance(every))
			assert.Zero(t, r.nextRotate(uri))
		})
	}
}

func TestSecretRotationPolicies(t *testing.T) {
	t.Parallel()
	r := newRig(t, "4.1.0", 1, 0)
	day := 24 * time.Hour
	for policy, every := range map[string]time.Duration{
		"": 0, "never": 0, "hourly": time.Hour, "daily": day, "weekly": 7 * day, "monthly": 31 * day, "quarterly": 90 * day, "yearly": 365 * day,
	} {
		assert.Equal(t, every, r.nextRotate(r.add("db/0", "--rotate="+policy)), "%s, from the 1st of January", policy)
	}
}

func TestSecretRotationPolicyChanges(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRig(t, version, 1, 0)
		uri := r.add("db/0", "--rotate daily")
		r.advance(time.Hour)
		r.commands("db/0", "secret-set "+uri+" --rotate weekly")
		assert.Equal(t, 23*time.Hour, r.nextRotate(uri), "the time that is set stays")
		r.commands("db/0", "secret-set "+uri+" --rotate hourly")
		if version == "4.1.0" {
			assert.Equal(t, time.Hour, r.nextRotate(uri), "unless the new policy rotates sooner")
		} else {
			assert.Equal(t, 23*time.Hour, r.nextRotate(uri), "3.6 sets it only for what did not rotate")
		}
		r.commands("db/0", "secret-set "+uri+" --rotate never")
		r.commands("db/0", "secret-set "+uri+" --rotate hourly")
		assert.Equal(t, time.Hour, r.nextRotate(uri))
	})
}

func TestSecretRotationCountsFromTheTimeThatWasSet(t *testing.T) {
	t.Parallel()
	r := newRig(t, "4.1.0", 1, 0)
	uri := r.add("db/0", "--rotate hourly")
	failing := true
	r.on = func(_, hook string) script {
		if hook != "secret-rotate" {
			return nil
		}
		return func(h *juju.Hook) error {
			if failing {
				return errors.New("boom")
			}
			return lined("secret-set " + uri + " key=" + r.m.Now().Format("r150405"))(h)
		}
	}
	_, err := r.m.Advance(t.Context(), time.Hour, &juju.SettleOptions{Attempts: 3})
	require.Error(t, err)
	failing = false
	_, err = r.m.Advance(t.Context(), 150*time.Minute, nil)
	require.NoError(t, err)
	next := r.m.Secret(uri).Info().NextRotate
	assert.Zero(t, next.Minute(), "not from when the hook ran: %v", next)
	assert.Greater(t, r.m.Secret(uri).Info().Latest, 2, "what was missed is caught up with")
}

func TestSecretRotatesBeforeItExpires(t *testing.T) {
	t.Parallel()
	r := newRig(t, "4.1.0", 1, 0)
	uri := r.add("db/0", "--rotate hourly --expire 90m")
	r.on = func(_, hook string) script {
		if hook == "secret-rotate" {
			return lined("secret-set " + uri + " key=" + r.m.Now().Format("r150405") + " --expire 30m")
		}
		return nil
	}
	ran := r.advance(time.Hour)
	assert.Equal(t, "db/0 secret-rotate", ran[0])
	assert.Equal(t, 5*time.Minute, r.nextRotate(uri), "the new revision would expire before the hour is over")
}

func TestSecretExpiry(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRig(t, version, 2, 0)
		uri := r.add("db/0", "--owner unit --label l --expire 1h")
		r.read("db/0", uri)
		r.commands("db/0", "secret-set "+uri+" key=two")
		r.ran()
		revisions := r.m.Secret(uri).Info().Revisions
		assert.Equal(t, []time.Time{r.m.Now().Add(time.Hour), {}}, []time.Time{revisions[0].Expire, revisions[1].Expire}, "each revision has its own")
		assert.Empty(t, r.advance(time.Hour-time.Second))
		assert.Equal(t, []string{"db/0 secret-expired l 1"}, r.advance(time.Second))
		assert.Equal(t, slices.Repeat([]string{"db/0 secret-expired l 1"}, 3), r.advance(15*time.Minute), "until it is removed")
		r.on = func(_, hook string) script {
			if hook == "secret-expired l 1" {
				return lined("secret-remove " + uri + " --revision 1")
			}
			return nil
		}
		assert.Equal(t, []string{"db/0 secret-expired l 1"}, r.advance(time.Hour))

		r.commands("db/0", "secret-set "+uri+" --expire 2020-01-01T00:00:00Z")
		assert.Equal(t, []string{"db/0 secret-expired l 2"}, r.ran(), "what is past is due at once")
		r.commands("db/0", "secret-set "+uri+" --expire 2020-01-01T00:00:00Z")
		assert.Empty(t, r.ran())
		r.commands("db/0", "secret-set "+uri+" --expire 2h")
		assert.Empty(t, r.advance(2*time.Hour-time.Second), "a later time ends that")
		assert.Equal(t, []string{"db/0 secret-expired l 2"}, r.advance(time.Second))
	})
}

func TestSecretHooksInOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t, "4.1.0", 1, 1)
	uri := r.add("db/0", "--label a --rotate hourly --expire 1h")
	r.read("db/0", uri)
	other := r.add("db/0", "--label b")
	r.on = func(_, hook string) script {
		if hook == "secret-expired a 1" && r.m.Secret(uri).Info().Latest == 1 {
			return func(*juju.Hook) error {
				require.NoError(t, r.m.Secret(uri).SetContent(map[string]string{"key": "two"}))
				return r.m.Secret(other).SetContent(map[string]string{"key": "two"})
			}
		}
		return nil
	}
	// Both timers fire at one time, one after the other.
	r.advance(time.Hour - time.Second)
	ran := r.advance(time.Second)
	assert.ElementsMatch(t, []string{"db/0 secret-expired a 1", "db/0 secret-rotate a", "db/0 secret-changed a", "db/0 secret-remove b 1"}, ran)
	assert.Less(t, slices.Index(ran, "db/0 secret-expired a 1"), slices.Index(ran, "db/0 secret-changed a"))
	assert.Less(t, slices.Index(ran, "db/0 secret-changed a"), slices.Index(ran, "db/0 secret-remove b 1"))
}

func TestSecretHooksFollowTheLeader(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		r := newRig(t, version, 2, 0)
		uri := r.add("db/0", "--rotate hourly --expire 1h")
		r.commands("db/0", "secret-set "+uri+" key=two")
		assert.Equal(t, []string{"db/0 secret-remove 1"}, r.ran())
		require.NoError(t, r.m.Unit("db/1").SetLeader())
		ran := r.ran()
		if version == "4.1.0" {
			assert.Equal(t, []string{"db/1 secret-remove 1"}, ran, "a new leader is told of what is still there")
		} else {
			assert.Empty(t, ran, "3.6 tells nobody again")
		}
		r.m.Application("db").SetNoLeader()
		assert.Empty(t, r.advance(time.Hour), "there is nobody to tell")
		require.NoError(t, r.m.Unit("db/1").SetLeader())
		assert.Equal(t, []string{"db/1 secret-expired 1", "db/1 secret-rotate"}, r.ran(), "what was due meanwhile, each once")
		r.commands("db/1", "secret-remove "+uri+" --revision 1")

		// A hook that failed is not for a unit that leads no more.
		r.on = func(unit, hook string) script {
			if unit == "db/1" && hook == "secret-rotate" {
				return func(*juju.Hook) error { return errors.Join(errors.New("boom"), r.m.Unit("db/0").SetLeader()) }
			}
			return nil
		}
		ran = r.advance(10 * time.Minute)
		assert.Equal(t, "db/1 secret-rotate", ran[0])
		assert.Contains(t, ran, "db/0 secret-rotate")
		assert.NotContains(t, ran[1:], "db/1 secret-rotate")
		assert.NotEqual(t, "error", r.m.Unit("db/1").Workload().Status)
	})
}

func TestSecretRemoveComesOncePerRevision(t *testing.T) {
	t.Parallel()
	r := newRig(t, "4.1.0", 1, 1)
	uri := r.add("db/0", "--owner unit")
	for _, content := range []string{"two", "three", "four"} {
		require.NoError(t, r.m.Secret(uri).SetContent(map[string]string{"key": content}))
	}
	assert.Equal(t, []string{"db/0 secret-remove 1", "db/0 secret-remove 2", "db/0 secret-remove 3"}, r.ran())
	assert.Empty(t, r.advance(24*time.Hour), "Juju removes none itself, and asks once")
	r.m.SetFaults(juju.Faults{Restart: 1})
	var ran []string
	for range 50 { // until the model has chosen to
		ran = append(ran, r.advance(5*time.Minute)...)
	}
	var trace strings.Builder
	require.NoError(t, r.m.WriteTrace(&trace, 0))
	require.Contains(t, trace.String(), "restarts")
	assert.Empty(t, ran, "nor after the agent's restart")
}

func TestSecretHooksOfADyingUnit(t *testing.T) {
	t.Parallel()
	r := newRig(t, "4.1.0", 1, 1)
	uri := r.add("db/0", "")
	require.NoError(t, r.m.Secret(uri).Grant("web", r.relation()))
	r.read("web/0", uri)
	stopped := false
	r.on = func(unit, hook string) script {
		if unit == "web/0" && hook == "stop" {
			return func(*juju.Hook) error {
				stopped = true
				return r.m.Secret(uri).SetContent(map[string]string{"key": "two"})
			}
		}
		return nil
	}
	require.NoError(t, r.m.Unit("web/0").Remove())
	assert.Empty(t, changes(r.ran()), "it has other things to do")
	assert.True(t, stopped)
	assert.Equal(t, juju.Dead, r.m.Unit("web/0").Life())
	require.NoError(t, r.m.Secret(uri).SetContent(map[string]string{"key": "three"}))
	r.settle()
}

func TestDispatchSecretEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t, "4.1.0", 2, 1)
	uri := r.add("db/0", "--label l --rotate hourly")
	require.NoError(t, r.m.Secret(uri).Grant("web", r.relation()))
	ref := func(id, label string) events.SecretRef { return events.SecretRef{ID: id, Label: label} }
	send := func(unit string, ev events.Event) error {
		_, _, err := r.m.Dispatch(t.Context(), r.m.Unit(unit), ev)
		return err
	}
	for _, row := range []struct {
		unit string
		ev   events.Event
		want string
	}{
		{"web/0", events.SecretChanged{SecretRef: ref(uri, "")}, "the unit has not read secret"},
		{"web/0", events.SecretRotate{SecretRef: ref(uri, "")}, "belongs neither to the unit nor to the application that it leads"},
		{"db/1", events.SecretRotate{SecretRef: ref(uri, "")}, "belongs neither"},
		{"db/0", events.SecretRotate{SecretRef: ref(uri, "x")}, `the unit knows secret "secret:d0000000000000000010" by the label "l", not "x"`},
		{"db/0", events.SecretRotate{SecretRef: ref("secret:d0000000000000000020", "")}, "there is no secret"},
		{"db/0", events.SecretRotate{SecretRef: ref("l", "")}, "not valid"},
		{"db/0", events.SecretRemove{SecretRef: ref(uri, "l"), Revision: 2}, "has no revision 2"},
	} {
		assert.ErrorContains(t, send(row.unit, row.ev), row.want)
	}
	r.read("web/0", uri)
	r.hooks = nil
	require.NoError(t, send("web/0", events.SecretChanged{SecretRef: ref(uri, "")}))
	require.NoError(t, send("db/0", events.SecretRotate{SecretRef: ref(uri, "l")}))
	require.NoError(t, send("db/0", events.SecretExpired{SecretRef: ref(uri, "l"), Revision: 1}))
	require.NoError(t, send("db/0", events.SecretRemove{SecretRef: ref(uri, "l"), Revision: 1}))
	assert.Equal(t, []string{"web/0 secret-changed", "db/0 secret-rotate l", "db/0 secret-expired l 1", "db/0 secret-remove l 1"}, r.ran())
}

func TestSecretChangesDuringARestart(t *testing.T) {
	t.Parallel()
	told := map[string]int{}
	for seed := range uint64(60) {
		r := seededRig(t, "4.1.0", 1, 1, seed)
		uri := r.add("db/0", "")
		require.NoError(t, r.m.Secret(uri).Grant("web", r.relation()))
		r.read("web/0", uri)
		require.NoError(t, r.m.Secret(uri).SetContent(map[string]string{"key": "two"}))
		require.Len(t, changes(r.ran()), 1)
		r.m.SetFaults(juju.Faults{Restart: 1000})
		require.NoError(t, r.m.Secret(uri).SetContent(map[string]string{"key": "three"}))
		told[fmt.Sprint(changes(r.ran()))]++
	}
	assert.Len(t, told, 2, "sometimes an agent that restarts takes the change for known: %v", told)
}
