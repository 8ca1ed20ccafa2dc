// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/jujutext"
)

// Request is a hook command as the agent is asked to run it.
type Request struct {
	Command  string
	Args     []string // without the command
	Dir      string   // of the caller; files are relative to it
	Stdin    []byte
	StdinSet bool
}

// Response is what a hook command printed, and its exit code.
type Response struct {
	Stdout, Stderr []byte
	Code           int // 0: ok, 1: failed, 2: wrong usage
}

// Recorded is a hook command that ran.
type Recorded struct {
	Command string
	Args    []string
	Stdin   []byte
	Data    map[string]string // of a command that was answered by value, instead of Stdin
	Code    int
}

// String returns the command line as a POSIX shell reads it, but without the
// values of secrets.
func (r Recorded) String() string {
	// These mean themselves, wherever they are in an argument.
	const unquoted = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz%+,-./:=@_"
	var line strings.Builder
	line.WriteString(r.Command)
	for _, arg := range redactSecrets(r.Command, r.Args) {
		line.WriteByte(' ')
		if arg != "" && strings.Trim(arg, unquoted) == "" {
			line.WriteString(arg)
		} else {
			line.WriteString("'" + strings.ReplaceAll(arg, "'", `'\''`) + "'")
		}
	}
	return line.String()
}

// Interceptor may answer a hook command instead of the model: nil leaves it to
// the model. It can be called by several goroutines at once.
type Interceptor func(unit string, request Request) *Response

// Intercept has f asked before each hook command; nil ends that. While there is
// one, all commands run as text.
func (m *Model) Intercept(f Interceptor) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.intercept = f
}

// Calls returns the hook commands that ran, if the model records them.
func (h *Hook) Calls() []Recorded {
	h.model.mu.Lock()
	defer h.model.mu.Unlock()
	return slices.Clone(h.calls)
}

var (
	errOver   = errors.New("the hook has ended: what a charm starts must not outlive the hook, or not use its commands")
	errKilled = errors.New("the charm was killed")
	// ErrNoCommand is the failure to start a command that this version of Juju
	// does not have.
	ErrNoCommand = errors.New("executable file not found in $PATH")
)

// Run implements [hookcmd.Runner].
func (h *Hook) Run(ctx context.Context, c hookcmd.Call) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, callError(c, context.Cause(ctx))
	}
	response, err := h.runFor(ctx, Request{Command: c.Command, Args: c.Args, Stdin: c.Stdin, StdinSet: c.Stdin != nil})
	if err != nil {
		return nil, callError(c, err)
	}
	if response.Code != 0 {
		return nil, hookcmd.NewError(c, response.Code, string(response.Stderr))
	}
	if h.isKilled() { // by juju-reboot --now, which does not return
		return nil, callError(c, errKilled)
	}
	return response.Stdout, nil
}

func (h *Hook) isKilled() bool {
	h.model.mu.Lock()
	defer h.model.mu.Unlock()
	return h.killed
}

// runFor runs a hook command until ctx ends. Only one that is intercepted can
// take that long.
func (h *Hook) runFor(ctx context.Context, r Request) (Response, error) {
	if ctx.Done() == nil || !h.model.isIntercepted() {
		return h.Command(r)
	}
	type result struct {
		response Response
		err      error
	}
	done := make(chan result, 1)
	go func() {
		response, err := h.Command(r)
		done <- result{response, err}
	}()
	select {
	case got := <-done:
		return got.response, got.err
	case <-ctx.Done():
		return Response{}, context.Cause(ctx)
	}
}

func (m *Model) isIntercepted() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.intercept != nil
}

// callError is the error of a command that did not run to its end.
func callError(c hookcmd.Call, cause error) *hookcmd.Error {
	e := hookcmd.NewError(c, -1, "")
	e.Err = cause
	if errors.Is(cause, ErrNoCommand) {
		e.Err = fmt.Errorf("%w: %w", hookcmd.ErrNotSupported, cause)
	}
	return e
}

// Command runs a hook command. An error means that it was not run.
func (h *Hook) Command(r Request) (Response, error) {
	h.model.mu.Lock()
	defer h.model.mu.Unlock()
	if err := h.admit(r.Command); err != nil {
		return Response{}, err
	}
	run, ok := h.model.command(r.Command)
	if !ok {
		return Response{}, ErrNoCommand
	}
	response, done := h.intercepted(r)
	switch {
	case h.over: // meanwhile
		return Response{}, errOver
	case h.killed:
		return Response{}, errKilled
	case !done:
		c := call{h: h, request: r, flags: jujutext.NewFlags(r.Command, r.Args)}
		err := run(&c)
		if errors.Is(err, errNoStdin) { // the client comes again with it
			h.count--
			return Response{}, err
		}
		response = c.respond(err)
	}
	if h.model.opts.RecordCalls {
		h.calls = append(h.calls, Recorded{Command: r.Command, Args: r.Args, Stdin: r.Stdin, Code: response.Code})
	}
	return response, nil
}

// intercepted asks the interceptor, if there is one, without the lock: it can
// take its time.
func (h *Hook) intercepted(r Request) (response Response, done bool) {
	f := h.model.intercept
	if f == nil {
		return Response{}, false
	}
	h.model.mu.Unlock()
	defer h.model.mu.Lock()
	if answer := f(h.unit.Name, r); answer != nil {
		return *answer, true
	}
	return Response{}, false
}

// admit counts a hook command, and refuses it if the charm is no more.
func (h *Hook) admit(command string) error {
	switch {
	case h.over:
		h.model.late = append(h.model.late, fmt.Sprintf("%s was run after %s of unit %s had ended", command, h.info.describe(), h.unit.Name))
		return errOver
	case h.killed:
		return errKilled
	}
	h.count++
	if h.count == h.killAt {
		h.kill()
		return errKilled
	}
	return nil
}

// kill does to a charm in this process what can be done of a kill.
func (h *Hook) kill() {
	h.killed = true
	if h.cancel != nil {
		h.cancel(errKilled)
	}
}

// call is a hook command that runs.
type call struct {
	h       *Hook
	request Request
	flags   *jujutext.Flags
	out     *jujutext.Output // nil: the command prints nothing, or as it is
	stdout  bytes.Buffer
	stderr  bytes.Buffer
}

// usageError is an error in the use of a command, for which Juju's commands exit
// with code 2.
type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// respond makes the response of a command that ended with err.
func (c *call) respond(err error) Response {
	if errors.Is(err, jujutext.ErrHelp) {
		return Response{Stdout: []byte(c.flags.Usage())}
	}
	if err != nil {
		fmt.Fprintf(&c.stderr, "ERROR %v\n", err)
	}
	return Response{Stdout: c.stdout.Bytes(), Stderr: c.stderr.Bytes(), Code: exitCode(err)}
}

// output declares --format and --output.
func (c *call) output(formats ...string) {
	c.out = c.flags.Output(formats...)
}

// parse reads the arguments, of which there are at most max; -1: any number.
func (c *call) parse(max int) ([]string, error) {
	args, err := c.flags.Parse()
	switch {
	case errors.Is(err, jujutext.ErrHelp):
		return nil, err
	case err != nil:
		return nil, usageError{err}
	case max >= 0:
		if err := jujutext.Unrecognized(args, max); err != nil {
			return nil, usageError{err}
		}
	}
	return args, nil
}

// first returns the first of the arguments, or nothing.
func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// print prints a result in the format that was asked for.
func (c *call) print(value any) error {
	text, err := jujutext.Format(c.out.Format, value)
	if err != nil {
		return err
	}
	if c.out.File != "" {
		return os.WriteFile(c.path(c.out.File), text, 0o644)
	}
	c.stdout.Write(text)
	return nil
}

// path returns a file's path, relative to the caller's directory.
func (c *call) path(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(c.request.Dir, file)
}

// errNoStdin is what Juju's RPC answers to a client that gave no stdin.
var errNoStdin = errors.New("hook tool requires stdin, none supplied")

// readFile reads the file of a --file flag; "-" is standard input.
func (c *call) readFile(file string) ([]byte, error) {
	if file != "-" {
		return readFile(c.path(file))
	}
	if !c.request.StdinSet {
		return nil, errNoStdin
	}
	return c.request.Stdin, nil
}

// readFile reads a file, but no pipe, which could keep all units waiting.
func readFile(name string) ([]byte, error) {
	if info, err := os.Stat(name); err == nil && info.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0 {
		return nil, fmt.Errorf("open %s: it is a pipe", name)
	}
	return os.ReadFile(name)
}

// settings reads the "key=value" arguments of relation-set and its like.
func (c *call) settings(args []string, file string) (map[string]string, error) {
	values := make(map[string]string, len(args))
	for _, arg := range args {
		if arg == "" {
			continue
		}
		key, value, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, usage("expected \"key=value\", got %q", arg)
		}
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if key == "" {
			return nil, usage("expected \"key=value\", got \"=%s\"", value)
		}
		if _, twice := values[key]; twice {
			return nil, usage("key %q specified more than once", key)
		}
		values[key] = value
	}
	if file == "" {
		return values, nil
	}
	data, err := c.readFile(file)
	if err != nil {
		return nil, err
	}
	all, err := jujutext.ReadStrings(data)
	if err != nil {
		return nil, err
	}
	for key, value := range values {
		all[key] = value
	}
	return all, nil
}

// runCommand runs one hook command.
type runCommand func(c *call) error

// command returns the command of that name, if this version of Juju has it.
func (m *Model) command(name string) (runCommand, bool) {
	if run, ok := commands[name]; ok {
		return run, true
	}
	run, ok := commands36[name]
	return run, ok && m.is36
}

// CommandNames returns the names of all hook commands of the model's version.
func (m *Model) CommandNames() []string {
	names := make([]string, 0, len(commands)+len(commands36))
	for name := range commands {
		names = append(names, name)
	}
	if m.is36 {
		for name := range commands36 {
			names = append(names, name)
		}
	}
	return names
}
