// SPDX-License-Identifier: Apache-2.0

//go:build linux

package daemon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const stateVersion = 1

// state says from what a process was started.
type state struct {
	Version int     `json:"version"`
	PID     int     `json:"pid"`
	Start   uint64  `json:"start"` // as holder.start
	Spec    string  `json:"spec"`  // as Spec.sum
	Program program `json:"program"`
}

// same reports whether two states are of the same process, from the same content.
func (s state) same(other state) bool {
	return s.Version == other.Version && s.PID == other.PID && s.Start == other.Start && s.Spec == other.Spec &&
		s.Program.SHA256 == other.Program.SHA256
}

// maxState is more than any state needs, in bytes.
const maxState = 4096

// readState reads the state in a directory. What cannot be read is the state of
// no process: the one that runs is replaced then.
func readState(dir string) state {
	file, err := os.OpenFile(filepath.Join(dir, stateFile), os.O_RDONLY|safeOpen, 0)
	if err != nil {
		return state{}
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return state{}
	}
	text, err := io.ReadAll(io.LimitReader(file, maxState+1))
	if err != nil {
		return state{}
	}
	return parseState(text)
}

func parseState(text []byte) state {
	if len(text) > maxState {
		return state{}
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var s state
	if decoder.Decode(&s) != nil || s.Version != stateVersion || s.PID <= 0 {
		return state{}
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return state{}
	}
	return s
}

func writeState(dir string, s state) error {
	text, err := json.Marshal(s)
	if err == nil {
		err = replace(filepath.Join(dir, stateFile), bytes.NewReader(append(text, '\n')))
	}
	if err != nil {
		return fmt.Errorf("cannot write state of process %d: %w", s.PID, err)
	}
	return nil
}
