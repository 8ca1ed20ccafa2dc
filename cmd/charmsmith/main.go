// SPDX-License-Identifier: Apache-2.0

// Command charmsmith runs Juju charms on a desk: "charmsmith run" deploys them on
// a Juju in memory, as real processes.
//
// Under the name of a hook command it is that command (package hookcommand).
package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	_ "github.com/charmsmith/charmsmith/cmd/charmsmith/hookcommand" // ends the program if it is to be a hook command
	"github.com/charmsmith/charmsmith/internal/desk"
)

func main() {
	umask := shed()
	ctx, cancel := context.WithCancelCause(context.Background())
	handleSignals(cancel)
	os.Exit(run(ctx, os.Args[1:], &system{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, umask: umask, open: openDesk,
	}))
}

// grace is how long a second signal changes nothing: until then all is cleaned up.
const grace = 5 * time.Second

// handleSignals has the first signal that ends a program cancel the run.
func handleSignals(cancel context.CancelCauseFunc) {
	var ends []os.Signal
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGHUP} {
		if !signal.Ignored(s) { // as by nohup
			ends = append(ends, s)
		}
	}
	// A write to a pipe that nobody reads is an error, and not the end at once.
	// It is not ignored: that the charms would inherit.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	if len(ends) == 0 {
		return // no signals would mean all
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, ends...)
	go func() {
		s := <-signals
		cancel(&signalError{s.(syscall.Signal)})
		time.Sleep(grace)
		signal.Reset(ends...)
	}()
}

// system is what a run has of the system.
type system struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	umask          fs.FileMode // of the files that a user asked for
	open           func(desk.Options) (model, error)
}

// problem tells of an error before a run, to programs also if it was to be JSON.
func (s *system) problem(err error, asJSON bool) {
	newView(s.stderr, false, false).problem(err.Error(), "")
	if asJSON {
		newJSONLines(s.stdout, io.Discard).problem(err.Error(), lineOf(err))
	}
}

// run does what a command line says, and returns the exit code. It ends early,
// after cleaning up, when ctx does.
func run(ctx context.Context, args []string, sys *system) int {
	exit, asJSON := 0, false
	root := &cobra.Command{
		Use:               "charmsmith",
		Short:             "Run Juju charms on your desk",
		Example:           "  charmsmith run ./mycharm --units 3",
		Version:           version(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetArgs(append([]string{}, args...)) // nil would be those of the process
	root.SetIn(sys.stdin)
	root.SetOut(sys.stdout)
	root.SetErr(sys.stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &wrongUse{flagError(err), c.CommandPath()}
	})
	root.SetHelpCommand(helpCommand())
	root.AddCommand(runCommand(sys, &exit, &asJSON))
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exit
	}
	wrong, ok := errors.AsType[*wrongUse](err)
	if !ok { // there is no such command
		wrong = &wrongUse{err, root.CommandPath()}
	}
	sys.problem(wrong, asJSON)
	return exitUsage
}

// version returns the version that the program was built of.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
