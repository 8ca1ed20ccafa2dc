// SPDX-License-Identifier: Apache-2.0

package charmsource

import (
	"context"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
)

// Manifest is the files and symlinks of a charm: their paths below its directory,
// with slashes, sorted.
type Manifest []string

// Copy makes a unit's own copy of a staged charm in dir, which is made if it is not
// there. As when Juju upgrades a charm, what the charm brings replaces what is in
// its place; what is in old, the Manifest of the Copy before, and not in the staged
// charm is removed; and files that the charm made itself stay. Files are replaced,
// not overwritten: a process that runs one keeps it.
//
// It returns the Manifest of the staged charm. If it fails, a part may have been
// copied, and old holds still. Copies to different directories may be made at the
// same time.
func Copy(ctx context.Context, staged, dir string, old Manifest) (Manifest, error) {
	manifest, err := copyStaged(ctx, staged, dir, old)
	if err != nil {
		return nil, fmt.Errorf("cannot copy charm to %q: %w", dir, err)
	}
	return manifest, nil
}

func copyStaged(ctx context.Context, staged, dir string, old Manifest) (Manifest, error) {
	from, err := os.OpenRoot(staged)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, cause(err)
	}
	to, err := os.OpenRoot(dir)
	if err != nil {
		return nil, cause(err)
	}
	defer to.Close()

	t := &tree{from: from, to: to, replace: true}
	if err := t.copy(ctx); err != nil {
		return nil, err
	}
	slices.Sort(t.manifest)
	for _, name := range old {
		if _, ok := slices.BinarySearch(t.manifest, name); ok || !inDirectories(to, name) {
			continue
		}
		// Where the staged charm has a directory by this name, it has replaced
		// the old file already.
		if info, err := to.Lstat(name); err != nil || info.IsDir() {
			continue
		}
		if err := to.Remove(name); err != nil {
			return nil, err
		}
	}
	return t.manifest, nil
}

// inDirectories reports whether all above name are directories; the charm may have
// put symlinks in their place, which lead to what is its own.
func inDirectories(root *os.Root, name string) bool {
	parts := strings.Split(path.Dir(name), "/")
	for i := range parts {
		if info, err := root.Lstat(path.Join(parts[:i+1]...)); err != nil || !info.IsDir() {
			return false
		}
	}
	return true
}
