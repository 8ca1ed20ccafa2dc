// SPDX-License-Identifier: Apache-2.0

// Command hookcommand is a hook command, under whose name it is linked into a
// directory on PATH. Unlike Juju's it starts as fast as it can, so that what a
// program does before and after it shows.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/charmsmith/charmsmith/hookcmd"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "ERROR", err)
		var e *hookcmd.Error
		if errors.As(err, &e) && e.Code > 0 {
			os.Exit(e.Code)
		}
		os.Exit(1)
	}
}

func run() error {
	ctx := context.Background()
	call := hookcmd.Call{Command: filepath.Base(os.Args[0]), Args: os.Args[1:]}
	if i := slices.Index(call.Args, "--file"); i >= 0 && i+1 < len(call.Args) && call.Args[i+1] == "-" {
		stdin, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		call.Stdin = stdin
	}
	socket := hookcmd.NewSocket(hookcmd.AgentFromEnviron(os.Environ()))
	stdout, err := socket.Run(ctx, call)
	if err != nil {
		return err
	}
	if err := socket.Close(ctx); err != nil {
		return err
	}
	_, err = os.Stdout.Write(stdout)
	return err
}
