// SPDX-License-Identifier: Apache-2.0

package jujutext

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Parse reads the arguments, sets what was declared, and returns those that
// are no flags, in order. It stops at the first error: [ErrHelp], or one of
// usage with the text that Juju prints after "ERROR ".
//
// Flags may stand between and after other arguments; "--" ends them, and "-"
// and "" are no flags. Values are given as --name value, --name=value,
// -n value and -nvalue (-n=value is "=value", as in Juju); -abc is -a -b -c if
// a and b need no value, but only -a at the very end, as in Juju. A value may
// begin with a dash.
func (f *Flags) Parse() (positional []string, err error) {
	rest := f.args
	for len(rest) > 0 {
		arg := rest[0]
		rest = rest[1:]
		switch {
		case arg == "--":
			return append(positional, rest...), nil
		case len(arg) < 2 || arg[0] != '-':
			positional = append(positional, arg)
		case arg[1] == '-':
			rest, err = f.long(arg, rest)
		default:
			rest, err = f.short(arg[1:], rest)
		}
		if err != nil {
			return nil, err
		}
	}
	return positional, nil
}

// long sets the flag of an argument that begins with two dashes, and returns
// what is left of the arguments after it.
func (f *Flags) long(arg string, rest []string) ([]string, error) {
	name, value, given := strings.Cut(arg[2:], "=")
	if name == "" {
		return nil, fmt.Errorf("empty option in argument %q", arg)
	}
	found, err := f.lookup(name)
	if err != nil {
		return nil, err
	}
	return found.take(name, value, given, rest)
}

// short sets the flags of an argument that begins with one dash.
func (f *Flags) short(letters string, rest []string) ([]string, error) {
	for letters != "" {
		_, size := utf8.DecodeRuneInString(letters)
		name, after := letters[:size], letters[size:]
		found, err := f.lookup(name)
		if err != nil {
			return nil, err
		}
		given := after != "" && (found.value != "" || after[0] == '=')
		// Juju forgets the letters behind a flag without value if nothing
		// follows the argument: -ab at the end is -a.
		if letters = after; given || len(rest) == 0 {
			letters = ""
		}
		if rest, err = found.take(name, after, given, rest); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

func (f *Flags) lookup(name string) (*flag, error) {
	if found := f.find(name); found != nil {
		return found, nil
	}
	if name == "help" || name == "h" {
		return nil, ErrHelp
	}
	return nil, fmt.Errorf("option provided but not defined: %s", dashed(name))
}

// take sets the flag to value if that was given with the name, else to what
// comes next if it needs a value.
func (fl *flag) take(name, value string, given bool, rest []string) ([]string, error) {
	switch {
	case given:
	case fl.value == "":
		value = "true"
	case len(rest) == 0:
		return nil, fmt.Errorf("option needs an argument: %s", dashed(name))
	default:
		value, rest = rest[0], rest[1:]
	}
	if err := fl.set(value); err != nil {
		return nil, fmt.Errorf("invalid value %q for option %s: %w", value, dashed(name), err)
	}
	return rest, nil
}
