// SPDX-License-Identifier: Apache-2.0

// Package mountns starts programs that see a directory at a second path, which
// need not exist outside.
//
//	func main() {
//		mountns.Help()
//		…
//	}
//
//	ns, err := mountns.New(mountns.Options{Dir: dir, At: "/charm/containers", Self: self})
//	…
//	defer ns.Close()
//	process, err := ns.Start("/bin/ls", []string{"ls", "/charm/containers"}, attr)
//
// # What a program sees
//
// It has a mount namespace of its own, and every path is what it is outside, with
// one exception: At is Dir. If At does not exist, its deepest directory that does
// is one in memory, with the same entries. What a program adds to that directory
// itself, mostly the root, nobody else sees, and nor does it see what is added
// outside later. What is mounted outside later is seen, what a program mounts is
// not seen outside. When the Namespace is closed and its processes have ended,
// nothing is left.
//
// # What it takes
//
// Linux. With CAP_SYS_ADMIN a thread of this program keeps the namespace, and
// programs are started by it: no program is between. Other users need user
// namespaces, which many systems do not give; then a program sees, besides,
//
//   - no other user than its own: all else belongs to nobody, and sudo and its
//     kind do not work;
//   - the root as a directory that cannot be written to, as it could not before;
//   - no mounts in /proc/self/mountinfo, so that df without a path has nothing to
//     show.
package mountns

import (
	"errors"
	"os"
)

// Options of a Namespace. All are needed.
type Options struct {
	Dir string // the directory; its parent takes a temporary one while the Namespace is made
	At  string // the path at which it is seen, too; absolute and clean
	// Self is the program of this process, which calls [Help]. It is started
	// where a process of its own is needed to make the Namespace.
	Self string
}

// Namespace is a mount namespace. It is safe for concurrent use.
type Namespace struct{ starter }

// starter is one way to start programs in a namespace.
type starter interface {
	start(program string, argv []string, attr *os.ProcAttr) (*os.Process, error)
	close() error
}

// New returns a new Namespace. Where the system gives none, the error says why.
func New(opts Options) (*Namespace, error) {
	s, err := newStarter(opts)
	if err != nil {
		return nil, err
	}
	return &Namespace{s}, nil
}

// Start is [os.StartProcess] of a program that is in the namespace; attr.Dir has
// to be an absolute path. It returns the same errors, and ErrRefused if it is the
// namespace that the system refuses to this process. It does not change attr.
func (n *Namespace) Start(program string, argv []string, attr *os.ProcAttr) (*os.Process, error) {
	return n.start(program, argv, attr)
}

// ErrRefused says that the system does not let a process enter a Namespace,
// though it let it be made: there are too many, for one.
var ErrRefused = errors.New("the namespace is refused")

// Close gives up the namespace, when its processes have ended: one that has not
// may be left without any files. After that none can be started. To close twice
// is no error.
func (n *Namespace) Close() error { return n.close() }
