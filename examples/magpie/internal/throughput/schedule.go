// SPDX-License-Identifier: Apache-2.0

//go:build linux

package throughput

import "time"

// schedule says which run is next. Each entry of the progression has the same
// share of the time and at least one run.
type schedule struct {
	progression []int // what is left of it
	share       time.Duration
	batch       time.Duration
	end         time.Time // of the share of the first entry, zero before its first run
}

func newSchedule(progression []int, batch, total time.Duration) *schedule {
	return &schedule{
		progression: progression,
		share:       total / time.Duration(len(progression)),
		batch:       batch,
	}
}

// next returns the streams and the time of the run that begins now; false if there
// is none. The last run of an entry takes what is left of its share, or is left
// out if that is less than half a batch.
func (s *schedule) next(now time.Time) (int, time.Duration, bool) {
	for ; len(s.progression) > 0; s.progression, s.end = s.progression[1:], (time.Time{}) {
		if s.end.IsZero() {
			s.end = now.Add(s.share)
			return s.progression[0], min(s.batch, s.share), true
		}
		if left := s.end.Sub(now); left > 0 && left >= s.batch/2 {
			return s.progression[0], min(s.batch, left), true
		}
	}
	return 0, 0, false
}
