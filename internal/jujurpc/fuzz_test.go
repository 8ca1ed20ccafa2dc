// SPDX-License-Identifier: Apache-2.0

package jujurpc_test

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"net"
	"net/rpc"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/jujurpc"
)

// FuzzServer sends any bytes and expects what net/rpc's server answers to them.
func FuzzServer(f *testing.F) {
	good := encoded(f,
		rpc.Request{ServiceMethod: "Jujuc.Main", Seq: 1}, request("config-get", "-a", ""),
		rpc.Request{ServiceMethod: "Jujuc.Main", Seq: 1<<64 - 1}, request("fail", "oh"),
		rpc.Request{ServiceMethod: "Jujuc.Main"}, jujurpc.Request{StdinSet: true, Stdin: []byte("x")})
	type ignored struct {
		CommandName string
		Map         map[string][]float64
		Array       [2]complex128
		Recursive   *jujurpc.Request
		Any         any
	}
	gob.Register(jujurpc.Request{})
	for _, seed := range [][]byte{
		good,
		good[:len(good)-1],
		good[:len(good)/2],
		append(bytes.Clone(good), "GET / HTTP/1.1\r\n\r\n"...),
		encoded(f, rpc.Request{ServiceMethod: "Jujuc.Other"}, 1, rpc.Request{ServiceMethod: "Jujuc.Main"}, request("x")),
		encoded(f, rpc.Request{ServiceMethod: "Jujuc.Main"}, "x", rpc.Request{ServiceMethod: "Jujuc.Main"}, request("x")),
		encoded(f, rpc.Request{ServiceMethod: "Jujuc.Main"}, ignored{"x", map[string][]float64{"a": {1}}, [2]complex128{1, 2}, &jujurpc.Request{}, request("x")}),
		encoded(f, struct{ ServiceMethod int }{1}),
		{}, {0}, {0x80}, {0xfc, 0x3f, 0xff, 0xff, 0xff}, {0xfc, 0x7f, 0xff, 0xff, 0xff},
		bytes.Repeat([]byte{0xff}, 50),
	} {
		f.Add(seed)
	}
	ours, theirs := serve(f, fuzzed), serveNetRPC(f, fuzzed)
	f.Fuzz(func(t *testing.T, input []byte) {
		assert.Equal(t, answers(t, theirs, input), answers(t, ours, input), "answers of net/rpc, and ours")
	})
}

// fuzzed is a handler whose answer has all of the request.
func fuzzed(request jujurpc.Request) (jujurpc.Response, error) {
	if request.CommandName == "fail" {
		return jujurpc.Response{}, errors.New("failed as asked")
	}
	return jujurpc.Response{Code: len(request.Args), Stdout: fmt.Appendf(nil, "%+v", request)}, nil
}

// encoded is the bytes of messages.
func encoded(tb testing.TB, messages ...any) []byte {
	tb.Helper()
	var b bytes.Buffer
	encoder := gob.NewEncoder(&b)
	for _, message := range messages {
		require.NoError(tb, encoder.Encode(message))
	}
	return b.Bytes()
}

// answers sends input to a server, as all there is, and returns what it answers
// until it closes the connection. Answers come in any order.
func answers(t *testing.T, address string, input []byte) (all []string) {
	t.Helper()
	conn, err := net.Dial("unix", address)
	require.NoError(t, err)
	defer conn.Close()
	go func() { // which fails when the server has had enough
		_, _ = conn.Write(input)
		_ = conn.(*net.UnixConn).CloseWrite()
	}()
	decoder := gob.NewDecoder(conn)
	for {
		var header rpc.Response
		if decoder.Decode(&header) != nil {
			slices.Sort(all)
			return all
		}
		var response jujurpc.Response
		if header.Error == "" {
			err = decoder.Decode(&response)
		} else {
			err = skip(decoder)
		}
		require.NoError(t, err, "body of an answer")
		all = append(all, fmt.Sprintf("%+v %+v", header, response))
	}
}

// skip reads a value of any type.
func skip(decoder *gob.Decoder) error {
	var nothing any
	return decoder.Decode(nothing)
}

// FuzzClient answers a request with any bytes and expects what net/rpc's client
// makes of them.
func FuzzClient(f *testing.F) {
	good := encoded(f, rpc.Response{ServiceMethod: "Jujuc.Main"}, jujurpc.Response{Code: 1, Stdout: []byte("a"), Stderr: []byte("b")})
	for _, seed := range [][]byte{
		good,
		good[:len(good)-1],
		good[:len(good)/2],
		encoded(f, rpc.Response{Error: "oh"}, struct{}{}),
		encoded(f, rpc.Response{Seq: 5}, struct{}{}, rpc.Response{}, jujurpc.Response{Code: -1}),
		encoded(f, rpc.Response{}, struct{ Code string }{"x"}),
		{}, {0}, {0x80}, {0xfc, 0x3f, 0xff, 0xff, 0xff}, {0xfc, 0x7f, 0xff, 0xff, 0xff},
		[]byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
	} {
		f.Add(seed)
	}
	listener := listen(f)
	replies := make(chan []byte, 1)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			decoder := gob.NewDecoder(conn)
			_, _ = skip(decoder), skip(decoder)
			_, _ = conn.Write(<-replies)
			_ = conn.Close()
		}
	}()
	f.Cleanup(func() { _ = listener.Close() })
	run := func(t *testing.T, dial func(string) (caller, error), input []byte) (jujurpc.Response, error) {
		client, err := dial(listener.Addr().String())
		require.NoError(t, err)
		replies <- input
		response, err := client.Run(request("x"))
		_ = client.Close()
		if err != nil {
			response = jujurpc.Response{}
		}
		return response, err
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		want, wantErr := run(t, dialNetRPC, input)
		got, err := run(t, dialOurs, input)
		assert.Equal(t, want, got)
		names := strings.NewReplacer("jujurpc.replyHeader", "rpc.Response", "replyHeader", "Response")
		assert.Equal(t, fmt.Sprint(wantErr), names.Replace(fmt.Sprint(err)))
	})
}
