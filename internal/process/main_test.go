// SPDX-License-Identifier: Apache-2.0

package process_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/internal/jujurpc"
	"github.com/charmsmith/charmsmith/internal/process/mountns"
)

// commands are the names under which the test's program stands on PATH.
func commands(m *juju.Model) []string { return append(m.CommandNames(), "no-such-command", holdSocket) }

// holdSocket is the name of a program that keeps the agent's socket open.
const holdSocket = "hold-socket"

// fakePebble is the name of a program that behaves as Pebble does.
const fakePebble = "fake-pebble"

// TestMain lets the test's program be the hook commands, and more.
func TestMain(m *testing.M) {
	mountns.Help()
	name := filepath.Base(os.Args[0])
	switch {
	case name == holdSocket:
		holdTheSocket()
	case name == fakePebble:
		bePebble()
	case !strings.HasSuffix(name, ".test"):
		// Not os.Exit, before which the race detector sleeps for a second.
		syscall.Exit(jujurpc.Command(os.Args[0], os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func holdTheSocket() {
	if _, err := net.Dial("unix", os.Getenv("JUJU_AGENT_SOCKET_ADDRESS")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		syscall.Exit(1)
	}
	fmt.Println("held")
	_ = os.Stdout.Close()
	select {}
}

// bePebble answers at its socket, once it has started a service that has a
// session of its own. It ends when the file "stop" is in its directory.
func bePebble() {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			syscall.Exit(1)
		}
	}
	if got := strings.Join(os.Args[1:], " "); got != "run --create-dirs --hold" {
		fail(fmt.Errorf("wrong arguments: %s", got))
	}
	dir, _ := os.Getwd()
	fail(os.WriteFile(filepath.Join(dir, "environ"), []byte(strings.Join(os.Environ(), "\n")), 0o600))
	service := exec.Command("/bin/sleep", "1000")
	service.Env = []string{"NOTHING=known"}
	service.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	fail(service.Start())
	fail(os.WriteFile(filepath.Join(dir, "service.pid"), fmt.Append(nil, service.Process.Pid), 0o600))
	listener, err := net.Listen("unix", os.Getenv("PEBBLE_SOCKET"))
	fail(err)
	fmt.Fprintln(os.Stderr, "Started daemon.")
	for busy := true; ; busy = false { // once it has no time yet
		conn, err := listener.Accept()
		fail(err)
		request := make([]byte, 1024)
		n, _ := conn.Read(request)
		switch {
		case !strings.HasPrefix(string(request[:n]), "GET /v1/system-info HTTP/1.0\r\n"):
			_, _ = io.WriteString(conn, "HTTP/1.0 404 Not Found\r\n\r\n")
		case busy:
			_, _ = io.WriteString(conn, "HTTP/1.0 503 Service Unavailable\r\n\r\n")
		default:
			_, _ = io.WriteString(conn, "HTTP/1.0 200 OK\r\n\r\n{}")
		}
		_ = conn.Close()
	}
}
