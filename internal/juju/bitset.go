// SPDX-License-Identifier: Apache-2.0

package juju

import "math/bits"

// bitset is a set of small numbers, of which the first is found fast.
type bitset struct {
	words []uint64
	count int
	first int // no word before this one has a bit
}

func (b *bitset) reset(n int) {
	if need := (n + 63) / 64; cap(b.words) < need {
		b.words = make([]uint64, need)
	} else {
		b.words = b.words[:need]
		clear(b.words)
	}
	b.count, b.first = 0, 0
}

func (b *bitset) add(i uint32) {
	word, bit := int(i/64), uint64(1)<<(i%64)
	if b.words[word]&bit == 0 {
		b.words[word] |= bit
		b.count++
		b.first = min(b.first, word)
	}
}

func (b *bitset) remove(i uint32) {
	if word, bit := i/64, uint64(1)<<(i%64); b.words[word]&bit != 0 {
		b.words[word] &^= bit
		b.count--
	}
}

// least returns the smallest number of a set that is not empty.
func (b *bitset) least() uint32 {
	for b.words[b.first] == 0 {
		b.first++
	}
	return uint32(b.first*64 + bits.TrailingZeros64(b.words[b.first]))
}
