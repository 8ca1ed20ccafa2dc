// SPDX-License-Identifier: Apache-2.0

package mountns

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"syscall"
)

// newStarter returns what starts programs in a new namespace.
func newStarter(opts Options) (starter, error) {
	t, err := newThread(opts)
	if errors.Is(err, syscall.EPERM) && os.Geteuid() != 0 {
		return newUser(opts)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// thread is a thread of this process that is in a mount namespace of its own, as
// are the processes that it starts. All others stay where they are: a runtime
// that needs a new thread does not copy one that is locked.
type thread struct {
	calls chan func()
	ended chan struct{} // closed by close
	end   func()
}

func newThread(opts Options) (*thread, error) {
	stage, err := newStage(opts.Dir)
	if err != nil {
		return nil, err
	}
	defer os.Remove(stage)
	t := &thread{calls: make(chan func()), ended: make(chan struct{})}
	t.end = sync.OnceFunc(func() { close(t.ended) })
	made := make(chan error)
	go onOwnThread(func() {
		err := os.NewSyscallError("unshare", syscall.Unshare(syscall.CLONE_NEWNS))
		if err == nil {
			err = build(opts.Dir, opts.At, stage, false)
		}
		made <- err
		if err == nil {
			t.serve()
		}
	})
	if err := <-made; err != nil {
		return nil, err
	}
	return t, nil
}

// onOwnThread calls f on a thread that ends with the goroutine that it is called
// by. That is not the first thread, which stands for the process in /proc and
// cannot end.
func onOwnThread(f func()) {
	runtime.LockOSThread()
	if syscall.Gettid() != syscall.Getpid() {
		f()
		return
	}
	locked := make(chan struct{})
	go onOwnThread(func() {
		close(locked)
		f()
	})
	<-locked
	runtime.UnlockOSThread()
}

// serve runs what is to run on this thread.
func (t *thread) serve() {
	for {
		select {
		case call := <-t.calls:
			call()
		case <-t.ended:
			return
		}
	}
}

func (t *thread) start(program string, argv []string, attr *os.ProcAttr) (process *os.Process, err error) {
	done := make(chan struct{})
	call := func() {
		defer close(done)
		process, err = os.StartProcess(program, argv, attr)
	}
	select {
	case t.calls <- call:
		<-done
		return process, err
	case <-t.ended:
		return nil, os.ErrClosed
	}
}

func (t *thread) close() error {
	t.end()
	return nil
}
