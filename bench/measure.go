// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

const (
	// warmUp is how many rounds come before those that count.
	warmUp = 5
	// peakRuns is how many runs, not timed, tell a program's peak memory.
	peakRuns = 11
	// slowPeers is from when on the programs that start processes run in every
	// slowEvery-th round only.
	slowPeers, slowEvery = 20, 5
	// rewriteEvery is for how many rounds the programs' files stay as they are.
	rewriteEvery = 10
)

// stage is where programs run: one agent, one directory, one environment.
type stage struct {
	dir    string
	env    []string
	agent  *agent
	null   *os.File
	stderr *os.File
}

func newStage(dir, tools string, peers int) (*stage, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	env, contextID, err := environment(dir, tools)
	if err != nil {
		return nil, err
	}
	s := &stage{dir: dir, env: env}
	if s.null, err = os.OpenFile(os.DevNull, os.O_RDWR, 0); err != nil {
		return nil, err
	}
	if s.stderr, err = os.OpenFile(filepath.Join(dir, "stderr"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
		return nil, err
	}
	s.agent, err = newAgent(filepath.Join(dir, "agent.socket"), contextID, peers)
	return s, err
}

func (s *stage) close() {
	s.agent.close()
	_ = s.null.Close()
	_ = s.stderr.Close()
}

// attributes are those with which p starts.
func (s *stage) attributes(p *program) *os.ProcAttr {
	env := s.env
	if p.env != "" {
		env = append(env[:len(env):len(env)], p.env)
	}
	return &os.ProcAttr{Dir: s.dir, Env: env, Files: []*os.File{s.null, s.null, s.stderr}}
}

// run starts p once and returns how long it took, from start to exit, and the
// processor time of it and the hook commands that it started.
func (s *stage) run(p *program) (wall, cpu time.Duration, err error) {
	attributes := s.attributes(p)
	start := time.Now()
	process, err := os.StartProcess(p.path, []string{p.path}, attributes)
	if err != nil {
		return 0, 0, err
	}
	state, err := process.Wait()
	wall = time.Since(start)
	if err != nil {
		return 0, 0, err
	}
	return wall, state.UserTime() + state.SystemTime(), s.check(p, state.Success())
}

// check fails if a run failed, or did not make the calls it had to make.
func (s *stage) check(p *program, success bool) error {
	calls := s.agent.takeCalls()
	text, err := os.ReadFile(s.stderr.Name())
	if err != nil {
		return err
	}
	if len(text) > 0 || !success {
		return fmt.Errorf("%s failed: %s", p.name, bytes.TrimSpace(text))
	}
	var wanted []string
	switch {
	case p == hello:
		return nil
	case !p.silent:
		wanted = s.agent.wanted
	}
	if !slices.Equal(calls, wanted) {
		return fmt.Errorf("%s made other calls than it had to:\n%q\nwanted:\n%q", p.name, calls, wanted)
	}
	return nil
}

// result is what was measured of a program.
type result struct {
	walls, cpus []time.Duration
	peaks       []int64 // bytes
	calls       int
}

// measure runs the compared programs, in each round each once and in any order.
func (s *stage) measure(rounds, peers int) (map[*program]*result, error) {
	results := make(map[*program]*result)
	for _, p := range compared {
		results[p] = &result{}
		if !p.silent {
			results[p].calls = len(s.agent.wanted)
		}
	}
	order := slices.Clone(compared)
	for round := -warmUp; round < rounds; round++ {
		if round%rewriteEvery == 0 || round == -warmUp {
			for _, p := range compared {
				if err := rewrite(p.path); err != nil {
					return nil, err
				}
			}
		}
		runtime.GC() // and never in between
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, p := range order {
			if p.execs && peers >= slowPeers && round%slowEvery != 0 {
				continue
			}
			wall, cpu, err := s.run(p)
			if err != nil {
				return nil, err
			}
			if round >= 0 {
				r := results[p]
				r.walls = append(r.walls, wall)
				r.cpus = append(r.cpus, cpu)
			}
		}
	}
	for _, p := range compared {
		var err error
		if results[p].peaks, err = s.peaks(p); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// peaks returns the peak memory of some runs.
func (s *stage) peaks(p *program) ([]int64, error) {
	var peaks []int64
	for range peakRuns {
		peak, success, err := peakMemory(p.path, s.attributes(p))
		if err == nil {
			err = s.check(p, success)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot measure peak memory of %s: %w", p.name, err)
		}
		peaks = append(peaks, peak)
	}
	return peaks, nil
}

// quantile returns the value below which q of all values are, 0 if there is
// none. The median is that of 0.5.
func quantile[T int64 | time.Duration](values []T, q float64) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
