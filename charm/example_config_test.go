// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
)

// webConfig is the configuration of a charm, whose charmcraft.yaml has
//
//	config:
//	  options:
//	    port: {type: int, default: 80}
//	    tls-port: {type: int}
//	    timeout: {type: string, default: 30s}
type webConfig struct {
	Port    uint16
	TLSPort *uint16 // nil: no TLS
	Timeout time.Duration
}

// Validate checks what types cannot. LoadConfig calls it.
func (c webConfig) Validate() error {
	if c.TLSPort != nil && *c.TLSPort == c.Port {
		return &charm.ConfigError{Option: "tls-port", Err: errors.New("must differ from port")}
	}
	return nil
}

func ExampleLoadConfig() {
	runOnce(events.ConfigChanged{}, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.ConfigChanged) error {
			config, err := charm.LoadConfig[webConfig](ctx, c)
			if err != nil {
				return charm.BlockOnConfigError(ctx, c, err)
			}
			fmt.Println(config.Port, config.TLSPort == nil, config.Timeout)
			return nil
		})
	}, answers{
		"config-get --format=json --all": `{"port": 8080, "tls-port": null, "timeout": "1m30s"}`,
	})
	// Output:
	// config-get --format=json --all
	// 8080 true 1m30s
}

// What the operator has set wrong is shown to them, and the rest of the dispatch
// goes on. The status is told in every dispatch, so that it ends with the mistake.
func ExampleBlockOnConfigError() {
	register := func(c *charm.Charm) {
		charm.On(c, func(context.Context, events.Hook) error {
			fmt.Println("something else")
			return nil
		})
		charm.OnCollectStatus(c, func(ctx context.Context, set *charm.StatusSet) error {
			config, err := charm.LoadConfig[webConfig](ctx, c)
			if err != nil {
				return charm.BlockOnConfigError(ctx, c, err)
			}
			set.Add(charm.Active(fmt.Sprintf("serving at port %d", config.Port)))
			return nil
		})
	}
	runOnce(events.ConfigChanged{}, register, answers{
		"config-get --format=json --all": `{"port": 443, "tls-port": 443, "timeout": "30s"}`,
	})
	runOnce(events.ConfigChanged{}, register, answers{
		"config-get --format=json --all": `{"port": 80, "tls-port": 443, "timeout": "30s"}`,
	})
	// Output:
	// something else
	// config-get --format=json --all
	// status-set -- blocked option "tls-port": must differ from port (value "443")
	// something else
	// config-get --format=json --all
	// status-set -- active serving at port 80
}

func ExampleCharm_Config() {
	runOnce(events.ConfigChanged{}, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.ConfigChanged) error {
			values, err := c.Config(ctx)
			fmt.Printf("%s %s\n", values["port"], values["motd"])
			return err
		})
	}, answers{
		"config-get --format=json --all": `{"port": 80, "motd": null}`,
	})
	// Output:
	// config-get --format=json --all
	// 80 null
}

func ExampleConfigError() {
	runOnce(events.ConfigChanged{}, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.ConfigChanged) error {
			_, err := charm.LoadConfig[webConfig](ctx, c)
			var wrong *charm.ConfigError
			if errors.As(err, &wrong) {
				fmt.Printf("%s is %s: %v\n", wrong.Option, wrong.Value, wrong.Err)
				return nil
			}
			return err
		})
	}, answers{
		"config-get --format=json --all": `{"port": 80000, "tls-port": null, "timeout": "30s"}`,
	})
	// Output:
	// config-get --format=json --all
	// port is 80000: must be from 0 to 65535
}

// runOnce runs one dispatch of web/0.
func runOnce(ev events.Event, register func(*charm.Charm), runner answers) {
	env, err := events.Environ(ev, "web/0")
	if err == nil {
		err = charm.Run(context.Background(), register, &charm.Options{Env: env, Runner: runner})
	}
	if err != nil {
		fmt.Println(err)
	}
}
