// SPDX-License-Identifier: Apache-2.0

//go:build linux

package throughput_test

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A client meets a server that is none, or that dies or lies. None of them makes it
// wait for the rest of its time or believe a figure.
func TestMeasureHostileServer(t *testing.T) {
	t.Parallel()
	const yes = goodAnswer
	read := func(conn net.Conn) { _, _ = io.CopyN(io.Discard, conn, 100000) }
	all := func(conn net.Conn) int64 { n, _ := io.Copy(io.Discard, conn); return n }
	for name, row := range map[string]struct {
		serve func(conn net.Conn) // after the opening
		want  string              // of several, one
		is    error
	}{
		"closes at once":        {func(net.Conn) {}, `cannot open a stream to "HERE": the server closed the connection: EOF`, io.EOF},
		"closes in the answer":  {func(c net.Conn) { write(c, yes[:9]) }, `cannot open a stream to "HERE": the server closed the connection: unexpected EOF`, io.ErrUnexpectedEOF},
		"another protocol":      {func(c net.Conn) { write(c, "SSH-2.0-x\r\n") }, `cannot open a stream to "HERE": it is no throughput server: it said "SSH-2.0-x\r\n"`, nil},
		"another, long":         {func(c net.Conn) { write(c, strings.Repeat("\x1b[2J", 1000)) }, `cannot open a stream to "HERE": it is no throughput server: it said "\x1b[2J\x1b[2J\x1b[2J\x1b[2J"`, nil},
		"busy":                  {func(c net.Conn) { write(c, busyAnswer) }, `cannot open a stream to "HERE": the server refuses: it has the 2 streams that it takes at a time`, nil},
		"another version":       {func(c net.Conn) { write(c, yes[:15]+"\x09") }, `cannot open a stream to "HERE": the server refuses: it speaks version 9 of the protocol, not 1`, nil},
		"older version":         {func(c net.Conn) { write(c, oldAnswer[:15]+"\x03") }, `cannot open a stream to "HERE": the server refuses: it speaks version 3 of the protocol, not 1`, nil},
		"unknown code":          {func(c net.Conn) { write(c, yes[:11]+"\x07\x00\x00\x00\x05") }, `cannot open a stream to "HERE": the server refuses: for a reason that this client does not know: code 7, number 5`, nil},
		"closes before the end": {func(c net.Conn) { write(c, yes); all(c) }, `cannot read from "HERE" what it received: the server closed the connection: EOF`, io.EOF},
		"another end":           {func(c net.Conn) { write(c, yes); all(c); write(c, "500 no!!") }, `cannot read from "HERE" what it received: it is no throughput server: it said "500 no!!"`, nil},
		"counts others":         {func(c net.Conn) { write(c, yes); all(c); write(c, goodResult) }, `cannot believe "HERE": it says that it received 1000 bytes of the `, nil},
		"counts too high":       {func(c net.Conn) { write(c, yes); all(c); write(c, "MAGPIEok"+strings.Repeat("\xff", 16)) }, `cannot read from "HERE" what it received: it says that it received 18446744073709551615 bytes in 18446744073709551615 ns`, nil},
		"has no clock":          {func(c net.Conn) { write(c, yes); write(c, string(result(all(c), 0))) }, `cannot believe "HERE": it says that it received `, nil},
		"never ends":            {func(c net.Conn) { write(c, yes); all(c); <-t.Context().Done() }, `cannot read from "HERE" what it received: no answer within 1.04s: i/o timeout`, os.ErrDeadlineExceeded},
		"never reads":           {func(c net.Conn) { write(c, yes); <-t.Context().Done() }, `cannot read from "HERE" what it received: no answer within 1.04s: i/o timeout`, os.ErrDeadlineExceeded},
		"dies":                  {func(c net.Conn) { write(c, yes); read(c) }, `cannot send to "HERE" after `, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := listen(t, "127.0.0.1")
			go impostor(l, row.serve)
			to := target(t, l)
			opts := quick(2, 3)
			if row.is == os.ErrDeadlineExceeded {
				opts.Timeout = time.Second
			}
			if name == "dies" {
				opts.BatchTime, opts.TotalTime = time.Hour, 2*time.Hour
			}
			runs, err := measure(t.Context(), to, opts)
			assert.Empty(t, runs)
			require.ErrorContains(t, err, `cannot measure throughput to "magpie/1" in 2 streams: `+strings.ReplaceAll(row.want, "HERE", l.Addr().String()))
			if row.is != nil {
				require.ErrorIs(t, err, row.is)
			}
		})
	}
}

// impostor serves each connection of a listener after its opening.
func impostor(l net.Listener, serve func(net.Conn)) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			if _, err := io.CopyN(io.Discard, conn, int64(len(goodOpening))); err == nil {
				serve(conn)
			}
		}()
	}
}

func write(w io.Writer, text string) { _, _ = io.WriteString(w, text) }

// result is what a server says that received so much in so many nanoseconds.
func result(received int64, elapsed uint64) []byte {
	b := binary.BigEndian.AppendUint64([]byte("MAGPIEok"), uint64(received))
	return binary.BigEndian.AppendUint64(b, elapsed)
}

// The figures of a run are those of all its streams, in the time of the longest.
func TestMeasureFigures(t *testing.T) {
	t.Parallel()
	l := listen(t, "127.0.0.1")
	var turn atomic.Uint64
	go impostor(l, func(c net.Conn) {
		write(c, goodAnswer)
		n, _ := io.Copy(io.Discard, c)
		_, _ = c.Write(result(n, turn.Add(1)*1e9))
	})
	runs, err := measure(t.Context(), target(t, l), quick(3))
	require.NoError(t, err)
	require.Len(t, runs, 1)
	run := runs[0]
	assert.Equal(t, run.TransferredBytes*8/3, run.BitsPerSecond)
	assert.Equal(t, run.TransferredBytes*8/3/1000000, run.Mbits)
	assert.InDelta(t, float64(run.TransferredBytes)/(1<<30), run.GBytes, 0.0005)
	assert.Equal(t, "0.0-3.0", run.TimeInterval)
}

// The shortest time does not make the figures wrap round.
func TestMeasureIncredible(t *testing.T) {
	t.Parallel()
	l := listen(t, "127.0.0.1")
	go impostor(l, func(c net.Conn) {
		write(c, goodAnswer)
		n, _ := io.Copy(io.Discard, c)
		_, _ = c.Write(result(n, 1))
	})
	runs, err := measure(t.Context(), target(t, l), quick(1))
	require.NoError(t, err)
	require.Len(t, runs, 1)
	assert.Positive(t, runs[0].BitsPerSecond)
	assert.Equal(t, "0.0-0.0", runs[0].TimeInterval)
}
