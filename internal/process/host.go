// SPDX-License-Identifier: Apache-2.0

package process

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/charmsmith/charmsmith/internal/juju"
)

// Options of a Host. Zero fields mean the defaults. Its functions must not call
// the Host, and RemoveUnit and Close wait for those that run.
type Options struct {
	// Dir has the units' directories, and must not have those of another Host.
	// They are kept if Keep says so; Dir is not removed. Default: a temporary
	// directory that Close removes.
	Dir  string
	Keep bool
	// Self is the program that stands on PATH under the name of every hook
	// command. It has to behave as the client of Juju's RPC then.
	// It is started, too, to make mount namespaces, and calls [mountns.Help].
	Self     string
	Commands []string // the names of the hook commands
	// HookTimeout is after what time a hook, action or juju-exec is killed and
	// has failed. Default 5 minutes.
	HookTimeout time.Duration
	// Log is given the lines that a charm prints: to standard output at level
	// DEBUG, to standard error at WARNING, in the module "unit.app/0.hook-name";
	// and those of a Pebble at INFO, in "unit.app/0.pebble.container". It is
	// called by several goroutines at once.
	Log func(unit, module, level, message string)
	// Warn is given what a person should know of a unit, as a sentence without
	// its name. It is called by several goroutines at once.
	Warn func(unit, text string)
	// Pebble is the program of that name. Without it containers stay as they are
	// before their Pebble is up.
	Pebble string
	// Ready is called when a Pebble has come up and answers; by several
	// goroutines at once.
	Ready func(unit, container string)
}

const defaultTimeout = 5 * time.Minute

// Host has the processes of all units, and their directories. Its methods are
// safe for concurrent use. None of the functions of its Options is called any
// more when Close has returned.
type Host struct {
	opts    Options
	root    string // has agents and tools
	sockets string // has a directory for each unit; short
	path    string // of this process
	null    *os.File
	procs   *processes
	buffers sync.Pool
	end     func() error // Close, once
	views   bool         // units can have their containers at containersPlace

	mu       sync.Mutex
	units    map[string]*unit
	numbered []*unit // by the names of their directories for sockets
	closed   bool
}

// New returns a Host without units.
func New(opts Options) (*Host, error) {
	h := &Host{opts: opts, units: make(map[string]*unit)}
	h.opts.HookTimeout = cmp.Or(opts.HookTimeout, defaultTimeout)
	if opts.Log == nil {
		h.opts.Log = func(_, _, _, _ string) {}
	}
	if opts.Warn == nil {
		h.opts.Warn = func(_, _ string) {}
	}
	if opts.Ready == nil {
		h.opts.Ready = func(_, _ string) {}
	}
	h.buffers.New = func() any { return new([readSize]byte) }
	h.path = cmp.Or(os.Getenv("PATH"), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	h.end = sync.OnceValue(h.shut)
	if err := h.create(); err != nil {
		return nil, errors.Join(err, h.removeDirs())
	}
	return h, nil
}

// create makes the directories that units share.
func (h *Host) create() (err error) {
	if h.null, err = os.Open(os.DevNull); err != nil {
		return err
	}
	if h.opts.Dir == "" {
		h.root, err = os.MkdirTemp("", "charmsmith-")
	} else {
		h.root, err = filepath.Abs(h.opts.Dir)
	}
	if err != nil {
		return fmt.Errorf("cannot make a directory for units: %w", err)
	}
	if strings.Contains(h.root, ":") {
		return fmt.Errorf("cannot use directory %q: it would be on PATH, where a colon ends it", h.root)
	}
	if err := h.createDirs(); err != nil {
		return err
	}
	if h.opts.Self == "" && len(h.opts.Commands) > 0 {
		return errors.New("cannot make hook commands: Options.Self names no program")
	}
	self, err := filepath.Abs(h.opts.Self)
	if err != nil {
		return fmt.Errorf("cannot find %q: %w", h.opts.Self, err)
	}
	h.opts.Self = self
	for _, name := range h.opts.Commands {
		if err := os.Symlink(self, filepath.Join(h.root, "tools", name)); err != nil {
			return fmt.Errorf("cannot make hook command %q: %w", name, err)
		}
	}
	if h.sockets, err = socketsDir(); err != nil {
		return fmt.Errorf("cannot make a directory for sockets: %w", err)
	}
	if h.opts.Pebble != "" {
		h.views = tryView(self, h.sockets)
	}
	h.procs, err = newProcesses(h)
	return err
}

func (h *Host) createDirs() error {
	err := os.MkdirAll(h.root, 0o755)
	if err == nil {
		err = os.Mkdir(filepath.Join(h.root, "agents"), 0o755)
	}
	if errors.Is(err, fs.ErrExist) {
		h.root = "" // is another's
		return fmt.Errorf("cannot use directory %q: it has the units of another run; remove it, or name another one", h.opts.Dir)
	}
	if err == nil {
		err = os.MkdirAll(filepath.Join(h.root, "tools"), 0o755)
	}
	if err != nil {
		return fmt.Errorf("cannot make a directory for units: %w", err)
	}
	return nil
}

// maxSocket is the longest path of a socket, on Linux; others have 3 bytes less.
const maxSocket = 104

// socketsDir makes a directory whose path leaves room for those of sockets.
func socketsDir() (string, error) {
	dir, err := filepath.Abs(os.TempDir())
	if err != nil {
		return "", err
	}
	if len(dir)+len("/charmsmith-4294967295/99999/c/")+32+len("/pebble.socket") > maxSocket {
		dir = "/tmp"
	}
	return os.MkdirTemp(dir, "charmsmith-") // for us alone, so that the sockets are
}

// Paths returns where things of a unit are. It is for [juju.Options].
func (h *Host) Paths(unit string) juju.Paths { return h.unit(unit).paths }

// unit returns the unit of that name, which may be a new one.
func (h *Host) unit(name string) *unit {
	h.mu.Lock()
	defer h.mu.Unlock()
	u := h.units[name]
	if u == nil {
		u = h.newUnit(name, len(h.numbered))
		h.units[name], h.numbered = u, append(h.numbered, u)
		if h.closed {
			u.leave()
		}
	}
	return u
}

// unitOf returns the unit of that name, if there is one.
func (h *Host) unitOf(name string) *unit {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.units[name]
}

// RemoveUnit kills the unit's charm, if it runs, and all processes that its hooks
// have left, and removes its directory, unless Options.Dir keeps it. A unit that
// was not there, or is removed, is no error. An error says what could not be
// killed or removed.
func (h *Host) RemoveUnit(unit string) error {
	u := h.unitOf(unit)
	if u == nil {
		return nil
	}
	u.leave()
	return u.end()
}

// Close removes all units, and the temporary directories. When it is called
// again, it returns the same.
func (h *Host) Close() error { return h.end() }

func (h *Host) shut() error {
	h.mu.Lock()
	h.closed = true
	units := slices.Collect(maps.Values(h.units))
	h.mu.Unlock()
	for _, u := range units { // all at first, so that they end together
		u.leave()
	}
	var errs []error
	for _, u := range units {
		errs = append(errs, u.end())
	}
	errs = append(errs, h.procs.kill(nil))
	h.procs.close()
	return errors.Join(append(errs, h.removeDirs())...)
}

// removeDirs removes the directories, but for those that are kept.
func (h *Host) removeDirs() error {
	if h.null != nil {
		_ = h.null.Close()
	}
	remove := []string{h.sockets}
	if h.opts.Dir == "" {
		remove = append(remove, h.root)
	} else if h.root != "" {
		remove = append(remove, filepath.Join(h.root, "tools"))
		if !h.opts.Keep {
			remove = append(remove, filepath.Join(h.root, "agents"))
		}
	}
	var errs []error
	for _, dir := range remove {
		if dir != "" {
			errs = append(errs, RemoveAll(dir))
		}
	}
	return errors.Join(errs...)
}

// RemoveAll removes a directory, even if a charm made parts of it read-only.
func RemoveAll(dir string) error {
	if os.RemoveAll(dir) == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(dir)
}
