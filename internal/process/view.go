// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/charmsmith/charmsmith/internal/process/mountns"
)

// containersPlace is where Juju has the sockets of a unit's Pebbles. Many charms
// look for them nowhere else.
const containersPlace = "/charm/containers"

// view has what a unit's processes see different from others: the unit's
// containers at containersPlace.
type view struct {
	namespace *mountns.Namespace // nil: none
	tried     bool
}

func (v *view) close() {
	if v.namespace != nil {
		_ = v.namespace.Close()
	}
}

// tryView reports whether this system lets units have a view. Below dir it needs
// a directory for a moment.
func tryView(self, dir string) bool {
	dir = filepath.Join(dir, "trial")
	if os.Mkdir(dir, 0o700) != nil {
		return false
	}
	defer os.Remove(dir)
	namespace, err := mountns.New(mountns.Options{Dir: dir, At: containersPlace, Self: self})
	if err != nil {
		return false
	}
	return namespace.Close() == nil
}

// Relocates reports whether a unit that has containers with a Pebble finds them
// at /charm/containers, as under Juju. If not, as the system gives no mount
// namespaces, they are where the environment says only. Without a Pebble program
// it is false.
func (h *Host) Relocates() bool { return h.views }

// starter returns what starts the unit's processes. It is called in the unit's
// turn.
func (u *unit) starter() starter {
	if !u.host.views {
		return os.StartProcess
	}
	u.mu.Lock()
	has := len(u.pebbles) > 0
	u.mu.Unlock()
	if !has {
		return os.StartProcess
	}
	if v := &u.view; !v.tried {
		var err error
		v.tried = true
		v.namespace, err = mountns.New(mountns.Options{Dir: u.paths.Containers, At: containersPlace, Self: u.host.opts.Self})
		if err != nil {
			u.warnOfView(err)
		}
	}
	if u.view.namespace == nil {
		return os.StartProcess
	}
	return u.startInView
}

// startInView starts a program in the unit's view, or outside it if that is
// refused: a hook does not fail of it.
func (u *unit) startInView(program string, argv []string, attr *os.ProcAttr) (*os.Process, error) {
	process, err := u.view.namespace.Start(program, argv, attr)
	if !errors.Is(err, mountns.ErrRefused) {
		return process, err
	}
	process, plain := os.StartProcess(program, argv, attr)
	if plain == nil { // else it was not the namespace
		u.warnOfView(err)
	}
	return process, plain
}

func (u *unit) warnOfView(err error) {
	u.host.opts.Warn(u.name, fmt.Sprintf("cannot have its containers at %s, but at $CHARMSMITH_CONTAINERS only: %v", containersPlace, err))
}
