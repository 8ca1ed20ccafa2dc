// SPDX-License-Identifier: Apache-2.0

//go:build linux

package daemon

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	defaultStartTimeout = 10 * time.Second
	defaultStopTimeout  = 5 * time.Second
)

// Spec is the process that shall run. Ensure keeps nothing of it.
type Spec struct {
	// Dir is the directory of the process, an absolute path. There is one
	// process for a directory. It is created if its parent exists, and made
	// accessible to its owner only. It must belong to the user of the caller,
	// and be no symbolic link.
	Dir string

	// Args are the arguments that follow the program's name.
	Args []string

	// Env is the whole environment of the process, "NAME=value" each. The
	// process inherits no other variable: nil is the empty environment.
	Env []string

	// Program is the absolute path of an executable file; "" is the caller's
	// own. It must call Hold itself: it may not do so in a child.
	Program string

	// StartTimeout limits how long Ensure waits until a process that it has
	// started is ready; 0 means 10 s.
	StartTimeout time.Duration

	// StopTimeout is how long a process that is replaced has time to end after
	// SIGTERM, before it gets SIGKILL; 0 means 5 s.
	StopTimeout time.Duration
}

// complete returns the spec with its defaults, or says what is wrong with it.
func (s Spec) complete() (Spec, error) {
	if !filepath.IsAbs(s.Dir) {
		return s, fmt.Errorf("cannot use directory %q: it is no absolute path", s.Dir)
	}
	s.Dir = filepath.Clean(s.Dir)
	if s.Program == "" {
		program, err := os.Executable()
		if err != nil {
			return s, fmt.Errorf("cannot find this program: %w", err)
		}
		s.Program = program
	}
	if !filepath.IsAbs(s.Program) {
		return s, fmt.Errorf("cannot use program %q: it is no absolute path", s.Program)
	}
	for _, arg := range s.Args {
		if strings.ContainsRune(arg, 0) {
			return s, fmt.Errorf("cannot use argument %q: it has a NUL", arg)
		}
	}
	for _, variable := range s.Env {
		if name, _, ok := strings.Cut(variable, "="); !ok || name == "" || strings.ContainsRune(variable, 0) {
			return s, fmt.Errorf("cannot use variable %q: want NAME=value, and no NUL", name) // the value may be a secret
		}
	}
	s.StartTimeout = cmp.Or(max(s.StartTimeout, 0), defaultStartTimeout)
	s.StopTimeout = cmp.Or(max(s.StopTimeout, 0), defaultStopTimeout)
	return s, nil
}

// sum identifies the arguments and the environment, which may hold secrets.
func (s Spec) sum() string {
	text, err := json.Marshal([][]byte{list(s.Args), list(s.Env)})
	if err != nil {
		panic(err) // bytes can always be encoded
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// list joins texts without a NUL, so that no two lists give the same.
func list(texts []string) []byte {
	var joined []byte
	for _, text := range texts {
		joined = append(append(joined, text...), 0)
	}
	return joined
}

// prepareDir creates the directory of a process, or makes sure that it is ours.
func prepareDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("cannot create directory of the process: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("cannot use directory of the process: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return fmt.Errorf("cannot use %q for a process: it is no directory", dir)
	case !ok || int(stat.Uid) != os.Geteuid():
		return fmt.Errorf("cannot use directory %q for a process: it belongs to another user", dir)
	case info.Mode().Perm()&0o077 != 0:
		if err := os.Chmod(dir, 0o700); err != nil {
			return fmt.Errorf("cannot protect directory of the process: %w", err)
		}
	}
	return nil
}
