// SPDX-License-Identifier: Apache-2.0

package cosagent

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// folder is a directory of files.
type folder struct {
	files    fs.FS  // nil: there are none
	dir      string // empty: the usual one, which need not be there
	usualDir string
}

// each calls use for all files whose names have one of the extensions, in order,
// with their names in files and below the directory.
func (f folder) each(extensions []string, use func(name, below string, content []byte) error) error {
	if f.files == nil {
		return nil
	}
	root := f.dir
	if root == "" {
		root = f.usualDir
	}
	return fs.WalkDir(f.files, root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil && f.dir == "" && name == root && errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return fmt.Errorf("cannot read %q: %w", name, err)
		case entry.IsDir() || !slices.Contains(extensions, path.Ext(name)):
			return nil
		}
		content, err := readFile(f.files, name)
		if err != nil {
			return fmt.Errorf("cannot read file %q: %w", name, err)
		}
		return use(name, strings.TrimPrefix(name, root+"/"), content)
	})
}

// readFile reads a text of bounded size.
func readFile(files fs.FS, name string) ([]byte, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(content) > maxFile:
		return nil, fmt.Errorf("it is larger than %d bytes", maxFile)
	case !utf8.Valid(content):
		return nil, errors.New("it is not valid UTF-8")
	}
	return content, nil
}
