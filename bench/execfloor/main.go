// SPDX-License-Identifier: Apache-2.0

// Command execfloor is a charm without the SDK that runs the hook commands as
// processes, one after the other. It is what bench/sdk is held to when it does
// so.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"

	"github.com/charmsmith/charmsmith/bench/internal/peers"
)

func main() {
	if err := peers.Update(run); err != nil {
		fmt.Fprintln(os.Stderr, "ERROR", err)
		os.Exit(1)
	}
}

func run(calls ...peers.Call) ([][]byte, error) {
	outputs := make([][]byte, len(calls))
	for i, call := range calls {
		cmd := exec.Command(call.Command, call.Args...)
		if call.Stdin != nil {
			cmd.Stdin = bytes.NewReader(call.Stdin)
		}
		output, err := cmd.Output() // keeps standard error, too
		if err != nil {
			return nil, err
		}
		outputs[i] = output
	}
	return outputs, nil
}
