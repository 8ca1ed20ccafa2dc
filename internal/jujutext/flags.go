// SPDX-License-Identifier: Apache-2.0

package jujutext

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrHelp is returned by [Flags.Parse] for --help and -h: the command prints
// [Flags.Usage] on standard output and exits with code 0.
var ErrHelp = errors.New("help requested")

// Flags are the flags of a hook command. They are declared first, by their
// names without dashes, then read by one call of [Flags.Parse]. A name is
// declared once; a second time panics.
type Flags struct {
	command string
	args    []string
	flags   []flag
}

type flag struct {
	names []string
	value string // what Usage calls the value; empty: needs none, is set to "true"
	set   func(value string) error
}

// NewFlags returns the flags, none yet, of a command with the arguments args,
// which do not begin with the command. args is read by Parse, never written.
func NewFlags(command string, args []string) *Flags {
	return &Flags{command: command, args: args}
}

// Bool declares a flag that is true if given; --name=false is possible too.
func (f *Flags) Bool(names ...string) *bool {
	p := new(bool)
	f.declare(flag{names, "", func(value string) (err error) {
		*p, err = strconv.ParseBool(value)
		return err
	}})
	return p
}

// String declares a flag with a text. What the caller assigns to it before
// Parse is its default; of several given the last counts.
func (f *Flags) String(names ...string) *string {
	p := new(string)
	f.declare(flag{names, "VALUE", func(value string) error {
		*p = value
		return nil
	}})
	return p
}

// Int declares a flag with an integer in Go's notation, 0x10 for example. Its
// default is as of [Flags.String].
func (f *Flags) Int(names ...string) *int {
	p := new(int)
	f.declare(flag{names, "NUMBER", func(value string) error {
		n, err := strconv.ParseInt(value, 0, strconv.IntSize)
		*p = int(n)
		return err
	}})
	return p
}

// Func declares a flag whose values are given to set, each in its turn. An
// error of set ends Parse, which puts Juju's words before it: set returns
// "invalid relation id", Parse `invalid value "x" for option -r: invalid relation id`.
func (f *Flags) Func(set func(value string) error, names ...string) {
	f.declare(flag{names, "VALUE", set})
}

// Output is how and where a command prints its result.
type Output struct {
	Format string // for [Format]
	File   string // what to write instead of standard output, as given; empty if it was not
}

// Output declares --format, and -o or --output. The formats are those allowed,
// the first of them by default; without any they are smart, yaml and json.
func (f *Flags) Output(formats ...string) *Output {
	if len(formats) == 0 {
		formats = []string{"smart", "yaml", "json"}
	}
	out := &Output{Format: formats[0]}
	f.declare(flag{[]string{"format"}, strings.Join(formats, "|"), func(value string) error {
		if !slices.Contains(formats, value) {
			return unknownFormat(value)
		}
		out.Format = value
		return nil
	}})
	f.declare(flag{[]string{"o", "output"}, "FILE", func(value string) error {
		out.File = value
		return nil
	}})
	return out
}

func (f *Flags) declare(declared flag) {
	for _, name := range declared.names {
		if f.find(name) != nil {
			panic(fmt.Sprintf("jujutext: option %s of %s is declared twice; remove one", dashed(name), f.command))
		}
	}
	f.flags = append(f.flags, declared)
}

func (f *Flags) find(name string) *flag {
	for i := range f.flags {
		if slices.Contains(f.flags[i].names, name) {
			return &f.flags[i]
		}
	}
	return nil
}

// dashed returns name as Juju writes it in errors: by its length in bytes.
func dashed(name string) string {
	if len(name) > 1 {
		return "--" + name
	}
	return "-" + name
}

// Usage returns a few lines about the command and its flags, in the order in
// which they were declared.
func (f *Flags) Usage() string {
	var b strings.Builder
	fmt.Fprintf(&b, "usage: %s [option ...] [argument ...]\n", f.command)
	for _, declared := range f.flags {
		for i, name := range declared.names {
			lead := ", "
			if i == 0 {
				lead = "  "
			}
			b.WriteString(lead + dashed(name))
		}
		if declared.value != "" {
			b.WriteString(" " + declared.value)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Unrecognized returns the usage error of a command that takes n arguments at
// most, nil if args are not more.
func Unrecognized(args []string, n int) error {
	if len(args) <= n {
		return nil
	}
	return fmt.Errorf("unrecognized args: %q", args[n:])
}
