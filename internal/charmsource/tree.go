// SPDX-License-Identifier: Apache-2.0

package charmsource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// tree copies a directory. Being roots, from and to cannot be left by way of a
// symlink.
type tree struct {
	from, to *os.Root
	skip     func(name string, entry fs.DirEntry) bool // nil: nothing
	replace  bool                                      // what is in the way
	follow   bool                                      // symlinks that lead out of from are copied as what they lead to
	within   []string                                  // directories that are being followed, without symlinks

	manifest Manifest        // of what was copied
	dirs     []string        // that were made, each after the one above it
	thinned  map[string]bool // the directories in which something was skipped
}

func (t *tree) copy(ctx context.Context) error {
	t.thinned = make(map[string]bool)
	return fs.WalkDir(t.from.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		switch {
		case err != nil:
			return fmt.Errorf("cannot copy %q: %w", t.called(name), cause(err))
		case name == ".":
			return nil
		case t.skip != nil && t.skip(name, entry):
			t.thinned[path.Dir(name)] = true
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if err := t.copyEntry(ctx, name, entry); err != nil {
			return fmt.Errorf("cannot copy %q: %w", t.called(name), cause(err))
		}
		return nil
	})
}

func (t *tree) called(name string) string { return filepath.Join(t.from.Name(), name) }

func (t *tree) copyEntry(ctx context.Context, name string, entry fs.DirEntry) error {
	switch entry.Type() {
	case fs.ModeDir:
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return t.makeDir(name, info.Mode())
	case fs.ModeSymlink:
		target, err := t.from.Readlink(name)
		if err != nil {
			return err
		}
		if err := checkLink(name, target); err != nil {
			if t.follow {
				return t.copyTarget(ctx, name)
			}
			return err
		}
		t.manifest = append(t.manifest, name)
		return t.place(name, func() error { return t.to.Symlink(target, name) })
	case 0:
		t.manifest = append(t.manifest, name)
		return t.copyFile(ctx, name)
	}
	return errors.New("it is a device, a socket or a pipe; a charm has files, directories and symlinks only")
}

// copyTarget copies what a symlink leads to, as charmcraft does when it packs.
func (t *tree) copyTarget(ctx context.Context, name string) error {
	target, err := filepath.EvalSymlinks(t.called(name))
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("it is a symlink that leads to nothing")
	} else if err != nil {
		return err
	}
	info, err := os.Stat(target)
	if err != nil {
		return err
	}
	from, err := os.OpenRoot(filepath.Dir(target))
	if err != nil {
		return err
	}
	defer from.Close()
	switch {
	case info.Mode().IsRegular():
		t.manifest = append(t.manifest, name)
		file := &tree{from: from, to: t.to}
		return file.copyFileTo(ctx, filepath.Base(target), name)
	case !info.IsDir():
		return errors.New("it leads to a device, a socket or a pipe")
	}
	return t.copyTargetDir(ctx, name, target, info)
}

func (t *tree) copyTargetDir(ctx context.Context, name, target string, info fs.FileInfo) error {
	real, err := filepath.EvalSymlinks(t.from.Name())
	if err != nil {
		return err
	}
	within := append(slices.Clone(t.within), real)
	for _, dir := range within {
		if rest, err := filepath.Rel(target, dir); err == nil && filepath.IsLocal(rest) {
			return fmt.Errorf("it is a symlink to %q, in which it is itself", target)
		}
	}
	if err := t.makeDir(name, info.Mode()); err != nil {
		return err
	}
	below := &tree{replace: t.replace, follow: true, within: within}
	if t.skip != nil {
		below.skip = func(file string, entry fs.DirEntry) bool { return t.skip(path.Join(name, file), entry) }
	}
	if below.from, err = os.OpenRoot(target); err != nil {
		return err
	}
	defer below.from.Close()
	if below.to, err = t.to.OpenRoot(name); err != nil {
		return err
	}
	defer below.to.Close()
	if err := below.copy(ctx); err != nil {
		return err
	}
	for _, file := range below.manifest {
		t.manifest = append(t.manifest, path.Join(name, file))
	}
	return nil
}

// place makes something at name, instead of what is there if that is to be
// replaced.
func (t *tree) place(name string, make func() error) error {
	err := make()
	if t.replace && errors.Is(err, fs.ErrExist) {
		if err := t.to.RemoveAll(name); err != nil {
			return err
		}
		err = make()
	}
	return err
}

func (t *tree) makeDir(name string, mode fs.FileMode) error {
	perm := mode.Perm() | 0o700 // the copies go into it
	return t.place(name, func() error {
		err := t.to.Mkdir(name, perm)
		if err == nil {
			t.dirs = append(t.dirs, name)
		} else if info, statErr := t.to.Lstat(name); statErr == nil && info.IsDir() {
			return nil
		}
		return err
	})
}

func (t *tree) copyFile(ctx context.Context, name string) error { return t.copyFileTo(ctx, name, name) }

func (t *tree) copyFileTo(ctx context.Context, name, as string) error {
	from, err := t.from.Open(name)
	if err != nil {
		return err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return err
	}
	return t.place(as, func() error {
		return writeFile(t.to, as, info.Mode(), info.ModTime(), func(to io.Writer) error {
			return copyBytes(ctx, to, from)
		})
	})
}

// dropThinned removes directories that are empty because all in them was skipped.
func (t *tree) dropThinned() {
	for i := len(t.dirs) - 1; i >= 0; i-- {
		if dir := t.dirs[i]; t.thinned[dir] && t.to.Remove(dir) == nil {
			t.thinned[path.Dir(dir)] = true
		}
	}
}

// writeFile makes a file, which must not exist. A zero time is now.
func writeFile(root *os.Root, name string, mode fs.FileMode, modified time.Time, fill func(io.Writer) error) error {
	if err := writeContent(root, name, mode.Perm()|0o400, fill); err != nil {
		return err
	}
	if modified.IsZero() {
		return nil
	}
	return root.Chtimes(name, modified, modified)
}

func writeContent(root *os.Root, name string, perm fs.FileMode, fill func(io.Writer) error) error {
	if perm&0o111 != 0 {
		// A process that is started meanwhile has a copy of each descriptor until
		// it executes its program, and while any is open for writing this file
		// cannot be executed ("text file busy"). The lock keeps processes from
		// being started.
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
	}
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	if err := fill(file); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

// copyBytes copies all of from: between files, as the operating system does it.
func copyBytes(ctx context.Context, to io.Writer, from io.Reader) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := io.CopyN(to, from, 16<<20); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// checkLink refuses a symlink that leads out of the charm, as Juju does.
func checkLink(name, target string) error {
	if target == "" || path.IsAbs(target) {
		return fmt.Errorf("symlink to %q is absolute; Juju takes relative ones within the charm only", target)
	}
	if !filepath.IsLocal(path.Join(path.Dir(name), target)) {
		return fmt.Errorf("symlink to %q leads out of the charm; Juju takes relative ones within the charm only", target)
	}
	return nil
}
