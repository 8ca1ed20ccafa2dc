// SPDX-License-Identifier: Apache-2.0

package charmdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Find returns the absolute path of the nearest directory, dir or one above
// it, that has a charmcraft.yaml or a metadata.yaml. The error if there is none
// is [fs.ErrNotExist].
func Find(dir string) (string, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("cannot find charm from %q: %w", dir, err)
	}
	info, err := os.Stat(start)
	if err != nil {
		return "", fmt.Errorf("cannot find charm from %q: %w", start, cause(err))
	}
	if !info.IsDir() {
		return "", fmt.Errorf("cannot find charm from %q: it must be a directory", start)
	}
	for at := start; ; at = filepath.Dir(at) {
		for _, name := range []string{charmcraftFile, metadataFile} {
			info, err := os.Stat(filepath.Join(at, name))
			if err == nil && !info.IsDir() {
				return at, nil
			} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return "", fmt.Errorf("cannot find charm from %q: cannot look at %q: %w", start, filepath.Join(at, name), cause(err))
			}
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("cannot find charm: no %s or %s in %q or a directory above it: %w", charmcraftFile, metadataFile, start, fs.ErrNotExist)
		}
	}
}
