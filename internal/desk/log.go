// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// logFile is the log of all units, in a file: "unit-app-0: 15:04:05 INFO
// unit.app/0.juju-log text". Its methods are safe for concurrent use.
type logFile struct {
	mu   sync.Mutex
	file *os.File
	w    *bufio.Writer
}

func newLogFile(name string) (*logFile, error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot write the log: %w", err)
	}
	return &logFile{file: file, w: bufio.NewWriter(file)}, nil
}

// tag is what the log calls a unit.
func tag(unit string) string { return "unit-" + strings.Replace(unit, "/", "-", 1) }

func (l *logFile) add(at time.Time, unit, level, module, message string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	message = strings.TrimRight(message, "\n")
	fmt.Fprintf(l.w, "%s: %s %s %s %s\n", tag(unit), at.Format("15:04:05"), level, module, strings.ReplaceAll(message, "\n", "\n    "))
}

// copy writes the lines of a unit, of all if it is "".
func (l *logFile) copy(w io.Writer, unit string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.w.Flush(); err != nil {
		return err
	}
	info, err := l.file.Stat()
	if err != nil {
		return err
	}
	lines := bufio.NewReader(io.NewSectionReader(l.file, 0, info.Size()))
	ours := false
	for {
		line, err := lines.ReadString('\n')
		if !strings.HasPrefix(line, "    ") { // else it goes on
			ours = unit == "" || strings.HasPrefix(line, tag(unit)+": ")
		}
		if ours {
			if _, err := io.WriteString(w, line); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (l *logFile) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.w.Flush(), l.file.Close())
}
