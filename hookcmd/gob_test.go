// SPDX-License-Identifier: Apache-2.0

package hookcmd_test

import (
	"context"
	"encoding/gob"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// gobServer is an agent that reads requests and writes replies by encoding/gob.
// reply returns the body of the reply.
func gobServer(t testing.TB, reply func(request transportRequest) any) hookcmd.Agent {
	t.Helper()
	agent := transportServe(t, transportListen(t), func(conn net.Conn) {
		peer := newTransportPeer(conn)
		for {
			request, err := peer.read()
			if err != nil {
				return
			}
			header := transportHeader{ServiceMethod: request.ServiceMethod, Seq: request.Seq}
			if _, err := conn.Write(peer.reply(header, reply(request))); err != nil {
				return
			}
		}
	})
	agent.ContextID, agent.Dir = "app/0-x", "/charm"
	return agent
}

// gobReply is Juju's reply, with fields that a later Juju may add.
type gobReply struct {
	Before   map[string][]int
	Code     int
	Nested   struct{ A, B []struct{ C *string } }
	Stdout   []byte
	Float    float64
	Complex  complex128
	Array    [3]uint16
	Time     time.Time // encodes itself
	Bool     bool
	Negative int64
	Stderr   []byte
	After    []string
}

func TestReplyOfALaterJuju(t *testing.T) {
	t.Parallel()
	text := "x"
	var reply gobReply
	reply.Before = map[string][]int{"a": {1, -2}, "b": nil}
	reply.Nested.B = []struct{ C *string }{{&text}, {}}
	reply.Stdout, reply.Stderr = []byte("out"), []byte("err")
	reply.Float, reply.Complex, reply.Array = 1.5, 2i, [3]uint16{1, 2, 65535}
	reply.Time, reply.Bool, reply.Negative, reply.After = time.Now(), true, -1<<62, []string{"y", ""}

	socket := hookcmd.NewSocket(gobServer(t, func(body transportRequest) any {
		reply := reply
		reply.Code = len(body.Args)
		return reply
	}))
	t.Cleanup(func() { require.NoError(t, socket.Close(context.Background())) })
	for range 3 { // types are defined once
		stdout, err := socket.Run(t.Context(), hookcmd.Call{Command: "config-get"})
		require.NoError(t, err)
		assert.Equal(t, "out", string(stdout))
		_, err = socket.Run(t.Context(), hookcmd.Call{Command: "config-get", Args: []string{"a", "b"}})
		var failure *hookcmd.Error
		require.ErrorAs(t, err, &failure)
		assert.Equal(t, 2, failure.Code)
		assert.Equal(t, "err", failure.Stderr)
	}
}

func TestReplyThatCannotBeUnderstood(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]any{
		"an interface": struct{ X any }{1},
		"no struct":    "text",
		"a list":       []string{"x"},
		"a deep list": struct {
			X [][][][][][][][][][][][][][][][][][][][][][][]string
		}{[][][][][][][][][][][][][][][][][][][][][][][]string{{{{{{{{{{{{{{{{{{{{{{{"x"}}}}}}}}}}}}}}}}}}}}}}}},
		"code as text":   struct{ Code string }{"0"},
		"output as list": struct{ Stdout []string }{[]string{"x"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gob.Register(reply)
			socket := hookcmd.NewSocket(gobServer(t, func(transportRequest) any { return reply }))
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := socket.Run(ctx, hookcmd.Call{Command: "config-get"})
			require.ErrorContains(t, err, "the unit agent's answer is malformed")
		})
	}
}

// FuzzRequest sends what encoding/gob must read as it was.
func FuzzRequest(f *testing.F) {
	f.Add("config-get", "", "b", []byte(nil), 0)
	f.Add("relation-set", "--file", "-", []byte("{\x00\xff}"), 3)
	f.Add(strings.Repeat("c", 127), strings.Repeat("a", 128), strings.Repeat("b", 70000), make([]byte, 300), 200)
	requests := make(chan transportRequest, 1)
	socket := hookcmd.NewSocket(gobServer(f, func(body transportRequest) any {
		requests <- body
		return gobReply{Code: len(body.Args) % 256, Stdout: body.Stdin, Stderr: []byte(body.CommandName)}
	}))
	f.Cleanup(func() { _ = socket.Close(context.Background()) })
	f.Fuzz(func(t *testing.T, command, a, b string, stdin []byte, more int) {
		args := []string{a, b}
		for range more & 0xff {
			args = append(args, a)
		}
		stdout, err := socket.Run(t.Context(), hookcmd.Call{Command: command, Args: args, Stdin: stdin})
		got := <-requests
		assert.Equal(t, "app/0-x", got.ContextId)
		assert.Equal(t, "/charm", got.Dir)
		assert.Equal(t, command, got.CommandName)
		assert.Equal(t, args, got.Args)
		assert.True(t, got.StdinSet)
		assert.Equal(t, string(stdin), string(got.Stdin))
		if code := len(args) % 256; code != 0 {
			var failure *hookcmd.Error
			require.ErrorAs(t, err, &failure)
			assert.Equal(t, code, failure.Code)
			return
		}
		require.NoError(t, err)
		assert.Equal(t, string(stdin), string(stdout))
	})
}
