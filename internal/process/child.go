// SPDX-License-Identifier: Apache-2.0

package process

import (
	"os"
	"sync"
	"syscall"
	"time"
)

// child is a process that the Host has started, the leader of a process group.
type child struct {
	procs   *processes
	unit    *unit
	process *os.Process

	mu    sync.Mutex
	ended bool // from then on its number may be another's
}

// starter starts a program, as [os.StartProcess] does.
type starter func(program string, argv []string, attr *os.ProcAttr) (*os.Process, error)

// kill kills the process group, unless its leader has ended.
func (c *child) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		_ = syscall.Kill(-c.process.Pid, syscall.SIGKILL)
	}
}

// wait waits until the process has ended, and has what it leaves noted.
func (c *child) wait() syscall.WaitStatus {
	if awaitExit(c.process.Pid) {
		c.end() // before its number can be another's
		c.procs.look()
	}
	state, err := c.process.Wait()
	c.end()
	c.procs.reaped(c)
	if err != nil { // somebody else has waited for it
		return syscall.WaitStatus(syscall.SIGKILL)
	}
	return state.Sys().(syscall.WaitStatus)
}

func (c *child) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
}

const (
	killPatience = 5 * time.Second       // how long a process may take to die
	killPause    = 20 * time.Millisecond // at most, between looks at what is left
)
