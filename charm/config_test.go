// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/golden"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// configured is an agent whose config-get prints a text.
func configured(printed string) *testagent.Agent {
	agent := testagent.Peers(1)
	agent.Intercept = func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		return hookcmdtest.Answer{Stdout: printed}, call.Command == "config-get"
	}
	return agent
}

// load returns what a handler loads, if config-get prints a text.
func load[T any](t testing.TB, printed string) (config T, err error) {
	t.Helper()
	_, failure := run(t, configured(printed), events.ConfigChanged{}, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.ConfigChanged) error {
			config, err = charm.LoadConfig[T](ctx, c)
			return nil
		})
	})
	require.NoError(t, failure)
	return config, err
}

type (
	level  string
	amount uint8
)

// recorded returns what Juju has printed in a recording.
func recorded(t testing.TB, name string) string {
	t.Helper()
	for _, c := range golden.Cases() {
		if c.Name == name && c.Version == "4" {
			return c.Calls[0].Stdout
		}
	}
	require.FailNow(t, "there is no recording", name)
	return ""
}

func TestLoadConfigOfRecording(t *testing.T) {
	t.Parallel()
	type common struct {
		Number amount
		Ratio  float64
	}
	type config struct {
		common
		AString    level
		Big        int32
		HugeToo    *uint64 `config:"huge"`
		Negative   *int
		WholeFloat int // of type float in charmcraft.yaml
		Flag, Off  bool
		Empty      string
		HTML       *string
		NumString  string
		Unset      *string
		Unicode    string
		Else       chan int `config:"-"`
		private    chan int
	}
	got, err := load[config](t, recorded(t, "config-get/all-flag-json"))
	require.NoError(t, err)
	huge, negative, html := uint64(1<<53), -17, "<a&b>"
	assert.Equal(t, config{
		common: common{Number: 5, Ratio: 1.5}, AString: "hello", Big: 1234567, HugeToo: &huge, Negative: &negative,
		WholeFloat: 2, Flag: true, HTML: &html, NumString: "0123", Unicode: "héllo wörld ✓ 日本",
	}, got)
	assert.Nil(t, got.private)
}

func TestLoadConfigOfText(t *testing.T) {
	t.Parallel()
	type config struct {
		Address  netip.Addr
		Subnet   *netip.Prefix
		Absent   *netip.Prefix
		LogLevel slog.Level
		Timeout  time.Duration
		Grace    *time.Duration
		Endless  *time.Duration
	}
	got, err := load[config](t, `{"address": "10.0.0.2", "subnet": "10.0.0.0/8", "absent": "", "log-level": "warn",
		"timeout": "1h30m", "grace": "0s", "endless": null}`)
	require.NoError(t, err)
	subnet, grace := netip.MustParsePrefix("10.0.0.0/8"), time.Duration(0)
	assert.Equal(t, config{
		Address: netip.MustParseAddr("10.0.0.2"), Subnet: &subnet, LogLevel: slog.LevelWarn,
		Timeout: 90 * time.Minute, Grace: &grace,
	}, got)
}

func TestNamesOfOptions(t *testing.T) {
	t.Parallel()
	type config struct {
		Port, LogLevel, TLSCert, HTTPPort2, URL, UseS3Bucket, ExternalURL, Already_Split, Über string
		Given                                                                                  string `config:"gIvEn_name"`
	}
	got, err := load[config](t, `{"port": "1", "log-level": "2", "tls-cert": "3", "http-port2": "4", "url": "5",
		"use-s3-bucket": "6", "external-url": "7", "already_split": "8", "über": "9", "gIvEn_name": "10", "other": 11}`)
	require.NoError(t, err)
	assert.Equal(t, config{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}, got)
}

func TestConfigIsReadOnce(t *testing.T) {
	t.Parallel()
	type config struct{ Port int }
	agent := configured(`{"port": 80, "motd": null}`)
	_, err := run(t, agent, events.ConfigChanged{}, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.ConfigChanged) error {
			var g sync.WaitGroup
			for range 8 {
				g.Go(func() {
					values, err := c.Config(ctx)
					assert.NoError(t, err)
					assert.Equal(t, hookcmd.Values{"port": json.RawMessage("80"), "motd": json.RawMessage("null")}, values)
					delete(values, "port") // the map is the caller's
				})
				g.Go(func() {
					got, err := charm.LoadConfig[config](ctx, c)
					assert.NoError(t, err)
					assert.Equal(t, config{80}, got)
				})
			}
			g.Wait()
			return nil
		})
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"config-get --format=json --all"}, agent.Calls())
}

func TestConfigOfCharmWithoutOptions(t *testing.T) {
	t.Parallel()
	agent := configured("null\n")
	within(t, agent, func(ctx context.Context, c *charm.Charm) {
		for range 2 {
			values, err := c.Config(ctx)
			require.NoError(t, err)
			assert.NotNil(t, values)
			assert.Empty(t, values)
		}
	})
	assert.Len(t, agent.Calls(), 1)
}

// What could not be read is asked for again.
func TestConfigThatCannotBeRead(t *testing.T) {
	t.Parallel()
	agent := configured("")
	asked := 0
	agent.Intercept = func(hookcmd.Call) (hookcmdtest.Answer, bool) {
		if asked++; asked == 1 {
			return hookcmdtest.Failure(1, "connection is shut down"), true
		}
		return hookcmdtest.Answer{Stdout: `{"port": 80}`}, true
	}
	within(t, agent, func(ctx context.Context, c *charm.Charm) {
		_, err := charm.LoadConfig[struct{ Port int }](ctx, c)
		var failure *hookcmd.Error
		require.ErrorAs(t, err, &failure)
		assert.Equal(t, "config-get", failure.Command)
		got, err := charm.LoadConfig[struct{ Port int }](ctx, c)
		require.NoError(t, err)
		assert.Equal(t, 80, got.Port)
	})
}

func TestConfigThatDoesNotFit(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		load  func(testing.TB, string) error
		value string // of option x
		want  string
		shown string
	}{
		{loadX[string], `null`, "must be set", ""},
		{loadX[int], `null`, "must be set", ""},
		{loadX[netip.Addr], `null`, "must be set", ""},
		{loadX[netip.Addr], `""`, "must be set", ""},
		{loadX[time.Duration], `""`, "must be set", ""},
		{loadX[uint16], `65536`, "must be from 0 to 65535", "65536"},
		{loadX[uint16], `-1`, "must be from 0 to 65535", "-1"},
		{loadX[*uint], `-1`, "must be from 0 to 9007199254740992", "-1"},
		{loadX[uint64], `9007199254740993`, "must be from 0 to 9007199254740992", "9007199254740993"},
		{loadX[int8], `-129`, "must be from -128 to 127", "-129"},
		{loadX[int32], `2147483648`, "must be from -2147483648 to 2147483647", "2147483648"},
		{loadX[int64], `-9007199254740994`, "must be from -9007199254740992 to 9007199254740992", "-9007199254740994"},
		{loadX[int64], `1e+21`, "must be from -9007199254740992 to 9007199254740992", "1e+21"},
		{loadX[int8], `1e+999`, "must be from -128 to 127", "1e+999"},
		{loadX[int], `0.5`, "must be an integer", "0.5"},
		{loadX[amount], `1e-7`, "must be an integer", "1e-7"},
		{loadX[float32], `1e39`, "must be a number that a float32 can hold", "1e39"},
		{loadX[float64], `1e999`, "must be a number that a float64 can hold", "1e999"},
		{loadX[time.Duration], `"30"`, `must be a duration, such as "90s" or "1h30m"`, "30"},
		{loadX[*netip.Addr], `"host"`, `ParseAddr("host"): unable to parse IP`, "host"},
	} {
		err := row.load(t, row.value)
		var failure *charm.ConfigError
		require.ErrorAs(t, err, &failure, "of %s", row.value)
		require.Error(t, failure.Err)
		assert.Equal(t, charm.ConfigError{Option: "x", Value: row.shown, Err: failure.Err}, *failure)
		assert.Equal(t, row.want, failure.Err.Error(), "of %s", row.value)
		text := `cannot use option "x": ` + row.want
		if row.shown != "" {
			text += ` (value "` + row.shown + `")`
		}
		assert.EqualError(t, err, text)
	}
}

// loadX returns the error of a struct with a field of type T for option x.
func loadX[T any](t testing.TB, value string) error {
	t.Helper()
	got, err := load[struct{ X T }](t, `{"x": `+value+`}`)
	if err != nil {
		assert.Zero(t, got, "nothing beside an error")
	}
	return err
}

func TestNumbersAtTheLimits(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		load  func(testing.TB, string) error
		value string
	}{
		{loadX[uint8], "255"}, {loadX[int8], "-128"}, {loadX[uint16], "65535"}, {loadX[int16], "-32768"},
		{loadX[uint32], "4294967295"}, {loadX[int32], "2147483647"}, {loadX[int64], "-9007199254740992"},
		{loadX[uint64], "9007199254740992"}, {loadX[uint], "0"}, {loadX[int], "1e3"}, {loadX[float32], "0.1"},
		{loadX[float64], "1e308"},
	} {
		assert.NoError(t, row.load(t, row.value), "of %s", row.value)
	}
}

// What the charm's author has to change, no operator is told of.
func TestStructsThatCannotBeTheCharms(t *testing.T) {
	t.Parallel()
	type inner struct{ X string }
	for _, row := range []struct {
		load func(testing.TB, string) error
		want string
	}{
		{loadX[[]string], `field X is of type []string, which no option can be`},
		{loadX[map[string]string], `which no option can be`},
		{loadX[any], `which no option can be`},
		{loadX[**string], `which no option can be`},
		{loadX[json.RawMessage], `which no option can be`},
		{loadX[int], `field X is of type int, and option "x" is text`},
		{loadX[bool], `field X is of type bool, and option "x" is text`},
		{loadX[*float64], `field X is of type float64, and option "x" is text`},
		{loadOf[struct{ Number string }], `field Number is of type string, and option "number" is a number`},
		{loadOf[struct{ Number time.Duration }], `and option "number" is a number`},
		{loadOf[struct{ Flag netip.Addr }], `and option "flag" is a boolean`},
		{loadOf[struct{ List string }], `and option "list" is no value that options have`},
		{loadOf[struct{ Prot int }], `the charm has no option "prot", which is of field Prot`},
		{loadOf[struct{ Prot *int }], `the charm has no option "prot"`},
		{loadOf[struct {
			x int `config:"x"`
		}], `field x is not exported`},
		{loadOf[struct{ *inner }], `field inner is not exported`},
		{loadOf[struct {
			X string `config:"x,omitempty"`
		}], `field X has the tag "x,omitempty", which is to be the name of an option`},
		{loadOf[struct {
			inner
			X string
		}], `fields X and X are both of option "x"`},
		{loadOf[*inner], `it is no struct; take charm_test.inner`},
		{loadOf[string], `cannot load config into string: it is no struct`},
	} {
		err := row.load(t, `"text"`)
		require.ErrorContains(t, err, row.want)
		require.ErrorContains(t, err, "cannot load config into ")
		var failure *charm.ConfigError
		assert.False(t, errors.As(err, &failure), "%v is nothing that an operator can change", err)
	}
}

// loadOf is loadX of any T.
func loadOf[T any](t testing.TB, value string) error {
	t.Helper()
	_, err := load[T](t, `{"x": `+value+`, "number": 1, "flag": true, "list": []}`)
	return err
}

func TestConfigIsForHandlers(t *testing.T) {
	t.Parallel()
	_, err := run(t, &testagent.Agent{}, events.Install{}, func(c *charm.Charm) {
		assert.Panics(t, func() { _, _ = c.Config(t.Context()) })
		assert.Panics(t, func() { _, _ = charm.LoadConfig[struct{}](t.Context(), c) })
		assert.Panics(t, func() { _ = charm.BlockOnConfigError(t.Context(), c, errTest) })
		assert.Panics(t, func() { _, _ = c.Status(t.Context()) })
		assert.Panics(t, func() { _, _ = c.AppStatus(t.Context()) })
		assert.Panics(t, func() { _ = c.SetStatus(t.Context(), charm.Status{}) })
		assert.Panics(t, func() { _ = c.SetAppStatus(t.Context(), charm.Status{}) })
	})
	require.NoError(t, err)
}

// Whatever config-get prints, a struct is loaded as Juju's own values are, or
// there is an error.
func FuzzLoadConfig(f *testing.F) {
	f.Add(recorded(f, "config-get/all-flag-json"))
	for _, printed := range []string{`{"port":80,"ratio":1e300,"text":"\ud800","flag":false,"addr":"::1","wait":"1s"}`, `{"port":null}`, `{"port":[{}]}`, "null", ""} {
		f.Add(printed)
	}
	type config struct {
		Port  *uint16
		Ratio *float64
		Text  *string
		Flag  *bool
		Addr  *netip.Addr
		Wait  *time.Duration
	}
	names := []string{"port", "ratio", "text", "flag", "addr", "wait"}
	f.Fuzz(func(t *testing.T, printed string) {
		got, err := load[config](t, printed)
		var values map[string]any
		if json.Unmarshal([]byte(printed), &values) != nil {
			require.Error(t, err)
			return
		}
		if slices.ContainsFunc(names, func(name string) bool { _, ok := values[name]; return !ok }) {
			require.Error(t, err, "an option that is not declared")
		}
		if err != nil {
			require.Zero(t, got)
			return
		}
		for name, field := range map[string]any{"ratio": got.Ratio, "text": got.Text, "flag": got.Flag, "port": got.Port} {
			want, err := json.Marshal(values[name])
			require.NoError(t, err)
			text, err := json.Marshal(field)
			require.NoError(t, err)
			require.JSONEq(t, string(want), string(text), name)
		}
	})
}
