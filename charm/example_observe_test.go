// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// timing adds up how long the hook commands of a dispatch take.
type timing struct {
	mu       sync.Mutex // commands can run in several goroutines
	commands []string
	took     time.Duration
}

func (t *timing) begin(_ context.Context, command string) (end func(error)) {
	start := time.Now()
	return func(error) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.commands = append(t.commands, command)
		t.took += time.Since(start)
	}
}

// How much of a dispatch is spent in hook commands.
func ExampleCharm_ObserveHookCommands() {
	register := func(c *charm.Charm) {
		var inCommands timing
		c.ObserveHookCommands(inCommands.begin)
		c.UseDispatch(func(next charm.Handler) charm.Handler {
			return func(ctx context.Context, ev events.Event) error {
				start := time.Now()
				err := next(ctx, ev)
				fmt.Println(ev.Name(), inCommands.commands, inCommands.took <= time.Since(start))
				return err
			}
		})
		charm.On(c, func(ctx context.Context, _ events.Start) error { return c.SetWorkloadVersion(ctx, "16.3") })
	}
	_, err := charmtest.Run(register, events.Start{}, charmtest.State{Metadata: storeMetadata})
	fmt.Println(err)
	// Output:
	// start [application-version-set] true
	// <nil>
}

// What is around the dispatch runs once, whatever handlers the event has.
func ExampleCharm_UseDispatch() {
	register := func(c *charm.Charm) {
		c.UseDispatch(func(next charm.Handler) charm.Handler {
			return func(ctx context.Context, ev events.Event) error {
				fmt.Println("begin", ev.Name())
				err := next(ctx, ev)
				fmt.Println("end", ev.Name(), err)
				return err
			}
		})
		charm.On(c, func(context.Context, events.Hook) error { fmt.Println("any hook"); return nil })
		charm.On(c, func(context.Context, events.Start) error { fmt.Println("start"); return nil })
	}
	if _, err := charmtest.Run(register, events.Start{}, charmtest.State{Metadata: storeMetadata}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// begin start
	// any hook
	// start
	// end start <nil>
}

// Tools such as jhack follow a charm by these lines.
func ExampleCharm_LogEvents() {
	state, err := charmtest.Run((*charm.Charm).LogEvents, events.Start{}, charmtest.State{Metadata: storeMetadata})
	if err != nil {
		fmt.Println(err)
	}
	for _, line := range state.Logs {
		fmt.Println(line.Level, line.Message)
	}
	// Output: DEBUG Emitting Juju event start.
}
