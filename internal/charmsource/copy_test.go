// SPDX-License-Identifier: Apache-2.0

package charmsource_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/charmsource"
)

func TestCopy(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	first := directory(t, packed.with(tree{
		"lib/a.py": "a1", "lib/b.py": "b1", "old/x": "x1", "becomes-dir": "1", "becomes-file/x": "1", "becomes-link": "1", "was-link": "-> lib", "empty": "DIR", "gone-link": "-> lib",
		"linked/x": "1",
	}))
	unit := filepath.Join(t.TempDir(), "agents", "unit-x-0", "charm")
	manifest, err := charmsource.Copy(ctx, first, unit, nil)
	require.NoError(t, err)
	assert.Equal(t, charmsource.Manifest{
		"becomes-dir", "becomes-file/x", "becomes-link", "dispatch", "gone-link", "lib/a.py", "lib/b.py", "linked/x", "metadata.yaml", "old/x", "was-link",
	}, manifest)
	assert.Equal(t, list(t, first), list(t, unit))
	info, err := os.Stat(filepath.Join(unit, "lib/a.py"))
	require.NoError(t, err)
	assert.Equal(t, modified, info.ModTime().UTC().Format(time.RFC3339))

	// What the charm makes of its directory.
	write(t, unit, tree{"made": "made", "old/made": "made", "lib/made.pyc": "made", ".unit-state.db": "made"})
	require.NoError(t, os.RemoveAll(filepath.Join(unit, "linked")))
	outside := directory(t, tree{"x": "precious", "y": "precious"})
	require.NoError(t, os.Symlink(outside, filepath.Join(unit, "linked")))
	require.NoError(t, os.Symlink(outside, filepath.Join(unit, "added")))

	second := directory(t, packed.with(tree{
		"lib/a.py": "a2", "becomes-dir/x": "2", "becomes-file": "2", "becomes-link": "-> lib", "was-link/x": "2", "added/y": "2",
	}))
	again, err := charmsource.Copy(ctx, second, unit, manifest)
	require.NoError(t, err)
	assert.Equal(t, charmsource.Manifest{
		"added/y", "becomes-dir/x", "becomes-file", "becomes-link", "dispatch", "lib/a.py", "metadata.yaml", "was-link/x",
	}, again)
	assert.Equal(t, []string{
		"+dispatch", ".unit-state.db", "added/", "added/y", "becomes-dir/", "becomes-dir/x", "becomes-file", "becomes-link -> lib", "empty/",
		"lib/", "lib/a.py", "lib/made.pyc", "linked -> " + outside, "made", "metadata.yaml", "old/", "old/made", "was-link/", "was-link/x",
	}, list(t, unit))
	assert.Equal(t, "a2", read(t, filepath.Join(unit, "lib/a.py")))
	assert.Equal(t, "precious", read(t, filepath.Join(outside, "x")))
	assert.Equal(t, "precious", read(t, filepath.Join(outside, "y")))

	same, err := charmsource.Copy(ctx, second, unit, again)
	require.NoError(t, err)
	assert.Equal(t, again, same)
}

// TestCopyOverRunningProgram holds that a process keeps the program that it runs.
func TestCopyOverRunningProgram(t *testing.T) {
	t.Parallel()
	sleep, err := exec.LookPath("cat")
	require.NoError(t, err)
	staged := directory(t, packed.with(tree{"+dispatch": read(t, sleep)}))
	unit := t.TempDir()
	manifest, err := charmsource.Copy(context.Background(), staged, unit, nil)
	require.NoError(t, err)
	cmd := exec.Command(filepath.Join(unit, "dispatch"))
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = charmsource.Copy(context.Background(), staged, unit, manifest)
	assert.NoError(t, err)
	require.NoError(t, in.Close())
	assert.NoError(t, cmd.Wait())
}

func TestCopyRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	_, err := charmsource.Copy(context.Background(), filepath.Join(dir, "missing"), filepath.Join(dir, "unit"), nil)
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.NoDirExists(t, filepath.Join(dir, "unit"))
	_, err = charmsource.Copy(context.Background(), directory(t, packed), file, nil)
	assert.EqualError(t, err, fmt.Sprintf("cannot copy charm to %q: not a directory", file))

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = charmsource.Copy(ctx, directory(t, packed), filepath.Join(dir, "unit"), nil)
	assert.ErrorIs(t, err, context.Canceled)
}

// TestCopyAndExecute fails with "text file busy" if a program is written while other
// goroutines start processes.
func TestCopyAndExecute(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("true")
	require.NoError(t, err)
	staged := directory(t, packed.with(tree{"+dispatch": read(t, program)}))
	dir := t.TempDir()

	var done atomic.Bool
	var forks, copies sync.WaitGroup
	for range 4 {
		forks.Go(func() {
			for !done.Load() {
				assert.NoError(t, exec.Command(program).Run())
			}
		})
	}
	for i := range 8 {
		copies.Go(func() {
			unit := filepath.Join(dir, fmt.Sprint(i))
			var manifest charmsource.Manifest
			for range 50 {
				var err error
				manifest, err = charmsource.Copy(context.Background(), staged, unit, manifest)
				if !assert.NoError(t, err) {
					return
				}
				err = exec.Command(filepath.Join(unit, "dispatch")).Run()
				if !assert.False(t, errors.Is(err, syscall.ETXTBSY), "%v", err) || !assert.NoError(t, err) {
					return
				}
			}
		})
	}
	copies.Wait()
	done.Store(true)
	forks.Wait()
}

// BenchmarkCopy copies a charm of 3 MB, as for each unit.
func BenchmarkCopy(b *testing.B) {
	staged := directory(b, packed.with(tree{"+dispatch": "#!/bin/sh\n" + strings.Repeat("x", 3<<20)}))
	dir := b.TempDir()
	for i := 0; b.Loop(); i++ {
		unit := filepath.Join(dir, fmt.Sprint(i))
		if _, err := charmsource.Copy(context.Background(), staged, unit, nil); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := os.RemoveAll(unit); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
