// SPDX-License-Identifier: Apache-2.0

package cosagent

import (
	"encoding/binary"
	"math/bits"
)

// blake2b4 returns BLAKE2b (RFC 7693) of data, without a key and of 4 bytes. It is
// here for a name that others have chosen, not for secrecy.
func blake2b4(data []byte) []byte {
	const size = 4
	h := blake2bIV
	h[0] ^= 0x01010000 ^ size
	total := uint64(0)
	for ; len(data) > 128; data = data[128:] {
		total += 128
		blake2bBlock(&h, [128]byte(data), total, false)
	}
	var last [128]byte
	copy(last[:], data)
	blake2bBlock(&h, last, total+uint64(len(data)), true)
	return binary.LittleEndian.AppendUint64(nil, h[0])[:size]
}

var blake2bIV = [8]uint64{
	0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
	0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
}

// blake2bOrder is the order in which the rounds take the words of a block, a
// hexadecimal digit each.
var blake2bOrder = [10]uint64{
	0x0123456789abcdef, 0xea489fd61c02b753, 0xb8c052fdae367194, 0x7931dcbe265a40f8, 0x905724afe1bc683d,
	0x2c6a0b834d75fe19, 0xc51fed4a0763928b, 0xdb7ec13950f4862a, 0x6fe9b308c2d714a5, 0xa2847615fb9e3cd0,
}

// blake2bBlock mixes a block into h. total is how many bytes there were with it.
func blake2bBlock(h *[8]uint64, block [128]byte, total uint64, isLast bool) {
	var m [16]uint64
	for i := range m {
		m[i] = binary.LittleEndian.Uint64(block[8*i:])
	}
	var v [16]uint64
	copy(v[:], h[:])
	copy(v[8:], blake2bIV[:])
	v[12] ^= total
	if isLast {
		v[14] = ^v[14]
	}
	for round := range 12 {
		order := blake2bOrder[round%10]
		next := func() uint64 {
			order = bits.RotateLeft64(order, 4)
			return m[order&15]
		}
		mix := func(a, b, c, d int) {
			v[a] += v[b] + next()
			v[d] = bits.RotateLeft64(v[d]^v[a], -32)
			v[c] += v[d]
			v[b] = bits.RotateLeft64(v[b]^v[c], -24)
			v[a] += v[b] + next()
			v[d] = bits.RotateLeft64(v[d]^v[a], -16)
			v[c] += v[d]
			v[b] = bits.RotateLeft64(v[b]^v[c], -63)
		}
		for i := range 4 {
			mix(i, 4+i, 8+i, 12+i)
		}
		for i := range 4 {
			mix(i, 4+(i+1)%4, 8+(i+2)%4, 12+(i+3)%4)
		}
	}
	for i := range h {
		h[i] ^= v[i] ^ v[i+8]
	}
}
