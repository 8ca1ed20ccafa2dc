// SPDX-License-Identifier: Apache-2.0

package charmsource

import (
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/charmsmith/charmsmith/internal/charmdir"
)

const dispatchFile = "dispatch"

// program is what a charm directory has to run.
type program int

const (
	programNone program = iota
	programDispatch
	programHooks
	programGo
	programPython
)

func programOf(root *os.Root, charm *charmdir.Charm) program {
	if _, err := root.Lstat(dispatchFile); err == nil {
		return programDispatch
	}
	if hasHooks(root, charm) {
		return programHooks
	}
	if hasGoMain(root.Name()) {
		return programGo
	}
	if info, err := root.Stat("src/charm.py"); err == nil && info.Mode().IsRegular() {
		return programPython
	}
	return programNone
}

// hasHooks reports whether a hook is there; a directory hooks may hold anything
// else too, such as a Go package.
func hasHooks(root *os.Root, charm *charmdir.Charm) bool {
	entries, _ := fs.ReadDir(root.FS(), "hooks")
	return slices.ContainsFunc(entries, func(entry fs.DirEntry) bool {
		return !entry.IsDir() && isHook(charm, entry.Name())
	})
}

// makeHooksExecutable does what Juju does for hooks, though not for dispatch.
func makeHooksExecutable(staged *os.Root, charm *charmdir.Charm) error {
	entries, _ := fs.ReadDir(staged.FS(), "hooks") // if it is a directory
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !isHook(charm, entry.Name()) {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if mode := info.Mode().Perm(); mode&0o100 == 0 {
			if err := staged.Chmod(path.Join("hooks", entry.Name()), mode|0o100); err != nil {
				return err
			}
		}
	}
	return nil
}

// isHook reports whether Juju 3.6 or 4 may run a hook of that name for the charm.
func isHook(charm *charmdir.Charm, name string) bool {
	switch name {
	case "install", "start", "config-changed", "upgrade-charm", "update-status", "stop", "remove",
		"leader-elected", "leader-deposed", "leader-settings-changed",
		"secret-changed", "secret-remove", "secret-rotate", "secret-expired",
		"pre-series-upgrade", "post-series-upgrade", "collect-metrics", "meter-status-changed":
		return true
	}
	relation := []string{"-relation-created", "-relation-joined", "-relation-changed", "-relation-departed", "-relation-broken"}
	return isHookOf(charm.Endpoints, name, relation...) ||
		isHookOf(map[string]bool{"juju-info": true}, name, relation...) || // which every charm provides
		isHookOf(charm.Storage, name, "-storage-attached", "-storage-detaching") ||
		isHookOf(charm.Containers, name, "-pebble-ready", "-pebble-custom-notice", "-pebble-check-failed", "-pebble-check-recovered")
}

func isHookOf[T any](of map[string]T, name string, suffixes ...string) bool {
	return slices.ContainsFunc(suffixes, func(suffix string) bool {
		prefix, ok := strings.CutSuffix(name, suffix)
		if !ok {
			return false
		}
		_, ok = of[prefix]
		return ok
	})
}

// pythonDispatch finds what charmcraft puts into lib and venv: a directory of
// packages, or a virtual environment.
const pythonDispatch = `#!/bin/sh
# Runs src/charm.py, which can import from lib, src and venv.
case $0 in
*/*) charm=${0%/*} ;;
*) charm=. ;;
esac
path=$charm/lib:$charm/src:$charm/venv
for packages in "$charm"/venv/lib/python3*/site-packages; do
	if [ -d "$packages" ]; then
		path=$path:$packages
	fi
done
PYTHONPATH=$path${PYTHONPATH:+:$PYTHONPATH}
export PYTHONPATH
exec python3 "$charm/src/charm.py"
`

func writePythonDispatch(staged *os.Root) error {
	return writeFile(staged, dispatchFile, 0o755, time.Time{}, func(w io.Writer) error {
		_, err := io.WriteString(w, pythonDispatch)
		return err
	})
}
