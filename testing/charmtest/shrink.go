// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"slices"
	"strings"
)

// attempts is how many runs shrinking a failure may cost.
const attempts = 500

// shrink looks for a run that fails in the same way with fewer and simpler
// choices: as in the libraries for property-based tests it is the choices that
// are edited, not what came of them, so each try is a run that Juju allows.
func (e *explorer) shrink(failed *schedule) *schedule {
	best := failed
	kind := failed.kind()
	left := attempts
	try := func(choices []uint32) bool {
		if left == 0 {
			return false
		}
		left--
		opts := e.opts.Model
		opts.Seed = failed.model.opts.Seed
		opts.Choices = encodeChoices(choices)
		s := e.run(&opts)
		if s.stuck || len(s.errors) == 0 || s.kind() != kind || !simpler(s, best) {
			return false
		}
		best = s
		return true
	}
	choices := func() []uint32 { return slices.Clone(best.model.juju.Choices()) }
	try(choices()) // without what the seed chose after the last one
	for progress := true; progress && left > 0; {
		progress = false
		for size := len(best.model.juju.Choices()); size > 0; size /= 2 {
			for at := 0; at < len(best.model.juju.Choices()) && left > 0; {
				c := choices()
				end := min(at+size, len(c))
				switch {
				case try(slices.Delete(slices.Clone(c), at, end)):
					progress = true
				case anyAbove(c[at:end]) && try(zeroed(c, at, end)):
					progress = true
					at = end
				default:
					at = end
				}
			}
		}
	}
	return best
}

// simpler reports whether a is a better example than b.
func simpler(a, b *schedule) bool {
	x, y := a.model.Steps(), b.model.Steps()
	if x != y {
		return x < y
	}
	c, d := sum(a.model.juju.Choices()), sum(b.model.juju.Choices())
	return c < d || c == d && len(a.model.juju.Choices()) < len(b.model.juju.Choices())
}

func sum(choices []uint32) (total uint64) {
	for _, c := range choices {
		total += uint64(c)
	}
	return total
}

func anyAbove(choices []uint32) bool {
	return slices.ContainsFunc(choices, func(c uint32) bool { return c > 0 })
}

func zeroed(choices []uint32, from, to int) []uint32 {
	clear(choices[from:to])
	return choices
}

// kind is what failures that are the same have in common: the text of the first
// without its numbers, nor where testify says that it was.
func (s *schedule) kind() string {
	text := s.errors[0]
	if _, after, ok := strings.Cut(text, "\tError:"); ok {
		text = after
	}
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return -1
		}
		return r
	}, text[:min(len(text), 400)])
}
