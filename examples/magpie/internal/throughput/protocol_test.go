// SPDX-License-Identifier: Apache-2.0

//go:build linux

package throughput_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/throughput"
)

const (
	goodOpening = "MAGPIEtp\x00\x00\x00\x01" + "0123456789abcdef"
	goodAnswer  = "MAGPIEsv\x00\x00\x00\x00\x00\x00\x00\x01"
	busyAnswer  = "MAGPIEsv\x00\x00\x00\x01\x00\x00\x00\x02"
	oldAnswer   = "MAGPIEsv\x00\x00\x00\x02\x00\x00\x00\x01"
	goodResult  = "MAGPIEok\x00\x00\x00\x00\x00\x00\x03\xe8\x00\x00\x00\x00\x00\x00\x00\x01"
)

// readers are those of the three messages, with a good one each.
var readers = []struct {
	good string
	read func(io.Reader) ([]byte, error)
}{
	{goodOpening, throughput.ReadOpening},
	{goodAnswer, throughput.ReadAnswer},
	{goodResult, throughput.ReadResult},
}

func TestReaders(t *testing.T) {
	t.Parallel()
	for _, r := range readers {
		got, err := r.read(strings.NewReader(r.good + "more"))
		require.NoError(t, err)
		assert.Equal(t, r.good, string(got))
		for n := range len(r.good) {
			_, err := r.read(strings.NewReader(r.good[:n]))
			require.Error(t, err, "%q", r.good[:n])
		}
	}
}

// What a reader takes is written as it was, and no reader takes what another does.
func FuzzReaders(f *testing.F) {
	for _, r := range readers {
		f.Add([]byte(r.good))
		f.Add([]byte(r.good[:len(r.good)-1]))
	}
	f.Add([]byte("MAGPIEok" + strings.Repeat("\xff", 16)))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		taken := 0
		for _, r := range readers {
			in := bytes.NewReader(data)
			got, err := r.read(in)
			read := len(data) - in.Len()
			assert.LessOrEqual(t, read, len(r.good), "bytes read")
			if err == nil {
				taken++
				assert.Equal(t, string(data[:read]), string(got))
			}
		}
		assert.LessOrEqual(t, taken, 1, "readers that take it")
	})
}
