// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"
)

// processes are the children of this process: those that a Host has started, and
// the orphans among their descendants. Nobody else reaps orphans, so the number
// of one that is known stays its own.
type processes struct {
	host    *Host
	proc    procfs
	signals chan os.Signal
	watcher sync.WaitGroup

	mu       sync.Mutex
	started  map[int]*child
	orphans  map[int]*orphan
	groups   map[int]*unit      // process groups and sessions that have members left
	heirs    map[int]heir       // the descendants of what is being killed
	recent   map[*unit]bool     // the units that ran since the last look
	dead     map[int]time.Time  // zombies of which nothing is known, since when
	strange  map[int]processAge // children of this process that are none of ours
	watching bool
	later    *time.Timer // looks at the zombies again
	closed   bool
}

// children are those that the Hosts of this process have started: a matter of the
// process, as its children are, so that no Host takes another's for an orphan.
var children struct {
	starting sync.RWMutex // held while one is started, and not noted yet
	hosts    sync.Map     // *processes by the child's number, until it is reaped
}

// orphan is a process that has lost its parent.
type orphan struct {
	stat processStat
	unit *unit // nil: nobody knows
}

// heir is a process that will be an orphan, unless it dies first.
type heir struct {
	age  processAge
	unit *unit
}

func newProcesses(h *Host) (*processes, error) {
	const setChildSubreaper = 36 // PR_SET_CHILD_SUBREAPER
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, setChildSubreaper, 1, 0, 0, 0, 0); errno != 0 {
		return nil, fmt.Errorf("cannot become the parent of orphans: %w", errno)
	}
	p := &processes{
		host: h, signals: make(chan os.Signal, 1),
		started: make(map[int]*child), orphans: make(map[int]*orphan), groups: make(map[int]*unit), heirs: make(map[int]heir),
		recent: make(map[*unit]bool), dead: make(map[int]time.Time), strange: make(map[int]processAge),
	}
	p.proc = openProcfs()
	for _, pid := range p.proc.children() {
		if stat, ok := readStat(pid); ok {
			p.strange[pid] = stat.processAge
		}
	}
	p.later = time.AfterFunc(time.Hour, p.look)
	p.later.Stop()
	p.watcher.Go(func() {
		for range p.signals {
			p.look()
		}
	})
	return p, nil
}

// close ends the watch. There must be no children left.
func (p *processes) close() {
	p.mu.Lock()
	p.closed = true
	p.later.Stop()
	signal.Stop(p.signals)
	p.proc.close()
	p.mu.Unlock()
	close(p.signals)
	p.watcher.Wait()
}

// start starts a program for a unit, as the leader of a process group.
func (p *processes) start(u *unit, starter starter, argv []string, attr *os.ProcAttr) (*child, error) {
	children.starting.RLock()
	defer children.starting.RUnlock()
	p.mu.Lock()
	p.recent[u] = true // before it can leave anything
	p.mu.Unlock()
	process, err := starter(argv[0], argv, attr)
	if err != nil {
		return nil, err
	}
	c := &child{procs: p, unit: u, process: process}
	p.mu.Lock()
	p.started[process.Pid] = c
	p.mu.Unlock()
	children.hosts.Store(process.Pid, p)
	return c, nil
}

// awaitExit waits until a child has ended, and leaves it to be reaped.
func awaitExit(pid int) bool {
	const (
		byPID  = 1
		exited = 4       // WEXITED
		keep   = 1 << 24 // WNOWAIT
	)
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, byPID, uintptr(pid), 0, exited|keep, 0, 0)
		if errno != syscall.EINTR {
			return errno == 0
		}
	}
}

// reaped notes that a child is no more. Its process group may be.
func (p *processes) reaped(c *child) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.started, c.process.Pid)
	children.hosts.CompareAndDelete(c.process.Pid, p)
	if groupExists(c.process.Pid) {
		p.groups[c.process.Pid] = c.unit
	}
}

func groupExists(id int) bool { return !errors.Is(syscall.Kill(-id, 0), syscall.ESRCH) }

// look notes new orphans, and reaps those that have died. It is called after
// each hook, and is quick if there is nothing new.
func (p *processes) look() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	all := p.proc.children()
	p.reap()
	news := slices.ContainsFunc(all, p.isNew)
	if !news {
		p.looked()
	}
	p.mu.Unlock()
	if !news {
		return
	}
	// What looks new may be a child that is not noted yet, or is still a copy of
	// this process: wait for those.
	children.starting.Lock()
	defer children.starting.Unlock()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	all = p.proc.children()
	for _, pid := range all {
		if p.isNew(pid) {
			p.adopt(pid)
		}
	}
	for pid := range p.dead {
		if !slices.Contains(all, pid) {
			delete(p.dead, pid)
		}
	}
	p.reap()
	p.looked()
	if !p.watching && len(p.orphans) > 0 {
		signal.Notify(p.signals, syscall.SIGCHLD)
		p.watching = true
		p.reap() // who died meanwhile
	}
}

func (p *processes) isNew(pid int) bool {
	_, isStarted := children.hosts.Load(pid)
	return !isStarted && p.orphans[pid] == nil
}

// looked forgets what the next look has no need of.
func (p *processes) looked() {
	clear(p.recent)
	for _, c := range p.started {
		p.recent[c.unit] = true
	}
	for id := range p.groups {
		if !groupExists(id) && !p.isSession(id) {
			delete(p.groups, id)
		}
	}
	if p.watching && len(p.orphans) == 0 {
		signal.Stop(p.signals)
		p.watching = false
	}
}

// isSession reports whether an orphan is of that session.
func (p *processes) isSession(id int) bool {
	for _, o := range p.orphans {
		if o.stat.session == id {
			return true
		}
	}
	return false
}

// reap reaps the orphans that have died.
func (p *processes) reap() {
	for pid := range p.orphans {
		if reaped, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil); reaped == pid || errors.Is(err, syscall.ECHILD) {
			delete(p.orphans, pid)
		}
	}
}

// foreignPatience is for how long a dead child is left to whoever may be about
// to wait for it, if nothing is known of it.
const foreignPatience = time.Second

// adopt finds out whether a child is an orphan of ours, and whose.
func (p *processes) adopt(pid int) {
	stat, ok := readStat(pid)
	if !ok || stat.parent != p.proc.self || stat.group == p.proc.group || p.strange[pid] == stat.processAge {
		return
	}
	u, verdict := p.owner(pid, stat)
	switch {
	case verdict == foreign || verdict == guessed && stat.dead && stat.session == p.proc.session:
		return // in our session, too, are the children that others start and wait for
	case verdict == guessed && stat.dead:
		since, seen := p.dead[pid]
		if !seen {
			p.dead[pid] = time.Now()
			p.later.Reset(foreignPatience + foreignPatience/8)
		}
		if !seen || time.Since(since) < foreignPatience {
			return
		}
	}
	delete(p.dead, pid)
	p.orphans[pid] = &orphan{stat, u}
	if verdict == known {
		p.groups[stat.group] = u
		if stat.session != p.proc.session {
			p.groups[stat.session] = u
		}
	}
}

// kill kills what a unit has left, or, with nil, all units and nobody: the
// orphans, then what has lost its parent by that, until there is nothing. The
// children that were started have been killed already.
func (p *processes) kill(u *unit) error {
	deadline := time.Now().Add(killPatience)
	for pause := 100 * time.Microsecond; ; pause = min(2*pause, killPause) {
		p.look()
		left := p.killOnce(u)
		if len(left) == 0 {
			p.forget(u)
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("cannot kill processes %v", left)
		}
		time.Sleep(pause)
	}
}

// killOnce kills the orphans that there are, and returns what was left.
func (p *processes) killOnce(u *unit) (left []int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for pid, o := range p.orphans {
		if u != nil && o.unit != u {
			continue
		}
		left = append(left, pid)
		p.noteHeirs(pid, o.unit, 0)
		if stat, ok := readStat(pid); ok && stat.processAge == o.stat.processAge {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	for pid, c := range p.started {
		if u == nil || c.unit == u {
			left = append(left, pid)
			p.noteHeirs(pid, c.unit, 0)
			c.kill()
		}
	}
	if u == nil {
		left = slices.AppendSeq(left, maps.Keys(p.dead))
	}
	slices.Sort(left)
	return left
}

// forget forgets the heirs of a unit that has nothing left.
func (p *processes) forget(u *unit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for pid, h := range p.heirs {
		if u == nil || h.unit == u {
			delete(p.heirs, pid)
		}
	}
}

// maxDepth bounds the way down to descendants.
const maxDepth = 100

// noteHeirs notes whose the descendants of a process are.
func (p *processes) noteHeirs(pid int, u *unit, depth int) {
	if depth == maxDepth || u == nil {
		return
	}
	for _, below := range descendants(pid) {
		if stat, ok := readStat(below); ok {
			p.heirs[below] = heir{stat.processAge, u}
			p.noteHeirs(below, u, depth+1)
		}
	}
}
