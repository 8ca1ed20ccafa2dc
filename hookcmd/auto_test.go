// SPDX-License-Identifier: Apache-2.0

//go:build unix

package hookcmd_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/rpc"
	"os"
	"path/filepath"
	"runtime"
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

// transportLog is a server that keeps what it was asked.
type transportLog struct {
	*hookcmdtest.Server
	mu    sync.Mutex
	calls []string
}

func newTransportLog(t *testing.T) *transportLog {
	t.Helper()
	l := &transportLog{}
	l.Server = hookcmdtest.NewServer(t, func(call hookcmd.Call) hookcmdtest.Answer {
		l.mu.Lock()
		defer l.mu.Unlock()
		answer := transportEcho(call)
		l.calls = append(l.calls, answer.Stdout)
		return answer
	}, nil)
	return l
}

// take returns what was asked since the last time.
func (l *transportLog) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	calls := l.calls
	l.calls = nil
	return calls
}

// transportAuto is an Auto for agent, whose commands reach log as processes.
func transportAuto(t *testing.T, log *transportLog, agent hookcmd.Agent) *hookcmd.Auto {
	t.Helper()
	agent.Dir, agent.ContextID, agent.Env = log.Agent().Dir, log.Agent().ContextID, log.Agent().Env
	auto := hookcmd.NewAuto(agent)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), transportPatience)
		defer cancel()
		assert.NoError(t, auto.Close(ctx))
	})
	return auto
}

// transportRefuse serves net/rpc, but nothing that is called Jujuc.Main.
func transportRefuse(t *testing.T, service string) hookcmd.Agent {
	t.Helper()
	server := rpc.NewServer()
	require.NoError(t, server.RegisterName(service, &transportOther{}))
	return transportServe(t, transportListen(t), func(conn net.Conn) { server.ServeConn(conn) })
}

type transportOther struct{}

// Other is what net/rpc takes for a method of a service.
func (*transportOther) Other(string, *string) error { return nil }

func TestAutoWithoutSocket(t *testing.T) {
	t.Parallel()
	for name, agent := range map[string]hookcmd.Agent{
		"none":       {},
		"no address": {Network: "unix"},
		"no network": {Address: "/socket"},
		"tcp":        {Network: "tcp", Address: "127.0.0.1:30000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := newTransportLog(t)
			auto := transportAuto(t, log, agent)
			transportRun(transportContext(t), t, auto, "config-get", "x")
			assert.Equal(t, []string{"config-get x"}, log.take(), "commands that ran")
		})
	}
}

// transportUnusable are agents whose sockets Auto cannot use, and parts of why.
func transportUnusable(t *testing.T) map[string]struct {
	agent  hookcmd.Agent
	reason []string
} {
	t.Helper()
	missing := filepath.Join(t.TempDir(), "missing.socket")
	long := "/" + strings.Repeat("l", 107)
	return map[string]struct {
		agent  hookcmd.Agent
		reason []string
	}{
		"missing":       {hookcmd.Agent{Network: "unix", Address: missing}, []string{missing, "no such file"}},
		"path too long": {hookcmd.Agent{Network: "unix", Address: long}, []string{long, "108 bytes"}},
		"other service": {transportRefuse(t, "Other"), []string{"serves something else", "Jujuc"}},
		"other method":  {transportRefuse(t, "Jujuc"), []string{"serves something else", "Jujuc.Main"}},
	}
}

func TestAutoFallsBack(t *testing.T) {
	t.Parallel()
	first := map[string]func(ctx context.Context, t *testing.T, auto *hookcmd.Auto){
		"run": func(ctx context.Context, t *testing.T, auto *hookcmd.Auto) {
			transportRun(ctx, t, auto, "config-get", "first")
		},
		"batch": func(ctx context.Context, t *testing.T, auto *hookcmd.Auto) {
			stdouts, err := auto.RunBatch(ctx, []hookcmd.Call{transportCall("config-get", "first")})
			require.NoError(t, err)
			require.Len(t, stdouts, 1, "outputs")
			require.Equal(t, "config-get first", string(stdouts[0]), "output")
		},
		"post": func(ctx context.Context, t *testing.T, auto *hookcmd.Auto) {
			require.NoError(t, auto.Post(ctx, transportCall("config-get", "first"), func(err error) {
				assert.NoError(t, err, "posted command")
			}))
		},
	}
	for name, row := range transportUnusable(t) {
		for by, use := range first {
			t.Run(name+" "+by, func(t *testing.T) {
				t.Parallel()
				log := newTransportLog(t)
				auto := transportAuto(t, log, row.agent)
				use(transportContext(t), t, auto)
				transportRun(transportContext(t), t, auto, "config-get", "second")
				calls := log.take()
				require.Len(t, calls, 3, "commands that ran")
				for _, text := range append(row.reason, "juju-log --log-level DEBUG -- hook commands run as processes: ") {
					assert.Contains(t, calls[0], text, "the first command that ran")
				}
				assert.Equal(t, []string{"config-get first", "config-get second"}, calls[1:], "commands that ran")
			})
		}
	}
}

// A socket that appears later is not used.
func TestAutoFallsBackForGood(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "transport")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	address := filepath.Join(dir, "s")
	log := newTransportLog(t)
	auto := transportAuto(t, log, hookcmd.Agent{Network: "unix", Address: address})
	transportRun(transportContext(t), t, auto, "config-get", "before")

	listener, err := net.Listen("unix", address)
	require.NoError(t, err)
	var connections atomic.Int64
	transportServe(t, listener, func(net.Conn) { connections.Add(1) })
	transportRun(transportContext(t), t, auto, "config-get", "after")
	assert.Zero(t, connections.Load(), "connections to the socket")
	assert.Len(t, log.take(), 3, "commands that ran")
}

// However many commands find out together, the log has one line.
func TestAutoFallsBackOnce(t *testing.T) {
	t.Parallel()
	log := newTransportLog(t)
	auto := transportAuto(t, log, transportRefuse(t, "Other"))
	var wait sync.WaitGroup
	for i := range 4 {
		wait.Go(func() {
			stdout, err := auto.Run(transportContext(t), transportCall("config-get", fmt.Sprint(i)))
			assert.NoError(t, err)
			assert.Equal(t, fmt.Sprint("config-get ", i), string(stdout), "output")
		})
	}
	wait.Wait()
	calls := log.take()
	assert.Len(t, calls, 5, "commands that ran")
	assert.Equal(t, 1, strings.Count(strings.Join(calls, "\n"), "juju-log"), "lines of the log, of %q", calls)
}

func TestAutoNothingWorks(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing.socket")
	for name, row := range map[string]struct {
		agent  hookcmd.Agent
		reason string
	}{
		"no socket":      {hookcmd.Agent{}, "the agent offers no unix socket"},
		"missing socket": {hookcmd.Agent{Network: "unix", Address: missing}, missing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row.agent.Dir, row.agent.Env = t.TempDir(), []string{"PATH=" + t.TempDir()}
			auto := hookcmd.NewAuto(row.agent)
			for range 2 {
				_, err := auto.Run(transportContext(t), transportCall("config-get"))
				var e *hookcmd.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, "config-get", e.Command, "command of the error")
				require.ErrorIs(t, err, hookcmd.ErrNotSupported)
				assert.ErrorContains(t, err, "no such command in PATH")
				assert.ErrorContains(t, err, row.reason)
			}
		})
	}
}

// Failures of commands, and of a connection that was good, are no reasons to
// run the command again as a process.
func TestAutoKeepsSocket(t *testing.T) {
	t.Parallel()
	log := newTransportLog(t)
	agent := transportServe(t, transportListen(t), func(conn net.Conn) {
		peer := newTransportPeer(conn)
		for range 2 {
			request, err := peer.read()
			assert.NoError(t, err)
			body := transportBody{Code: 1, Stderr: []byte("ERROR rpc: can't find service\n")}
			_, _ = conn.Write(peer.reply(transportHeader{Seq: request.Seq}, body))
		}
		_, err := peer.read() // and answer no more
		assert.NoError(t, err)
	})
	auto := transportAuto(t, log, agent)
	for _, reason := range []string{"find service (exit code 1)", "find service (exit code 1)", "closed the connection", "closed the connection"} {
		_, err := auto.Run(transportContext(t), transportCall("config-get"))
		require.ErrorContains(t, err, reason)
	}
	assert.Empty(t, log.take(), "commands that ran as processes")
}

// The agent has more connections to accept than fit into its queue.
func TestAutoCancelledDial(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only on Linux does connect wait for room in the queue; run this test there")
	}
	log := newTransportLog(t)
	dir, err := os.MkdirTemp("", "transport")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	address := filepath.Join(dir, "s")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	file := os.NewFile(uintptr(fd), address)
	defer file.Close()
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrUnix{Name: address}))
	require.NoError(t, syscall.Listen(fd, 0))
	filler, err := net.Dial("unix", address)
	require.NoError(t, err)
	require.NoError(t, filler.Close()) // it stays in the queue

	auto := transportAuto(t, log, hookcmd.Agent{Network: "unix", Address: address})
	ctx, cancel := context.WithTimeout(transportContext(t), 50*time.Millisecond)
	defer cancel()
	call := transportCall("config-get", "x")
	_, runErr := auto.Run(ctx, call)
	require.ErrorIs(t, runErr, context.DeadlineExceeded)
	require.ErrorContains(t, runErr, address)
	_, batchErr := auto.RunBatch(ctx, []hookcmd.Call{call})
	require.ErrorIs(t, batchErr, context.DeadlineExceeded)
	require.ErrorIs(t, auto.Post(ctx, call, func(error) { t.Error("done is called though Post failed") }), context.DeadlineExceeded)

	// Once there is room, the socket is used.
	listener, err := net.FileListener(file)
	require.NoError(t, err)
	transportServe(t, listener, func(conn net.Conn) {
		peer := newTransportPeer(conn)
		if request, err := peer.read(); err == nil {
			peer.answer(request, "config-get x")
			_, _ = io.Copy(io.Discard, conn)
		}
	})
	transportRun(transportContext(t), t, auto, "config-get", "x")
	assert.Empty(t, log.take(), "commands that ran as processes")
}
