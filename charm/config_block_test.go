// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// byValue validates itself.
type byValue struct{ Port, Other int }

var errPort = errors.New("must differ from other")

func (c byValue) Validate() error {
	if c.Port == c.Other {
		return errPort
	}
	return nil
}

// byPointer names what is wrong, and may change itself.
type byPointer struct{ Port, Other int }

func (c *byPointer) Validate() error {
	switch c.Port {
	case 0:
		return &charm.ConfigError{Option: "port", Err: errPort}
	case 1:
		return fmt.Errorf("web server: %w", &charm.ConfigError{Option: "port", Err: errPort})
	case 2:
		return errors.Join(&charm.ConfigError{Option: "port", Err: errPort}, &charm.ConfigError{Option: "other", Err: errPort})
	case 3:
		return &charm.ConfigError{}
	case 4:
		return errors.Join(nil, &charm.ConfigError{Option: "port", Err: errPort})
	}
	c.Other++
	return nil
}

func TestValidate(t *testing.T) {
	t.Parallel()
	_, err := load[byValue](t, `{"port": 1, "other": 2}`)
	require.NoError(t, err)
	_, err = load[byValue](t, `{"port": 1, "other": 1}`)
	require.ErrorIs(t, err, errPort)
	assert.EqualError(t, err, "cannot use config: must differ from other")

	got, err := load[byPointer](t, `{"port": 10, "other": 1}`)
	require.NoError(t, err)
	assert.Equal(t, 2, got.Other)
	for port, want := range map[string]charm.ConfigError{
		"0": {Option: "port", Value: "0", Err: errPort},
		"1": {Option: "port", Value: "1"},
		"2": {},
		"3": {},
		"4": {Option: "port", Value: "4", Err: errPort},
	} {
		got, err := load[byPointer](t, `{"port": `+port+`, "other": 1}`)
		assert.Zero(t, got)
		var failure *charm.ConfigError
		require.ErrorAs(t, err, &failure)
		assert.Equal(t, want.Option, failure.Option)
		assert.Equal(t, want.Value, failure.Value)
		if want.Err != nil {
			assert.Equal(t, want.Err, failure.Err, "port %s, whose option is named once", port)
		}
		if port != "3" {
			require.ErrorIs(t, err, errPort)
		}
	}
}

// webCharm shows its port, and writes to the databag of its peers first.
func webCharm(collects bool) func(c *charm.Charm) {
	type config struct{ Port uint16 }
	return func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.PeerChanged) error {
			return c.Relation(ev).Local().Set(ctx, "a", "1")
		})
		charm.On(c, func(ctx context.Context, _ events.Hook) error {
			config, err := charm.LoadConfig[config](ctx, c)
			if err != nil {
				return charm.BlockOnConfigError(ctx, c, err)
			}
			if collects {
				return nil
			}
			return c.SetStatus(ctx, charm.Active(fmt.Sprint("port ", config.Port)))
		})
		charm.On(c, func(ctx context.Context, ev events.PeerChanged) error {
			return c.Relation(ev).Local().Set(ctx, "b", "2")
		})
		if collects {
			charm.OnCollectStatus(c, func(_ context.Context, set *charm.StatusSet) error {
				set.Add(charm.Maintenance("rebuilding"))
				return nil
			})
			return
		}
		charm.On(c, func(ctx context.Context, _ events.PeerChanged) error {
			return c.SetStatus(ctx, charm.Active("done"))
		})
	}
}

func TestBlockOnConfigErrorLosesNothing(t *testing.T) {
	t.Parallel()
	blocked := `status-set -- blocked option "port": must be from 0 to 65535 (value "80000")`
	for collects, want := range map[bool][]string{
		false: {
			"config-get --format=json --all",
			"status-set -- active done", // it is set at once, and blocked is what stays
			`relation-set -r peers:1 --file - < {"a": "1", "b": "2"}`,
			blocked,
		},
		true: {
			"config-get --format=json --all",
			`relation-set -r peers:1 --file - < {"a": "1", "b": "2"}`,
			blocked,
		},
	} {
		agent := configured(`{"port": 80000}`)
		_, err := run(t, agent, events.PeerChanged{RelationRef: peers, Unit: "app/1"}, webCharm(collects))
		require.NoError(t, err)
		assert.Equal(t, want, agent.Calls())
		assert.Empty(t, agent.Logs())
	}
}

func TestBlockOnConfigErrorCompetes(t *testing.T) {
	t.Parallel()
	wrong := &charm.ConfigError{Option: "port", Err: errPort}
	agent := configured("")
	_, err := run(t, agent, events.Install{}, func(c *charm.Charm) {
		charm.OnCollectStatus(c, func(ctx context.Context, set *charm.StatusSet) error {
			set.Order(charm.Waiting)
			set.Add(charm.Waiting("for the machine"))
			return charm.BlockOnConfigError(ctx, c, wrong)
		})
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"status-set -- waiting for the machine"}, agent.Calls())
}

func TestBlockOnOtherErrors(t *testing.T) {
	t.Parallel()
	wrong := &charm.ConfigError{Option: "port", Value: "80", Err: errors.New("must be even\nand prime")}
	long := &charm.ConfigError{Value: strings.Repeat("é", 100), Err: errTest}
	for _, row := range []struct {
		err    error
		passed bool
		want   string
	}{
		{nil, false, ""},
		{wrong, false, `blocked option "port": must be even; and prime (value "80")`},
		{fmt.Errorf("wrapped: %w", wrong), false, `blocked option "port": must be even; and prime (value "80")`},
		{errors.Join(wrong, long), false, `blocked option "port": must be even; and prime (value "80")`},
		{long, false, `blocked config: no room (value "` + strings.Repeat("é", 48) + `…")`},
		{&charm.ConfigError{Option: "x"}, false, `blocked option "x": cannot be used`},
		{errTest, true, ""},
		{errors.Join(wrong, errTest), true, ""},
		{fmt.Errorf("%w, and %w", errTest, wrong), true, ""},
		{fmt.Errorf("wrapped: %w", errTest), true, ""},
	} {
		agent := configured("")
		within(t, agent, func(ctx context.Context, c *charm.Charm) {
			err := charm.BlockOnConfigError(ctx, c, row.err)
			if row.passed {
				assert.Equal(t, row.err, err)
			} else {
				assert.NoError(t, err)
			}
			assert.Empty(t, agent.Calls(), "it is set at the end")
		})
		var want []string
		if row.want != "" {
			want = []string{"status-set -- " + row.want}
		}
		assert.Equal(t, want, agent.Calls(), "of %v", row.err)
	}
}

// A dispatch that fails sets nothing at its end.
func TestBlockOnConfigErrorOfFailedDispatch(t *testing.T) {
	t.Parallel()
	agent := configured("")
	_, err := run(t, agent, events.Install{}, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.Install) error {
			return charm.BlockOnConfigError(ctx, c, &charm.ConfigError{Option: "port", Err: errPort})
		})
		charm.On(c, func(context.Context, events.Install) error { return errTest })
	})
	require.ErrorIs(t, err, errTest)
	assert.Empty(t, agent.Calls())
}

const webMetadata = `
type: charm
name: web
summary: A charm for tests.
description: It has options.
peers: {peers: {interface: web}}
config:
  options:
    port: {type: int, default: 80}
    limit: {type: float}
    debug: {type: boolean, default: false}
    address: {type: string, default: ""}
    timeout: {type: string, default: 30s}
    credentials: {type: secret}
`

// The in-memory Juju answers by value or as text.
func TestConfigOfHarness(t *testing.T) {
	t.Parallel()
	for _, text := range []bool{false, true} {
		h := charmtest.New(t, webCharm(false), &charmtest.Options{Metadata: webMetadata, TextOnly: text})
		h.Emit(events.ConfigChanged{})
		assert.Equal(t, "port 80", h.Status().Message)
		h.SetConfig(map[string]any{"port": 80000})
		assert.Equal(t, "blocked", h.Status().Status)
		assert.Equal(t, `option "port": must be from 0 to 65535 (value "80000")`, h.Status().Message)
		h.ResetConfig("port")
		assert.Equal(t, "active", h.Status().Status)
		assert.Len(t, h.Calls("config-get"), 3)
	}
}

// What Juju makes of each type of option is what the fields of a struct take.
func TestTypesOfOptionsOfHarness(t *testing.T) {
	t.Parallel()
	type config struct {
		Port        uint16
		Limit       *float64
		Debug       bool
		Address     *netip.Addr
		Timeout     time.Duration
		Credentials *charm.SecretURI
	}
	for _, text := range []bool{false, true} {
		var got config
		h := charmtest.New(t, func(c *charm.Charm) {
			charm.On(c, func(ctx context.Context, _ events.Hook) (err error) {
				got, err = charm.LoadConfig[config](ctx, c)
				return err
			})
		}, &charmtest.Options{Metadata: webMetadata, TextOnly: text})
		h.Emit(events.UpdateStatus{})
		assert.Equal(t, config{Port: 80, Timeout: 30 * time.Second}, got)

		secret := h.AddUserSecret("db", map[string]string{"password": "hunter2"})
		uri, err := charm.ParseSecretURI(secret.URI())
		require.NoError(t, err)
		limit, address := 0.1, netip.MustParseAddr("::1")
		h.SetConfig(map[string]any{"port": 65535, "limit": limit, "debug": true, "address": "::1", "timeout": "1m", "credentials": secret.URI()})
		assert.Equal(t, config{65535, &limit, true, &address, time.Minute, &uri}, got)
	}
}

func TestSecretOption(t *testing.T) {
	t.Parallel()
	type config struct{ Credentials charm.SecretURI }
	got, err := load[config](t, `{"credentials": "secret:d1qjg3pm6ss7e1s6sfog"}`)
	require.NoError(t, err)
	assert.Equal(t, "d1qjg3pm6ss7e1s6sfog", got.Credentials.ID())
	for _, value := range []string{"null", `""`} {
		_, err = load[config](t, `{"credentials": `+value+`}`)
		require.EqualError(t, err, `cannot use option "credentials": must be set`)
	}
	var failure *charm.ConfigError
	_, err = load[config](t, `{"credentials": "my-secret"}`)
	require.ErrorAs(t, err, &failure)
	assert.Empty(t, failure.Value)
	assert.NotContains(t, err.Error(), "my-secret")
}

// withSecret finds fault with its secret.
type withSecret struct{ Credentials *charm.SecretURI }

func (withSecret) Validate() error {
	return &charm.ConfigError{Option: "credentials", Value: "hunter2", Err: errPort}
}

// What is in a secret option may be a password, and is not shown.
func TestSecretOptionIsNotShown(t *testing.T) {
	t.Parallel()
	_, err := load[withSecret](t, `{"credentials": "hunter2"}`)
	require.ErrorContains(t, err, `cannot use option "credentials": cannot read secret URI`)
	assert.NotContains(t, err.Error(), "hunter2")
	_, err = load[withSecret](t, `{"credentials": "secret:d1qjg3pm6ss7e1s6sfog"}`)
	require.EqualError(t, err, `cannot use option "credentials": must differ from other`)
}
