// SPDX-License-Identifier: Apache-2.0

// Command run measures charmsmith run: what it adds to each hook beside the
// process itself, and how long a peer application of 50 units takes to form.
//
//	go run ./bench/run
//
// The bare process is started in turn with each run, so that both meet the same
// machine. That an aim is missed is only said.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

func main() {
	rounds := flag.Int("n", 5, "number of `rounds`")
	units := flag.Int("units", 50, "`units` of the application that forms")
	flag.Parse()
	if err := run(*rounds, *units); err != nil {
		fmt.Fprintln(os.Stderr, "ERROR", err)
		os.Exit(1)
	}
}

const metadata = "name: empty\nsummary: x\ndescription: x\npeers: {peers: {interface: empty}}\n"

func run(rounds, units int) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	empty, hello := filepath.Join(dir, "empty"), filepath.Join(dir, "hello")
	command := filepath.Join(dir, "charmsmith")
	for program, pkg := range map[string]string{command: "./cmd/charmsmith", filepath.Join(empty, "dispatch"): "./bench/empty", filepath.Join(hello, "dispatch"): "./examples/hello"} {
		build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, pkg)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("cannot build %s: %w\n%s", pkg, err, out)
		}
	}
	if err := os.WriteFile(filepath.Join(empty, "metadata.yaml"), []byte(metadata), 0o600); err != nil {
		return err
	}
	charmcraft, err := os.ReadFile("examples/hello/charmcraft.yaml")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(hello, "charmcraft.yaml"), charmcraft, 0o600); err != nil {
		return err
	}
	if err := overhead(command, empty, rounds); err != nil {
		return err
	}
	return form(command, hello, rounds, units)
}

// overhead prints what a hook costs beside its process: a whole run, one hook at
// a time, against as many starts of the process alone.
func overhead(command, charm string, rounds int) error {
	var alone, hook []time.Duration
	hooks := 0
	for range rounds {
		r, err := simulate(command, charm, "--units", "12", "--parallel", "1")
		if err != nil {
			return err
		}
		hooks = r.hooks
		each, err := starts(filepath.Join(charm, "dispatch"), r.hooks)
		if err != nil {
			return err
		}
		hook, alone = append(hook, r.elapsed/time.Duration(r.hooks)), append(alone, each)
	}
	more := make([]time.Duration, len(hook))
	for i := range hook {
		more[i] = hook[i] - alone[i]
	}
	fmt.Printf("one hook, empty program, %d hooks one at a time, best and median of %d:\n", hooks, rounds)
	fmt.Printf("  process alone        %v\n  hook                 %v\n  overhead             %v   (aim 2ms)\n", both(alone), both(hook), both(more))
	return nil
}

// starts returns how long a process takes, as the mean of n in a row.
func starts(program string, n int) (time.Duration, error) {
	begin := time.Now()
	for range n {
		cmd := exec.Command(program)
		cmd.Env = []string{}
		if err := cmd.Run(); err != nil {
			return 0, err
		}
	}
	return time.Since(begin) / time.Duration(n), nil
}

// form prints how long an application takes to form, from nothing to settled.
func form(command, charm string, rounds, units int) error {
	var elapsed []time.Duration
	var memory int64
	hooks := 0
	for range rounds {
		r, err := simulate(command, charm, "--units", strconv.Itoa(units))
		if err != nil {
			return err
		}
		elapsed, memory, hooks = append(elapsed, r.elapsed), max(memory, r.memory), r.hooks
	}
	fmt.Printf("examples/hello, %d units, %d hooks, best and median of %d:\n", units, hooks, rounds)
	fmt.Printf("  from nothing         %v   (aim 30s at 50 units)\n  memory of charmsmith %d MiB   (aim 200 MiB)\n", both(elapsed), memory>>20)
	return nil
}

func both(d []time.Duration) string {
	d = slices.Sorted(slices.Values(d))
	return fmt.Sprintf("%v / %v", d[0].Round(10*time.Microsecond), d[len(d)/2].Round(10*time.Microsecond))
}

// result is what a run of charmsmith took.
type result struct {
	elapsed time.Duration // of the whole command
	hooks   int
	memory  int64 // at most, in bytes
}

func simulate(command, charm string, args ...string) (result, error) {
	cmd := exec.Command(command, append([]string{"run", charm, "--json", "--seed", "1"}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		return result{}, fmt.Errorf("%w: %s", err, &stderr)
	}
	r := result{elapsed: time.Since(begin)}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.memory = usage.Maxrss << 10
	}
	lines := bufio.NewScanner(&stdout)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var entry struct{ Kind, Result string }
		if err := json.Unmarshal(lines.Bytes(), &entry); err != nil {
			return r, err
		}
		if entry.Kind != "hook" {
			continue
		}
		if r.hooks++; entry.Result != "ok" {
			return r, errors.New("a hook did not succeed: " + lines.Text())
		}
	}
	return r, lines.Err()
}
