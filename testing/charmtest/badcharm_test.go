// SPDX-License-Identifier: Apache-2.0

package charmtest_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// onInstall returns a charm that does something in install.
func onInstall(do func(ctx context.Context, c *charm.Charm)) func(c *charm.Charm) {
	return func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.Install) error {
			do(ctx, c)
			return nil
		})
	}
}

// install sends install in a Harness, by Run or in a Model, and returns what the
// test reports.
func install(in string, register func(*charm.Charm)) (errs string) {
	const patience = 50 * time.Millisecond
	errs, _ = record(func(t testing.TB) {
		switch in {
		case "Harness":
			charmtest.New(t, register, &charmtest.Options{Metadata: magpie, HookTimeout: patience}).Emit(events.Install{})
		case "Run":
			_, err := charmtest.Run(register, events.Install{}, charmtest.State{Metadata: magpie, HookTimeout: patience})
			require.NoError(t, err)
		case "Model":
			m := charmtest.NewModel(t, &charmtest.ModelOptions{HookTimeout: patience, Attempts: 1})
			m.DeployCharm("magpie", register, 1, ofMagpie)
			m.Settle()
		}
	})
	return errs
}

// everywhere asserts that what a bad charm does is one clear failure.
func everywhere(t *testing.T, register func(*charm.Charm), want ...string) {
	t.Helper()
	for _, in := range []string{"Harness", "Run", "Model"} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			errs := install(in, register)
			assert.Equal(t, 1, strings.Count(errs, want[0]), "%q in:\n%s", want[0], errs)
			for _, text := range want[1:] {
				assert.Contains(t, errs, text)
			}
		})
	}
}

func TestHandlerPanics(t *testing.T) {
	t.Parallel()
	everywhere(t, onInstall(oops), "panic: runtime error: index out of range [0] with length 0", "charmtest_test.oops(", "badcharm_test.go:")
}

func oops(context.Context, *charm.Charm) {
	var list []string
	_ = list[len(list)]
}

func TestRegisterPanics(t *testing.T) {
	t.Parallel()
	everywhere(t, func(c *charm.Charm) {
		charm.On(c, (func(context.Context, events.Install) error)(nil))
	}, "the function that registers handlers panicked: charm.On: the handler is nil", "badcharm_test.go:")
}

// A handler that blocks is told by its context to end, and the failure says
// where it is.
func TestHandlerBlocks(t *testing.T) {
	t.Parallel()
	everywhere(t, onInstall(wait), "install of unit magpie/0 has not returned for 50ms, which is HookTimeout; it is here:", "charmtest_test.wait\n")
}

func wait(ctx context.Context, _ *charm.Charm) { <-ctx.Done() }

// One that does not look at its context stays behind, and nothing else fails.
func TestHandlerBlocksForGood(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	everywhere(t, onInstall(func(context.Context, *charm.Charm) { <-release }), "install of unit magpie/0 has not returned for 50ms")
}

// FailNow in a handler ends the test, as everywhere.
func TestHandlerFailsTheTest(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"Harness", "Run", "Model"} {
		errs, _ := record(func(t testing.TB) {
			register := onInstall(func(context.Context, *charm.Charm) { require.Fail(t, "not what I want") })
			switch in {
			case "Harness":
				charmtest.New(t, register, &charmtest.Options{Metadata: magpie}).Emit(events.Install{})
			case "Run":
				_, _ = charmtest.Run(register, events.Install{}, charmtest.State{Metadata: magpie})
			case "Model":
				m := charmtest.NewModel(t, nil)
				m.DeployCharm("magpie", register, 1, ofMagpie)
				m.Settle()
			}
			t.Error("not reached")
		})
		assert.Equal(t, 1, strings.Count(errs, "not what I want"), errs)
		assert.NotContains(t, errs, "not reached", in)
		assert.NotContains(t, errs, "goroutine", in)
	}
}

// FailNow of a test that is another one's is a failure of this one, too.
func TestHandlerFailsAnotherTest(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"Harness", "Model"} {
		assert.Equal(t, "install of unit magpie/0 has ended its goroutine: by runtime.Goexit, or FailNow of another test",
			install(in, onInstall(func(context.Context, *charm.Charm) { runtime.Goexit() })), in)
	}
}

func TestHandlerSkipsTheTest(t *testing.T) {
	t.Parallel()
	errs, _ := record(func(t testing.TB) {
		charmtest.New(t, onInstall(func(context.Context, *charm.Charm) { t.SkipNow() }), &charmtest.Options{Metadata: magpie}).Emit(events.Install{})
		t.Error("not reached")
	})
	assert.Empty(t, errs)
}

// A goroutine that a handler starts must end with it: Juju's charms are processes
// that do.
func TestHandlerLeaksAGoroutine(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"Harness", "Model"} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			release := make(chan struct{})
			t.Cleanup(func() { close(release) })
			errs := install(in, onInstall(func(context.Context, *charm.Charm) { go stay(release) }))
			assert.Equal(t, 1, strings.Count(errs, "goroutines that handlers started still run"), errs)
			assert.Contains(t, errs, "charmtest_test.stay\n")
			assert.NotContains(t, errs, "charm.Run", "the handler's own is not among them")
		})
	}
}

func stay(release <-chan struct{}) { <-release }

// One that is on its way out is none.
func TestHandlerLeavesAGoroutineThatEnds(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"Harness", "Model"} {
		assert.Empty(t, install(in, onInstall(func(context.Context, *charm.Charm) {
			go time.Sleep(20 * time.Millisecond)
		})))
	}
}

// Hook commands after the end of the hook are an error to the goroutine, and fail
// the test.
func TestGoroutineRunsHookCommandsLate(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"Harness", "Model"} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			over, late := make(chan struct{}), make(chan error, 1)
			errs, _ := record(func(t testing.TB) {
				register := onInstall(func(ctx context.Context, c *charm.Charm) {
					client := c.HookCommands()
					go func() {
						<-over
						_, err := client.ConfigGet(ctx)
						late <- err
					}()
				})
				if in == "Harness" {
					charmtest.New(t, register, &charmtest.Options{Metadata: magpie}).Emit(events.Install{})
				} else {
					m := charmtest.NewModel(t, nil)
					m.DeployCharm("magpie", register, 1, ofMagpie)
					m.Settle()
				}
				close(over)
			})
			require.ErrorContains(t, <-late, "the hook has ended")
			assert.Equal(t, "config-get was run after install of unit magpie/0 had ended: a charm's process ends with its dispatch, and so must the goroutines that handlers start", errs)
		})
	}
}

// Handlers that wait do so in no time in a bubble of testing/synctest.
func TestSynctest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var took time.Duration
		h := charmtest.New(t, onInstall(func(context.Context, *charm.Charm) {
			start := time.Now()
			time.Sleep(20 * time.Second)
			took = time.Since(start)
		}), &charmtest.Options{Metadata: magpie})
		h.Emit(events.Install{})
		assert.Equal(t, 20*time.Second, took)
	})
}

// Tests share nothing: what a bad charm does fails its own test only.
func TestNothingIsShared(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	bad := []func(*charm.Charm){
		onInstall(oops),
		onInstall(wait),
		onInstall(func(context.Context, *charm.Charm) { <-release }),
		onInstall(func(context.Context, *charm.Charm) { go stay(release) }),
		onInstall(func(context.Context, *charm.Charm) { runtime.Goexit() }),
		func(*charm.Charm) { panic("oh no") },
	}
	for i := range 2 * len(bad) {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			in := []string{"Harness", "Model"}[i%2]
			if i%2 == 0 {
				assert.NotEmpty(t, install(in, bad[i/2]))
			} else {
				assert.Empty(t, install(in, greet))
			}
		})
	}
}
