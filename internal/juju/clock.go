// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"container/heap"
	"time"
)

// clock is the model's time, which moves only when it is told to; or also with
// another clock, which it may be ahead of.
type clock struct {
	now    time.Time
	timers timerHeap
	set    uint64           // how many were set
	other  func() time.Time // nil: none
	ahead  time.Duration
}

// sync moves the time with the other clock, if there is one.
func (c *clock) sync() {
	if c.other != nil {
		if now := c.other().Add(c.ahead); now.After(c.now) {
			c.now = now
		}
	}
}

// timer is something that will happen.
type timer struct {
	at    time.Time
	order uint64 // of those at the same time, the one set first is first
	retry bool   // it repeats what failed, for which settling does not wait
	fire  func()
}

func (c *clock) after(d time.Duration, retry bool, fire func()) {
	c.set++
	heap.Push(&c.timers, timer{c.now.Add(d), c.set, retry, fire})
}

// fireNext moves the time to the first timer that is not after end, and fires it.
func (c *clock) fireNext(end time.Time) bool {
	if len(c.timers) == 0 || c.timers[0].at.After(end) {
		return false
	}
	t := heap.Pop(&c.timers).(timer)
	c.moveTo(t.at)
	t.fire()
	return true
}

// moveTo moves the time on, if it is not that late already. Of another clock it
// stays ahead by as much.
func (c *clock) moveTo(at time.Time) {
	if at.After(c.now) {
		c.ahead += at.Sub(c.now)
		c.now = at
	}
}

// nextRetry returns when the first timer of that kind fires.
func (c *clock) nextRetry() (at time.Time, ok bool) {
	for _, t := range c.timers {
		if t.retry && (!ok || t.at.Before(at)) {
			at, ok = t.at, true
		}
	}
	return at, ok
}

type timerHeap []timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if !h[i].at.Equal(h[j].at) {
		return h[i].at.Before(h[j].at)
	}
	return h[i].order < h[j].order
}
func (h timerHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)   { *h = append(*h, x.(timer)) }
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	*h = old[:len(old)-1]
	return t
}
