// SPDX-License-Identifier: Apache-2.0

// Command bench compares a charm of the SDK with programs that do the same by
// hand, on a fake unit agent:
//
//	go run ./bench
//
// README.md tells how to read what it prints. It fails if a program does not
// make exactly the hook commands that it has to make. That an aim is missed is
// only said: on a busy machine that means little.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
)

func main() {
	rounds := flag.Int("n", 200, "number of `rounds`")
	peers := flag.String("peers", "3,50", "numbers of peers, separated by commas")
	flag.Parse()
	if err := run(*rounds, *peers); err != nil {
		fmt.Fprintln(os.Stderr, "ERROR", err)
		os.Exit(1)
	}
}

func run(rounds int, peersList string) error {
	debug.SetGCPercent(-1)
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tools := filepath.Join(dir, "tools")
	if err := buildAll(dir, tools); err != nil {
		return err
	}
	for text := range strings.SplitSeq(peersList, ",") {
		peers, err := strconv.Atoi(text)
		if err != nil || peers < 1 || peers > 250 {
			return fmt.Errorf("cannot use %q as number of peers: it must be between 1 and 250", text)
		}
		if err := runSize(filepath.Join(dir, text), tools, rounds, peers); err != nil {
			return fmt.Errorf("with %d peers: %w", peers, err)
		}
	}
	return nil
}

func runSize(dir, tools string, rounds, peers int) error {
	s, err := newStage(dir, tools, peers)
	if err != nil {
		return err
	}
	defer s.close()
	results, err := s.measure(rounds, peers)
	if err != nil {
		return err
	}
	peaks, err := s.peaks(hello)
	if err != nil {
		return err
	}
	report(os.Stdout, peers, results)
	reportHello(os.Stdout, peers, quantile(peaks, 0.5))
	fmt.Println()
	return nil
}
