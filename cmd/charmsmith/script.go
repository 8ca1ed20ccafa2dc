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
	text string
	line *desk.Line
}

// verb returns the line's command.
func (l scriptLine) verb() string {
	if words := strings.Fields(l.text); len(words) > 0 {
		return words[0]
	}
	return ""
}

// parseLine reads a script line; nil: there is nothing to do.
func parseLine(text string) (*scriptLine, error) {
	line, err := desk.Parse(text)
	if line == nil || err != nil {
		return nil, err
	}
	return &scriptLine{strings.TrimSpace(text), line}, nil
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

// read reads all lines. An error says in which file and line it is.
func (s sources) read(stdin io.Reader) ([]scriptLine, error) {
	var lines []scriptLine
	fromStdin := false
	for _, from := range s {
		if !from.file {
			line, err := parseLine(from.arg)
			if err != nil {
				return nil, fmt.Errorf("--do: %w", err)
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

func readScript(file string, stdin io.Reader) ([]scriptLine, error) {
	name, in := file, stdin
	if file == "-" {
		name = "standard input"
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
		line, err := parseLine(text)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
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
