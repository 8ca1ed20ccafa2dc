// SPDX-License-Identifier: Apache-2.0

//go:build linux

package throughput_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/throughput"
)

// planned are the runs of a schedule, if each takes so much longer than its time.
func planned(progression []int, batch, total, longer time.Duration) (runs map[int][]time.Duration, order []int, took time.Duration) {
	next := throughput.NewSchedule(progression, batch, total)
	start := time.Unix(1e9, 0)
	now := start
	runs = map[int][]time.Duration{}
	for len(order) < 10000 {
		streams, d, more := next(now)
		if !more {
			break
		}
		runs[streams] = append(runs[streams], d)
		order = append(order, streams)
		now = now.Add(d + longer)
	}
	return runs, order, now.Sub(start)
}

// n is n runs of ten seconds.
func n(n int, more ...time.Duration) []time.Duration {
	var d []time.Duration
	for range n {
		d = append(d, 10*time.Second)
	}
	return append(d, more...)
}

func TestSchedule(t *testing.T) {
	t.Parallel()
	const second = time.Second
	for name, row := range map[string]struct {
		total, longer time.Duration
		want          []time.Duration // of each entry
		took          time.Duration
	}{
		"default":                   {600 * second, 0, n(20), 600 * second},
		"a run takes a bit longer":  {600 * second, second / 100, n(19, 9810*time.Millisecond), 600*second + 3*second/100},
		"more than a half left":     {75 * second, 0, n(2, 5*second), 75 * second},
		"less than a half left":     {72 * second, 0, n(2), 60 * second},
		"less than a batch":         {9 * second, 0, []time.Duration{3 * second}, 9 * second},
		"each run uses up its part": {90 * second, 30 * second, n(1), 120 * second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runs, order, took := planned([]int{2, 4, 8}, 10*second, row.total, row.longer)
			assert.Equal(t, map[int][]time.Duration{2: row.want, 4: row.want, 8: row.want}, runs)
			assert.IsNonDecreasing(t, append(order, 8))
			assert.Equal(t, row.took, took)
		})
	}
}

// The progression need not grow, and may repeat an entry.
func TestScheduleOrder(t *testing.T) {
	t.Parallel()
	_, order, _ := planned([]int{8, 1, 1}, time.Second, 6*time.Second, 0)
	assert.Equal(t, []int{8, 8, 1, 1, 1, 1}, order)
}
