// SPDX-License-Identifier: Apache-2.0

package cosagent_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/interfaces/cosagent"
)

// sizes are those at which something changes: padding, chunks, the index's numbers.
var sizes = []int{0, 1, 2, 3, 4, 5, 100, 127, 128, 65535, 65536, 65537, 131072, 300001, 5<<20 + 3}

// sample returns bytes of a size that no compressor makes smaller.
func sample(size int) []byte {
	random := rand.NewChaCha8([32]byte{byte(size)})
	data := make([]byte, size)
	_, _ = random.Read(data)
	return data
}

func TestStoreXZ(t *testing.T) {
	t.Parallel()
	for _, size := range sizes {
		data := sample(size)
		got, err := readStored(cosagent.StoreXZ(data))
		require.NoError(t, err, "%d bytes", size)
		assert.True(t, bytes.Equal(data, got), "%d bytes", size)
	}
}

// For what cannot be compressed, liblzma makes the same bytes as this package.
func TestStoreXZIsExact(t *testing.T) {
	t.Parallel()
	const begin = "fd377a585a000004e6d6b4460200210108000000d80f2313"
	const end = "1fb6f37d010000000004595a"
	for data, want := range map[string]string{
		"":   begin + "00000000" + "0000000000000000" + "000115003f533317" + end,
		"{}": begin + "0100017b7d000000" + "5dd5de756a599193" + "00011a02dc2ea57e" + end,
	} {
		assert.Equal(t, want, hex.EncodeToString(cosagent.StoreXZ([]byte(data))), "of %q", data)
	}
}

// The decoder that these tests read with takes nothing that was changed.
func TestEveryByteOfXZCounts(t *testing.T) {
	t.Parallel()
	stream := cosagent.StoreXZ([]byte(`{"title": "x"}`))
	for i := range stream {
		changed := bytes.Clone(stream)
		changed[i] ^= 0x55
		_, err := readStored(changed)
		assert.Error(t, err, "byte %d", i)
		_, err = readStored(stream[:i])
		assert.Error(t, err, "the first %d bytes", i)
	}
}

// readXZ is a program for Python that prints the hash of what each file holds.
const readXZ = `
import hashlib, lzma, sys
for path in sys.argv[1:]:
    with open(path, "rb") as f:
        print(hashlib.sha256(lzma.decompress(f.read(), format=lzma.FORMAT_XZ)).hexdigest())
`

func TestPythonReadsXZ(t *testing.T) {
	t.Parallel()
	if out, err := exec.Command("python3", "-c", "import lzma").CombinedOutput(); err != nil {
		t.Skipf("python3 with its module lzma is needed; install Debian's package python3 to run this test: %v %s", err, out)
	}
	args := []string{"-c", readXZ}
	var want string
	for path, data := range stored(t) {
		args = append(args, path)
		sum := sha256.Sum256(data)
		want += hex.EncodeToString(sum[:]) + "\n"
	}
	out, err := exec.Command("python3", args...).CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Equal(t, want, string(out))
}

func TestToolReadsXZ(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("xz"); err != nil {
		t.Skip("the tool xz is needed; install Debian's package xz-utils to run this test")
	}
	for path, data := range stored(t) {
		out, err := exec.Command("xz", "--test", "--verbose", path).CombinedOutput()
		require.NoError(t, err, string(out))
		out, err = exec.Command("xz", "--decompress", "--stdout", path).Output()
		require.NoError(t, err)
		assert.True(t, bytes.Equal(data, out), "%d bytes", len(data))
	}
}

// stored yields files in the format, and what they hold.
func stored(t *testing.T) func(yield func(path string, data []byte) bool) {
	dir := t.TempDir()
	return func(yield func(path string, data []byte) bool) {
		for _, size := range sizes {
			data := sample(size)
			path := filepath.Join(dir, fmt.Sprintf("%d.xz", size))
			require.NoError(t, os.WriteFile(path, cosagent.StoreXZ(data), 0o600))
			if !yield(path, data) {
				return
			}
		}
	}
}

func FuzzStoreXZ(f *testing.F) {
	f.Add([]byte{}, 1)
	f.Add([]byte("{}"), 40_000)
	f.Add([]byte("\x00\xff"), 32_768)
	f.Fuzz(func(t *testing.T, part []byte, times int) {
		data := bytes.Repeat(part, max(0, min(times, 200_000/(len(part)+1))))
		stream := cosagent.StoreXZ(data)
		got, err := readStored(stream)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(data, got))
		assert.LessOrEqual(t, len(stream), len(data)+3*(len(data)/65536+1)+80)
	})
}
