// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/charmsmith/charmsmith/internal/juju"
)

// outputGrace is for how long output is read of a program that has ended: other
// processes may have it.
const outputGrace = 100 * time.Millisecond

// dispatch is one run of a charm.
type dispatch struct {
	host   *Host
	unit   *unit
	hook   *juju.Hook
	kind   kind
	name   string // of the hook or action
	env    []string
	argv   []string
	script string // of juju-exec

	child          *child
	stdin          *os.File // nil: the null device
	stdout, stderr *stream

	mu      sync.Mutex // held while it starts
	started *child     // nil: not yet
	killed  cause
}

// errKilled says that a dispatch was killed before it started.
var errKilled = errors.New("killed")

// start starts the program.
func (d *dispatch) start() error {
	stdin := d.host.null
	if d.kind == someCommands {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		defer r.Close()
		stdin, d.stdin = r, w
	}
	stdout, outEnd, err := newStream()
	if err != nil {
		return errors.Join(err, d.dropStdin())
	}
	defer outEnd.Close()
	stderr, errEnd, err := newStream()
	if err != nil {
		return errors.Join(err, stdout.file.Close(), d.dropStdin())
	}
	defer errEnd.Close()
	d.keepOutput(stdout, stderr)
	attr := os.ProcAttr{Dir: d.unit.paths.CharmDir, Env: d.env, Files: []*os.File{stdin, outEnd, errEnd}, Sys: &syscall.SysProcAttr{Setsid: true}} // as of a service: it has no terminal
	for wait := time.Millisecond; ; wait *= 2 {
		err = d.startChild(&attr)
		// A program that was just written is busy as long as a process, forked by
		// another goroutine meanwhile, has not come to its exec.
		if !errors.Is(err, syscall.ETXTBSY) || wait > time.Second {
			break
		}
		time.Sleep(wait)
	}
	if err != nil {
		_, _ = stdout.file.Close(), stderr.file.Close()
		return errors.Join(err, d.dropStdin())
	}
	d.unit.read(stdout)
	d.unit.read(stderr)
	if d.stdin != nil {
		d.unit.readers.Go(func() { // until the program ends
			_, _ = d.stdin.WriteString(d.script)
			_ = d.stdin.Close()
		})
	}
	return nil
}

func (d *dispatch) startChild(attr *os.ProcAttr) (err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.killed != notKilled {
		return errKilled
	}
	d.child, err = d.host.procs.start(d.unit, d.unit.starter(), d.argv, attr)
	d.started = d.child
	return err
}

func (d *dispatch) dropStdin() error {
	if d.stdin == nil {
		return nil
	}
	return d.stdin.Close()
}

// keepOutput sets what becomes of the output.
func (d *dispatch) keepOutput(stdout, stderr *stream) {
	d.stdout, d.stderr = stdout, stderr
	stdout.capture = d.kind != aHook
	stderr.capture, stderr.ends = stdout.capture, d.kind == aHook
	if d.kind == someCommands {
		return
	}
	unit, module, log := d.unit.name, "unit."+d.unit.name+"."+d.name, d.host.opts.Log
	stdout.log = func(line string) { log(unit, module, "DEBUG", line) }
	stderr.log = func(line string) { log(unit, module, "WARNING", line) }
}

// kill kills the program with its process group. The first cause counts.
func (d *dispatch) kill(why cause) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.killed == notKilled {
		d.killed = why
	}
	if d.started != nil {
		d.started.kill()
	}
}

func (d *dispatch) wasKilled() cause {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.killed
}

// exit returns how the program ended.
func (d *dispatch) exit(status syscall.WaitStatus) juju.Exit {
	exit := juju.Exit{Code: status.ExitStatus(), Stdout: d.stdout.kept, Stderr: d.stderr.kept}
	if d.kind == aHook {
		exit.Stderr = d.stderr.excerpt()
	}
	if !status.Signaled() {
		return exit
	}
	exit.Signal = status.Signal()
	switch why := d.wasKilled(); {
	case exit.Signal == syscall.SIGKILL && why == byTimeout:
		exit.Code, exit.Signal, exit.Final = 1, 0, true
		exit.Err = fmt.Errorf("the %s was killed after %s (--hook-timeout)", d.kind, d.host.opts.HookTimeout)
	case exit.Signal != syscall.SIGKILL && exit.Signal != syscall.SIGTERM:
		exit.Err = fmt.Errorf("signal: %s", exit.Signal)
	}
	return exit
}

// warnOfOutput warns if not all of the output was kept.
func (d *dispatch) warnOfOutput() {
	var cut []string
	for _, s := range []struct {
		name string
		*stream
	}{{"standard output", d.stdout}, {"standard error", d.stderr}} {
		if n := s.dropped(); n > 0 {
			cut = append(cut, fmt.Sprintf("%d bytes of its %s", n, s.name))
		}
	}
	if cut != nil {
		d.host.opts.Warn(d.unit.name, fmt.Sprintf("%s %q printed more than the %d KiB that are kept: %s are left out", d.kind, d.name, maxKept>>10, strings.Join(cut, " and ")))
	}
}

// relative returns a path in the charm as people know it.
func relative(charmDir, file string) string {
	if name, err := filepath.Rel(charmDir, file); err == nil && filepath.IsLocal(name) {
		return name
	}
	return file
}
