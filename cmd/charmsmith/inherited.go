// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// charmUmask is the umask of Juju's agents, and so of charms.
const charmUmask = 0o022

// shed has charms inherit nothing that depends on how this program was started:
// no open files, and the umask that they have under Juju. It returns the umask
// that this program was given.
func shed() (umask fs.FileMode) {
	for _, fd := range openFiles() {
		if fd > syscall.Stderr {
			syscall.CloseOnExec(fd)
		}
	}
	return fs.FileMode(syscall.Umask(charmUmask)) & fs.ModePerm
}

// openFiles returns the file descriptors that are open, or may be.
func openFiles() []int {
	for _, dir := range []string{"/proc/self/fd", "/dev/fd"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		var open []int
		for _, entry := range entries {
			if fd, err := strconv.Atoi(entry.Name()); err == nil {
				open = append(open, fd)
			}
		}
		return open
	}
	some := make([]int, 256)
	for fd := range some {
		some[fd] = fd
	}
	return some
}
