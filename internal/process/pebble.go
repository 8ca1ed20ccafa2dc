// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/charmsmith/charmsmith/internal/charmdir"
)

// pebble is the Pebble of a container.
type pebble struct {
	container string
	socket    string
	child     *child
	ended     chan struct{} // closed when the process has ended
	started   time.Time
	greeted   chan struct{} // closed when nobody waits for its answer any more

	mu      sync.Mutex
	answers bool
}

// AddContainers makes the directories of a unit's containers, and starts a Pebble
// in each, if Options name the program. They are there until the unit is removed;
// one that ends before is not started again. Containers that the unit has already
// are left as they are. It does not wait for them to come up, see Options.Ready;
// what goes wrong is a warning.
func (h *Host) AddContainers(unit string, containers map[string]charmdir.Container) {
	u := h.unit(unit)
	for _, name := range slices.Sorted(maps.Keys(containers)) {
		if err := u.addContainer(name); err != nil {
			h.opts.Warn(unit, fmt.Sprintf("cannot start Pebble in container %q: %v", name, err))
		}
	}
}

func (u *unit) addContainer(name string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.removed || u.pebbles[name] != nil {
		return nil
	}
	dir := filepath.Join(u.paths.Containers, name)
	if err := os.MkdirAll(dir, 0o755); err != nil || u.host.opts.Pebble == "" {
		return err
	}
	p := &pebble{container: name, socket: filepath.Join(dir, "pebble.socket"), ended: make(chan struct{}), greeted: make(chan struct{})}
	if len(p.socket) >= maxSocket {
		return fmt.Errorf("the path of its socket, %q, is too long", p.socket)
	}
	stdout, outEnd, err := newStream()
	if err != nil {
		return err
	}
	defer outEnd.Close()
	stderr, errEnd, err := newStream()
	if err != nil {
		return errors.Join(err, stdout.file.Close())
	}
	defer errEnd.Close()
	module, log := "unit."+u.name+".pebble."+name, u.host.opts.Log
	stdout.log = func(line string) { log(u.name, module, "INFO", line) }
	stderr.log = stdout.log
	program := u.host.opts.Pebble
	p.child, err = u.host.procs.start(u, os.StartProcess, []string{program, "run", "--create-dirs", "--hold"}, &os.ProcAttr{
		Dir: dir, Env: []string{"PATH=" + u.host.path, "PEBBLE=" + dir, "PEBBLE_SOCKET=" + p.socket},
		Files: []*os.File{u.host.null, outEnd, errEnd}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		_, _ = stdout.file.Close(), stderr.file.Close()
		return explainStart(program, dir, err)
	}
	p.started = time.Now()
	u.pebbles[name] = p
	u.readLocked(stdout)
	u.readLocked(stderr)
	u.readers.Go(func() { u.watch(p) })
	u.readers.Go(func() { u.greet(p) })
	return nil
}

// watch waits for the end of a Pebble.
func (u *unit) watch(p *pebble) {
	status := p.child.wait()
	close(p.ended)
	p.setAnswers(false)
	select {
	case <-u.left:
		return
	default:
	}
	how := fmt.Sprintf("exit status %d", status.ExitStatus())
	if status.Signaled() {
		how = "signal: " + status.Signal().String()
	}
	u.host.opts.Warn(u.name, fmt.Sprintf("Pebble in container %q has ended: %s", p.container, how))
}

// greet waits until a Pebble answers.
func (u *unit) greet(p *pebble) {
	defer close(p.greeted)
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		if askPebble(p.socket) {
			break
		}
		select {
		case <-p.ended:
			return
		case <-u.left:
			return
		case <-time.After(pause):
		}
	}
	if p.setAnswers(true) {
		u.host.opts.Ready(u.name, p.container)
	}
}

// setAnswers notes whether the Pebble answers, and reports whether it may: one
// that has ended does not again.
func (p *pebble) setAnswers(answers bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.ended:
		p.answers = false
	default:
		p.answers = answers
	}
	return p.answers
}

// pebblePatience is how long a Pebble may take to come up.
const pebblePatience = 10 * time.Second

// AwaitPebbles waits until the Pebbles that were started have come up, and Ready
// was told; or have ended, or take longer than ten seconds. It reports whether it
// has waited for one.
func (h *Host) AwaitPebbles(ctx context.Context) (waited bool, err error) {
	for _, p := range h.pebbles() {
		patience := time.Until(p.started.Add(pebblePatience))
		select {
		case <-p.greeted:
			continue
		default:
		}
		if patience <= 0 {
			continue
		}
		waited = true
		select {
		case <-p.greeted:
		case <-time.After(patience):
		case <-ctx.Done():
			return waited, context.Cause(ctx)
		}
	}
	return waited, nil
}

// pebbles returns all Pebbles that were started.
func (h *Host) pebbles() []*pebble {
	h.mu.Lock()
	units := slices.Collect(maps.Values(h.units))
	h.mu.Unlock()
	var all []*pebble
	for _, u := range units {
		u.mu.Lock()
		all = slices.AppendSeq(all, maps.Values(u.pebbles))
		u.mu.Unlock()
	}
	return all
}

// Answers reports whether there is a Pebble in the container that has come up,
// and runs.
func (h *Host) Answers(unit, container string) bool {
	u := h.unitOf(unit)
	if u == nil {
		return false
	}
	u.mu.Lock()
	p := u.pebbles[container]
	u.mu.Unlock()
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.answers
}

// askPebble reports whether a Pebble answers at a socket. It does so without
// package net/http, which nothing else here needs.
func askPebble(socket string) bool {
	conn, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return false
	}
	if _, err := io.WriteString(conn, "GET /v1/system-info HTTP/1.0\r\n\r\n"); err != nil {
		return false
	}
	var status [len("HTTP/1.0 200")]byte
	if _, err := io.ReadFull(conn, status[:]); err != nil {
		return false
	}
	return strings.HasPrefix(string(status[:]), "HTTP/1.") && strings.HasSuffix(string(status[:]), " 200")
}
