// SPDX-License-Identifier: Apache-2.0

package ping_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/ping"
)

// machine is a machine of its own for a test: a child of the test that has
// nothing but a loopback interface, in namespaces of its own.
type machine struct {
	MTU        int  // of the interface
	Raw        bool // with CAP_NET_RAW
	Datagram   bool // with its group in net.ipv4.ping_group_range
	Silent     bool // answers no echo
	Targets    []string
	Options    packets
	CancelSoon bool // the context of Run ends soon
}

// packets are the Options that JSON knows.
type packets struct {
	Tries             int
	Interval, Timeout time.Duration
	MTU               int
}

func (p packets) options() *ping.Options {
	return &ping.Options{Tries: p.Tries, Interval: p.Interval, Timeout: p.Timeout, MTU: p.MTU}
}

// report is what Run came to in a machine.
type report struct {
	Skip       string   // why the machine could not be made
	Results    []string // texts
	RTTs       []int    // how many each result has
	Goroutines int      // that Run left behind
}

// machineVariable has the machine, in the child.
const machineVariable = "PING_TEST_MACHINE"

func TestMain(m *testing.M) {
	text := os.Getenv(machineVariable)
	if text == "" {
		os.Exit(m.Run())
	}
	var r report
	if err := runIn(text, &r); err != nil {
		r = report{Skip: err.Error()}
	}
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		panic(err)
	}
}

// run makes the machine and runs ping.Run there.
func (m machine) run(t *testing.T) report {
	t.Helper()
	text, err := json.Marshal(m)
	require.NoError(t, err)
	executable, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), executable)
	cmd.Env = append(os.Environ(), machineVariable+"="+string(text), "GORACE=atexit_sleep_ms=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	const how = "this test needs user and network namespaces; run it as root, or allow users to make them: "
	if err := cmd.Start(); err != nil {
		t.Skip(how + err.Error())
	}
	require.NoError(t, cmd.Wait(), "%s", &stderr)
	var r report
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &r), "%s", &stdout)
	if r.Skip != "" {
		t.Skip(how + r.Skip)
	}
	return r
}

// runIn is the child.
func runIn(text string, r *report) error {
	var m machine
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return err
	}
	if err := m.setUp(); err != nil {
		return err
	}
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if m.CancelSoon {
		time.AfterFunc(200*time.Millisecond, cancel)
	}
	var targets []ping.Target
	for _, address := range m.Targets {
		targets = append(targets, ping.Target{Address: address})
	}
	for _, result := range ping.Run(ctx, targets, m.Options.options()) {
		r.Results = append(r.Results, result.String())
		r.RTTs = append(r.RTTs, len(result.RTTs))
	}
	for range 1000 { // a goroutine needs a moment to end after its last word
		if r.Goroutines = runtime.NumGoroutine() - before; r.Goroutines <= 0 {
			r.Goroutines = 0
			break
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// setUp makes the network of the machine, and the rights of the process, for
// which it runs the executable again.
func (m *machine) setUp() error {
	const done = "PING_TEST_SET_UP"
	if os.Getenv(done) != "" {
		return nil
	}
	if err := loopback(m.MTU); err != nil {
		return fmt.Errorf("cannot set up lo: %w", err)
	}
	settings := make(map[string]string)
	if m.Datagram {
		settings["ipv4/ping_group_range"] = "0 0"
	}
	if m.Silent {
		settings["ipv4/icmp_echo_ignore_all"] = "1"
		settings["ipv6/icmp/echo_ignore_all"] = "1"
	}
	for name, value := range settings {
		if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0); err != nil {
			return err
		}
	}
	runtime.LockOSThread() // the thread that becomes the new program
	if !m.Raw {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_NET_RAW, 0, 0, 0); err != nil {
			return fmt.Errorf("cannot drop CAP_NET_RAW: %w", err)
		}
	}
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(executable, os.Args, append(os.Environ(), done+"=1"))
}

// loopback sets the MTU of the loopback interface, and brings it up.
func loopback(mtu int) (err error) {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unix.Close(s)) }()
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint32(uint32(mtu))
	if err := unix.IoctlIfreq(s, unix.SIOCSIFMTU, request); err != nil {
		return err
	}
	if request, err = unix.NewIfreq("lo"); err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, request)
}
