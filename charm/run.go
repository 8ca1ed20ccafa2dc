// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/relation"
)

// Options of [Run]. A nil *Options and zero fields mean the defaults.
type Options struct {
	// Args are the program's arguments, as os.Args. The first tells the hook if
	// the environment does not, for programs linked as hooks/NAME.
	Args []string
	// Env is the environment, as of os.Environ; of several entries with the
	// same key the last counts. It must not change as long as the Charm is used.
	Env []string
	// Stderr takes what cannot be logged. Default: nobody.
	Stderr io.Writer
	// Transport is how hook commands are run: "socket", "exec" or, by default,
	// "auto"; see [hookcmd.Auto]. CHARMSMITH_HOOKCMD in Env has precedence.
	Transport string
	// Runner runs the hook commands, instead of a Transport. If it is a
	// [hookcmd.Closer], Run closes it at the end.
	Runner hookcmd.Runner
	// Now tells the time, for [Charm.Now]. Default: time.Now.
	Now func() time.Time
	// Registered is called with what register has registered, before any handler. Its
	// error fails the dispatch. Default: nobody looks at it.
	Registered func([]Registered) error
}

// transport can be set when linking a charm, with
// -ldflags "-X github.com/charmsmith/charmsmith/charm.transport=exec".
var transport string

// The variables that this package reads, or sets for the charm's children.
const (
	transportVariable = "CHARMSMITH_HOOKCMD"
	dispatchVariable  = "CHARMSMITH_DISPATCH"
)

// HandlerError is the failure of a handler.
type HandlerError struct {
	Event   events.Event
	Handler string // the function's name, "main.(*cluster).peerJoined"
	Err     error  // what it returned, or "panic: …"
	Stack   []byte // of the panic, if it was one
}

// Error names the event, the handler and the cause.
func (e *HandlerError) Error() string {
	return fmt.Sprintf("cannot handle %s in %s: %v", e.Event.Name(), e.Handler, e.Err)
}

// Unwrap returns e.Err.
func (e *HandlerError) Unwrap() error { return e.Err }

// Run runs one dispatch, as [Main] does, without globals: it neither reads the
// process's environment nor exits. It returns what made the dispatch fail,
// after logging it: then nothing was sent, and a process would exit with code 1.
// It leaves the default of log/slog alone: what is logged goes through [Charm.Logger]
// only.
// A panic of register is not recovered. If ctx ends, nothing is sent.
func Run(ctx context.Context, register func(*Charm), opts *Options) error {
	return run(ctx, register, opts, internals{})
}

// internals are what Main does to the process, which Run leaves alone.
type internals struct {
	onLogger         func(*slog.Logger) // before anything is logged
	beforeSecretFile func()             // see hookcmd.Options
}

// run is Run.
func run(ctx context.Context, register func(*Charm), opts *Options, in internals) error {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Stderr == nil {
		o.Stderr = io.Discard
	}
	if running := lookup(o.Env, dispatchVariable); running != "" && running == guardOf(o.Env) {
		return nil // the charm, or a program it runs, runs the charm
	}
	runner, runnerErr := o.runner()
	d := &dispatch{
		env:              o.Env,
		unit:             lookup(o.Env, "JUJU_UNIT_NAME"),
		runner:           runner,
		beforeSecretFile: in.beforeSecretFile,
		client:           *hookcmd.New(runner, &hookcmd.Options{SharedMaps: true}),
		now:              o.Now,
		registered:       o.Registered,
	}
	d.log = jujuLog{client: &d.client, stderr: o.Stderr}
	d.leadership.client, d.state.client = &d.client, &d.client
	d.secrets.dispatch = d
	d.relations = relation.NewStore(&d.client, d.unit, d.leadership.isLeader)
	defer d.close(runner)
	if in.onLogger != nil {
		in.onLogger(d.logger())
	}

	ev, err := events.Parse(withLinkPath(o.Env, o.Args))
	if runnerErr != nil {
		err = runnerErr
	}
	if err == nil {
		err = d.run(ctx, register, ev)
	}
	if err != nil {
		d.logFailure(err)
		if _, isAction := ev.(events.Action); isAction { // Juju shows the operator nothing else
			fmt.Fprintf(o.Stderr, "%v\n", err)
		}
	}
	return err
}

// runner returns what runs hook commands, in whose processes the charm is not to
// run again. With an error, which is to be logged, it returns a Runner too.
func (o *Options) runner() (hookcmd.Runner, error) {
	if o.Runner != nil {
		return o.Runner, nil
	}
	agent := hookcmd.AgentFromEnviron(append(slices.Clip(o.Env), dispatchVariable+"="+guardOf(o.Env)))
	name, by := lookup(o.Env, transportVariable), transportVariable
	if name == "" {
		name, by = o.Transport, "Options.Transport"
	}
	if name == "" {
		name, by = transport, "charm.transport"
	}
	switch name {
	case "", "auto":
		return hookcmd.NewAuto(agent), nil
	case "socket":
		return hookcmd.NewSocket(agent), nil
	case "exec":
		return hookcmd.NewExec(agent), nil
	}
	return hookcmd.NewAuto(agent), fmt.Errorf(`cannot run hook commands: %s is %q: must be "auto", "socket" or "exec"`, by, name)
}

// withLinkPath adds the hook that the program's own name tells to an
// environment that tells none.
func withLinkPath(env, args []string) []string {
	if len(args) == 0 {
		return env
	}
	path, ok := events.LinkPath(args[0])
	if !ok {
		return env
	}
	for _, key := range []string{"JUJU_DISPATCH_PATH", "JUJU_HOOK_NAME", "JUJU_ACTION_NAME"} {
		if lookup(env, key) != "" {
			return env
		}
	}
	return append(slices.Clip(env), "JUJU_DISPATCH_PATH="+path)
}

// dispatch is the work on one event.
type dispatch struct {
	env              []string
	unit             string
	runner           hookcmd.Runner
	beforeSecretFile func()
	now              func() time.Time         // nil: time.Now
	registered       func([]Registered) error // nil: nobody looks
	client           hookcmd.Client           // of this package and relation, which change no map
	log              jujuLog
	leadership       leadership
	relations        *relation.Store
	state            state
	config           config
	status           statuses
	secrets          secrets
	facts            facts
	actionFailed     bool    // its handler has said so
	actions          actions // nil: OnAction was not called
}

// logger returns the logger of the dispatch.
func (d *dispatch) logger() *slog.Logger { return slog.New(&logHandler{to: &d.log}) }

// application returns the name of the unit's application.
func (d *dispatch) application() string {
	app, _, _ := strings.Cut(d.unit, "/")
	return app
}

func (d *dispatch) run(ctx context.Context, register func(*Charm), ev events.Event) error {
	c := &Charm{dispatch: d, handlers: make([]handler, 0, 4)} // as many as most charms have
	register(c)
	c.sealed = true
	if d.registered != nil {
		if err := d.registered(c.registered()); err != nil {
			return err
		}
	}
	switch ev.(type) {
	case events.Action:
		if d.actions != nil {
			c.observers = append(c.observers, d.actions.observe)
		}
	case events.SecretRotate, events.SecretExpired:
		c.observers = append(c.observers, d.secrets.observe)
	}
	if len(c.observers) > 0 {
		d.observe(c.observers)
	}
	if len(c.aroundAll) > 0 {
		return c.callAll(ctx, ev, func(ctx context.Context, ev events.Event) error { return d.work(ctx, c, ev) })
	}
	return d.work(ctx, c, ev)
}

// work does all that is to be done for an event.
func (d *dispatch) work(ctx context.Context, c *Charm, ev events.Event) error {
	if broken, ok := ev.(events.RelationBroken); ok {
		d.relations.SetBroken(hookcmd.RelationID{Endpoint: broken.Endpoint, ID: broken.ID})
	}
	if c.watch != nil {
		if err := c.watch.look(ctx, c, ev); err != nil {
			return err
		}
	}
	if _, isHook := ev.(events.Hook); isHook && c.deferrals != nil {
		if err := c.deferrals.emit(ctx, c); err != nil {
			return fmt.Errorf("cannot call handlers of deferred events: %w", err)
		}
	}
	if c.watch != nil {
		if err := c.watch.emit(ctx, c); err != nil {
			return err
		}
	}
	if c.logEvents {
		d.logger().DebugContext(ctx, "Emitting Juju event "+snakeCase(ev)+".")
	}
	taken, err := d.handle(ctx, c, ev)
	if err != nil {
		return err
	}
	if err := d.finish(ctx, c, ev, taken); err != nil {
		return fmt.Errorf("cannot finish %s: %w", ev.Name(), err)
	}
	return nil
}

// handle calls the handlers of an event; taken is whether one was for it.
func (d *dispatch) handle(ctx context.Context, c *Charm, ev events.Event) (taken bool, err error) {
	subject := subjectOf(ev)
	told := c.watch != nil && c.watch.hasTold()
	for i := range c.handlers {
		h := &c.handlers[i]
		if h.only != "" && h.only != subject || !h.takes(ev) || told && !h.takes(events.UpdateStatus{}) {
			continue // what was told is for those of every hook
		}
		err := c.deferring(ctx, h, ev, c.call(ctx, h, ev))
		if failure := answerOf(h, err); failure != nil && ctx.Err() == nil {
			return true, d.actions.fail(ctx, failure)
		}
		if err != nil {
			return true, err
		}
		taken = taken || !h.always
	}
	return taken, nil
}

// answerOf returns the error of an action's handler, which the operator gets; nil
// if it is no such error: a panic is none, nor is an *ownFailure.
func answerOf(h *handler, err error) error {
	failure, ok := err.(*HandlerError)
	if !ok || h.by != "OnAction" || failure.Stack != nil || errors.As(failure.Err, new(*ownFailure)) {
		return nil
	}
	return failure.Err
}

// finish does what is left when all handlers have succeeded; taken is whether
// one of them was for the event.
func (d *dispatch) finish(ctx context.Context, c *Charm, ev events.Event, taken bool) error {
	if d.actionFailed {
		return nil
	}
	switch ev := ev.(type) {
	case events.Action:
		if !taken {
			if err := d.client.ActionFail(ctx, fmt.Sprintf("action %q not implemented", ev.Action)); err != nil {
				return err
			}
		}
	case events.RelationEvent:
		if !taken && c.expectsOtherKind(ev) {
			d.logger().WarnContext(ctx, "no handler of this endpoint takes events of its kind: peer endpoints have Peer events, others Relation events",
				"endpoint", ev.Ref().Endpoint, "event", fmt.Sprintf("%T", ev))
		}
	}
	if err := c.collect(ctx, ev); err != nil {
		return err
	}
	for i := range c.last {
		if h := &c.last[i]; h.takes(ev) {
			if err := c.call(ctx, h, ev); err != nil {
				return err
			}
		}
	}
	if ev, ok := ev.(events.SecretEvent); ok {
		if err := d.secrets.remind(ctx, ev); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := d.flush(ctx, c); err != nil {
		return err
	}
	return d.sendStatus(ctx)
}

// flush sends what was kept back.
func (d *dispatch) flush(ctx context.Context, c *Charm) error {
	if c.deferrals != nil {
		if err := c.deferrals.save(ctx); err != nil {
			return err
		}
	}
	if err := d.relations.Flush(ctx); err != nil {
		return err
	}
	return d.state.flush(ctx)
}

// snakeCase returns the name by which ops and its tools call an event.
func snakeCase(ev events.Event) string {
	name := strings.ReplaceAll(ev.Name(), "-", "_")
	if _, ok := ev.(events.Action); ok {
		name += "_action"
	}
	return name
}

func (d *dispatch) logFailure(err error) { d.logger().Error(failureText(err)) }

// failureText returns an error with the stack of a panic.
func failureText(err error) string {
	text := err.Error()
	var failure *HandlerError
	if errors.As(err, &failure) && failure.Stack != nil {
		text += "\n" + string(failure.Stack)
	}
	return text
}

// close waits for what was posted to the log, and closes the connection.
func (d *dispatch) close(runner hookcmd.Runner) {
	closer, ok := runner.(hookcmd.Closer)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), logTimeout)
	defer cancel()
	_ = closer.Close(ctx) // the lines that were lost are on standard error
}

// guardOf returns what CHARMSMITH_DISPATCH is during the dispatch that env
// describes; it is never empty.
func guardOf(env []string) string {
	if id := lookup(env, "JUJU_CONTEXT_ID"); id != "" {
		return id
	}
	return "-"
}

// lookup returns the last setting of a variable.
func lookup(env []string, key string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if kv := env[i]; len(kv) > len(key) && kv[len(key)] == '=' && kv[:len(key)] == key {
			return kv[len(key)+1:]
		}
	}
	return ""
}
