// SPDX-License-Identifier: Apache-2.0

//go:build linux

package link

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	netClass = "sys/class/net"

	maxAttribute = 64 << 10 // of /sys; the kernel's own limit is a page
	maxTable     = 8 << 20  // of /proc/net; half a table would give wrong routes
)

var errTooLong = errors.New("file is too long")

// Options are what [New] may be told.
type Options struct {
	// NeighbourDump returns the kernel's IPv6 neighbours as it sends them
	// over netlink; /proc has no file of them. In a charm it is
	// [DumpNeighbours]. Nil: the MAC of an IPv6 neighbour is unknown.
	NeighbourDump func() ([]byte, error)
}

// Machine reads the state of a machine's networks. Each method reads anew, and
// several goroutines may call them at once.
type Machine struct {
	fsys fs.FS
	dump func() ([]byte, error)
}

// New returns the machine whose root directory is fsys: sys/class/net and
// proc/net are read below it. Nil is this machine. opts may be nil.
func New(fsys fs.FS, opts *Options) *Machine {
	m := &Machine{fsys: fsys}
	if fsys == nil {
		m.fsys = os.DirFS("/")
	}
	if opts != nil {
		m.dump = opts.NeighbourDump
	}
	return m
}

// read returns the content of a file of at most limit bytes.
func (m *Machine) read(name string, limit int64) (string, error) {
	f, err := m.fsys.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return "", err
	}
	if int64(len(content)) > limit {
		return "", &fs.PathError{Op: "read", Path: name, Err: errTooLong}
	}
	return string(content), nil
}

// attribute returns what an attribute of an interface says, without the spaces
// around it; empty if it is missing or cannot be read, as many cannot while the
// interface is down.
func (m *Machine) attribute(nic string, name ...string) string {
	content, err := m.read(path.Join(append([]string{netClass, nic}, name...)...), maxAttribute)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(content)
}

// number returns an attribute that is a decimal number in [0, limit].
func (m *Machine) number(limit int64, nic string, name ...string) (int64, bool) {
	n, err := strconv.ParseInt(m.attribute(nic, name...), 10, 64)
	return n, err == nil && n >= 0 && n <= limit
}

func (m *Machine) exists(nic string, name ...string) bool {
	_, err := fs.Stat(m.fsys, path.Join(append([]string{netClass, nic}, name...)...))
	return err == nil
}

// table returns the lines of a file of /proc/net; none if it cannot be read.
func (m *Machine) table(name string) []string {
	content, err := m.read("proc/net/"+name, maxTable)
	if err != nil {
		return nil
	}
	return strings.Split(content, "\n")
}

// validName reports whether the kernel allows the name for an interface, and
// a person can read it: so it is one element of a path, too.
func validName(name string) bool {
	if name == "" || len(name) > 15 || name == "." || name == ".." || !utf8.ValidString(name) {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return r == '/' || r == ':' || unicode.IsSpace(r) || !unicode.IsPrint(r)
	})
}

// printable returns a word of a file if a person can read it, else nothing.
func printable(word string) string {
	if len(word) > 64 || !utf8.ValidString(word) || strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return word
}
