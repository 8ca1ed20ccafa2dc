// SPDX-License-Identifier: Apache-2.0

//go:build unix

package charmsource

import (
	"os/exec"
	"syscall"
)

// ownGroup has a command start a process group, which what it starts belongs to:
// the go command starts compilers, which would go on without it.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
