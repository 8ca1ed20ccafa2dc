// SPDX-License-Identifier: Apache-2.0

package hookcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Socket runs hook commands by the unit agent's own RPC, over one connection
// that is made at the first command. Nothing is started, and arguments have no
// limit of size.
//
// The agent runs the commands of one connection in any order, so Socket sends
// one and waits for its answer before it sends the next, but for batches of
// relation-get and relation-list, which change nothing. A command whose ctx
// ends is abandoned: its answer is awaited and dropped by the next command.
type Socket struct {
	agent Agent

	mu      sync.Mutex // guards closing, and setting file
	closing chan struct{}

	// turn holds one token, for whoever uses the fields below.
	turn chan struct{}

	file    *os.File             // nil before the first command
	out     []byte               // to be written
	replies *replies             // from file
	seq     uint64               // of the last request
	sent    map[uint64]*exchange // not yet answered
	broken  error                // why the connection cannot be used any more
}

// exchange is a call and, once answered, its outcome.
type exchange struct {
	call     Call
	answered bool
	stdout   []byte
	err      error
	done     func(error) // of a posted call
}

// NewSocket returns a Socket for agent's address. It does not connect yet.
func NewSocket(agent Agent) *Socket {
	return &Socket{agent: agent, closing: make(chan struct{}), turn: make(chan struct{}, 1), sent: make(map[uint64]*exchange)}
}

// Run implements [Runner].
func (s *Socket) Run(ctx context.Context, call Call) ([]byte, error) {
	x := &exchange{call: call}
	if err := s.exchange(ctx, x); err != nil {
		return nil, err
	}
	return x.stdout, x.err
}

// RunBatch implements [Batcher]. Calls that are not all relation-get or
// relation-list are run one after the other.
func (s *Socket) RunBatch(ctx context.Context, calls []Call) ([][]byte, error) {
	exchanges := make([]*exchange, len(calls))
	together := true
	for i, call := range calls {
		exchanges[i] = &exchange{call: call}
		together = together && (call.Command == "relation-get" || call.Command == "relation-list")
	}
	step := 1
	if together {
		step = max(len(calls), 1)
	}
	for i := 0; i < len(exchanges); i += step {
		if err := s.exchange(ctx, exchanges[i:i+step]...); err != nil {
			return nil, err
		}
	}
	stdouts := make([][]byte, len(calls))
	for i, x := range exchanges {
		if x.err != nil {
			return nil, x.err
		}
		stdouts[i] = x.stdout
	}
	return stdouts, nil
}

// Post implements [Poster].
func (s *Socket) Post(ctx context.Context, call Call, done func(error)) error {
	return s.use(ctx, call, func() error {
		if err := s.settle(); err != nil {
			return err
		}
		x := &exchange{call: call}
		s.send(x)
		if err := s.write(); err != nil {
			return err
		}
		x.done = done
		return nil
	})
}

// Close waits for the answers of posted and running commands, until ctx ends,
// and closes the connection. The agent cannot end the dispatch before that. It
// is an error if commands were unanswered; they fail. Commands run after Close
// fail. To close twice is no error.
func (s *Socket) Close(ctx context.Context) error {
	if err := s.lock(ctx); err != nil {
		s.closeFile() // upon which whoever has the turn fails
		s.turn <- struct{}{}
		defer s.unlock()
		s.fail(errClosed)
		return fmt.Errorf("cannot close agent socket: %w", err)
	}
	defer s.unlock()
	var err error
	if s.file != nil && s.broken == nil {
		err = s.interruptible(ctx, s.settle)
	}
	s.closeFile()
	s.fail(errClosed)
	if err != nil {
		return fmt.Errorf("cannot close agent socket: commands are unanswered: %w", err)
	}
	return nil
}

// closeFile closes the connection, also one that is yet to be made.
func (s *Socket) closeFile() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closing:
	default:
		close(s.closing)
	}
	if s.file != nil {
		_ = s.file.Close()
	}
}

var errClosed = errors.New("the agent socket is closed")

// exchange sends calls in one go and waits for all their answers.
func (s *Socket) exchange(ctx context.Context, exchanges ...*exchange) error {
	return s.use(ctx, exchanges[0].call, func() error {
		if err := s.settle(); err != nil {
			return err
		}
		for _, x := range exchanges {
			s.send(x)
		}
		if err := s.write(); err != nil {
			return err
		}
		for _, x := range exchanges {
			for !x.answered {
				if err := s.receive(); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// use runs do with the connection for itself, until ctx ends. It returns an
// *Error about call.
func (s *Socket) use(ctx context.Context, call Call, do func() error) error {
	if ctx.Err() != nil {
		return wrap(call, ctx.Err())
	}
	if err := s.lock(ctx); err != nil {
		return wrap(call, err)
	}
	defer s.unlock()
	if s.broken == nil && s.file == nil {
		if err := s.connect(ctx); err != nil {
			return wrap(call, err)
		}
	}
	if s.broken != nil {
		return wrap(call, s.broken)
	}
	if err := s.interruptible(ctx, do); err != nil {
		return wrap(call, err)
	}
	return nil
}

// interruptible runs do, whose reads and writes fail when ctx ends.
func (s *Socket) interruptible(ctx context.Context, do func() error) error {
	if ctx.Done() == nil {
		return s.check(ctx, do())
	}
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = s.file.SetDeadline(time.Unix(1, 0))
		close(interrupted)
	})
	err := do()
	if !stop() {
		<-interrupted
		_ = s.file.SetDeadline(time.Time{})
	}
	return s.check(ctx, err)
}

// check tells an interruption, after which the connection goes on, from a
// failure of the connection.
func (s *Socket) check(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil:
		return fmt.Errorf("no answer from the unit agent: %w", ctx.Err())
	case errors.Is(err, os.ErrClosed):
		err = errClosed
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		err = errors.New("the unit agent closed the connection")
	case !errors.Is(err, errMalformed):
		err = fmt.Errorf("cannot talk to the unit agent: %w", err)
	}
	s.fail(err)
	return err
}

// fail closes the connection for good and answers all that wait with cause.
func (s *Socket) fail(cause error) {
	if s.file != nil {
		_ = s.file.Close()
	}
	s.broken = cause
	for seq, x := range s.sent {
		delete(s.sent, seq)
		x.answer(nil, wrap(x.call, cause))
	}
}

func (s *Socket) lock(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	default:
	}
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("other commands are unanswered: %w", ctx.Err())
	}
}

func (s *Socket) unlock() { <-s.turn }

func (s *Socket) connect(ctx context.Context) error {
	if network := s.agent.Network; network != "" && network != "unix" {
		return &unreachableError{fmt.Errorf("JUJU_AGENT_SOCKET_NETWORK is %q: only unix sockets are supported", network)}
	}
	file, err := dial(ctx, s.agent.Address, s.closing)
	if errors.Is(err, errClosed) {
		return err
	}
	if err != nil {
		return &unreachableError{err}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closing:
		_ = file.Close()
		return errClosed
	default:
	}
	s.file = file
	s.replies = newReplies(file)
	s.out = gobDefinitions()
	return nil
}

// settle waits for the answers of all that was sent before.
func (s *Socket) settle() error {
	if err := s.write(); err != nil {
		return err
	}
	for len(s.sent) > 0 {
		if err := s.receive(); err != nil {
			return err
		}
	}
	return nil
}

// send encodes a call; write sends what is encoded.
func (s *Socket) send(x *exchange) {
	s.seq++
	s.sent[s.seq] = x
	s.out = appendRequest(s.out, s.seq, s.agent, x.call)
}

// write may be interrupted; the next write goes on where it stopped.
func (s *Socket) write() error {
	for len(s.out) > 0 {
		n, err := s.file.Write(s.out)
		s.out = s.out[n:]
		if err != nil {
			return err
		}
	}
	return nil
}

// receive reads one answer. It may be interrupted; the next goes on.
func (s *Socket) receive() error {
	reply, err := s.replies.next()
	if err != nil {
		return err
	}
	x, ok := s.sent[reply.seq]
	if !ok {
		return errMalformed
	}
	delete(s.sent, reply.seq)
	switch {
	case reply.err != "":
		x.answer(nil, s.refused(x.call, reply.err))
	case reply.code != 0:
		x.answer(nil, NewError(x.call, reply.code, string(reply.stderr)))
	default:
		x.answer(reply.stdout, nil)
	}
	return nil
}

func (x *exchange) answer(stdout []byte, err error) {
	x.answered, x.stdout, x.err = true, stdout, err
	if x.done != nil {
		x.done(err)
	}
}

// refused is the error of a call that the agent did not run. "bad request" is
// how it begins what the stock commands print as usage errors.
func (s *Socket) refused(call Call, text string) *Error {
	switch {
	case s.agent.ContextID == "":
		return wrap(call, errors.New("JUJU_CONTEXT_ID is not set: "+text))
	case !filepath.IsAbs(s.agent.Dir):
		return wrap(call, fmt.Errorf("JUJU_CHARM_DIR is %q, not an absolute path: %s", s.agent.Dir, text))
	}
	if strings.HasPrefix(text, "rpc: can't find ") {
		return wrap(call, &unreachableError{errors.New("the agent socket serves something else: " + text)})
	}
	text = strings.TrimPrefix(text, "bad request: ")
	e := wrap(call, condition(call.Command, text))
	e.Stderr = text
	return e
}

// unreachableError tells that a command was not run because the socket is not
// that of a unit agent we understand.
type unreachableError struct{ cause error }

func (e *unreachableError) Error() string { return e.cause.Error() }
func (e *unreachableError) Unwrap() error { return e.cause }
