// SPDX-License-Identifier: Apache-2.0

package juju

// chooser decides what Juju leaves open. It keeps a record of its choices: a
// model that is given the record makes the same ones, whatever the generator
// of the Go version, and a shorter or changed record makes another legal run.
type chooser struct {
	state  uint64
	replay []uint32 // choices to repeat before making new ones
	only   bool     // after replay the first of all choices is taken
	made   []uint32
}

// pick returns a number below n, which is at least 1.
func (c *chooser) pick(n int) int {
	if n == 1 {
		return 0
	}
	var choice uint32
	switch i := len(c.made); {
	case i < len(c.replay):
		choice = c.replay[i] % uint32(n)
	case !c.only:
		choice = uint32(uint64(uint32(c.next())) * uint64(n) >> 32)
	}
	c.made = append(c.made, choice)
	return int(choice)
}

// next is SplitMix64.
func (c *chooser) next() uint64 {
	c.state += 0x9e3779b97f4a7c15
	z := c.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
