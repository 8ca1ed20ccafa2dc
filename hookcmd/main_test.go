// SPDX-License-Identifier: Apache-2.0

package hookcmd_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

func TestMain(m *testing.M) {
	hookcmdtest.RunCommand() // when this test binary is a hook command
	os.Exit(m.Run())
}

// What follows serves the tests of the transports.

// transportPatience bounds what must not hang.
const transportPatience = 10 * time.Second

func transportContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), transportPatience)
	t.Cleanup(cancel)
	return ctx
}

// transportWait waits for done to be closed, or to have a value.
func transportWait[T any](t *testing.T, done <-chan T, what string) T {
	t.Helper()
	var value T
	select {
	case value = <-done:
	case <-time.After(transportPatience):
		require.Fail(t, "waited in vain: "+what)
	}
	return value
}

// transportGo runs f and returns its result when it has one.
func transportGo[T any](f func() T) <-chan T {
	result := make(chan T, 1)
	go func() { result <- f() }()
	return result
}

// transportSocket returns a Socket that is closed when the test ends.
func transportSocket(t *testing.T, agent hookcmd.Agent) *hookcmd.Socket {
	t.Helper()
	socket := hookcmd.NewSocket(agent)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), transportPatience)
		defer cancel()
		_ = socket.Close(ctx)
	})
	return socket
}

// transportEcho answers with what was asked.
func transportEcho(call hookcmd.Call) hookcmdtest.Answer {
	return hookcmdtest.Answer{Stdout: call.Command + " " + strings.Join(call.Args, " ")}
}

func transportCall(command string, args ...string) hookcmd.Call {
	return hookcmd.Call{Command: command, Args: args}
}

// transportRun runs a command of transportEcho, and checks the answer.
func transportRun(ctx context.Context, t *testing.T, runner hookcmd.Runner, command string, args ...string) {
	t.Helper()
	stdout, err := runner.Run(ctx, transportCall(command, args...))
	require.NoError(t, err)
	require.Equal(t, command+" "+strings.Join(args, " "), string(stdout), "output")
}

// transportListen listens on a socket in the file system, whose path is short.
func transportListen(t testing.TB) net.Listener {
	t.Helper()
	dir, err := os.MkdirTemp("", "transport")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	listener, err := net.Listen("unix", filepath.Join(dir, "s"))
	require.NoError(t, err)
	return listener
}

// transportServe calls serve for each connection to listener, and closes the
// connection after. It ends with the test.
func transportServe(t testing.TB, listener net.Listener, serve func(conn net.Conn)) hookcmd.Agent {
	t.Helper()
	var wait sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	wait.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			wait.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for _, conn := range conns {
			_ = conn.Close()
		}
		mu.Unlock()
		wait.Wait()
	})
	return hookcmd.Agent{Network: "unix", Address: listener.Addr().String(), ContextID: "raw", Dir: "/"}
}

// transportPeer reads requests and writes replies by encoding/gob, in any order.
type transportPeer struct {
	conn    net.Conn
	decoder *gob.Decoder
	out     bytes.Buffer
	encoder *gob.Encoder // to out
}

func newTransportPeer(conn net.Conn) *transportPeer {
	p := &transportPeer{conn: conn}
	p.decoder, p.encoder = gob.NewDecoder(conn), gob.NewEncoder(&p.out)
	return p
}

type transportRequest struct {
	ServiceMethod, ContextId, Dir, CommandName string
	Seq                                        uint64
	Args                                       []string
	StdinSet                                   bool
	Stdin                                      []byte
}

type transportHeader struct {
	ServiceMethod string
	Seq           uint64
	Error         string
}

type transportBody struct {
	Code           int
	Stdout, Stderr []byte
}

// read returns the next request. Both messages go to one struct, as gob leaves
// fields alone that a message does not have.
func (p *transportPeer) read() (request transportRequest, err error) {
	if err = p.decoder.Decode(&request); err == nil {
		err = p.decoder.Decode(&request)
	}
	return request, err
}

// reply returns the bytes of a reply, in the one stream of the connection.
func (p *transportPeer) reply(header transportHeader, body any) []byte {
	p.out.Reset()
	_ = p.encoder.Encode(header)
	_ = p.encoder.Encode(body)
	return bytes.Clone(p.out.Bytes())
}

func (p *transportPeer) answer(request transportRequest, stdout string) {
	header := transportHeader{ServiceMethod: request.ServiceMethod, Seq: request.Seq}
	_, _ = p.conn.Write(p.reply(header, transportBody{Stdout: []byte(stdout)}))
}

// transportEchoPeer is a serve function that answers as transportEcho does.
func transportEchoPeer(conn net.Conn) {
	p := newTransportPeer(conn)
	for {
		request, err := p.read()
		if err != nil {
			return
		}
		p.answer(request, request.CommandName+" "+strings.Join(request.Args, " "))
	}
}

// transportProxy passes on what comes and goes in chunks of 1 to size bytes,
// and sleeps now and then.
func transportProxy(t *testing.T, agent hookcmd.Agent, size int, seed uint64) hookcmd.Agent {
	t.Helper()
	forward := func(to, from net.Conn, random *rand.Rand) {
		buf := make([]byte, 64*1024)
		for {
			n, err := from.Read(buf)
			for b := buf[:n]; len(b) > 0; {
				n := min(1+random.IntN(size), len(b))
				if _, err := to.Write(b[:n]); err != nil {
					return
				}
				b = b[n:]
				if random.IntN(20) == 0 {
					time.Sleep(time.Microsecond)
				}
			}
			if err != nil {
				return
			}
		}
	}
	proxied := agent
	proxied.Address = transportServe(t, transportListen(t), func(client net.Conn) {
		server, err := net.Dial("unix", agent.Address)
		if !assert.NoError(t, err, "proxy") {
			return
		}
		answers := transportGo(func() bool {
			forward(client, server, rand.New(rand.NewPCG(seed, 1)))
			_ = client.Close()
			return true
		})
		forward(server, client, rand.New(rand.NewPCG(seed, 2)))
		_ = server.Close()
		<-answers
	}).Address
	return proxied
}
