// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// UsageError is an error in what was asked for, not in what charms do.
type UsageError struct{ Err error }

// Error returns the text of Err.
func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *UsageError) Unwrap() error { return e.Err }

func usage(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// Line is a script line that was read.
type Line struct {
	verb *verb
	args []string
	rest []string // after "--"; nil: there is no "--"

	units      int
	unitsGiven bool
	config     []string
	noRetry    bool
}

// verb is a command of script lines.
type verb struct {
	name  string
	usage string // its arguments
	help  string
	args  [2]int // how many it takes, at least and at most; -1: any number
	flags func(l *Line, f *pflag.FlagSet)
	rest  bool                // it takes arguments after "--"
	check func(l *Line) error // of the arguments, as far as they are known to be wrong
	waits bool                // until the model is idle, before it does anything
	do    func(d *Desk, ctx context.Context, l *Line) error
}

// Parse reads a script line: words as in a shell, of which quotes and
// backslashes are understood and nothing else. A line that is empty or a comment
// is nil. An error is a *UsageError.
func Parse(text string) (*Line, error) {
	words, err := split(text)
	if err != nil {
		return nil, usage("cannot read line %q: %w", text, err)
	}
	if len(words) == 0 {
		return nil, nil
	}
	v := verbOf(words[0])
	if v == nil {
		return nil, usage("there is no command %q; the commands are %s", words[0], strings.Join(VerbNames(), ", "))
	}
	l := &Line{verb: v}
	flags := pflag.NewFlagSet(v.name, pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	if v.flags != nil {
		v.flags(l, flags)
	}
	if err := flags.Parse(words[1:]); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return nil, usage("usage: %s", v.synopsis())
		}
		return nil, usage("%w; usage: %s", err, v.synopsis())
	}
	l.args = flags.Args()
	if dash := flags.ArgsLenAtDash(); dash >= 0 && v.rest {
		l.args, l.rest = l.args[:dash], l.args[dash:]
	}
	l.unitsGiven = flags.Changed("num-units")
	if n := len(l.args); n < v.args[0] || v.args[1] >= 0 && n > v.args[1] || v.rest && len(l.rest) == 0 {
		return nil, usage("usage: %s", v.synopsis())
	}
	if v.check != nil {
		if err := v.check(l); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (v *verb) synopsis() string { return strings.TrimSpace(v.name + " " + v.usage) }

// Waits reports whether Do waits until the model is idle, before it does anything.
func (l *Line) Waits() bool { return l != nil && l.verb.waits }

// Do does what a line says; nil is nothing. An error is a *UsageError if the
// model has no such thing, an *ExpectError, a *juju.SettleError, or that of ctx.
func (d *Desk) Do(ctx context.Context, l *Line) error {
	if l == nil {
		return nil
	}
	if l.Waits() {
		if err := d.Settle(ctx); err != nil {
			return err
		}
	}
	if err := l.verb.do(d, ctx, l); err != nil || l.verb.waits {
		return err
	}
	return d.engine.Begin(ctx) // so that the next line can come in the middle of a hook
}

// split returns the words of a line: what is in quotes is one, and # begins a
// comment where a word could.
func split(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	var quote rune // that is open; 0: none
	in, escaped := false, false
	for _, r := range text {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			in, escaped = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			in, quote = true, r
		case r == '#' && !in:
			return words, nil
		case r == ' ' || r == '\t' || r == '\r' || r == '\n':
			if in {
				words = append(words, word.String())
				word.Reset()
				in = false
			}
		default:
			in = true
			word.WriteRune(r)
		}
	}
	switch {
	case quote != 0:
		return nil, fmt.Errorf("a %c is not closed", quote)
	case escaped:
		return nil, errors.New("nothing follows the last backslash")
	case in:
		words = append(words, word.String())
	}
	return words, nil
}
