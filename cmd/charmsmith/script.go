// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/charmsmith/charmsmith/internal/desk"
)

// scriptLine is a script line that was read.
type scriptLine struct {
	text  string
	where string // it was read; empty: a person has just typed it
	line  *desk.Line
}

// lineError is an error of a script line.
type lineError struct {
	line *scriptLine
	err  error
}

// Error says where the line is.
func (e *lineError) Error() string {
	if e.line.where == "" {
		return e.err.Error()
	}
	return e.line.where + ": " + e.err.Error()
}

// Unwrap returns the error without the line.
func (e *lineError) Unwrap() error { return e.err }

// lineOf returns the script line that an error is of; empty: none.
func lineOf(err error) string {
	if e, ok := errors.AsType[*lineError](err); ok {
		return e.line.text
	}
	return ""
}

// verb returns the line's command.
func (l scriptLine) verb() string {
	if words := strings.Fields(l.text); len(words) > 0 {
		return words[0]
	}
	return ""
}

// parseLine reads a script line; nil: there is nothing to do.
func parseLine(text, where string) (*scriptLine, error) {
	l := &scriptLine{text: strings.TrimSpace(text), where: where}
	var err error
	if l.line, err = desk.Parse(text); err != nil {
		return nil, &lineError{l, err}
	}
	if l.line == nil {
		return nil, nil
	}
	return l, nil
}

// source is where script lines come from.
type source struct {
	file bool   // a --script
	arg  string // a file, "-" for standard input; or the line of a --do
}

// sources are the values of --do and --script, in the order of the command line.
type sources []source

// flag returns a flag that adds to the sources.
func (s *sources) flag(file bool) pflag.Value { return &sourceFlag{s, file} }

type sourceFlag struct {
	to   *sources
	file bool
}

// String returns nothing: there is no default.
func (*sourceFlag) String() string { return "" }

// Set adds a source.
func (f *sourceFlag) Set(arg string) error {
	*f.to = append(*f.to, source{f.file, arg})
	return nil
}

// Type returns what the help calls the value.
func (f *sourceFlag) Type() string {
	if f.file {
		return "FILE"
	}
	return "LINE"
}

// maxScript is how long a script can be.
const maxScript = 16 << 20

// read reads all lines. An error of a line is a *lineError.
func (s sources) read(stdin io.Reader) ([]scriptLine, error) {
	var lines []scriptLine
	fromStdin := false
	for _, from := range s {
		if !from.file {
			line, err := parseLine(from.arg, "--do "+quote(from.arg))
			if err != nil {
				return nil, err
			}
			if line != nil {
				lines = append(lines, *line)
			}
			continue
		}
		if from.arg == "-" && fromStdin {
			return nil, errors.New("cannot read a second script from standard input")
		}
		fromStdin = fromStdin || from.arg == "-"
		read, err := readScript(from.arg, stdin)
		if err != nil {
			return nil, err
		}
		lines = append(lines, read...)
	}
	return lines, nil
}

// stdinName is what standard input is called, where a file has a name.
const stdinName = "standard input"

func readScript(file string, stdin io.Reader) ([]scriptLine, error) {
	name, in := file, stdin
	if file == "-" {
		name = stdinName
	} else {
		opened, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("cannot read script %q: %w", file, cause(err))
		}
		defer opened.Close()
		in = opened
	}
	text, err := io.ReadAll(io.LimitReader(in, maxScript+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read script %q: %w", name, cause(err))
	}
	if len(text) > maxScript {
		return nil, fmt.Errorf("cannot read script %q: it is larger than %d MiB", name, maxScript>>20)
	}
	var lines []scriptLine
	for i, text := range strings.Split(strings.TrimPrefix(string(text), "\ufeff"), "\n") {
		line, err := parseLine(text, fmt.Sprintf("%s:%d", name, i+1))
		if err != nil {
			return nil, err
		}
		if line != nil {
			lines = append(lines, *line)
		}
	}
	return lines, nil
}

// cause returns an error of a file without the name of the file.
func cause(err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return path.Err
	}
	return err
}
