// SPDX-License-Identifier: Apache-2.0

//go:build linux

package daemon_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/daemon"
)

func TestStartErrors(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	for _, test := range []struct {
		name    string
		args    []string
		timeout time.Duration
		want    []string
		log     []string
	}{
		{name: "ends", args: []string{"die"}, want: []string{"ended with status 3", `its log ends: first | \x1b[2Jlast\xff\u202e`}, log: []string{"first", `\x1b[2Jlast\xff\u202e`}},
		{name: "is killed", args: []string{"killed"}, want: []string{"killed by signal 9"}},
		{name: "address in use", args: []string{"listen=" + listener.Addr().String()}, want: []string{"ended with status 1", "address already in use"}},
		{name: "never ready", args: []string{"never ready"}, timeout: 300 * time.Millisecond, want: []string{"it was not ready within 300ms"}},
		{name: "never holds", args: []string{"stranger"}, timeout: 100 * time.Millisecond, want: []string{"it was not ready within 100ms"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			spec := newSpec(t, test.args...)
			if test.timeout != 0 {
				spec.StartTimeout = test.timeout
			}
			status, err := daemon.Ensure(t.Context(), spec)
			var failure *daemon.StartError
			require.ErrorAs(t, err, &failure)
			assert.Zero(t, status)
			assert.ErrorContains(t, err, "cannot start")
			for _, want := range test.want {
				assert.ErrorContains(t, err, want)
			}
			if test.log != nil {
				assert.Equal(t, test.log, failure.Log)
			}
			assert.Zero(t, find(t, spec.Dir), "nothing is left")

			spec.Args, spec.StartTimeout = spec.Args[:2], patience
			assert.True(t, ensure(t, spec).Started, "once the cause is gone")
		})
	}
}

func TestStartErrorHasOnlyItsOwnLog(t *testing.T) {
	t.Parallel()
	spec := newSpec(t)
	require.NoError(t, os.Mkdir(spec.Dir, 0o700))
	write(t, spec.Dir, "log", "from before\n")
	spec.Args = append(spec.Args, "die")
	_, err := daemon.Ensure(t.Context(), spec)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "from before")
	assert.Contains(t, readLog(t, spec.Dir), "from before\nfirst\n", "the log is appended to")
}

func TestStartIsCancelled(t *testing.T) {
	t.Parallel()
	spec := newSpec(t, "never ready")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			if pid, err := daemon.Find(spec.Dir); err == nil && pid != 0 {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	_, err := daemon.Ensure(ctx, spec)
	require.ErrorIs(t, err, context.Canceled)
	assert.Zero(t, find(t, spec.Dir), "nothing is left")
}

func TestStartOfWhatIsNoProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "text", "no program")
	for program, want := range map[string]string{
		filepath.Join(dir, "none"): "no such file",
		filepath.Join(dir, "text"): "permission denied",
		dir:                        "is no file",
		os.DevNull:                 "is no file",
	} {
		spec := newSpec(t)
		spec.Program = program
		_, err := daemon.Ensure(t.Context(), spec)
		require.ErrorContains(t, err, want, program)
		assert.Zero(t, find(t, spec.Dir))
	}
}

func TestSpecIsChecked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, test := range []struct {
		spec daemon.Spec
		want string
	}{
		{daemon.Spec{Dir: "relative"}, `cannot use directory "relative"`},
		{daemon.Spec{}, `cannot use directory ""`},
		{daemon.Spec{Dir: dir, Program: "charm"}, `cannot use program "charm"`},
		{daemon.Spec{Dir: dir, Args: []string{"a\x00b"}}, `cannot use argument "a\x00b"`},
		{daemon.Spec{Dir: dir, Env: []string{"NAME"}}, `cannot use variable "NAME"`},
		{daemon.Spec{Dir: dir, Env: []string{"=x"}}, `cannot use variable ""`},
		{daemon.Spec{Dir: dir, Env: []string{"A=b\x00c"}}, `cannot use variable "A"`},
	} {
		_, err := daemon.Ensure(t.Context(), test.spec)
		assert.ErrorContains(t, err, test.want)
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries, "nothing was written")
}
