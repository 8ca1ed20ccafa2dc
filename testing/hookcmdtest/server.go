// SPDX-License-Identifier: Apache-2.0

// Package hookcmdtest helps to test what runs hook commands: a unit agent's
// socket whose commands a test answers, the commands themselves on PATH, and
// the suite that every [hookcmd.Runner] passes.
//
//	func TestMain(m *testing.M) {
//		hookcmdtest.RunCommand() // when this test binary is a hook command
//		os.Exit(m.Run())
//	}
//
//	func TestUnits(t *testing.T) {
//		server := hookcmdtest.NewServer(t, func(call hookcmd.Call) hookcmdtest.Answer {
//			return hookcmdtest.Answer{Stdout: `["db/0","db/1"]`}
//		}, nil)
//		socket := hookcmd.NewSocket(server.Agent())
//		defer socket.Close(t.Context())
//		units, err := hookcmd.New(socket, nil).RelationList(t.Context(), hookcmd.RelationID{Endpoint: "db", ID: 3})
//		…
//	}
//
// Nothing here shares code with package hookcmd: the socket is served with
// encoding/gob, as Juju's is.
package hookcmdtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/jujurpc"
)

// Answer is what a hook command prints, and its exit code.
type Answer struct {
	Stdout string
	Stderr string // as Juju prints it, "ERROR …\n"; Failure does
	Code   int
}

// Failure is the answer of a command that fails, as Juju prints it.
func Failure(code int, format string, args ...any) Answer {
	return Answer{Stderr: "ERROR " + fmt.Sprintf(format, args...) + "\n", Code: code}
}

// Handler answers hook commands. A Server calls it for one command at a time, in
// a goroutine of its own: it must not end the test, but can mark it as failed.
type Handler func(call hookcmd.Call) Answer

// Server is the socket of a unit agent during one dispatch.
//
// It has the locks of Juju's: what comes before the lock runs concurrently for
// all requests of a connection, so that concurrent commands run in any order,
// and Server shuffles them on purpose.
type Server struct {
	tb      testing.TB
	agent   hookcmd.Agent
	handler Handler
	known   []string
	shuffle bool
	rpc     *jujurpc.Server

	lock sync.Mutex // one command at a time
}

// ServerOptions are options of a Server; nil means none.
type ServerOptions struct {
	// Known are the commands that the agent knows; default all of [Commands].
	Known []string
	// InOrder turns the shuffling off, for benchmarks.
	InOrder bool
}

// contextID is what Juju's look like.
const contextID = "test/0-update-status-0123456789abcdef0123456789abcdef"

// NewServer starts a server, which is closed when the test ends. A connection
// that is then still open fails the test: Juju's agent would hang.
func NewServer(tb testing.TB, handler Handler, opts *ServerOptions) *Server {
	tb.Helper()
	if opts == nil {
		opts = &ServerOptions{}
	}
	// Not TempDir: its path can exceed the 107 bytes of a socket's.
	dir, err := os.MkdirTemp("", "hookcmd")
	if err != nil {
		tb.Fatalf("cannot make directory for the agent: %v", err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	address := filepath.Join(dir, "agent.socket")
	listener, err := net.Listen("unix", address)
	if err != nil {
		tb.Fatalf("cannot listen on agent socket: %v", err)
	}
	known := opts.Known
	if known == nil {
		known = Commands
	}
	tools, err := writeTools(dir, known)
	if err != nil {
		tb.Fatalf("cannot make hook commands: %v", err)
	}
	s := &Server{
		tb:      tb,
		handler: handler,
		known:   known,
		shuffle: !opts.InOrder,
		agent: hookcmd.Agent{
			Network:   "unix",
			Address:   address,
			ContextID: contextID,
			Dir:       dir,
			Env: []string{
				"PATH=" + tools + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
				"JUJU_AGENT_SOCKET_NETWORK=unix",
				"JUJU_AGENT_SOCKET_ADDRESS=" + address,
				"JUJU_CONTEXT_ID=" + contextID,
				"JUJU_CHARM_DIR=" + dir,
				"CHARM_DIR=" + dir,
				"LANG=C.UTF-8",
				"GORACE=atexit_sleep_ms=0", // else a command of a test with -race takes a second
			},
		},
	}
	s.rpc = jujurpc.Serve(listener, s.run)
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// Agent returns what a Runner needs to reach the server: by its socket, or by
// the commands on PATH if [RunCommand] is in the test's TestMain. Env is the
// part of a charm's environment that has to do with that.
func (s *Server) Agent() hookcmd.Agent {
	agent := s.agent
	agent.Env = slices.Clone(agent.Env)
	return agent
}

// Drop closes all connections, as an agent does that dies.
func (s *Server) Drop() { s.rpc.Drop() }

// Close stops the server and waits until its clients have closed their
// connections, but not for long: it is an error if they do not.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	closed := make(chan error, 1)
	go func() { closed <- s.rpc.Close(ctx) }()
	var err error
	select {
	case err = <-closed:
	case <-ctx.Done(): // and not until the handler returns, which may wait for the test's end
		s.rpc.Drop()
		err = ctx.Err()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("a connection to the agent's socket was left open: Juju's agent would hang")
	}
	return err
}

// run runs a hook command.
func (s *Server) run(request jujurpc.Request) (jujurpc.Response, error) {
	switch {
	case request.CommandName == "":
		return jujurpc.Response{}, errors.New("bad request: command not specified")
	case !filepath.IsAbs(request.Dir):
		return jujurpc.Response{}, errors.New("bad request: Dir is not absolute")
	case request.ContextId != s.agent.ContextID:
		return jujurpc.Response{}, fmt.Errorf("bad request: wrong context ID; got %q", request.ContextId)
	case !slices.Contains(s.known, request.CommandName):
		return jujurpc.Response{}, fmt.Errorf("bad request: unknown command: %s", request.CommandName)
	}
	if s.shuffle {
		time.Sleep(time.Duration(rand.N(200)) * time.Microsecond)
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	if !request.StdinSet && readsStdin(request.Args) {
		return jujurpc.Response{}, jujurpc.ErrNoStdin
	}
	call := hookcmd.Call{Command: request.CommandName, Args: request.Args}
	if readsStdin(request.Args) {
		call.Stdin = append([]byte{}, request.Stdin...)
	}
	defer func() {
		if p := recover(); p != nil { // which is an answer only, that nobody may look at
			s.tb.Errorf("handler panics at %q: %v\n\n%s", request.CommandName, p, debug.Stack())
			panic(p)
		}
	}()
	answer := s.handler(call)
	return jujurpc.Response{Code: answer.Code, Stdout: []byte(answer.Stdout), Stderr: []byte(answer.Stderr)}, nil
}

// readsStdin tells whether a command has the flag "--file -".
func readsStdin(args []string) bool {
	i := slices.Index(args, "--file")
	return i >= 0 && i+1 < len(args) && args[i+1] == "-"
}
