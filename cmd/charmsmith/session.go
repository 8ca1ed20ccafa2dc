// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"github.com/charmsmith/charmsmith/internal/desk"
	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/internal/timeline"
)

// The exit codes, besides 0.
const (
	exitFailed = 1   // a unit is in error, an expectation was wrong, the model did not settle
	exitUsage  = 2   // what was asked for cannot be done
	exitSignal = 128 // and the number of the signal that ended the run
)

// model is what a session needs of a [desk.Desk].
type model interface {
	Deploy(context.Context, desk.Deployment) error
	DeployBundle(ctx context.Context, file string) error
	Settle(context.Context) error
	Running() []desk.Running
	Do(context.Context, *desk.Line) error
	Failures() []desk.Failure
	Unconnectable() []string
	Unrelocated() bool
	Timeline() *timeline.Run
	WriteStatus(io.Writer) error
	Close() error

	apps() []appNames // for completion
	units() []unitStatus
}

// session is a run, from the deployment to the report.
type session struct {
	plan  *plan
	model model
	show  reporter
	lines lineReader // of the prompt; nil: there is none

	cancel context.CancelCauseFunc // of everything
	umask  fs.FileMode             // of the timeline
	typedN int                     // lines of the prompt that were read
	exit   int                     // so far
	reason string                  // of exit, if it was told
	stuck  bool                    // the model does not settle

	interrupted bool // ctx ended
}

// signalError says that a signal ended the run.
type signalError struct{ signal syscall.Signal }

// Error says what the signal does.
func (e *signalError) Error() string {
	if e.signal == syscall.SIGINT {
		return "interrupted"
	}
	return e.signal.String()
}

// run runs it, and returns the exit code. It leaves nothing behind.
func (s *session) run(ctx context.Context) int {
	ctx, s.cancel = context.WithCancelCause(ctx)
	defer s.cancel(nil)
	defer s.model.Close() // again, but for a panic
	s.act(ctx)
	return s.finish(ctx)
}

// act does all that was asked for.
func (s *session) act(ctx context.Context) {
	goOn := s.step(ctx, "deploying "+s.plan.charm, s.deploy) &&
		s.step(ctx, "settling", func(ctx context.Context) error { return s.settle(ctx, 0) })
	for i := 0; goOn && i < len(s.plan.lines); i++ {
		line := &s.plan.lines[i]
		s.show.line(line.text)
		goOn = s.step(ctx, line.text, func(ctx context.Context) error { return s.do(ctx, line) })
	}
	if s.lines != nil && ctx.Err() == nil {
		s.prompt(ctx)
		s.stuck = false // it may settle now
	}
	if !s.stuck && ctx.Err() == nil {
		s.step(ctx, "settling", func(ctx context.Context) error { return s.settle(ctx, 1) })
	}
}

// step does something that takes a while, and reports whether to go on.
func (s *session) step(ctx context.Context, doing string, do func(context.Context) error) bool {
	s.show.busy(doing)
	err := do(ctx)
	s.show.idle()
	if err == nil || ctx.Err() != nil {
		return ctx.Err() == nil
	}
	s.fail(err)
	_, s.stuck = errors.AsType[*juju.SettleError](err)
	return false
}

func (s *session) deploy(ctx context.Context) error {
	if s.plan.bundle {
		return s.model.DeployBundle(ctx, s.plan.charm)
	}
	return s.model.Deploy(ctx, s.plan.deployment)
}

// settle waits until the model is settled, and tells of it if that many hooks ran.
func (s *session) settle(ctx context.Context, atLeast int) error {
	err := s.model.Settle(ctx)
	if err == nil {
		s.show.settled(atLeast)
	}
	return err
}

// do does what a script line says. An error is a *lineError.
func (s *session) do(ctx context.Context, l *scriptLine) error {
	if err := s.doLine(ctx, l); err != nil {
		return &lineError{l, err}
	}
	return nil
}

func (s *session) doLine(ctx context.Context, l *scriptLine) error {
	if !l.line.Waits() {
		return s.model.Do(ctx, l.line)
	}
	atLeast := 1
	if l.verb() == "settle" {
		atLeast = 0
	}
	if err := s.settle(ctx, atLeast); err != nil {
		return err
	}
	if err := s.model.Do(ctx, l.line); err != nil {
		return err
	}
	s.show.settled(2) // there is no need to say that an action itself is over
	return nil
}

// fail tells of an error that makes the run a failure.
func (s *session) fail(err error) {
	text := s.tell(err)
	if s.exit == 0 {
		s.exit, s.reason = exitOf(err), text
	}
}

// tell tells of an error, and returns how.
func (s *session) tell(err error) string {
	if unread(err) {
		return ""
	}
	message := err.Error()
	if e, ok := errors.AsType[*desk.ExpectError](err); ok && e.Stderr != "" {
		var b strings.Builder
		writeStderr(&b, e.Stderr, "")
		message += "\n" + strings.TrimSuffix(b.String(), "\n")
	}
	s.show.problem(message, lineOf(err))
	return message
}

// exitOf returns the exit code of an error: whether charms do not do what they
// should, what was asked for cannot be done, or something ended the run.
func exitOf(err error) int {
	_, expect := errors.AsType[*desk.ExpectError](err)
	_, settle := errors.AsType[*juju.SettleError](err)
	_, output := errors.AsType[*outputError](err)
	if e, ok := errors.AsType[*signalError](err); ok {
		return exitSignal + int(e.signal)
	}
	switch {
	case unread(err):
		return exitSignal + int(syscall.SIGPIPE)
	case expect || settle || output || errors.Is(err, context.Canceled):
		return exitFailed
	}
	return exitUsage
}

// finish ends everything, and reports.
func (s *session) finish(ctx context.Context) int {
	end := ending{kept: s.plan.desk.Dir, timeline: s.plan.timeline}
	s.interrupted = ctx.Err() != nil
	if !s.interrupted {
		s.conclude(&end)
	}
	if err := s.model.Close(); err != nil {
		s.problem(fmt.Errorf("cannot clean up: %w", err))
	}
	if s.interrupted {
		end.units, end.failures = s.model.units(), s.model.Failures()
		s.interrupt(context.Cause(ctx))
	}
	if s.plan.timeline != "" {
		if err := writeTimeline(s.plan.timeline, s.model.Timeline(), 0o666&^s.umask); err != nil {
			s.problem(err)
			end.timeline = ""
		}
	}
	end.exit, end.problem = s.exit, s.reason
	s.show.end(end)
	return end.exit
}

// conclude finds out how the run ended.
func (s *session) conclude(end *ending) {
	end.units, end.failures, end.unconnectable = s.model.units(), s.model.Failures(), s.model.Unconnectable()
	end.unrelocated = s.model.Unrelocated()
	if len(end.failures) > 0 && s.exit == 0 {
		s.exit = exitFailed
	}
	if len(s.model.apps()) == 0 && s.exit != 0 {
		return // nothing was deployed, which was said
	}
	var status bytes.Buffer
	if err := s.model.WriteStatus(&status); err != nil {
		s.problem(err)
	}
	end.status = status.String()
}

// interrupt tells why the run ended early.
func (s *session) interrupt(why error) {
	s.exit, s.reason = exitOf(why), s.tell(why)
}

// problem tells of an error that is not the user's, and makes the run a failure.
func (s *session) problem(err error) {
	text := s.tell(err)
	if s.exit == 0 {
		s.exit, s.reason = exitFailed, text
	}
}
