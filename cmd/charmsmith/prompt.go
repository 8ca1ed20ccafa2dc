// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/term"

	"github.com/charmsmith/charmsmith/internal/desk"
)

// lineReader reads lines of an operator.
type lineReader interface {
	// readLine returns the next line; io.EOF: there is none, errInterrupted: the
	// operator wants to end everything.
	readLine() (string, error)
	echoes() bool // the lines are on the screen
	close()       // puts the terminal back as it was, whatever readLine does
}

var errInterrupted = errors.New("interrupted at the prompt")

// prompt does the lines that an operator types, until they end. Errors are told,
// and end nothing.
func (s *session) prompt(ctx context.Context) {
	defer s.lines.close()
	for {
		text, err := s.nextLine(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, io.EOF):
			return
		case errors.Is(err, errInterrupted):
			s.cancel(&signalError{syscall.SIGINT})
			return
		case err != nil:
			s.problem(fmt.Errorf("cannot read a line: %w", err))
			return
		}
		if !s.typed(ctx, text) {
			return
		}
	}
}

// nextLine reads a line. Until it is there, it waits for the model to settle.
func (s *session) nextLine(ctx context.Context) (string, error) {
	type result struct {
		text string
		err  error
	}
	read := make(chan result, 1)
	waiting, stop := context.WithCancel(ctx)
	go func() {
		text, err := s.lines.readLine()
		read <- result{text, err}
		stop()
	}()
	if err := s.settle(waiting, 1); err != nil && waiting.Err() == nil {
		s.tell(err) // it may settle after the line
	}
	<-waiting.Done()
	select {
	case r := <-read:
		return r.text, r.err
	default: // ctx ended
		return "", context.Cause(ctx)
	}
}

// typed does what a line says, and reports whether there may be another.
func (s *session) typed(ctx context.Context, text string) bool {
	where := ""
	if s.typedN++; !s.lines.echoes() {
		where = fmt.Sprintf("%s:%d", stdinName, s.typedN)
	}
	switch strings.TrimSpace(text) {
	case "quit", "exit":
		return false
	case "help", "?":
		_, _ = io.WriteString(s.show, promptHelp())
		s.show.idle()
		return true
	}
	line, err := parseLine(text, where)
	if err != nil {
		s.failTyped(err)
		return true
	}
	if line == nil {
		return true
	}
	if !s.lines.echoes() {
		s.show.line(line.text)
	}
	s.show.busy(line.text)
	err = s.do(ctx, line)
	s.show.idle()
	if err == nil || ctx.Err() != nil {
		return ctx.Err() == nil
	}
	s.failTyped(err)
	return true
}

// failTyped tells of an error of a line. It makes the run a failure unless a
// person has typed the line, who can do it again; but what is expected counts.
func (s *session) failTyped(err error) {
	if _, expect := errors.AsType[*desk.ExpectError](err); expect || !s.lines.echoes() {
		s.fail(err)
	} else {
		s.tell(err)
	}
}

func promptHelp() string {
	return desk.Help() + fmt.Sprintf("  %-52s %s\n  %-52s %s\n", "help", "show this", "quit", "end the run, as Ctrl-D does; Ctrl-C ends it at once")
}

// plainLines reads lines from what is no terminal.
type plainLines struct{ in *bufio.Reader }

func (p plainLines) readLine() (string, error) {
	line, err := p.in.ReadString('\n')
	if line != "" && errors.Is(err, io.EOF) {
		err = nil
	}
	return line, err
}

func (plainLines) echoes() bool { return false }

func (plainLines) close() {}

// terminalLines reads lines from a terminal, with history and completion.
type terminalLines struct {
	terminal *term.Terminal
	screen   io.Writer // what terminal writes to
	size     func() (width, height int, err error)
	raw      func() (restore func(), err error) // makes the terminal raw
	above    func(io.Writer)                    // is told where to write while a line is read; nil: anywhere

	mu      sync.Mutex
	restore func() // nil: the terminal is not raw
	closed  bool
}

// newTerminalLines returns lines of a terminal.
func newTerminalLines(terminal io.ReadWriter, complete completer) *terminalLines {
	t := &terminalLines{terminal: term.NewTerminal(interruptible{terminal}, "> "), screen: terminal}
	t.terminal.AutoCompleteCallback = func(line string, pos int, key rune) (string, int, bool) {
		if key != '\t' {
			return "", 0, false
		}
		line, pos, candidates := complete.complete(line, pos)
		if len(candidates) > 0 {
			_, _ = io.WriteString(t.terminal, strings.Join(candidates, "  ")+"\n")
		}
		return line, pos, true
	}
	return t
}

func (t *terminalLines) readLine() (string, error) {
	if width, height, err := t.size(); err == nil && width > 0 {
		_ = t.terminal.SetSize(width, height)
	}
	if err := t.begin(); err != nil {
		return "", err
	}
	defer t.end()
	line, err := t.terminal.ReadLine()
	if err != nil {
		t.close()
	}
	return line, err
}

// begin makes the terminal raw.
func (t *terminalLines) begin() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return io.EOF
	}
	t.above(t.terminal)
	restore, err := t.raw()
	if err != nil {
		t.above(nil)
		return err
	}
	t.restore = restore
	return nil
}

// end is the end of begin; a second one does nothing.
func (t *terminalLines) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.restore != nil {
		t.restore()
		t.restore = nil
		t.above(nil)
	}
}

func (t *terminalLines) echoes() bool { return true }

// close also ends the line of the prompt, if it is there.
func (t *terminalLines) close() {
	t.mu.Lock()
	if t.restore != nil {
		_, _ = io.WriteString(t.screen, "\r\n")
	}
	t.closed = true
	t.mu.Unlock()
	t.end()
}

// interruptible makes Ctrl-C the error errInterrupted of a Read: to a
// [term.Terminal] it is the same as the end of the input.
type interruptible struct{ io.ReadWriter }

// Read reads what is before a Ctrl-C.
func (r interruptible) Read(p []byte) (int, error) {
	n, err := r.ReadWriter.Read(p)
	if i := bytes.IndexByte(p[:n], 3); i >= 0 {
		return i, errInterrupted
	}
	return n, err
}
