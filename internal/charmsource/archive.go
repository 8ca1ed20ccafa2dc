// SPDX-License-Identifier: Apache-2.0

package charmsource

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/charmsmith/charmsmith/internal/charmdir"
)

// What a .charm file may have.
const (
	maxEntries   = 100_000
	maxUnpacked  = 4 << 30  // bytes
	maxDirectory = 32 << 20 // bytes of the zip's own directory
	maxDepth     = 100      // of directories
	maxTarget    = 4096     // bytes of a symlink's target
)

// archive is a .charm file whose directory is good; what is in its files is not
// known to be.
type archive struct {
	file    *os.File
	entries map[string]*zip.File // by path; nil is a directory without an entry
	order   []string             // of the entries
}

func openArchive(path string) (*archive, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, cause(err)
	}
	a := &archive{file: file, entries: make(map[string]*zip.File)}
	if err := a.readEntries(); err != nil {
		file.Close()
		return nil, err
	}
	return a, nil
}

func (a *archive) Close() error { return a.file.Close() }

// directoryReader ends the reading of a zip's directory that is too long: package
// zip would keep all of it in memory.
type directoryReader struct {
	io.ReaderAt
	left int // bytes; negative: as many as you like
}

var errDirectory = fmt.Errorf("it is a zip archive with more than %d entries", maxEntries)

func (r *directoryReader) ReadAt(p []byte, offset int64) (int, error) {
	if r.left >= 0 {
		if r.left -= len(p); r.left < 0 {
			r.left = 0
			return 0, errDirectory
		}
	}
	return r.ReaderAt.ReadAt(p, offset)
}

func (a *archive) readEntries() error {
	info, err := a.file.Stat()
	if err != nil {
		return cause(err)
	}
	from := &directoryReader{ReaderAt: a.file, left: maxDirectory}
	reader, err := zip.NewReader(from, info.Size())
	switch {
	case errors.Is(err, errDirectory):
		return errDirectory
	case err != nil && !errors.Is(err, zip.ErrInsecurePath): // we are stricter
		return fmt.Errorf("it is no zip archive: %w", err)
	}
	from.left = -1
	var unpacked uint64
	for _, entry := range reader.File {
		if err := a.add(entry); err != nil {
			return err
		}
		if unpacked += min(entry.UncompressedSize64, maxUnpacked+1); unpacked > maxUnpacked {
			return errUnpacked
		}
	}
	return nil
}

var errUnpacked = errors.New("it has more than 4 GiB unpacked")

func (a *archive) add(entry *zip.File) error {
	mode := entry.Mode()
	name := strings.TrimSuffix(entry.Name, "/")
	if name == "." && mode.IsDir() {
		return nil
	}
	problem := ""
	switch kind := mode.Type(); {
	case path.IsAbs(name):
		problem = "has an absolute name"
	case !filepath.IsLocal(path.Clean(name)):
		problem = "leads out of the charm"
	case !fs.ValidPath(name) || strings.ContainsAny(name, "\\\x00"):
		problem = `must have a plain name, such as "src/charm.py"`
	case strings.Count(name, "/") >= maxDepth:
		problem = fmt.Sprintf("is deeper than %d directories", maxDepth)
	case kind != 0 && kind != fs.ModeDir && kind != fs.ModeSymlink:
		problem = "is a device, a socket or a pipe; a charm has files, directories and symlinks only"
	case entry.Flags&1 != 0:
		problem = "is encrypted"
	}
	if problem != "" {
		return fmt.Errorf("entry %q %s", entry.Name, problem)
	}
	if before, ok := a.entries[name]; ok && (before != nil || !mode.IsDir()) {
		return fmt.Errorf("entry %q is there twice", entry.Name)
	}
	a.entries[name] = entry
	a.order = append(a.order, name)
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		above, ok := a.entries[dir]
		if ok && above != nil && !above.Mode().IsDir() {
			return fmt.Errorf("entry %q is in %q, which is no directory", entry.Name, dir)
		} else if ok {
			break
		}
		a.entries[dir] = nil
	}
	if len(a.entries) > maxEntries {
		return errDirectory
	}
	return nil
}

// readArchive returns the metadata of a .charm file.
func readArchive(path string) (charmdir.Files, error) {
	a, err := openArchive(path)
	if err != nil {
		return charmdir.Files{}, fmt.Errorf("cannot open charm %q: %w", path, err)
	}
	defer a.Close()
	var files charmdir.Files
	for name, text := range map[string]*[]byte{"metadata.yaml": &files.Metadata, "config.yaml": &files.Config, "actions.yaml": &files.Actions} {
		entry := a.entries[name]
		if entry == nil {
			continue
		}
		if !entry.Mode().IsRegular() {
			return charmdir.Files{}, fmt.Errorf("cannot open charm %q: %s must be a file", path, name)
		}
		if *text, err = readEntry(entry, maxText); err != nil {
			return charmdir.Files{}, fmt.Errorf("cannot open charm %q: cannot read %s: %w", path, name, err)
		}
	}
	if files.Metadata == nil {
		return charmdir.Files{}, fmt.Errorf("cannot open charm %q: no metadata.yaml in it; pack the charm again, with no directory around its files", path)
	}
	return files, nil
}

// readEntry returns the text of an entry, or the first most bytes of it.
func readEntry(entry *zip.File, most int64) ([]byte, error) {
	reader, err := entry.Open()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return io.ReadAll(io.LimitReader(reader, most))
}

func (s *Source) stageArchive(ctx context.Context, staged *os.Root) error {
	a, err := openArchive(s.Path)
	if err == nil {
		err = a.unpack(ctx, staged, maxUnpacked)
		a.Close()
	}
	if err != nil {
		return fmt.Errorf("cannot unpack charm %q: %w", s.Path, err)
	}
	if a.entries[dispatchFile] == nil && !hasHooks(staged, s.Charm) {
		return fmt.Errorf("cannot run charm %q: it has no program: in %q is no dispatch and no hooks; pack the charm again", s.Charm.Name, s.Path)
	}
	return nil
}

// unpack writes all entries, whose files may have most bytes together.
func (a *archive) unpack(ctx context.Context, to *os.Root, most int64) error {
	var links []string // last, so that nothing is written by way of them
	for _, name := range a.order {
		entry := a.entries[name]
		err := ctx.Err()
		switch mode := entry.Mode(); {
		case err != nil:
			return err
		case mode.IsDir():
			err = to.MkdirAll(name, mode.Perm()|0o700)
		case mode.Type() == fs.ModeSymlink:
			links = append(links, name)
		default:
			var written int64
			written, err = unpackFile(ctx, to, name, entry, most)
			if most -= written; most < 0 {
				return errUnpacked
			}
		}
		if err != nil {
			return fmt.Errorf("entry %q: %w", name, cause(err))
		}
	}
	for _, name := range links {
		if err := unpackLink(to, name, a.entries[name]); err != nil {
			return fmt.Errorf("entry %q: %w", name, cause(err))
		}
	}
	return nil
}

// unpackFile writes at most one byte more than most.
func unpackFile(ctx context.Context, to *os.Root, name string, entry *zip.File, most int64) (int64, error) {
	if err := to.MkdirAll(path.Dir(name), 0o755); err != nil {
		return 0, err
	}
	from, err := entry.Open()
	if err != nil {
		return 0, err
	}
	defer from.Close()
	limited := &io.LimitedReader{R: from, N: most + 1}
	err = writeFile(to, name, entry.Mode(), entry.Modified, func(w io.Writer) error {
		return copyBytes(ctx, w, limited)
	})
	return most + 1 - limited.N, err
}

func unpackLink(to *os.Root, name string, entry *zip.File) error {
	target, err := readEntry(entry, maxTarget+1)
	if err != nil {
		return err
	}
	if len(target) > maxTarget {
		return fmt.Errorf("symlink to more than %d bytes", maxTarget)
	}
	if err := checkLink(name, string(target)); err != nil {
		return err
	}
	if err := to.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	return to.Symlink(string(target), name)
}
