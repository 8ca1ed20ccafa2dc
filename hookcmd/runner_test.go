// SPDX-License-Identifier: Apache-2.0

//go:build unix

package hookcmd_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

func TestRunnerSocket(t *testing.T) {
	t.Parallel()
	hookcmdtest.TestRunner(t, func(_ *testing.T, agent hookcmd.Agent) hookcmd.Runner {
		agent.Env = nil // no process is started
		return hookcmd.NewSocket(agent)
	})
}

// What is sent and what is answered arrives in pieces.
func TestRunnerSocketFragmented(t *testing.T) {
	t.Parallel()
	hookcmdtest.TestRunner(t, func(t *testing.T, agent hookcmd.Agent) hookcmd.Runner {
		return hookcmd.NewSocket(transportProxy(t, agent, 4096, 1))
	})
}

func TestRunnerExec(t *testing.T) {
	t.Parallel()
	hookcmdtest.TestRunner(t, func(_ *testing.T, agent hookcmd.Agent) hookcmd.Runner {
		return hookcmd.NewExec(agent)
	})
}

func TestRunnerAutoWithSocket(t *testing.T) {
	t.Parallel()
	hookcmdtest.TestRunner(t, func(_ *testing.T, agent hookcmd.Agent) hookcmd.Runner {
		agent.Env = nil // no process is started
		return hookcmd.NewAuto(agent)
	})
}

func TestRunnerAutoWithoutSocket(t *testing.T) {
	t.Parallel()
	hookcmdtest.TestRunner(t, func(_ *testing.T, agent hookcmd.Agent) hookcmd.Runner {
		agent.Network, agent.Address = "", ""
		return hookcmd.NewAuto(agent)
	})
}

// Byte by byte, every boundary within and between messages is met.
func TestSocketByteByByte(t *testing.T) {
	t.Parallel()
	server := hookcmdtest.NewServer(t, transportEcho, nil)
	socket := transportSocket(t, transportProxy(t, server.Agent(), 1, 1))
	for i := range 40 {
		// The lengths of messages take one byte up to 127, two up to 255, then three.
		transportRun(transportContext(t), t, socket, "config-get", strings.Repeat("x", i*10))
	}
}

// Commands are abandoned at random moments: in the middle of a request that is
// being written, of a reply that is being read, or between. Each that succeeds
// has its own answer, the agent runs all in order, and the connection survives.
func TestSocketCancelledAtRandom(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 0))
			var mu sync.Mutex
			var ran []int
			server := hookcmdtest.NewServer(t, func(call hookcmd.Call) hookcmdtest.Answer {
				n, err := strconv.Atoi(call.Args[0])
				assert.NoError(t, err, "argument")
				mu.Lock()
				defer mu.Unlock()
				if call.Command != "relation-get" { // batches are shuffled
					ran = append(ran, n)
				}
				return transportEcho(call)
			}, nil)
			socket := transportSocket(t, transportProxy(t, server.Agent(), 1+random.IntN(300), seed))
			all, cancelAll := context.WithTimeout(t.Context(), 3*transportPatience)
			defer cancelAll()
			var posted, ended atomic.Int64
			var succeeded []int
			abandoned := 0
			for n := range 300 {
				ctx, cancel := context.WithCancel(all)
				if random.IntN(3) > 0 {
					ctx, cancel = context.WithTimeout(all, time.Duration(random.IntN(1500))*time.Microsecond)
				}
				calls := []hookcmd.Call{transportCall("config-get", strconv.Itoa(n), strings.Repeat("x", random.IntN(2000)))}
				var stdouts [][]byte
				var err error
				switch random.IntN(4) {
				case 0:
					for i := range random.IntN(10) {
						calls = append(calls, transportCall("relation-get", strconv.Itoa(n), strconv.Itoa(i)))
					}
					calls[0].Command = "relation-get"
					stdouts, err = socket.RunBatch(ctx, calls)
				case 1:
					err = socket.Post(ctx, calls[0], func(err error) {
						assert.NoError(t, err, "posted command")
						ended.Add(1)
					})
					if err == nil {
						posted.Add(1)
						succeeded = append(succeeded, n)
					}
				default:
					stdouts = make([][]byte, 1)
					if stdouts[0], err = socket.Run(ctx, calls[0]); err == nil {
						succeeded = append(succeeded, n)
					}
				}
				cancel()
				if err != nil {
					require.ErrorIs(t, err, context.DeadlineExceeded, "command %d", n)
					require.NoError(t, all.Err(), "command %d hangs", n)
					abandoned++
					continue
				}
				for i, stdout := range stdouts {
					require.Equal(t, transportEcho(calls[i]).Stdout, string(stdout), "output of command %d", n)
				}
			}
			transportRun(all, t, socket, "config-get", "300")
			require.NoError(t, socket.Close(all))
			assert.Equal(t, posted.Load(), ended.Load(), "posted commands, of which each is done once")
			assert.IsIncreasing(t, ran, "commands that the agent ran")
			assert.Subset(t, ran, succeeded, "commands that the agent ran, and those that succeeded")
			assert.NotZero(t, abandoned, "abandoned commands")
		})
	}
}
