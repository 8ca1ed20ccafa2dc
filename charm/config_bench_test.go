// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
)

// twenty is a configuration of the usual kinds of options.
type twenty struct {
	Port, AdminPort, Workers, Replicas uint16
	MaxConnections, BufferSize         int
	Ratio                              float64
	Debug, TLS, Metrics, AccessLog     bool
	Host, LogLevel, DatabaseName       string
	TLSCert, TLSKey, Proxy, Motd       *string
	Timeout                            time.Duration
	Grace                              *time.Duration
}

const twentyJSON = `{"port":8080,"admin-port":8081,"workers":4,"replicas":3,"max-connections":100,"buffer-size":65536,
"ratio":0.75,"debug":false,"tls":true,"metrics":true,"access-log":false,"host":"example.com","log-level":"info",
"database-name":"app","tls-cert":null,"tls-key":null,"proxy":"http://squid.internal:3128","motd":"welcome","timeout":"30s","grace":null}`

// configRunner is a [hookcmd.Answerer] with a configuration.
type configRunner struct {
	valueRunner
	values hookcmd.Values
}

func (r *configRunner) Answer(ctx context.Context, call hookcmd.Call, result any) (bool, error) {
	values, ok := result.(*hookcmd.Values)
	if ok {
		*values = r.values
	}
	return ok, nil
}

// BenchmarkLoadConfig is LoadConfig of 20 options in a dispatch of its own, that
// has nothing else to do, if a unit agent in the process answers by value; "again"
// that of each further call, and "text" that with an agent that prints JSON.
func BenchmarkLoadConfig(b *testing.B) {
	runner := &configRunner{}
	if err := json.Unmarshal([]byte(twentyJSON), &runner.values); err != nil {
		b.Fatal(err)
	}
	env := environ(b, events.ConfigChanged{})
	dispatch := func(b *testing.B, runner hookcmd.Runner, handle func(context.Context, *charm.Charm) error) {
		err := charm.Run(context.Background(), func(c *charm.Charm) {
			charm.On(c, func(ctx context.Context, _ events.ConfigChanged) error { return handle(ctx, c) })
		}, &charm.Options{Env: env, Runner: runner})
		if err != nil {
			b.Fatal(err)
		}
	}
	load := func(ctx context.Context, c *charm.Charm) error {
		_, err := charm.LoadConfig[twenty](ctx, c)
		return err
	}
	b.Run("once", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			dispatch(b, runner, load)
		}
	})
	b.Run("text", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			dispatch(b, oneAnswer(twentyJSON), load)
		}
	})
	b.Run("again", func(b *testing.B) {
		b.ReportAllocs()
		dispatch(b, runner, func(ctx context.Context, c *charm.Charm) error {
			for b.Loop() {
				if err := load(ctx, c); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// oneAnswer is a Runner whose commands all print one text.
type oneAnswer string

func (p oneAnswer) Run(context.Context, hookcmd.Call) ([]byte, error) { return []byte(p), nil }
