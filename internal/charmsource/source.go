// SPDX-License-Identifier: Apache-2.0

package charmsource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/charmsmith/charmsmith/internal/charmdir"
)

// Source is a charm directory or a .charm file whose metadata was read and found
// good. Its fields must not be changed; it may be used by several goroutines.
type Source struct {
	Path  string          // absolute
	Charm *charmdir.Charm // as Open read it

	isArchive bool
	files     charmdir.Files // as in a packed charm
}

// Open returns the charm at path: a directory with a charmcraft.yaml or
// metadata.yaml, or a .charm file. Its program is not looked at before Stage.
func Open(path string) (*Source, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open charm %q: %w", path, err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return nil, fmt.Errorf("cannot open charm %q: %w", abs, cause(err))
	}
	s := &Source{Path: abs}
	switch {
	case info.IsDir():
		s.files, err = readDirectory(abs)
	case info.Mode().IsRegular() && strings.HasSuffix(abs, ".charm"):
		s.isArchive = true
		s.files, err = readArchive(abs)
	default:
		return nil, fmt.Errorf("cannot open charm %q: it must be a charm directory or a .charm file", abs)
	}
	if err != nil {
		return nil, err
	}
	if s.Charm, err = charmdir.Parse(s.files); err != nil {
		return nil, fmt.Errorf("cannot open charm %q: %w", abs, err)
	}
	return s, nil
}

// Stage makes dir, which must not exist and whose parent must, hold what Juju would
// unpack: the charm's files, metadata.yaml, config.yaml, actions.yaml, and its
// program. A Go program is built, once. If Stage fails it leaves nothing behind.
//
// The charm is read again, so that a later Stage sees what has changed: Stage
// returns the metadata as it is in dir.
func (s *Source) Stage(ctx context.Context, dir string) (*charmdir.Charm, error) {
	fresh, err := Open(s.Path)
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err == nil && !fresh.isArchive {
		err = checkOutside(fresh.Path, filepath.Dir(dir))
	}
	if err == nil {
		err = cause(os.Mkdir(dir, 0o755))
	}
	if err != nil {
		return nil, fmt.Errorf("cannot stage charm %q in %q: %w", fresh.Charm.Name, dir, err)
	}
	if err := fresh.stage(ctx, dir); err != nil {
		if removeErr := os.RemoveAll(dir); removeErr != nil {
			err = fmt.Errorf("%w; cannot remove %q: %w", err, dir, cause(removeErr))
		}
		return nil, err
	}
	return fresh.Charm, nil
}

func (s *Source) stage(ctx context.Context, dir string) error {
	staged, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("cannot stage charm %q: %w", s.Charm.Name, err)
	}
	defer staged.Close()
	if s.isArchive {
		err = s.stageArchive(ctx, staged)
	} else {
		err = s.stageDirectory(ctx, staged, dir)
	}
	if err != nil {
		return err
	}
	if err := makeHooksExecutable(staged, s.Charm); err != nil {
		return fmt.Errorf("cannot stage charm %q: %w", s.Charm.Name, err)
	}
	if _, err := staged.Lstat(dispatchFile); errors.Is(err, fs.ErrNotExist) {
		return nil // it has hooks
	}
	where := fmt.Sprintf("%q", filepath.Join(s.Path, dispatchFile))
	if s.isArchive {
		where = fmt.Sprintf("dispatch in %q", s.Path)
	}
	if err := checkProgram(staged, dispatchFile, where); err != nil {
		return fmt.Errorf("cannot run charm %q: %w", s.Charm.Name, err)
	}
	return nil
}

// checkOutside refuses a directory within the charm's: the copy would hold itself.
func checkOutside(charm, parent string) error {
	charmInfo, err := os.Stat(charm)
	if err != nil {
		return cause(err)
	}
	if parent, err = filepath.EvalSymlinks(parent); err != nil {
		return cause(err)
	}
	for at := parent; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil {
			return cause(err)
		}
		if os.SameFile(info, charmInfo) {
			return fmt.Errorf("it must not be within the charm's own directory %q", charm)
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

// writeMetadata writes the files of a packed charm.
func writeMetadata(staged *os.Root, files charmdir.Files) error {
	for _, file := range []struct {
		name string
		text []byte
	}{
		{"metadata.yaml", files.Metadata},
		{"config.yaml", files.Config},
		{"actions.yaml", files.Actions},
	} {
		if file.text == nil {
			continue
		}
		if err := writeFile(staged, file.name, 0o644, time.Time{}, func(w io.Writer) error {
			_, err := w.Write(file.text)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// cause returns what is wrong with a file, without its name.
func cause(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	if linkErr, ok := errors.AsType[*os.LinkError](err); ok {
		return linkErr.Err
	}
	return err
}
