// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// procfs is what /proc tells of this process.
type procfs struct {
	self, group, session int
	list                 int // the file with the children; -1: there is none
	buffer               []byte
	environ              []byte // of this process
}

func openProcfs() procfs {
	p := procfs{self: os.Getpid(), list: -1, buffer: make([]byte, 4096)}
	if stat, ok := readStat(p.self); ok {
		p.group, p.session = stat.group, stat.session
	}
	p.environ, _ = readEnviron(p.self)
	// Linux makes orphans the children of a process's first thread. Go never
	// ends it.
	self := strconv.Itoa(p.self)
	if fd, err := syscall.Open("/proc/"+self+"/task/"+self+"/children", syscall.O_RDONLY|syscall.O_CLOEXEC, 0); err == nil {
		p.list = fd
	}
	return p
}

func (p *procfs) close() {
	if p.list >= 0 {
		_ = syscall.Close(p.list)
	}
}

// children returns the children of the first thread.
func (p *procfs) children() []int {
	if p.list < 0 {
		return childrenByParent(p.self)
	}
	for {
		n, err := syscall.Pread(p.list, p.buffer, 0)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return childrenByParent(p.self)
		case n == len(p.buffer): // there may be more
			p.buffer = make([]byte, 2*len(p.buffer))
		default:
			return numbers(p.buffer[:n])
		}
	}
}

// childrenByParent finds children in a kernel that has no list of them.
func childrenByParent(pid int) []int {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	var children []int
	for _, dir := range dirs {
		child, _ := strconv.Atoi(filepath.Base(dir))
		if stat, ok := readStat(child); ok && stat.parent == pid {
			children = append(children, child)
		}
	}
	return children
}

// descendants returns the children of a process, of all its threads.
func descendants(pid int) []int {
	lists, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/[0-9]*/children")
	if len(lists) == 0 {
		return childrenByParent(pid)
	}
	var children []int
	for _, list := range lists {
		data, _ := os.ReadFile(list)
		children = append(children, numbers(data)...)
	}
	return children
}

// numbers returns the numbers in a text that are separated by spaces.
func numbers(data []byte) []int {
	var all []int
	for _, field := range bytes.Fields(data) {
		if n, err := strconv.Atoi(string(field)); err == nil {
			all = append(all, n)
		}
	}
	return all
}

// processAge is when a process started, in ticks since the machine did: with its
// number it is the process.
type processAge uint64

// processStat is what the kernel tells of a process.
type processStat struct {
	parent, group, session int
	dead                   bool // not reaped yet
	processAge
}

func readStat(pid int) (processStat, bool) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return processStat{}, false
	}
	return parseStat(data)
}

// parseStat reads /proc/PID/stat. In its second field the program's name stands
// in parentheses, which can have anything in it, parentheses too.
func parseStat(data []byte) (processStat, bool) {
	fields := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
	if len(fields) < 20 { // from the third on
		return processStat{}, false
	}
	var s processStat
	for i, n := range []*int{&s.parent, &s.group, &s.session} {
		var err error
		if *n, err = strconv.Atoi(string(fields[1+i])); err != nil {
			return processStat{}, false
		}
	}
	start, err := strconv.ParseUint(string(fields[19]), 10, 64)
	s.processAge = processAge(start)
	s.dead = fields[0][0] == 'Z' || fields[0][0] == 'X'
	return s, err == nil
}

// readEnviron reads the environment that a process was started with.
func readEnviron(pid int) ([]byte, error) {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 1<<20))
}
