// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/charmsmith/charmsmith/internal/charmsource"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// unit is what a Host has of one unit.
type unit struct {
	host  *Host
	name  string
	paths juju.Paths
	end   func() error  // remove, once
	left  chan struct{} // closed when the unit is being removed

	turn     sync.Mutex // held while its charm runs
	socket   socket
	charm    *charm // whose files the unit has; nil: none
	manifest charmsource.Manifest
	view     view

	mu      sync.Mutex
	removed bool
	running *dispatch // nil: none
	pebbles map[string]*pebble
	streams map[*stream]bool // whose output is still read
	readers sync.WaitGroup   // of streams, and what watches Pebbles
}

func (h *Host) newUnit(name string, number int) *unit {
	dir := filepath.Join(h.root, "agents", "unit-"+strings.ReplaceAll(name, "/", "-"))
	short := filepath.Join(h.sockets, strconv.Itoa(number))
	u := &unit{
		host: h, name: name, left: make(chan struct{}), streams: make(map[*stream]bool), pebbles: make(map[string]*pebble),
		paths: juju.Paths{
			CharmDir: filepath.Join(dir, "charm"), AgentDir: dir, ToolsDir: filepath.Join(h.root, "tools"), AgentPath: h.path,
			Socket: filepath.Join(short, "agent.socket"), Containers: filepath.Join(short, "c"),
		},
	}
	u.socket.path = u.paths.Socket
	u.end = sync.OnceValue(u.remove)
	return u
}

// prepare makes the unit's directories, with the files of a charm.
func (u *unit) prepare(ctx context.Context, c *charm) error {
	if u.charm == c {
		return nil
	}
	for _, dir := range []string{filepath.Dir(u.paths.Socket), u.paths.AgentDir} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("cannot make a directory of unit %s: %w", u.name, err)
		}
	}
	manifest, err := charmsource.Copy(ctx, c.staged, u.paths.CharmDir, u.manifest)
	if err != nil {
		return err
	}
	u.charm, u.manifest = c, manifest
	return nil
}

// begins notes the dispatch that is about to run; it reports whether it may.
func (u *unit) begins(d *dispatch) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.running = d
	return !u.removed
}

// ends is the end of begins.
func (u *unit) ends() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.running = nil
}

// leave kills the unit's charm, if it runs, and lets no other start.
func (u *unit) leave() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.removed {
		u.removed = true
		close(u.left)
	}
	if u.running != nil {
		u.running.kill(byRemoval)
	}
}

// remove ends all that is left of a unit that leaves.
func (u *unit) remove() error {
	u.turn.Lock()
	defer u.turn.Unlock()
	err := u.host.procs.kill(u)
	u.socket.close()
	u.view.close()
	u.mu.Lock()
	for s := range u.streams { // which a process may have that is not ours
		_ = s.file.Close()
	}
	u.mu.Unlock()
	u.readers.Wait()
	dirs := []string{filepath.Dir(u.paths.Socket)}
	if !u.host.opts.Keep {
		dirs = append(dirs, u.paths.AgentDir)
	}
	errs := []error{err}
	for _, dir := range dirs {
		errs = append(errs, RemoveAll(dir))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("cannot remove unit %s: %w", u.name, err)
	}
	return nil
}

// read reads a stream to its end.
func (u *unit) read(s *stream) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.readLocked(s)
}

func (u *unit) readLocked(s *stream) {
	u.streams[s] = true
	u.readers.Go(func() {
		buffer := u.host.buffers.Get().(*[readSize]byte)
		s.read(buffer[:])
		u.host.buffers.Put(buffer)
		u.mu.Lock()
		delete(u.streams, s)
		u.mu.Unlock()
	})
}
