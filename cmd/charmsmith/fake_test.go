// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmsmith/charmsmith/internal/desk"
	"github.com/charmsmith/charmsmith/internal/timeline"
)

// fakeModel is a model that does nothing but what a test says. It notes what is
// asked of it.
type fakeModel struct {
	opts desk.Options

	settle func(context.Context) error // nil: it is settled
	do     func(context.Context) error // nil: it is done
	deploy func(context.Context) error
	failed []desk.Failure
	absent []string
	broken error // of Close

	mu    sync.Mutex
	calls []string
}

func (m *fakeModel) note(call string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, call)
}

// noted returns what was asked, in a row.
func (m *fakeModel) noted() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Join(m.calls, " ")
}

func call(ctx context.Context, f func(context.Context) error) error {
	if f == nil {
		return nil
	}
	return f(ctx)
}

func (m *fakeModel) Deploy(ctx context.Context, d desk.Deployment) error {
	m.note("deploy")
	return call(ctx, m.deploy)
}

func (m *fakeModel) DeployBundle(ctx context.Context, file string) error {
	m.note("bundle")
	return call(ctx, m.deploy)
}

func (m *fakeModel) Settle(ctx context.Context) error {
	m.note("settle")
	return call(ctx, m.settle)
}

func (m *fakeModel) Do(ctx context.Context, _ *desk.Line) error {
	m.note("do")
	return call(ctx, m.do)
}

func (m *fakeModel) Running() []desk.Running  { return nil }
func (m *fakeModel) Failures() []desk.Failure { return slices.Clone(m.failed) }
func (m *fakeModel) Unconnectable() []string  { return m.absent }

func (m *fakeModel) Unrelocated() bool { return false }

func (m *fakeModel) Timeline() *timeline.Run {
	return &timeline.Run{Model: "desk", Juju: "4.1.0", Type: "iaas", Seed: m.opts.Seed, Entries: []timeline.Entry{{Kind: "note", Text: "noted"}}}
}

func (m *fakeModel) WriteStatus(w io.Writer) error {
	_, err := io.WriteString(w, "STATUS\n")
	return err
}

func (m *fakeModel) Close() error {
	m.note("close")
	return m.broken
}

func (m *fakeModel) apps() []appNames {
	return []appNames{
		{name: "hello", units: []string{"hello/0", "hello/1"}, endpoints: []string{"friends"}, actions: []string{"ping", "pong"}, options: []string{"color"}},
		{name: "helium", units: []string{"helium/0"}},
		{name: "web", endpoints: []string{"db"}},
	}
}

func (m *fakeModel) units() []unitStatus {
	return []unitStatus{{"hello/0", "active", "ready", true}, {"hello/1", "waiting", "", false}}
}

// outcome is how a run of the program ended.
type outcome struct {
	exit           int
	stdout, stderr string
	model          *fakeModel
}

// try runs the program over a model.
func try(ctx context.Context, t *testing.T, m *fakeModel, stdin io.Reader, args ...string) outcome {
	t.Helper()
	if m == nil {
		m = &fakeModel{}
	}
	var stdout, stderr bytes.Buffer
	exit := run(ctx, args, &system{
		stdin: stdin, stdout: &stdout, stderr: &stderr, getenv: func(string) string { return "" },
		open: func(opts desk.Options) (model, error) {
			m.opts = opts
			if opts.JujuVersion == "2.9" {
				return nil, &desk.UsageError{Err: errors.New(`there is no Juju "2.9" here`)}
			}
			return m, nil
		},
	})
	return outcome{exit, stdout.String(), stderr.String(), m}
}

// How long a test waits for something that happens at once, and how often it looks.
const (
	deadline = 30 * time.Second
	tick     = time.Millisecond
)
