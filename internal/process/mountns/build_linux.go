// SPDX-License-Identifier: Apache-2.0

package mountns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// newStage makes an empty directory beside dir. It is removed when the namespace
// is made, in which it is not used any more.
func newStage(dir string) (string, error) { return os.MkdirTemp(filepath.Dir(dir), "mounts-") }

// build makes dir be seen at a path, too, in the mount namespace of the calling
// thread, which is a new one. With readOnly, a directory in memory that this
// needs cannot be written to.
func build(dir, at, stage string, readOnly bool) error {
	if err := mount("", "/", syscall.MS_REC|syscall.MS_SLAVE); err != nil {
		return err
	}
	base := at
	for !isDir(base) {
		base = filepath.Dir(base)
	}
	if base == at {
		return mount(dir, at, syscall.MS_BIND|syscall.MS_REC)
	}
	if err := mirror(base, stage); err != nil {
		return err
	}
	place := filepath.Join(stage, strings.TrimPrefix(at, base))
	if err := os.MkdirAll(place, 0o755); err != nil {
		return err
	}
	if err := mount(dir, place, syscall.MS_BIND|syscall.MS_REC); err != nil {
		return err
	}
	if err := mount("", stage, syscall.MS_PRIVATE); err != nil { // as it is not needed any more
		return err
	}
	if readOnly {
		if err := mount("", stage, syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY); err != nil {
			return err
		}
	}
	if base != "/" {
		return mount(stage, base, syscall.MS_MOVE)
	}
	return pivot(stage)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return path == "/" || err == nil && info.IsDir()
}

// mirror makes stage a directory in memory with the entries of another.
func mirror(dir, stage string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	options := fmt.Sprintf("mode=%o", info.Mode().Perm())
	if err := syscall.Mount("tmpfs", stage, "tmpfs", 0, options); err != nil {
		return &os.PathError{Op: "mount", Path: stage, Err: err}
	}
	// Else the entry that the stage is in would bring it, and itself, again.
	if err := mount("", stage, syscall.MS_UNBINDABLE); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		err := mirrorEntry(entry, filepath.Join(dir, entry.Name()), filepath.Join(stage, entry.Name()))
		if err != nil {
			return err
		}
	}
	return nil
}

func mirrorEntry(entry fs.DirEntry, from, to string) error {
	switch {
	case entry.Type() == fs.ModeSymlink:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	case entry.IsDir():
		if err := os.Mkdir(to, 0o755); err != nil {
			return err
		}
	default:
		if err := os.WriteFile(to, nil, 0o600); err != nil {
			return err
		}
	}
	err := mount(from, to, syscall.MS_BIND|syscall.MS_REC)
	if errors.Is(err, fs.ErrNotExist) { // it has just gone
		return os.Remove(to)
	}
	return err
}

// pivot makes a mounted directory the root.
func pivot(dir string) error {
	// Only of the calling thread, which shares its directory with no other.
	if err := syscall.Chdir(dir); err != nil {
		return &os.PathError{Op: "chdir", Path: dir, Err: err}
	}
	if err := syscall.PivotRoot(".", "."); err != nil {
		return os.NewSyscallError("pivot_root", err)
	}
	if err := syscall.Unmount(".", syscall.MNT_DETACH); err != nil { // the old one, which lies over the new one
		return os.NewSyscallError("umount", err)
	}
	return os.NewSyscallError("chdir", syscall.Chdir("/"))
}

func mount(from, to string, flags uintptr) error {
	if err := syscall.Mount(from, to, "", flags, ""); err != nil {
		return &os.PathError{Op: "mount", Path: to, Err: err}
	}
	return nil
}
