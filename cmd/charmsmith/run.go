// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/charmsmith/charmsmith/internal/charmsource"
	"github.com/charmsmith/charmsmith/internal/desk"
	"github.com/charmsmith/charmsmith/internal/termtext"
)

// runFlags are the flags of charmsmith run, as they were given.
type runFlags struct {
	units       int
	name        string
	config      []string
	scripts     sources
	interactive bool
	juju        string
	modelType   string
	seed        uint64
	timeline    string
	json        bool
	keep        string
	hookTimeout time.Duration
	parallel    int
	pebble      string
	verbose     bool
}

// plan is a run that was checked.
type plan struct {
	charm       string
	bundle      bool
	deployment  desk.Deployment // unless it is a bundle
	lines       []scriptLine
	interactive bool
	timeline    string // file; empty: none
	json        bool
	desk        desk.Options
}

const runExamples = `  charmsmith run ./mycharm --units 3
  charmsmith run ./web.charm --do 'deploy ./db' --do 'integrate web db' --do 'expect web active'
  charmsmith run ./mycharm --interactive`

// runCommand returns the command charmsmith run, which sets the exit code, and
// whether what it shows is JSON.
func runCommand(sys *system, exit *int, asJSON *bool) *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run [flags] CHARM",
		Short: "Deploy a charm on a Juju in memory, as real processes",
		Long: "Example:\n" + runExamples + `

Deploys CHARM, which is a charm directory, a .charm file or a bundle.yaml, on a
Juju in memory. Each hook is a process of its own. When all is settled, the lines
of --script and --do are done, in the order given; those are the juju client's:

` + desk.Help() + `
The exit code is 1 if a unit ends in error, an "expect" fails or the model does
not settle, and 2 if what was asked for cannot be done. A signal that ends the
run adds its number to 128: it is 130 after Ctrl-C.`,
		DisableFlagsInUseLine: true,
		Args: func(c *cobra.Command, args []string) error {
			*asJSON = f.json
			return checkArgs(c, args)
		},
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if !c.Flags().Changed("seed") {
			f.seed = uint64(rand.Uint32())
		}
		p, err := f.check(args[0], sys.stdin, c.Flags().Changed)
		if err != nil {
			return &wrongUse{err, c.CommandPath()}
		}
		*exit, err = p.run(c.Context(), sys)
		if _, isUsage := errors.AsType[*desk.UsageError](err); isUsage {
			return &wrongUse{err, c.CommandPath()}
		}
		if err != nil {
			sys.problem(err, f.json)
			*exit = exitUsage
		}
		return nil
	}
	f.add(c)
	return c
}

func checkArgs(c *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return &wrongUse{errors.New("cannot run nothing: name a charm directory, a .charm file or a bundle.yaml"), c.CommandPath()}
	case 1:
		return nil
	}
	return &wrongUse{fmt.Errorf("cannot run %d charms: name one, and others by --do \"deploy %s\"", len(args), termtext.Clean(args[1], valueLimit)), c.CommandPath()}
}

// add adds the flags to the command.
func (f *runFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.SortFlags = false
	flags.IntVarP(&f.units, "units", "n", 1, "deploy `N` units of the charm")
	flags.StringVar(&f.name, "name", "", "call the application `NAME` (default the charm's)")
	flags.StringArrayVar(&f.config, "config", nil, "set an option of the charm, `K=V`; repeatable")
	flags.Var(f.scripts.flag(false), "do", "do a script line; repeatable")
	flags.Var(f.scripts.flag(true), "script", "do the script lines of a file; - is standard input")
	flags.BoolVarP(&f.interactive, "interactive", "i", false, "then read script lines from a prompt")
	flags.StringVar(&f.juju, "juju-version", "", "behave as Juju `V`, 3.6 or 4 (default the newest)")
	flags.StringVar(&f.modelType, "model-type", "", "use machines or Kubernetes, `iaas|caas` (default caas if a charm has containers)")
	flags.Uint64Var(&f.seed, "seed", 0, "choose by `N` what Juju leaves open (default random)")
	flags.StringVar(&f.timeline, "timeline", "", "write a timeline to `FILE`: .html, .svg or .json")
	flags.BoolVar(&f.json, "json", false, "print events as lines of JSON")
	flags.StringVar(&f.keep, "keep", "", "keep the units' directories and the log in `DIR`")
	flags.DurationVar(&f.hookTimeout, "hook-timeout", 5*time.Minute, "kill hooks that take longer than `D`")
	flags.IntVar(&f.parallel, "parallel", 0, "run `N` hooks at once (default the number of CPUs)")
	flags.StringVar(&f.pebble, "pebble", "", "run `FILE` in containers; - is nothing (default the pebble on PATH)")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "show every hook command")
}

// check finds out all that can be wrong before something runs.
func (f *runFlags) check(charm string, stdin io.Reader, given func(flag string) bool) (*plan, error) {
	p := &plan{charm: charm, interactive: f.interactive, timeline: f.timeline, json: f.json}
	var err error
	if p.bundle = charmsource.IsBundle(charm); p.bundle {
		for _, flag := range []string{"units", "name", "config"} {
			if given(flag) {
				return nil, fmt.Errorf("cannot use --%s with a bundle", flag)
			}
		}
	}
	switch {
	case f.units < 0:
		return nil, fmt.Errorf("cannot deploy %d units", f.units)
	case f.hookTimeout <= 0:
		return nil, fmt.Errorf("cannot use --hook-timeout %s: it must be positive", f.hookTimeout)
	case f.parallel < 0 || f.parallel == 0 && given("parallel"):
		return nil, fmt.Errorf("cannot run %d hooks at once", f.parallel)
	case given("name") && f.name == "":
		return nil, errors.New("cannot use --name: it is empty")
	case given("keep") && f.keep == "":
		return nil, errors.New("cannot use --keep: it is empty")
	}
	if p.lines, err = f.scripts.read(stdin); err != nil {
		return nil, err
	}
	if f.interactive && f.scripts.useStdin() {
		return nil, errors.New("cannot use --interactive with --script -: both read standard input")
	}
	if given("timeline") {
		if err := checkTimeline(f.timeline); err != nil {
			return nil, err
		}
	}
	containers, err := hasContainers(charm, p.bundle)
	if err != nil {
		return nil, err
	}
	p.desk = desk.Options{
		JujuVersion: f.juju, Seed: f.seed, Parallel: f.parallel, Dir: f.keep, HookTimeout: f.hookTimeout, Pebble: f.pebble,
		Commands: f.verbose, Timeline: f.timeline != "",
	}
	if p.desk.CAAS, err = isCAAS(f.modelType, containers); err != nil {
		return nil, err
	}
	p.desk.Parallel = cmp.Or(f.parallel, runtime.NumCPU())
	p.deployment = desk.Deployment{Path: charm, Name: f.name, Units: f.units}
	if p.deployment.Config, err = desk.Pairs(f.config); err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	return p, nil
}

// useStdin reports whether lines come from standard input.
func (s sources) useStdin() bool {
	for _, from := range s {
		if from.file && from.arg == "-" {
			return true
		}
	}
	return false
}

func isCAAS(modelType string, containers bool) (bool, error) {
	switch modelType {
	case "":
		return containers, nil
	case "caas":
		return true, nil
	case "iaas":
		return false, nil
	}
	return false, fmt.Errorf("cannot use --model-type %q: it is iaas or caas", modelType)
}

// hasContainers reports whether a charm has, or one of a bundle.
func hasContainers(charm string, bundle bool) (bool, error) {
	charms := []string{charm}
	if bundle {
		read, err := charmsource.ReadBundle(charm)
		if err != nil {
			return false, err
		}
		charms = nil
		for _, app := range read.Applications {
			charms = append(charms, app.Charm)
		}
	}
	has := false
	for _, charm := range charms {
		source, err := charmsource.Open(charm)
		if err != nil {
			return false, err
		}
		has = has || len(source.Charm.Containers) > 0
	}
	return has, nil
}

// run runs the plan, and returns the exit code. An error says why nothing ran.
func (p *plan) run(ctx context.Context, sys *system) (exit int, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stdout := &endingWriter{to: sys.stdout, failed: func(err error) {
		cancel(&outputError{err})
	}}
	s := &session{plan: p, umask: sys.umask}
	var v *view // nil: it is JSON
	onTerminal := isTerminal(sys.stdout) && sys.getenv("TERM") != "dumb"
	if p.json {
		s.show = newJSONLines(stdout, sys.stderr)
	} else {
		p.desk.Color = onTerminal && sys.getenv("NO_COLOR") == ""
		v = newView(stdout, p.desk.Color, p.desk.Commands)
		v.errors = sys.stderr
		s.show = v
	}
	p.desk.Out, p.desk.Watch = s.show, s.show.entry
	if s.model, err = sys.open(p.desk); err != nil {
		return 0, err
	}
	if v != nil && onTerminal {
		v.progress.running, v.progress.width = s.model.Running, func() int { return columns(sys.stdout) }
	}
	if p.interactive {
		s.lines = plainLines{bufio.NewReader(sys.stdin)}
		if stdin, ok := sys.stdin.(*os.File); ok && v != nil && onTerminal && isTerminal(stdin) {
			s.lines = promptOn(stdin, sys.stdout, s.model, v)
		}
	}
	what := s.model.Timeline()
	s.show.start(beginning{Juju: what.Juju, Type: what.Type, Seed: what.Seed, Parallel: p.desk.Parallel})
	exit = s.run(ctx)
	if stdout.err != nil && !s.interrupted { // it was the end that could not be written
		exit = cmp.Or(exit, exitOf(&outputError{stdout.err}))
		s.tell(&outputError{stdout.err})
	}
	return exit, nil
}

// promptOn returns the lines that an operator types on a terminal.
func promptOn(stdin *os.File, stdout io.Writer, m model, v *view) lineReader {
	lines := newTerminalLines(readWriter{stdin, stdout}, completer{m.apps, func(dir string) []os.DirEntry {
		entries, _ := os.ReadDir(dir)
		return entries
	}})
	fd := int(stdin.Fd())
	lines.above = v.promptAt
	lines.size = func() (int, int, error) { return term.GetSize(fd) }
	lines.raw = func() (func(), error) {
		state, err := term.MakeRaw(fd)
		return func() { _ = term.Restore(fd, state) }, err
	}
	return lines
}

type readWriter struct {
	io.Reader
	io.Writer
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// columns returns how wide a terminal is.
func columns(stream any) int {
	if file, ok := stream.(*os.File); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return 80
}
