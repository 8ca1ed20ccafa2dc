// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"
)

const (
	fileVersion = 1
	maxFile     = 4 << 20 // bytes
	maxRuns     = 64
)

// file is the content of a file of results.
type file struct {
	Version int   `json:"version"`
	Runs    []Run `json:"runs"`
}

// Record adds a run to a file, which it replaces at once: a reader sees it
// before or after, never between. The run takes the place of the one with the
// same check and tag, of which nothing remains. If a peer is there several
// times, the last one counts, so that an action may record its progress again
// and again. Of the other runs the file keeps the 63 last ones, and fewer if it
// would become longer than 4 MiB. A file that cannot be read is lost.
//
// There is one writer at a time, as one hook or action of a unit runs at a time.
// The file's directory must exist; its owner alone may read the file.
func Record(path string, run Run) error {
	run.Peers = last(run.Peers)
	if err := run.check(); err != nil {
		return fmt.Errorf("cannot record results of check %q: %w", run.Check, err)
	}
	runs, err := load(path)
	if err != nil {
		runs = nil
	}
	runs = slices.DeleteFunc(runs, func(r Run) bool { return r.Check == run.Check && r.Tag == run.Tag })
	slices.SortStableFunc(runs, func(a, b Run) int { return b.Time.Compare(a.Time) })
	runs = slices.Insert(runs, 0, run)
	text, err := encode(runs[:min(len(runs), maxRuns)])
	if err == nil {
		err = replace(path, text)
	}
	if err != nil {
		return fmt.Errorf("cannot record results of check %q: %w", run.Check, err)
	}
	return nil
}

// Forget removes peers by their names from all runs in a file, which it replaces at
// once, as Record does; a run that loses its last peer goes. It does nothing if the
// file has none of the peers, does not exist, or cannot be read: nothing of a
// damaged file is served. There is one writer at a time, Record included.
func Forget(path string, units []string) error {
	runs, err := load(path)
	if err != nil {
		return nil
	}
	changed := false
	var left []Run
	for _, run := range runs {
		before := len(run.Peers)
		run.Peers = slices.DeleteFunc(run.Peers, func(p Peer) bool { return slices.Contains(units, p.Unit) })
		forgotten := len(run.Peers) < before
		changed = changed || forgotten
		if !forgotten || len(run.Peers) > 0 {
			left = append(left, run)
		}
	}
	if !changed {
		return nil
	}
	text, err := encode(left)
	if err == nil {
		err = replace(path, text)
	}
	if err != nil {
		return fmt.Errorf("cannot forget results of peers: %w", err)
	}
	return nil
}

// encode returns the content of a file with the first runs, as many as it has
// room for, and the very first in any case.
func encode(runs []Run) ([]byte, error) {
	const around = 64 // bytes, more than there are besides the runs
	var f struct {
		Version int               `json:"version"`
		Runs    []json.RawMessage `json:"runs"`
	}
	f.Version, f.Runs = fileVersion, []json.RawMessage{}
	room := maxFile - around
	for i, run := range runs {
		text, err := json.Marshal(run)
		if err != nil {
			return nil, err
		}
		room -= len(text) + len(",")
		if room >= 0 {
			f.Runs = append(f.Runs, text)
			continue
		}
		if i == 0 {
			return nil, fmt.Errorf("they are longer than %d bytes", maxFile)
		}
		break
	}
	return json.Marshal(f)
}

// load returns the runs in a file, the last one that was recorded first. If the
// file does not exist, there are none. Of a file that breaks any rule of [Run],
// or is longer than 4 MiB, load returns nothing but the error.
func load(path string) ([]Run, error) {
	in, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe must not block
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read results: %w", err)
	}
	defer in.Close()
	if info, err := in.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("cannot read results: %q is no file", path)
	}
	text, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read results: %w", err)
	}
	runs, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("cannot read results in %q: %w", path, err)
	}
	return runs, nil
}

// parse reads the content of a file.
func parse(text []byte) ([]Run, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("it has more than %d bytes", maxFile)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var f file
	if err := decoder.Decode(&f); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("it goes on after its end")
	}
	if f.Version != fileVersion {
		return nil, fmt.Errorf("it is of version %d, not %d", f.Version, fileVersion)
	}
	if len(f.Runs) > maxRuns {
		return nil, fmt.Errorf("it has %d runs, more than %d", len(f.Runs), maxRuns)
	}
	seen := make(map[[2]string]bool, len(f.Runs))
	for _, run := range f.Runs {
		if err := run.check(); err != nil {
			return nil, fmt.Errorf("run of check %q: %w", run.Check, err)
		}
		key := [2]string{run.Check, run.Tag}
		if seen[key] {
			return nil, fmt.Errorf("check %q with tag %q is there twice", run.Check, run.Tag)
		}
		seen[key] = true
	}
	return f.Runs, nil
}

// replace writes a file anew.
func replace(path string, text []byte) error {
	temporary := path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	out, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		_ = os.Remove(temporary)
	}
	return err
}
