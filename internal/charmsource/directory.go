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
	"strings"

	"github.com/charmsmith/charmsmith/internal/charmdir"
)

var metadataFiles = []string{"charmcraft.yaml", "metadata.yaml", "config.yaml", "actions.yaml"}

// readDirectory returns the metadata of a charm directory as a packed charm has it.
func readDirectory(dir string) (charmdir.Files, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return charmdir.Files{}, fmt.Errorf("cannot open charm %q: %w", dir, cause(err))
	}
	defer root.Close()
	var files charmdir.Files
	for i, text := range []*[]byte{&files.Charmcraft, &files.Metadata, &files.Config, &files.Actions} {
		if *text, err = readRegular(root, metadataFiles[i]); err != nil {
			return charmdir.Files{}, fmt.Errorf("cannot read %q: %w", filepath.Join(dir, metadataFiles[i]), cause(err))
		}
	}
	if files.Charmcraft == nil && files.Metadata == nil {
		return charmdir.Files{}, fmt.Errorf("cannot open charm %q: no charmcraft.yaml or metadata.yaml in it; it must be a charm directory", dir)
	}
	// Unlike Parse, its errors name the files with dir.
	if _, err := charmdir.ReadDir(dir); err != nil {
		return charmdir.Files{}, err
	}
	if files, err = charmdir.Packed(files); err != nil {
		return charmdir.Files{}, fmt.Errorf("cannot open charm %q: %w", dir, err)
	}
	return files, nil
}

// maxText is more than charmdir takes.
const maxText = 1<<20 + 1

// readRegular returns the text of a file, and nil if there is none. It does not
// wait for a pipe.
func readRegular(root *os.Root, name string) ([]byte, error) {
	info, err := root.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it must be a file")
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxText))
}

func (s *Source) stageDirectory(ctx context.Context, staged *os.Root, dir string) error {
	from, err := os.OpenRoot(s.Path)
	if err != nil {
		return fmt.Errorf("cannot stage charm %q: %w", s.Charm.Name, err)
	}
	defer from.Close()
	program := programOf(from, s.Charm)
	if program == programNone {
		return fmt.Errorf("cannot run charm %q: it has no program: in %q is no dispatch, no hooks, no Go main package and no src/charm.py", s.Charm.Name, s.Path)
	}
	t := &tree{from: from, to: staged, follow: true, skip: func(name string, entry fs.DirEntry) bool {
		return isLeftOut(name, entry.IsDir()) || program == programGo && isGoSource(name, entry.IsDir())
	}}
	if err := t.copy(ctx); err != nil {
		return fmt.Errorf("cannot stage charm %q: %w", s.Charm.Name, err)
	}
	t.dropThinned()
	if err := writeMetadata(staged, s.files); err != nil {
		return fmt.Errorf("cannot stage charm %q: %w", s.Charm.Name, err)
	}
	switch program {
	case programGo:
		return buildGo(ctx, s.Charm.Name, s.Path, filepath.Join(dir, dispatchFile))
	case programPython:
		if err := writePythonDispatch(staged); err != nil {
			return fmt.Errorf("cannot stage charm %q: %w", s.Charm.Name, err)
		}
	}
	return nil
}

// isLeftOut reports whether a file of a charm directory is no part of the charm, or
// is written otherwise.
func isLeftOut(name string, isDir bool) bool {
	switch path.Base(name) {
	case ".git", ".bzr", ".hg", ".svn": // files too: .git of a worktree
		return true
	case "__pycache__", ".tox", ".venv":
		return isDir
	}
	if strings.Contains(name, "/") {
		return false
	}
	return slices.Contains(metadataFiles, name) || !isDir && strings.HasSuffix(name, ".charm")
}

// isGoSource reports whether a file is of no use once the program is built.
func isGoSource(name string, isDir bool) bool {
	if isDir {
		return name == "vendor" || path.Base(name) == "testdata"
	}
	switch base := path.Base(name); base {
	case "go.mod", "go.sum", "go.work", "go.work.sum":
		return true
	default:
		return strings.HasSuffix(base, ".go")
	}
}
