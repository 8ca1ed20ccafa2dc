// SPDX-License-Identifier: Apache-2.0

//go:build unix

package hookcmd_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// transportBroken checks that commands fail with cause, at once.
func transportBroken(ctx context.Context, t *testing.T, socket *hookcmd.Socket, cause string) {
	t.Helper()
	call := transportCall("config-get", "later")
	_, runErr := socket.Run(ctx, call)
	_, batchErr := socket.RunBatch(ctx, []hookcmd.Call{call, call})
	postErr := socket.Post(ctx, call, func(error) { t.Error("done is called though Post failed") })
	for _, err := range []error{runErr, batchErr, postErr} {
		var e *hookcmd.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, -1, e.Code, "exit code")
		assert.ErrorContains(t, err, `cannot run "config-get later": `)
		assert.ErrorContains(t, err, cause)
	}
	assert.NoError(t, socket.Close(ctx))
}

func TestSocketAgentDies(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(ctx context.Context, t *testing.T, socket *hookcmd.Socket) <-chan error{
		"run": func(ctx context.Context, _ *testing.T, socket *hookcmd.Socket) <-chan error {
			return transportGo(func() error {
				_, err := socket.Run(ctx, transportCall("config-get", "block"))
				return err
			})
		},
		"batch": func(ctx context.Context, _ *testing.T, socket *hookcmd.Socket) <-chan error {
			return transportGo(func() error {
				_, err := socket.RunBatch(ctx, []hookcmd.Call{transportCall("relation-get", "block"), transportCall("relation-get", "block")})
				return err
			})
		},
		"post": func(ctx context.Context, t *testing.T, socket *hookcmd.Socket) <-chan error {
			done := make(chan error, 9)
			require.NoError(t, socket.Post(ctx, transportCall("juju-log", "block"), func(err error) { done <- err }))
			return done
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entered, release := make(chan struct{}, 9), make(chan struct{})
			server := hookcmdtest.NewServer(t, func(call hookcmd.Call) hookcmdtest.Answer {
				if len(call.Args) > 0 && call.Args[0] == "block" {
					entered <- struct{}{}
					<-release
				}
				return transportEcho(call)
			}, nil)
			t.Cleanup(func() { close(release) })
			ctx, socket := transportContext(t), transportSocket(t, server.Agent())
			transportRun(ctx, t, socket, "config-get")
			ended := start(ctx, t, socket)
			transportWait(t, entered, "the command begins")
			server.Drop()
			if name == "post" { // is done when the next command finds out
				_, err := socket.Run(ctx, transportCall("config-get"))
				require.ErrorContains(t, err, "the unit agent closed the connection")
			}
			err := transportWait(t, ended, "the command ends")
			var e *hookcmd.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, []string{"block"}, e.Args, "arguments of the error")
			assert.ErrorContains(t, err, "the unit agent closed the connection")
			transportBroken(ctx, t, socket, "the unit agent closed the connection")
			assert.Empty(t, ended, "further ends of the command")
		})
	}
}

func TestSocketReplyMalformed(t *testing.T) {
	t.Parallel()
	const died, malformed = "the unit agent closed the connection", "the unit agent's answer is malformed"
	for name, row := range map[string]struct {
		want  string
		reply func(peer *transportPeer, good transportHeader) []byte // then the connection ends, if want is died
	}{
		"none": {died, func(*transportPeer, transportHeader) []byte { return nil }},
		"half": {died, func(peer *transportPeer, good transportHeader) []byte {
			reply := peer.reply(good, transportBody{Stdout: []byte("x")})
			return reply[:len(reply)/2]
		}},
		"half of the last message": {died, func(peer *transportPeer, good transportHeader) []byte {
			reply := peer.reply(good, transportBody{Stdout: []byte("x")})
			return reply[:len(reply)-1]
		}},
		"http": {malformed, func(*transportPeer, transportHeader) []byte {
			return []byte("HTTP/1.1 400 Bad Request\r\n" + strings.Repeat("Connection: close\r\n", 20))
		}},
		"zeros":           {malformed, func(*transportPeer, transportHeader) []byte { return append([]byte{50}, make([]byte, 50)...) }},
		"length of 2 GiB": {malformed, func(*transportPeer, transportHeader) []byte { return []byte{0xfc, 0x7f, 0xff, 0xff, 0xff} }},
		"longest length": {malformed, func(*transportPeer, transportHeader) []byte {
			return append([]byte{0xf8}, bytes.Repeat([]byte{0xff}, 8)...)
		}},
		"no length": {malformed, func(*transportPeer, transportHeader) []byte { return []byte{0x80} }},
		"unknown number": {malformed, func(peer *transportPeer, good transportHeader) []byte {
			good.Seq++
			return peer.reply(good, transportBody{})
		}},
		"no number": {malformed, func(peer *transportPeer, _ transportHeader) []byte {
			return peer.reply(transportHeader{}, transportBody{})
		}},
		"other type of Code": {malformed, func(peer *transportPeer, good transportHeader) []byte {
			return peer.reply(good, struct{ Code uint }{1})
		}},
		"other type of Stdout": {malformed, func(peer *transportPeer, good transportHeader) []byte {
			return peer.reply(good, struct{ Stdout string }{"x"})
		}},
		"other fields": {malformed, func(peer *transportPeer, good transportHeader) []byte {
			return peer.reply(good, struct{ Output []byte }{[]byte("x")})
		}},
		"other type of Error": {malformed, func(peer *transportPeer, good transportHeader) []byte {
			type header struct {
				Seq   uint64
				Error []byte
			}
			peer.out.Reset()
			_ = peer.encoder.Encode(header{good.Seq, []byte("refused")})
			_ = peer.encoder.Encode(transportBody{})
			return peer.out.Bytes()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			agent, left := transportLeft(t, func(conn net.Conn) {
				peer := newTransportPeer(conn)
				request, err := peer.read()
				assert.NoError(t, err)
				_, err = conn.Write(row.reply(peer, transportHeader{Seq: request.Seq}))
				assert.NoError(t, err)
				if row.want == died {
					assert.NoError(t, conn.(*net.UnixConn).CloseWrite())
				}
			})
			ctx, socket := transportContext(t), transportSocket(t, agent)
			_, err := socket.Run(ctx, transportCall("config-get"))
			require.ErrorContains(t, err, `cannot run "config-get": `)
			require.ErrorContains(t, err, row.want)
			transportWait(t, left, "the connection ends, as it is of no use")
			transportBroken(ctx, t, socket, row.want)
		})
	}
}

// An agent may answer with more fields than we know, in another order.
func TestSocketReplyOfOtherShape(t *testing.T) {
	t.Parallel()
	agent := transportServe(t, transportListen(t), func(conn net.Conn) {
		peer := newTransportPeer(conn)
		for {
			request, err := peer.read()
			if err != nil {
				return
			}
			type key struct{ Name string }
			type part struct {
				Name string
				List []map[string][2]int
			}
			reply := peer.reply(transportHeader{Seq: request.Seq}, struct {
				Before time.Time
				Stdout []byte
				Float  float64
				Parts  map[key]*part
				Bool   bool
				Number complex128
				Stderr []byte
				Texts  []string
				Code   int64
				After  int
			}{
				time.Now(), []byte(request.Args[0]), 0.1,
				map[key]*part{{"a"}: {"b", []map[string][2]int{{"c": {-1, 1 << 40}}, nil}}}, true, 1i,
				[]byte("no error"), []string{"", strings.Repeat("é", 300)}, 0, -1,
			})
			_, _ = conn.Write(reply)
		}
	})
	socket := transportSocket(t, agent)
	for _, want := range []string{"first", "", "third"} {
		stdout, err := socket.Run(transportContext(t), transportCall("config-get", want))
		require.NoError(t, err)
		assert.Equal(t, want, string(stdout), "output")
	}
}

// A posted command that cannot be sent is reported once: by Post or by done.
func TestSocketPostOnce(t *testing.T) {
	t.Parallel()
	t.Run("connection lost", func(t *testing.T) {
		t.Parallel()
		gone := make(chan struct{})
		agent := transportServe(t, transportListen(t), func(conn net.Conn) {
			peer := newTransportPeer(conn)
			request, err := peer.read()
			assert.NoError(t, err)
			peer.answer(request, "config-get ")
			_ = conn.Close()
			close(gone)
		})
		ctx, socket := transportContext(t), transportSocket(t, agent)
		transportRun(ctx, t, socket, "config-get")
		transportWait(t, gone, "the agent closes the connection")
		var outcomes []error
		if err := socket.Post(ctx, transportCall("juju-log"), func(err error) { outcomes = append(outcomes, err) }); err != nil {
			outcomes = append(outcomes, err)
		}
		assert.NoError(t, socket.Close(ctx))
		require.Len(t, outcomes, 1, "errors of the posted command")
		assert.ErrorContains(t, outcomes[0], "the unit agent closed the connection")
	})
	t.Run("ctx ends", func(t *testing.T) {
		t.Parallel()
		listen := make(chan struct{})
		agent := transportServe(t, transportListen(t), func(conn net.Conn) {
			<-listen
			transportEchoPeer(conn)
		})
		ctx, socket := transportContext(t), transportSocket(t, agent)
		short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		err := socket.Post(short, transportCall("juju-log", strings.Repeat("x", 1<<20)), func(error) { t.Error("done is called though Post failed") })
		close(listen)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		transportRun(ctx, t, socket, "config-get", "after")
		require.NoError(t, socket.Close(ctx))
	})
}

// A request whose writing is interrupted is completed by the next command.
func TestSocketCancelledWrite(t *testing.T) {
	t.Parallel()
	listen, requests := make(chan struct{}), make(chan transportRequest, 9)
	agent := transportServe(t, transportListen(t), func(conn net.Conn) {
		<-listen
		peer := newTransportPeer(conn)
		for {
			request, err := peer.read()
			if err != nil {
				return
			}
			requests <- request
			peer.answer(request, "answer of "+request.CommandName)
		}
	})
	ctx, socket := transportContext(t), transportSocket(t, agent)
	stdin := bytes.Repeat([]byte("0123456\n"), 1<<17)
	for range 3 { // the second and third are not even begun
		short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		_, err := socket.Run(short, hookcmd.Call{Command: "relation-set", Stdin: stdin})
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
	close(listen)
	stdout, err := socket.Run(ctx, transportCall("config-get"))
	require.NoError(t, err)
	assert.Equal(t, "answer of config-get", string(stdout), "output")
	require.Len(t, requests, 2, "requests that arrived")
	first := <-requests
	assert.Equal(t, "relation-set", first.CommandName, "command of the first request")
	assert.True(t, bytes.Equal(stdin, first.Stdin), "standard input of the first request is another when it arrives")
}

// FuzzSocketReply answers a command with any bytes.
func FuzzSocketReply(f *testing.F) {
	seed := func(header transportHeader, body any) {
		reply := newTransportPeer(nil).reply(header, body)
		f.Add(reply, uint16(0))
		f.Add(reply, uint16(len(reply)/2))
		f.Add(append(reply, reply...), uint16(len(reply)))
	}
	seed(transportHeader{Seq: 1}, transportBody{Stdout: []byte("output")})
	seed(transportHeader{Seq: 1}, transportBody{Code: 1, Stderr: []byte("ERROR not the leader\n")})
	seed(transportHeader{Seq: 1, Error: "bad request: unknown command: x"}, struct{}{})
	seed(transportHeader{Seq: 2}, struct {
		M map[string][]int
		A [2]float64
		T time.Time
	}{map[string][]int{"a": {1}}, [2]float64{1}, time.Time{}})
	f.Add([]byte{}, uint16(0))
	f.Add([]byte{0, 0x80}, uint16(1))
	f.Fuzz(func(t *testing.T, data []byte, split uint16) {
		t.Parallel()
		agent := transportServe(t, transportListen(t), func(conn net.Conn) {
			at := min(int(split), len(data))
			_, _ = conn.Write(data[:at])
			_, _ = conn.Write(data[at:])
			_ = conn.(*net.UnixConn).CloseWrite()
			_, _ = io.Copy(io.Discard, conn)
		})
		ctx, socket := transportContext(t), transportSocket(t, agent)
		stdout, err := socket.Run(ctx, transportCall("config-get"))
		transportCompare(t, data, stdout, err)

		_, err = socket.RunBatch(ctx, []hookcmd.Call{transportCall("relation-get"), transportCall("relation-list")})
		assert.NotErrorIs(t, err, context.DeadlineExceeded, "RunBatch hangs")
		outcomes := 0
		if err := socket.Post(ctx, transportCall("juju-log"), func(error) { outcomes++ }); err != nil {
			outcomes++
		}
		_ = socket.Close(ctx)
		assert.Equal(t, 1, outcomes, "ends of the posted command")
		assert.NoError(t, ctx.Err(), "the connection hangs")
	})
}

// transportCompare compares the outcome of the first command with what
// encoding/gob makes of data, which refuses some definitions and takes some
// values that a Socket does not, but writes neither.
func transportCompare(t *testing.T, data, stdout []byte, err error) {
	t.Helper()
	var header transportHeader
	var body transportBody
	decoder := gob.NewDecoder(bytes.NewReader(data))
	gobErr := decoder.Decode(&header)
	if gobErr == nil && header.Error != "" {
		gobErr = decoder.DecodeValue(reflect.Value{})
	} else if gobErr == nil {
		gobErr = decoder.Decode(&body)
	}
	if err == nil {
		assert.True(t, bytes.Contains(data, stdout), "output %q is nothing that was sent", stdout)
	}
	var e *hookcmd.Error
	switch {
	case gobErr != nil:
	case header.Seq != 1:
		assert.Error(t, err, "the reply was to request %d", header.Seq)
	case err != nil && strings.Contains(err.Error(), "the unit agent's answer is malformed"):
	case header.Error != "":
		require.ErrorAs(t, err, &e)
		assert.Equal(t, -1, e.Code, "exit code of a command that was refused")
	case body.Code != 0:
		require.ErrorAs(t, err, &e)
		assert.Equal(t, body.Code, e.Code, "exit code")
	default:
		require.NoError(t, err)
		assert.True(t, bytes.Equal(body.Stdout, stdout), "output is %q, %q was sent", stdout, body.Stdout)
	}
}
