// SPDX-License-Identifier: Apache-2.0

package mountns

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// helperName is the name under which this program is started to make the mounts
// of a namespace, by a user who may do so only in a user namespace: such a one is
// entered by a process of one thread only, which no Go program is.
const helperName = "charmsmith-mounts"

const (
	helperSocket   = 3      // the file of the helper that it answers at
	made           = "made" // its answer, which comes with files
	helperPatience = 10 * time.Second
	capSysAdmin    = 21
)

// user is a mount namespace of a user namespace, which no process need be in.
// Each process has a user namespace of its own, and the root of this namespace:
// to see mounts it need not be in the namespace, but that must exist.
type user struct {
	mu    sync.RWMutex
	files []*os.File // the root, and the namespace; nil: closed
}

func newUser(opts Options) (*user, error) {
	stage, err := newStage(opts.Dir)
	if err != nil {
		return nil, err
	}
	defer os.Remove(stage)
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	ours, theirs := os.NewFile(uintptr(ends[0]), "socket"), os.NewFile(uintptr(ends[1]), "socket")
	defer ours.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, errors.Join(err, theirs.Close())
	}
	defer null.Close()
	sys := ownUser()
	sys.Cloneflags |= syscall.CLONE_NEWNS
	sys.AmbientCaps = []uintptr{capSysAdmin}
	helper, err := os.StartProcess(opts.Self, []string{helperName, opts.Dir, opts.At, stage}, &os.ProcAttr{
		Dir: "/", Env: []string{}, Files: []*os.File{null, null, null, theirs}, Sys: sys,
	})
	_ = theirs.Close()
	if err != nil {
		return nil, err
	}
	files, err := receive(ours)
	_ = helper.Kill()
	_, _ = helper.Wait()
	if err != nil {
		return nil, err
	}
	return &user{files: files}, nil
}

// ownUser returns attributes by which a process is in a user namespace, in which
// it is who it is outside.
func ownUser() *syscall.SysProcAttr {
	uid, gid := os.Geteuid(), os.Getegid()
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}},
	}
}

// receive receives what the helper answers: files, or an error.
func receive(socket *os.File) ([]*os.File, error) {
	conn, err := net.FileConn(socket)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(helperPatience)); err != nil {
		return nil, err
	}
	text, rights := make([]byte, 4096), make([]byte, 256)
	n, m, _, _, err := conn.(*net.UnixConn).ReadMsgUnix(text, rights)
	if err != nil {
		return nil, fmt.Errorf("cannot hear from the process that makes mounts: %w", err)
	}
	if answer := string(text[:n]); answer != made {
		return nil, errors.New(answer)
	}
	messages, err := syscall.ParseSocketControlMessage(rights[:m])
	if err != nil {
		return nil, err
	}
	var files []*os.File
	for _, message := range messages {
		fds, err := syscall.ParseUnixRights(&message)
		if err != nil {
			return nil, err
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "namespace"))
		}
	}
	if len(files) != 2 {
		return nil, errors.New("the process that makes mounts has ended early")
	}
	return files, nil
}

// Help ends a program that is started to make mounts, when they are made; else it
// does nothing. It is to be called early.
func Help() {
	if len(os.Args) != 4 || os.Args[0] != helperName {
		return
	}
	text := made
	rights, err := help(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		text = err.Error()
	}
	if syscall.Sendmsg(helperSocket, []byte(text), rights, nil, 0) != nil {
		syscall.Exit(1)
	}
	syscall.Exit(0)
}

func help(dir, at, stage string) (rights []byte, err error) {
	if err := build(dir, at, stage, true); err != nil {
		return nil, err
	}
	const byPath = 0x200000 // O_PATH
	root, err := syscall.Open("/", byPath|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: "/", Err: err}
	}
	namespace, err := os.Open("/proc/self/ns/mnt")
	if err != nil {
		return nil, err
	}
	return syscall.UnixRights(root, int(namespace.Fd())), nil
}

func (u *user) start(program string, argv []string, attr *os.ProcAttr) (*os.Process, error) {
	u.mu.RLock()
	defer u.mu.RUnlock()
	if u.files == nil {
		return nil, os.ErrClosed
	}
	in, own := *attr, ownUser()
	sys := syscall.SysProcAttr{}
	if attr.Sys != nil {
		sys = *attr.Sys
	}
	sys.Cloneflags |= own.Cloneflags
	sys.UidMappings, sys.GidMappings = own.UidMappings, own.GidMappings
	sys.Chroot = "/proc/self/fd/" + strconv.Itoa(int(u.files[0].Fd()))
	in.Sys = &sys
	process, err := os.StartProcess(program, argv, &in)
	for _, refusal := range []error{syscall.EPERM, syscall.ENOSPC, syscall.EUSERS, syscall.EINVAL} {
		if errors.Is(err, refusal) {
			return nil, fmt.Errorf("%w: %w", ErrRefused, err)
		}
	}
	return process, err
}

func (u *user) close() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	var errs []error
	for _, file := range u.files {
		errs = append(errs, file.Close())
	}
	u.files = nil
	return errors.Join(errs...)
}
