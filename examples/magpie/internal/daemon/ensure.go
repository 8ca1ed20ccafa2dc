// SPDX-License-Identifier: Apache-2.0

//go:build linux

package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Ensure makes sure that the process of spec.Dir runs, with the content that
// spec.Program has now, and with the arguments and the environment of spec. If
// such a process runs, Ensure leaves it alone. Else it stops the one that runs,
// starts a new one, and returns when that is ready.
//
// A process that does not get ready is killed; the error is a *StartError then,
// with the end of its log. The process before it is not started again.
//
// To look at a process that runs takes a fraction of a millisecond: the program is
// read only if its file has another inode, size, or time than when its content
// was last looked at. A file with the same content is no reason to replace the
// process, wherever it is.
//
// The caller is expected to end before the process does: nobody waits for the
// process in a caller that lives longer, where it remains as a zombie.
//
// Ensure may be called concurrently, by several processes, too: one waits for
// the other.
func Ensure(ctx context.Context, spec Spec) (Status, error) {
	spec, err := spec.complete()
	if err != nil {
		return Status{}, err
	}
	if err := prepareDir(spec.Dir); err != nil {
		return Status{}, err
	}
	unlock, err := lockDir(ctx, spec.Dir)
	if err != nil {
		return Status{}, err
	}
	defer unlock()
	if err := boundLog(spec.Dir); err != nil {
		return Status{}, err
	}

	known := readState(spec.Dir)
	content, err := identify(spec.Program, known.Program)
	if err != nil {
		return Status{}, err
	}
	running, err := find(spec.Dir)
	if err != nil {
		return Status{}, err
	}
	wanted := state{Version: stateVersion, PID: running.pid, Start: running.start, Spec: spec.sum(), Program: content}
	if running.pid != 0 && known.same(wanted) {
		if known != wanted { // the same content in another file
			err = writeState(spec.Dir, wanted)
		}
		return Status{PID: running.pid}, err
	}
	if running.pid != 0 {
		if err := stop(ctx, spec.Dir, running, spec.StopTimeout); err != nil {
			return Status{}, err
		}
	}
	if err := os.Remove(filepath.Join(spec.Dir, stateFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return Status{}, fmt.Errorf("cannot forget the process before: %w", err)
	}
	started, err := start(ctx, spec)
	if err != nil {
		return Status{}, err
	}
	wanted.PID, wanted.Start = started.pid, started.start
	// If this fails, the next call replaces the process, since it does not know it.
	err = writeState(spec.Dir, wanted)
	return Status{PID: started.pid, Started: true, Replaced: running.pid != 0}, err
}
