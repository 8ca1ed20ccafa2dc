// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/desk"
)

func TestLinesAreInTheOrderOfTheCommandLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "a"), "\ufeffadd-unit two\r\n\n  # nothing\n\tadd-unit three # why\n")
	empty := write(t, filepath.Join(dir, "b"), "")
	var s sources
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.Var(s.flag(false), "do", "")
	flags.Var(s.flag(true), "script", "")
	require.NoError(t, flags.Parse([]string{"--do", "add-unit one", "--script", file, "--do=add-unit 'fo ur'", "--script=-", "--script", empty, "--do", " ", "--do", "add-unit six"}))
	assert.True(t, s.useStdin())
	lines, err := s.read(strings.NewReader("add-unit five"))
	require.NoError(t, err)
	var texts []string
	for _, l := range lines {
		texts = append(texts, l.text)
		assert.NotNil(t, l.line)
	}
	assert.Equal(t, []string{"add-unit one", "add-unit two", "add-unit three # why", "add-unit 'fo ur'", "add-unit five", "add-unit six"}, texts)
}

func TestScriptErrors(t *testing.T) {
	t.Parallel()
	script := func(name string) sources { return sources{{file: true, arg: name}} }
	_, err := script("-").read(strings.NewReader("settle\nsettle now please"))
	assert.EqualError(t, err, "standard input:2: usage: settle")
	_, isUsage := errors.AsType[*desk.UsageError](err)
	assert.True(t, isUsage)
	_, err = script("-").read(iotest.ErrReader(errors.New("gone")))
	assert.EqualError(t, err, `cannot read script "standard input": gone`)
	_, err = script("-").read(strings.NewReader(strings.Repeat("\n", maxScript+1)))
	assert.EqualError(t, err, `cannot read script "standard input": it is larger than 16 MiB`)
	_, err = script("none").read(nil)
	assert.EqualError(t, err, `cannot read script "none": no such file or directory`)
}

func TestVerb(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"settle": "settle", "settle\t# now": "settle", "expect app active": "expect", "": ""} {
		assert.Equal(t, want, scriptLine{text: text}.verb(), "%q", text)
	}
}
