// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/charmsmith/charmsmith/internal/timeline"
)

// checkTimeline refuses a file that a timeline cannot be written to.
func checkTimeline(file string) error {
	if _, err := timeline.Format(file); err != nil {
		return err
	}
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return fmt.Errorf("cannot write timeline %q: it is a directory", file)
	}
	temporary, err := createBeside(file)
	if err != nil {
		return err
	}
	_ = temporary.Close()
	_ = os.Remove(temporary.Name())
	return nil
}

// writeTimeline writes a timeline to a file, in the format of its extension. The
// file is there as a whole or, if that fails, as it was before.
func writeTimeline(file string, run *timeline.Run, mode fs.FileMode) (err error) {
	write, err := timeline.Format(file)
	if err != nil {
		return err
	}
	temporary, err := createBeside(file)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = temporary.Close()
			_ = os.Remove(temporary.Name())
			err = fmt.Errorf("cannot write timeline %q: %w", file, cause(err))
		}
	}()
	buffered := bufio.NewWriter(temporary)
	if err := write(run, buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	if err := temporary.Chmod(mode); err != nil { // as our umask is that of charms
		return err
	}
	if err := temporary.Close(); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), file)
}

// createBeside makes a file in the directory of a timeline that can replace it.
func createBeside(file string) (*os.File, error) {
	for {
		name := filepath.Join(filepath.Dir(file), fmt.Sprintf(".charmsmith-%08x.tmp", rand.Uint32()))
		temporary, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("cannot write timeline %q: %w", file, cause(err))
		}
		return temporary, nil
	}
}
