// SPDX-License-Identifier: Apache-2.0

package charmotel

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// spool is a directory in which requests wait, one file each, for the collector.
// Files appear whole, by renaming, and none but the owner can read them.
type spool struct {
	dir      string
	maxBytes int64
	maxAge   time.Duration
}

// The names of the files: those of requests sort by time.
const (
	requestSuffix = ".otlp"
	unfinished    = "unfinished-"
	notesFile     = "notes.json"
)

// request is a file that waits.
type request struct {
	path string
	size int64
}

// add keeps a request, and drops the oldest that are too many then.
func (s spool) add(encoded []byte) error {
	if int64(len(encoded)) > s.maxBytes {
		return fmt.Errorf("%d bytes are more than the limit of %d", len(encoded), s.maxBytes)
	}
	name := fmt.Sprintf("%020d-%d%s", time.Now().UnixNano(), os.Getpid(), requestSuffix)
	if err := s.write(name, encoded); err != nil {
		return err
	}
	waiting, err := s.waiting()
	if err != nil {
		return err
	}
	var sum int64
	for _, r := range waiting {
		sum += r.size
	}
	for _, r := range waiting {
		if sum <= s.maxBytes {
			break
		}
		_ = os.Remove(r.path)
		sum -= r.size
	}
	return nil
}

// waiting returns the requests, the oldest first. It removes those that are too
// old, and what a process left that was killed while it wrote.
func (s spool) waiting() ([]request, error) {
	entries, err := os.ReadDir(s.dir) // sorted by name
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var waiting []request
	for _, entry := range entries {
		isRequest := strings.HasSuffix(entry.Name(), requestSuffix)
		if !isRequest && !strings.HasPrefix(entry.Name(), unfinished) {
			continue
		}
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() { // gone, or not ours
			continue
		}
		path, age := filepath.Join(s.dir, entry.Name()), time.Since(info.ModTime())
		switch {
		case age > s.maxAge, !isRequest && age > time.Minute:
			_ = os.Remove(path)
		case isRequest:
			waiting = append(waiting, request{path, info.Size()})
		}
	}
	return waiting, err
}

// write makes a file appear, whole, in place of another if there is one.
func (s spool) write(name string, content []byte) error {
	if err := os.Mkdir(s.dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.CreateTemp(s.dir, unfinished+"*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(s.dir, name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// notes is what a dispatch leaves to the next ones.
type notes struct {
	Asked   bool   `json:"asked"`             // the relation for its collector
	URL     string `json:"url,omitempty"`     // of the relation's collector, if it has one
	Failing bool   `json:"failing,omitempty"` // as was logged
	Until   int64  `json:"until,omitempty"`   // Unix time; before there is no use in trying
}

// notes returns what was noted; nothing if there is nothing that can be read.
func (s spool) notes() (n notes) {
	content, err := os.ReadFile(filepath.Join(s.dir, notesFile))
	if err != nil || json.Unmarshal(content, &n) != nil {
		return notes{}
	}
	return n
}

func (s spool) note(n notes) error {
	content, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return s.write(notesFile, content)
}
