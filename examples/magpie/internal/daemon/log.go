// SPDX-License-Identifier: Apache-2.0

//go:build linux

package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/hostile"
)

// logLimit is when the log of a process is moved to the old one, in bytes.
const logLimit = 1 << 20

// boundLog moves the end of a log that is too long to the old log, and empties
// it. The process may run, and goes on to append; what it writes in this very
// moment may be lost.
func boundLog(dir string) error {
	path := filepath.Join(dir, logFile)
	log, err := os.OpenFile(path, os.O_RDWR|safeOpen, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot bound log of the process: %w", err)
	}
	defer log.Close()
	info, err := log.Stat()
	if err != nil {
		return fmt.Errorf("cannot bound log of the process: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("cannot bound log of the process: %q is no file", path)
	}
	if info.Size() <= logLimit {
		return nil
	}
	end := io.NewSectionReader(log, info.Size()-logLimit, logLimit)
	if err := replace(filepath.Join(dir, oldLogFile), end); err != nil {
		return fmt.Errorf("cannot bound log of the process: %w", err)
	}
	if err := log.Truncate(0); err != nil {
		return fmt.Errorf("cannot bound log of the process: %w", err)
	}
	return nil
}

// replace writes a file anew, at once: nobody sees half of it.
func replace(path string, content io.Reader) error {
	temporary := path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		_ = os.Remove(temporary)
	}
	return err
}

const (
	tailBytes = 4096
	tailLines = 20
)

// tail returns the last lines of what was written from an offset on.
func tail(log *os.File, from int64) []string {
	info, err := log.Stat()
	if err != nil {
		return nil
	}
	first := max(from, info.Size()-tailBytes)
	text, err := io.ReadAll(io.NewSectionReader(log, first, tailBytes))
	if err != nil {
		return nil
	}
	lines := strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
	lines = lines[max(0, len(lines)-tailLines):]
	for i, line := range lines {
		lines[i] = hostile.Escape(line)
	}
	return lines
}
