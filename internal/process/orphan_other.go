// SPDX-License-Identifier: Apache-2.0

//go:build unix && !linux

package process

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

// processes are the children that a Host has started. What such a child leaves in
// its process group is found again; what has left the group is not.
type processes struct {
	mu      sync.Mutex
	started map[int]*child
	groups  map[int]*unit // that have members left
}

func newProcesses(*Host) (*processes, error) {
	return &processes{started: make(map[int]*child), groups: make(map[int]*unit)}, nil
}

func (p *processes) close() {}

// look is for orphans, of which nothing is known here.
func (p *processes) look() {}

// awaitExit cannot wait for a child without reaping it.
func awaitExit(int) bool { return false }

// start starts a program for a unit, as the leader of a process group.
func (p *processes) start(u *unit, starter starter, argv []string, attr *os.ProcAttr) (*child, error) {
	process, err := starter(argv[0], argv, attr)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c := &child{procs: p, unit: u, process: process}
	p.started[process.Pid] = c
	return c, nil
}

// reaped notes that a child is no more. Its process group may be.
func (p *processes) reaped(c *child) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.started, c.process.Pid)
	if groupExists(c.process.Pid) {
		p.groups[c.process.Pid] = c.unit
	}
	for id := range p.groups {
		if !groupExists(id) {
			delete(p.groups, id)
		}
	}
}

func groupExists(id int) bool { return !errors.Is(syscall.Kill(-id, 0), syscall.ESRCH) }

// kill kills the process groups of a unit, or, with nil, of all.
func (p *processes) kill(u *unit) error {
	deadline := time.Now().Add(killPatience)
	for {
		left := p.killOnce(u)
		if len(left) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("cannot kill process groups %v", left)
		}
		time.Sleep(killPause)
	}
}

func (p *processes) killOnce(u *unit) (left []int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, owner := range p.groups {
		switch {
		case u != nil && owner != u:
		case errors.Is(syscall.Kill(-id, syscall.SIGKILL), syscall.ESRCH):
			delete(p.groups, id)
		default:
			left = append(left, id)
		}
	}
	for pid, c := range p.started {
		if u == nil || c.unit == u {
			left = append(left, pid)
			c.kill()
		}
	}
	return left
}
