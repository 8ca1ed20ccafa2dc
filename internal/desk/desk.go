// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/charmsmith/charmsmith/internal/charmsource"
	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/internal/process"
	"github.com/charmsmith/charmsmith/internal/timeline"
)

// Options of a Desk. A nil *Options and zero fields mean the defaults.
type Options struct {
	JujuVersion string        // "3.6", "4", or a whole version of either; default the newest
	CAAS        bool          // a model on Kubernetes
	Seed        uint64        // decides what Juju leaves open
	Parallel    int           // hooks at once; default the number of CPUs
	Dir         string        // keeps the units' directories and the log; default a temporary one, which Close removes
	HookTimeout time.Duration // after which a hook is killed; default 5 minutes
	Self        string        // the program that is every hook command; default this one
	Pebble      string        // the pebble program; default the one on PATH; "-": none
	Commands    bool          // keep every hook command, for Watch and the Timeline
	Timeline    bool          // keep everything, for Timeline

	Out   io.Writer            // where script lines print; default nowhere
	Color bool                 // with colors
	Watch func(timeline.Entry) // is told what happens, one by one and in order; must not call Do or Close
}

// attempts is how often a hook is tried before it waits to be resolved.
const attempts = 4

// Desk is a Juju on a desk. Its methods but Close are not for concurrent use.
type Desk struct {
	opts      Options
	model     *juju.Model
	host      *process.Host
	engine    *juju.Engine
	root      string // has the staged charms, the log, and the units' directories
	log       *logFile
	addresses addresses
	start     time.Time
	apps      map[string]*deployed // by name

	mu      sync.Mutex // guards what Watch's goroutine writes
	run     timeline.Run
	began   map[int]float64     // when hooks began, by number
	seen    map[string]bool     // units that have begun a hook
	failing map[string]failure  // by unit: what its last hook failed with
	absent  map[string][]string // containers without a Pebble, by unit
	moved   bool                // containers with a Pebble are not at /charm/containers
	closed  bool
}

// deployed is an application and where its charm comes from.
type deployed struct {
	source   *charmsource.Source
	revision int
}

// New returns a Desk without applications.
func New(opts *Options) (*Desk, error) {
	d := &Desk{start: time.Now(), apps: make(map[string]*deployed), began: make(map[int]float64), seen: make(map[string]bool),
		failing: make(map[string]failure), absent: make(map[string][]string)}
	if opts != nil {
		d.opts = *opts
	}
	if err := d.setDefaults(); err != nil {
		return nil, err
	}
	if err := d.makeRoot(); err != nil {
		return nil, err
	}
	if err := d.begin(); err != nil {
		return nil, errors.Join(err, d.addresses.release(), d.removeRoot())
	}
	return d, nil
}

func (d *Desk) setDefaults() error {
	o := &d.opts
	version, err := jujuVersion(o.JujuVersion)
	if err != nil {
		return err
	}
	o.JujuVersion = version
	if o.Self == "" {
		if o.Self, err = os.Executable(); err != nil {
			return fmt.Errorf("cannot find this program: %w", err)
		}
	}
	if o.Parallel <= 0 {
		o.Parallel = runtime.NumCPU()
	}
	if o.HookTimeout <= 0 {
		o.HookTimeout = 5 * time.Minute
	}
	if o.Pebble, err = findPebble(o.Pebble); err != nil {
		return err
	}
	if o.Out == nil {
		o.Out = io.Discard
	}
	d.run = timeline.Run{Model: "desk", Juju: version, Type: modelType(o.CAAS), Seed: o.Seed}
	return nil
}

func modelType(caas bool) string {
	if caas {
		return "caas"
	}
	return "iaas"
}

// jujuVersion returns the version that a model says it is of.
func jujuVersion(asked string) (string, error) {
	switch {
	case asked == "" || asked == "4" || asked == "4.1":
		return "4.1.0", nil
	case asked == "3.6" || asked == "3":
		return "3.6.26", nil
	case strings.HasPrefix(asked, "3.6.") || strings.HasPrefix(asked, "4."):
		return asked, nil
	}
	return "", &UsageError{fmt.Errorf("there is no Juju %q here: it is 3.6 or 4", asked)}
}

// makeRoot makes the directory that everything is in.
func (d *Desk) makeRoot() (err error) {
	if d.opts.Dir == "" {
		d.root, err = os.MkdirTemp("", "charmsmith-")
		return err
	}
	if d.root, err = filepath.Abs(d.opts.Dir); err != nil {
		return err
	}
	// What charms write is not for others to read, as in a temporary directory.
	if err := os.MkdirAll(d.root, 0o700); err != nil {
		return fmt.Errorf("cannot keep the units' directories: %w", err)
	}
	entries, err := os.ReadDir(d.root)
	if err != nil {
		return fmt.Errorf("cannot keep the units' directories: %w", err)
	}
	if len(entries) > 0 {
		return &UsageError{fmt.Errorf("cannot keep the units' directories in %q: it must be empty", d.opts.Dir)}
	}
	return nil
}

func (d *Desk) removeRoot() error {
	if d.opts.Dir != "" {
		return nil
	}
	return process.RemoveAll(d.root)
}

// begin makes the model and what runs its charms.
func (d *Desk) begin() (err error) {
	d.addresses = takeAddresses()
	if d.log, err = newLogFile(filepath.Join(d.root, "debug.log")); err != nil {
		return err
	}
	opts := &juju.Options{
		Name: d.run.Model, Version: d.opts.JujuVersion, CAAS: d.opts.CAAS, Seed: d.opts.Seed,
		Attempts: attempts, RecordCalls: d.opts.Commands, TextOnly: true, Now: time.Now,
		Paths:   func(unit string) juju.Paths { return d.host.Paths(unit) },
		Pebble:  func(unit, container string) bool { return d.host.Answers(unit, container) },
		Address: d.addresses.of,
		Storage: d.storage,
		Log:     func(l juju.LogLine) { d.log.add(l.At, l.Unit, l.Level, l.Module, l.Message) },
	}
	d.model = juju.New(opts)
	d.host, err = process.New(process.Options{
		Dir: d.root, Keep: d.opts.Dir != "", Self: d.opts.Self, Commands: d.model.CommandNames(), HookTimeout: d.opts.HookTimeout, Pebble: d.opts.Pebble,
		Log:   func(unit, module, level, message string) { d.log.add(time.Now(), unit, level, module, message) },
		Warn:  d.warn,
		Ready: d.ready,
	})
	if err != nil {
		d.log.close()
		return err
	}
	d.engine = d.model.Start(juju.EngineOptions{Parallel: d.opts.Parallel, Report: d.report})
	return nil
}

// storage makes the place of a storage instance.
func (d *Desk) storage(id, kind string) string {
	place := filepath.Join(d.root, "storage", filepath.FromSlash(id))
	parent := place
	if kind == "block" { // for which a file stands
		parent = filepath.Dir(place)
	}
	err := os.MkdirAll(parent, 0o755)
	if err == nil && kind == "block" {
		err = os.WriteFile(place, nil, 0o600)
	}
	if err != nil {
		d.warn("", fmt.Sprintf("cannot make storage %s: %v", id, err))
	}
	return place
}

// Settle waits until nothing is left to do, nor a Pebble about to come up; units may then be in error. An error
// is a *juju.SettleError, or that of ctx.
func (d *Desk) Settle(ctx context.Context) error {
	for {
		if err := d.engine.Settle(ctx); err != nil {
			return err
		}
		if d.opts.Pebble == "" {
			return nil
		}
		if waited, err := d.host.AwaitPebbles(ctx); !waited || err != nil {
			return err
		}
	}
}

// Running returns what runs: "app/0 install", and for how long.
func (d *Desk) Running() []Running {
	now := time.Since(d.start).Seconds()
	reports := d.engine.Running()
	d.mu.Lock()
	defer d.mu.Unlock()
	running := make([]Running, 0, len(reports))
	for _, r := range reports {
		if began, ok := d.began[r.Run]; ok {
			running = append(running, Running{Unit: r.Unit, Hook: r.Hook, For: time.Duration((now - began) * float64(time.Second))})
		}
	}
	return running
}

// Running is a hook that runs.
type Running struct {
	Unit, Hook string
	For        time.Duration
}

// Root returns the directory with the units' directories and the log.
func (d *Desk) Root() string { return d.root }

// Model returns the model, to be read.
func (d *Desk) Model() *juju.Model { return d.model }

// Timeline returns what has happened so far, if the Desk keeps it.
func (d *Desk) Timeline() *timeline.Run {
	d.mu.Lock()
	defer d.mu.Unlock()
	run := d.run
	run.Entries = slices.Clone(d.run.Entries)
	run.Units = unitsOf(run.Entries)
	run.Link()
	return &run
}

// unitsOf returns the units that have run a hook, by application and number.
func unitsOf(entries []timeline.Entry) []string {
	seen := make(map[string]bool)
	for _, e := range entries {
		if e.Kind == timeline.KindHook {
			seen[e.Unit] = true
		}
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b string) int {
		app, number, _ := strings.Cut(a, "/")
		other, otherNumber, _ := strings.Cut(b, "/")
		return cmp.Or(cmp.Compare(app, other), cmp.Compare(len(number), len(otherNumber)), cmp.Compare(number, otherNumber))
	})
}

// Close kills what runs, and removes what is not to be kept. It waits until
// that is done. To close twice is no error.
func (d *Desk) Close() error {
	d.mu.Lock()
	again := d.closed
	d.closed = true
	d.mu.Unlock()
	if again {
		return nil
	}
	d.engine.Stop()
	return errors.Join(d.host.Close(), d.log.close(), d.addresses.release(), d.removeRoot())
}
