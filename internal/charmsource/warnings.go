// SPDX-License-Identifier: Apache-2.0

package charmsource

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Warnings returns what a person should know of a charm directory as it is now,
// though it can be run: sentences without a full stop. A .charm file has none.
func (s *Source) Warnings() []string {
	if s.isArchive {
		return nil
	}
	root, err := os.OpenRoot(s.Path)
	if err != nil {
		return nil // Stage tells
	}
	defer root.Close()
	warnings := unknownKeys(root)
	if programOf(root, s.Charm) == programDispatch && hasGoMain(s.Path) {
		if newer := newerSource(root); newer != "" {
			warnings = append(warnings, fmt.Sprintf("dispatch is older than %s: it is used as it is; remove it to have run build the charm", newer))
		}
	}
	return warnings
}

// newerSource returns a file of the Go main package's module that was changed after
// dispatch was built, the latest one, if dispatch is a compiled program.
func newerSource(root *os.Root) string {
	program, err := root.Stat(dispatchFile)
	if err != nil || !isELF(root, dispatchFile) {
		return ""
	}
	newer, latest := "", program.ModTime()
	consider := func(name string, changed time.Time) {
		if changed.After(latest) {
			newer, latest = name, changed
		}
	}
	_ = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil //nolint:nilerr // what cannot be read is not known to be newer
		case entry.IsDir():
			if name != "." && isOtherModule(root, name) {
				return fs.SkipDir
			}
			return nil
		case name != "go.mod" && (!strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go")):
			return nil
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			consider(name, info.ModTime())
		}
		return nil
	})
	return newer
}

// isOtherModule reports whether a directory has no packages of the module that the
// directory above is of.
func isOtherModule(root *os.Root, dir string) bool {
	switch base := path.Base(dir); {
	case base == "vendor", base == "testdata", strings.HasPrefix(base, "."), strings.HasPrefix(base, "_"):
		return true
	}
	_, err := root.Lstat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func isELF(root *os.Root, name string) bool {
	file, err := root.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	var magic [4]byte
	_, err = io.ReadFull(file, magic[:])
	return err == nil && string(magic[:]) == "\x7fELF"
}

// charmcraftKeys are the keys of charmcraft.yaml: those that charmcraft has, and
// those that it had, or that metadata.yaml has and we read here, too.
var charmcraftKeys = [...]string{
	"actions", "adopt-info", "analysis", "assumes", "base", "bases", "build-base", "charm-libs", "charm-user", "charmhub",
	"config", "containers", "description", "devices", "extensions", "extra-bindings", "links", "name", "package-repositories",
	"parts", "peers", "platforms", "provides", "requires", "resources", "storage", "subordinate", "summary", "terms",
	"title", "type",

	"contact", "issues", "license", "source-code", "version", "website",
	"categories", "deployment", "min-juju-version", "payloads", "series", "tags",
}

// unknownKeys tells of keys of charmcraft.yaml that mean nothing.
func unknownKeys(root *os.Root) []string {
	text, err := readRegular(root, metadataFiles[0])
	if err != nil {
		return nil
	}
	var keys map[string]yaml.Node
	if err := yaml.Unmarshal(text, &keys); err != nil {
		return nil // Open has refused it, or it has changed since
	}
	var warnings []string
	for key := range keys {
		if slices.Contains(charmcraftKeys[:], key) || key == "<<" {
			continue
		}
		warning := fmt.Sprintf("charmcraft.yaml has an unknown key %q, which charmcraft refuses", key)
		if near := nearest(key); near != "" {
			warning += fmt.Sprintf("; is it %q?", near)
		}
		warnings = append(warnings, warning)
	}
	slices.Sort(warnings)
	return warnings
}

// nearest returns the key that differs from an unknown one by two letters at most;
// "": none does.
func nearest(key string) string {
	if len(key) > 32 {
		return ""
	}
	best, found := 3, ""
	for _, known := range charmcraftKeys {
		if d := distance(key, known); d < best && d < len(known)/2 {
			best, found = d, known
		}
	}
	return found
}

// distance returns how many bytes to insert, remove or replace to make b of a; two
// that are exchanged count as two.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
