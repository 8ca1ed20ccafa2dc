// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/internal/desk"
)

// brokenOutput is a stdout that takes so many writes.
type brokenOutput struct {
	left int
	err  error
}

func (o *brokenOutput) Write(p []byte) (int, error) {
	if o.left == 0 {
		return 0, &os.PathError{Op: "write", Path: "/dev/stdout", Err: o.err}
	}
	o.left--
	return len(p), nil
}

// A run ends when its output cannot be written. That nobody reads it any more is
// no problem that somebody is told of.
func TestAnOutputThatCannotBeWrittenEndsTheRun(t *testing.T) {
	t.Parallel()
	const full = "charmsmith: cannot write to standard output: no space left on device\n"
	const all = "deploy settle settle close close"
	for _, test := range []struct {
		name   string
		out    brokenOutput
		failed []desk.Failure
		exit   int
		calls  string
		stderr string
	}{
		{"full", brokenOutput{0, syscall.ENOSPC}, nil, exitFailed, "deploy close close", full},
		{"unread", brokenOutput{0, syscall.EPIPE}, nil, 141, "deploy close close", ""},
		{"full at the end", brokenOutput{2, syscall.ENOSPC}, nil, exitFailed, all, full},
		{"unread at the end", brokenOutput{2, syscall.EPIPE}, nil, 141, all, ""},
		{"unread at the end, and a unit in error", brokenOutput{2, syscall.EPIPE}, []desk.Failure{{Unit: "hello/0"}}, exitFailed, all, ""},
		{"read", brokenOutput{3, syscall.EPIPE}, nil, 0, all, ""},
	} {
		m := &fakeModel{failed: test.failed}
		var stderr strings.Builder
		exit := run(t.Context(), []string{"run", charm(t, "")}, &system{
			stdin: strings.NewReader(""), stdout: &test.out, stderr: &stderr, getenv: os.Getenv,
			open: func(desk.Options) (model, error) { return m, nil },
		})
		assert.Equal(t, test.exit, exit, test.name)
		assert.Equal(t, test.stderr, stderr.String(), test.name)
		assert.Equal(t, test.calls, m.noted(), "%s: all is cleaned up", test.name)
	}
	_, err := (&endingWriter{to: io.Discard}).Write([]byte("x"))
	assert.NoError(t, err)
}
