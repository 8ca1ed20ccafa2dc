// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// Main runs the charm for the event that the process's environment describes,
// and exits: with code 0 if it succeeded, else with 1, or by SIGTERM if it was
// told to end. It is all that a charm's func main does.
//
// Started by a person, outside of Juju, it says what the program is, and exits
// with code 1.
//
// register names the handlers. It is called once, and does nothing else:
// tools call it too, outside of Juju. If it panics, the program crashes.
func Main(register func(*Charm)) {
	ctx, cancel := context.WithCancelCause(context.Background())
	finished := make(chan struct{})
	watch := sync.OnceFunc(func() {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		go watchSignal(signals, cancel, finished)
	})
	time.AfterFunc(signalDelay, watch)

	env := os.Environ()
	if !hasEvent(env) {
		_, _ = os.Stderr.WriteString("this program is a charm, which Juju starts for each event; \"charmsmith run DIR\" does so on this machine\n")
		os.Exit(1)
	}
	if err := os.Setenv(dispatchVariable, guardOf(env)); err != nil {
		fmt.Fprintf(os.Stderr, "ERROR cannot set %s: %v\n", dispatchVariable, err)
		os.Exit(1)
	}
	err := run(ctx, register, &Options{Args: os.Args, Env: env, Stderr: os.Stderr}, internals{
		onLogger:         slog.SetDefault,
		beforeSecretFile: watch,
	})
	close(finished)
	if err == nil {
		os.Exit(0)
	}
	if errors.Is(context.Cause(ctx), errTerminated) {
		dieBySignal()
	}
	os.Exit(1)
}

// hasEvent reports whether Juju, or what stands for it, started the process: a
// person who runs the program has variables of the juju client at most.
func hasEvent(env []string) bool {
	return lookup(env, "JUJU_CONTEXT_ID") != "" || lookup(env, "JUJU_UNIT_NAME") != "" || lookup(env, "JUJU_DISPATCH_PATH") != ""
}

// signalDelay is how long a dispatch runs before it takes care of SIGTERM,
// which costs more than most dispatches. Before that the process dies by the
// signal without further ado, which is as good: nothing has been sent, and
// before there is anything to be removed the signal is taken care of.
const signalDelay = 20 * time.Millisecond

// gracePeriod is how long handlers have to return after SIGTERM.
const gracePeriod = 5 * time.Second

var errTerminated = errors.New("terminated by SIGTERM")

// watchSignal cancels on SIGTERM, and dies if the handlers do not return.
func watchSignal(signals <-chan os.Signal, cancel context.CancelCauseFunc, finished <-chan struct{}) {
	select {
	case <-finished:
		return
	case <-signals:
	}
	cancel(errTerminated)
	select {
	case <-finished:
	case <-time.After(gracePeriod):
		dieBySignal()
	}
}

// dieBySignal ends the process as SIGTERM does by default: Juju queues a hook
// that dies so again, but counts an exit code as a failure.
func dieBySignal() {
	signal.Reset(syscall.SIGTERM)
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Signal(syscall.SIGTERM)
	}
	time.Sleep(time.Second) // until the signal is delivered
	os.Exit(1)
}
