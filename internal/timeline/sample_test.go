// SPDX-License-Identifier: Apache-2.0

package timeline_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/charmsmith/charmsmith/internal/timeline"
)

// sample is a run as a newcomer may see it: a cluster of three units forms,
// an action runs, a hook fails and is resolved.
func sample() *timeline.Run {
	run := &timeline.Run{Model: "desk", Juju: "4.0.1", Type: "iaas", Seed: 7}
	clock := map[string]float64{}
	hook := func(unit, name string, at, took float64, more func(*timeline.Entry)) {
		start := max(clock[unit], at)
		clock[unit] = start + took
		e := timeline.Entry{Kind: timeline.KindHook, Start: start, End: start + took, Seq: len(run.Entries) + 1,
			Unit: unit, Hook: name, Result: "ok"}
		if more != nil {
			more(&e)
		}
		run.Entries = append(run.Entries, e)
	}
	note := func(at float64, unit, text string) {
		run.Entries = append(run.Entries, timeline.Entry{Kind: timeline.KindNote, Start: at, Unit: unit, Text: text})
	}
	status := func(unit, from, to string) timeline.Change {
		return timeline.Change{Kind: "status", Owner: unit, Old: from, New: to}
	}
	peer := func(remote string, changes ...timeline.Change) func(*timeline.Entry) {
		return func(e *timeline.Entry) {
			e.Remote, e.Relation, e.Changes = remote, "magpie:0", changes
		}
	}
	write := func(owner, key, from, to string) timeline.Change {
		return timeline.Change{Kind: "databag", Owner: owner, Relation: "magpie:0", Key: key, Old: from, New: to}
	}

	units := []string{"magpie/0", "magpie/1", "magpie/2"}
	note(0, "", "deploy magpie -n 3")
	for i, unit := range units {
		at := 0.02 * float64(i)
		hook(unit, "install", at, 0.11+0.01*float64(i), func(e *timeline.Entry) {
			e.Changes = []timeline.Change{status(unit, "waiting: installing agent", "maintenance: installing")}
		})
		hook(unit, "magpie-relation-created", at, 0.018, peer("magpie"))
		if i == 0 {
			note(0.14, unit, "magpie/0 is the leader")
			hook(unit, "leader-elected", at, 0.021, peer("", write("magpie", "secret-seed", "", "q8Zt1x")))
		}
		hook(unit, "config-changed", at, 0.034, nil)
		hook(unit, "start", at, 0.016, func(e *timeline.Entry) {
			e.Changes = []timeline.Change{{Kind: "port", Owner: unit, Key: "7000/tcp", New: "open"}}
		})
	}
	for i, unit := range units {
		for j, other := range units {
			if i == j {
				continue
			}
			at := 0.26 + 0.02*float64(i)
			hook(unit, "magpie-relation-joined", at, 0.026, peer(other, write(unit, "reached", "", other)))
			hook(unit, "magpie-relation-changed", at, 0.031, peer(other))
		}
		if i == 0 {
			continue // nobody is told what it wrote itself
		}
		hook(unit, "magpie-relation-changed", 0.4, 0.022, peer("magpie", status(unit, "maintenance: installing", "active: 3 units")))
	}
	for i, unit := range units {
		for j, other := range units {
			if i != j {
				hook(unit, "magpie-relation-changed", 0.5, 0.024, peer(other, status(unit, "", "active: all reached")))
			}
		}
	}
	note(0.78, "", "run magpie/0 ping target=magpie/2")
	hook("magpie/0", "action ping", 0.78, 0.072, nil)
	note(0.9, "", "config magpie interval=zero")
	for i, unit := range units {
		hook(unit, "config-changed", 0.9, 0.03, func(e *timeline.Entry) {
			if i == 1 {
				e.Result, e.Error = "failed", "exit status 1"
				e.Stderr = "panic: strconv.Atoi: parsing \"zero\": invalid syntax\n\ngoroutine 1 [running]:\nmain.(*cluster).configChanged(0x0)\n\t/src/main.go:42 +0x1d"
			}
		})
	}
	note(1.05, "", "resolve magpie/1")
	hook("magpie/1", "config-changed", 1.06, 0.028, func(e *timeline.Entry) {
		e.Changes = []timeline.Change{status("magpie/1", "error: hook failed: \"config-changed\"", "active: all reached")}
		e.Commands = []string{"config-get --format=json", "status-set active 'all reached'"}
	})
	hook("magpie/2", "update-status", 1.2, 0.012, func(e *timeline.Entry) { e.Result = "skipped" })
	run.Link()
	return run
}

// large is a run of that many hooks on that many units, most of which write
// to a databag.
func large(hooks, units int) *timeline.Run {
	random := rand.New(rand.NewPCG(1, 2))
	run := &timeline.Run{Model: "large", Juju: "4.0.1", Type: "iaas", Seed: 1}
	clock := make([]float64, units)
	for seq := 1; seq <= hooks; seq++ {
		i := 0 // of the unit that is free first
		for j := range clock {
			if clock[j] < clock[i] {
				i = j
			}
		}
		other := (i + 1 + random.IntN(units-1)) % units
		unit, remote := fmt.Sprintf("magpie/%d", i), fmt.Sprintf("magpie/%d", other)
		start := clock[i] + random.Float64()*0.02
		clock[i] = start + 0.004 + random.ExpFloat64()*0.02
		e := timeline.Entry{Kind: timeline.KindHook, Start: start, End: clock[i], Seq: seq, Unit: unit,
			Hook: "magpie-relation-changed", Remote: remote, Relation: "magpie:0", Result: "ok"}
		switch {
		case seq <= units:
			e.Hook, e.Remote, e.Relation = "install", "", ""
		case random.IntN(200) == 0:
			e.Result, e.Error, e.Stderr = "failed", "exit status 1", "panic: no"
		default:
			e.Changes = []timeline.Change{{Kind: "databag", Owner: unit, Relation: "magpie:0", Key: "reached", Old: remote, New: fmt.Sprint(seq)}}
		}
		run.Entries = append(run.Entries, e)
	}
	run.Link()
	return run
}
