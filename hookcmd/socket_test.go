// SPDX-License-Identifier: Apache-2.0

//go:build unix

package hookcmd_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// Of 300 requests at once the server runs hardly one in its turn.
func TestSocketBatchShuffled(t *testing.T) {
	t.Parallel()
	server := hookcmdtest.NewServer(t, transportEcho, nil)
	socket := transportSocket(t, server.Agent())
	calls := make([]hookcmd.Call, 300)
	for i := range calls {
		calls[i] = transportCall("relation-get", "-r", fmt.Sprint(i), "-", "db/"+fmt.Sprint(i))
	}
	for range 3 {
		stdouts, err := socket.RunBatch(transportContext(t), calls)
		require.NoError(t, err)
		require.Len(t, stdouts, len(calls))
		for i, stdout := range stdouts {
			assert.Equal(t, transportEcho(calls[i]).Stdout, string(stdout), "output %d", i)
		}
	}
}

// The server answers only when all of a batch has arrived, the last first.
func TestSocketBatchIsOneRound(t *testing.T) {
	t.Parallel()
	agent := transportServe(t, transportListen(t), func(conn net.Conn) {
		peer := newTransportPeer(conn)
		requests := make([]transportRequest, 50)
		for i := range requests {
			var err error
			if requests[i], err = peer.read(); !assert.NoError(t, err, "request %d", i) {
				return
			}
		}
		for _, request := range slices.Backward(requests) {
			peer.answer(request, request.Args[0])
		}
	})
	socket := transportSocket(t, agent)
	calls := make([]hookcmd.Call, 50)
	for i := range calls {
		calls[i] = transportCall([]string{"relation-get", "relation-list"}[i%2], fmt.Sprint(i))
	}
	stdouts, err := socket.RunBatch(transportContext(t), calls)
	require.NoError(t, err)
	for i, stdout := range stdouts {
		assert.Equal(t, fmt.Sprint(i), string(stdout), "output %d", i)
	}
}

// While a request is unanswered, another may arrive only if both are reads of
// relations: the agent would run them in any order.
func TestSocketRunsOneByOne(t *testing.T) {
	t.Parallel()
	var together, overtaken atomic.Int64
	agent := transportServe(t, transportListen(t), func(conn net.Conn) {
		peer := newTransportPeer(conn)
		requests := make(chan transportRequest)
		go func() {
			defer close(requests)
			for {
				request, err := peer.read()
				if err != nil {
					return
				}
				requests <- request
			}
		}()
		for request := range requests {
			unanswered := []transportRequest{request}
			for wait := time.After(2 * time.Millisecond); wait != nil; {
				select {
				case request, ok := <-requests:
					if !ok {
						return
					}
					unanswered = append(unanswered, request)
				case <-wait:
					wait = nil
				}
			}
			for _, request := range unanswered {
				read := request.CommandName == "relation-get" || request.CommandName == "relation-list"
				if len(unanswered) > 1 && read {
					together.Add(1)
				} else if len(unanswered) > 1 {
					overtaken.Add(1)
				}
				peer.answer(request, request.CommandName+" "+strings.Join(request.Args, " "))
			}
		}
	})
	socket := transportSocket(t, agent)
	ctx := transportContext(t)
	commands := []string{"relation-get", "relation-list", "relation-set", "relation-ids", "config-get", "juju-log", "is-leader"}
	var wait sync.WaitGroup
	for g := range 4 {
		random := rand.New(rand.NewPCG(1, uint64(g)))
		wait.Go(func() {
			for i := range 40 {
				command := commands[random.IntN(len(commands))]
				switch random.IntN(4) {
				case 0:
					assert.NoError(t, socket.Post(ctx, transportCall(command, fmt.Sprint(i)), func(err error) {
						assert.NoError(t, err, "posted command")
					}))
				case 1: // one that is all reads, and one that is mixed
					_, err := socket.RunBatch(ctx, []hookcmd.Call{transportCall("relation-get"), transportCall("relation-list")})
					assert.NoError(t, err)
					_, err = socket.RunBatch(ctx, []hookcmd.Call{transportCall("relation-get"), transportCall(command), transportCall("relation-get")})
					assert.NoError(t, err)
				default:
					stdout, err := socket.Run(ctx, transportCall(command, fmt.Sprint(g, i)))
					assert.NoError(t, err)
					assert.Equal(t, command+" "+fmt.Sprint(g, i), string(stdout), "output")
				}
			}
		})
	}
	wait.Wait()
	require.NoError(t, socket.Close(ctx))
	assert.Zero(t, overtaken.Load(), "commands that are no reads and were sent together with others")
	assert.NotZero(t, together.Load(), "reads that were sent together with others")
}

func TestSocketAddress(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "transport")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	longest := filepath.Join(dir, strings.Repeat("s", 107-len(dir)-1))
	for name, address := range map[string]string{
		"107 bytes":         longest,
		"short":             filepath.Join(dir, "s"),
		"abstract":          "@" + dir,
		"longest, abstract": "@" + longest[1:],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if address[0] == '@' && runtime.GOOS != "linux" {
				t.Skip("only Linux has abstract sockets; run this test there")
			}
			listener, err := net.Listen("unix", address)
			require.NoError(t, err)
			agent := transportServe(t, listener, transportEchoPeer)
			agent.Address = address
			transportRun(transportContext(t), t, transportSocket(t, agent), "config-get", "x")
		})
	}
}

func TestSocketAddressWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	missing := filepath.Join(dir, "missing.socket")
	long := "/" + strings.Repeat("l", 107)
	for name, row := range map[string]struct {
		address string
		texts   []string
		err     error
	}{
		"108 bytes": {long, []string{"108 bytes", "at most 107", long}, nil},
		"missing":   {missing, []string{missing}, fs.ErrNotExist},
		"a file":    {file, []string{file}, syscall.ECONNREFUSED},
		"empty":     {"", []string{"JUJU_AGENT_SOCKET_ADDRESS is not set"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			socket := transportSocket(t, hookcmd.Agent{Network: "unix", Address: row.address})
			call := transportCall("config-get", "x")
			_, runErr := socket.Run(transportContext(t), call)
			_, batchErr := socket.RunBatch(transportContext(t), []hookcmd.Call{call})
			postErr := socket.Post(transportContext(t), call, func(error) { t.Error("done is called though Post failed") })
			for _, err := range []error{runErr, batchErr, postErr} {
				var e *hookcmd.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, -1, e.Code, "exit code")
				for _, text := range row.texts {
					assert.Contains(t, err.Error(), text)
				}
				if row.err != nil {
					assert.ErrorIs(t, err, row.err)
				}
			}
			assert.NoError(t, socket.Close(transportContext(t)))
		})
	}
}

func TestSocketContextIDWrong(t *testing.T) {
	t.Parallel()
	server := hookcmdtest.NewServer(t, transportEcho, nil)
	agent := server.Agent()
	agent.ContextID = "other"
	socket := transportSocket(t, agent)
	for range 2 { // the connection stays usable
		_, err := socket.Run(transportContext(t), transportCall("config-get"))
		var e *hookcmd.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, `cannot run "config-get": wrong context ID; got "other"`, err.Error())
		assert.Equal(t, -1, e.Code, "exit code")
	}
}

// What the agent is told besides the command.
func TestSocketRequest(t *testing.T) {
	t.Parallel()
	requests := make(chan transportRequest, 1)
	agent := transportServe(t, transportListen(t), func(conn net.Conn) {
		peer := newTransportPeer(conn)
		request, err := peer.read()
		assert.NoError(t, err)
		requests <- request
		peer.answer(request, "")
	})
	call := hookcmd.Call{Command: "relation-set", Args: []string{"", "x"}, Stdin: []byte{0}, Data: map[string]string{"not": "sent"}}
	_, err := transportSocket(t, agent).Run(transportContext(t), call)
	require.NoError(t, err)
	assert.Equal(t, transportRequest{
		ServiceMethod: "Jujuc.Main", ContextId: "raw", Dir: "/", CommandName: "relation-set",
		Seq: 1, Args: []string{"", "x"}, StdinSet: true, Stdin: []byte{0},
	}, <-requests, "request")
}

// transportLeft is transportServe that tells when a client has closed its
// connection.
func transportLeft(t *testing.T, serve func(conn net.Conn)) (agent hookcmd.Agent, left <-chan bool) {
	t.Helper()
	ended := make(chan bool, 9)
	return transportServe(t, transportListen(t), func(conn net.Conn) {
		serve(conn)
		_, err := conn.Read(make([]byte, 1))
		ended <- err == io.EOF
	}), ended
}

func TestSocketClose(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(ctx context.Context, t *testing.T, socket *hookcmd.Socket){
		"unused": func(context.Context, *testing.T, *hookcmd.Socket) {},
		"used": func(ctx context.Context, t *testing.T, socket *hookcmd.Socket) {
			transportRun(ctx, t, socket, "config-get", "x")
		},
		"posted": func(ctx context.Context, t *testing.T, socket *hookcmd.Socket) {
			require.NoError(t, socket.Post(ctx, transportCall("juju-log"), func(err error) { assert.NoError(t, err) }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := transportContext(t)
			socket := hookcmd.NewSocket(hookcmdtest.NewServer(t, transportEcho, nil).Agent())
			use(ctx, t, socket)
			require.NoError(t, socket.Close(ctx))
			call := transportCall("config-get", "x")
			_, runErr := socket.Run(ctx, call)
			_, batchErr := socket.RunBatch(ctx, []hookcmd.Call{call, call})
			postErr := socket.Post(ctx, call, func(error) { t.Error("done is called though Post failed") })
			for _, err := range []error{runErr, batchErr, postErr} {
				require.EqualError(t, err, `cannot run "config-get x": the agent socket is closed`)
			}
			require.NoError(t, socket.Close(ctx), "again")
		})
	}
}

// However Close ends, the connection is closed: the agent waits for that.
func TestSocketCloseInVain(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(ctx context.Context, t *testing.T, socket *hookcmd.Socket, entered <-chan struct{}) (ended <-chan error){
		"idle": func(ctx context.Context, t *testing.T, socket *hookcmd.Socket, _ <-chan struct{}) <-chan error {
			transportRun(ctx, t, socket, "config-get")
			return nil
		},
		"posted": func(ctx context.Context, t *testing.T, socket *hookcmd.Socket, entered <-chan struct{}) <-chan error {
			ended := make(chan error, 9)
			require.NoError(t, socket.Post(ctx, transportCall("juju-log"), func(err error) { ended <- err }))
			<-entered
			return ended
		},
		"running": func(ctx context.Context, t *testing.T, socket *hookcmd.Socket, entered <-chan struct{}) <-chan error {
			ended := transportGo(func() error {
				_, err := socket.Run(ctx, transportCall("juju-log"))
				return err
			})
			<-entered
			return ended
		},
	} {
		for _, timeout := range []time.Duration{0, 20 * time.Millisecond} {
			t.Run(fmt.Sprint(name, " ", timeout), func(t *testing.T) {
				t.Parallel()
				entered := make(chan struct{}, 1)
				agent, left := transportLeft(t, func(conn net.Conn) {
					peer := newTransportPeer(conn)
					request, err := peer.read()
					assert.NoError(t, err)
					if request.CommandName == "juju-log" {
						entered <- struct{}{}
						return
					}
					peer.answer(request, request.CommandName+" ")
				})
				socket := transportSocket(t, agent)
				ended := use(transportContext(t), t, socket, entered)
				ctx, cancel := context.WithTimeout(transportContext(t), timeout)
				defer cancel()
				err := socket.Close(ctx)
				if ended != nil {
					require.ErrorContains(t, err, "cannot close agent socket: ")
					require.ErrorIs(t, err, context.DeadlineExceeded)
				}
				assert.True(t, transportWait(t, left, "Close closes the connection"), "end of the connection")
				if ended != nil {
					require.Error(t, transportWait(t, ended, "the unanswered command ends"))
				}
				_, err = socket.Run(transportContext(t), transportCall("config-get"))
				require.ErrorContains(t, err, "the agent socket is closed")
				assert.Empty(t, ended, "further ends of the unanswered command")
			})
		}
	}
}

// A process that the charm leaves behind does not hold the connection.
func TestSocketIsNotInherited(t *testing.T) {
	t.Parallel()
	agent, left := transportLeft(t, transportEchoPeer)
	socket := transportSocket(t, agent)
	transportRun(transportContext(t), t, socket, "config-get")
	child := exec.Command("sleep", "600")
	require.NoError(t, child.Start())
	exited := transportGo(child.Wait)
	t.Cleanup(func() {
		_ = child.Process.Kill()
		<-exited
	})
	require.NoError(t, socket.Close(transportContext(t)))
	transportWait(t, left, "the connection ends when it is closed")
	assert.Empty(t, exited, "the child has exited, which makes the test void")
}

// Goroutines have the labels of the one that started them.
func TestSocketLeavesNoGoroutine(t *testing.T) {
	t.Parallel()
	server := hookcmdtest.NewServer(t, transportEcho, nil)
	socket := transportSocket(t, server.Agent())
	labelled := func() int {
		var profile strings.Builder
		require.NoError(t, pprof.Lookup("goroutine").WriteTo(&profile, 1))
		return strings.Count(profile.String(), `"transport":"leak"`)
	}
	pprof.Do(transportContext(t), pprof.Labels("transport", "leak"), func(ctx context.Context) {
		for range 20 {
			_, err := socket.RunBatch(ctx, []hookcmd.Call{transportCall("relation-get"), transportCall("relation-list")})
			require.NoError(t, err)
			require.NoError(t, socket.Post(ctx, transportCall("juju-log"), func(error) {}))
			ended, cancel := context.WithCancel(ctx)
			go cancel()
			_, _ = socket.Run(ended, transportCall("config-get"))
			transportRun(ctx, t, socket, "config-get")
		}
		require.NotZero(t, labelled(), "goroutines of the test")
		require.NoError(t, socket.Close(ctx))
	})
	require.Eventually(t, func() bool { return labelled() == 0 }, transportPatience, time.Millisecond,
		"goroutines that the connection started still run after Close")
}
