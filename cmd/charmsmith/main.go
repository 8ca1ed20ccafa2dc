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
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	_ "github.com/charmsmith/charmsmith/cmd/charmsmith/hookcommand" // ends the program if it is to be a hook command
	"github.com/charmsmith/charmsmith/internal/desk"
)

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	handleSignals(cancel)
	os.Exit(run(ctx, os.Args[1:], &system{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, open: openDesk,
	}))
}

// grace is how long a second signal changes nothing: until then all is cleaned up.
const grace = 5 * time.Second

// handleSignals has the first signal that ends a program cancel the run.
func handleSignals(cancel context.CancelCauseFunc) {
	var ends []os.Signal
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
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
	open           func(desk.Options) (model, error)
}

// problem tells of an error before a run.
func (s *system) problem(err error) { newView(s.stderr, false, false).problem(err.Error()) }

// run does what a command line says, and returns the exit code. It ends early,
// after cleaning up, when ctx does.
func run(ctx context.Context, args []string, sys *system) int {
	exit := 0
	root := &cobra.Command{
		Use:               "charmsmith",
		Short:             "Run Juju charms on your desk",
		Example:           "  charmsmith run ./mycharm --units 3",
		Version:           version(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetArgs(args)
	root.SetIn(sys.stdin)
	root.SetOut(sys.stdout)
	root.SetErr(sys.stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &wrongUse{err, c.CommandPath()}
	})
	root.AddCommand(runCommand(sys, &exit))
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exit
	}
	wrong, ok := errors.AsType[*wrongUse](err)
	if !ok { // there is no such command
		wrong = &wrongUse{err, root.CommandPath()}
	}
	sys.problem(wrong)
	return exitUsage
}

// wrongUse is an error in a command line.
type wrongUse struct {
	err     error
	command string // whose help helps
}

// Error is one line, with what helps.
func (e *wrongUse) Error() string {
	text, _, _ := strings.Cut(e.err.Error(), "\n")
	return text + "; see \"" + e.command + " --help\""
}

// version returns the version that the program was built of.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
