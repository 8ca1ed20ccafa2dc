// SPDX-License-Identifier: Apache-2.0

package jujurpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Command is a hook command as a process, as Juju's own client is one: it asks
// the unit agent and returns the exit code. The command is the base of name,
// which may be a path; getenv looks up the environment, as [os.Getenv] does.
//
// It reads stdin, to the end, only if the agent says that the command needs it.
// What goes wrong on the way, a variable that is missing, an agent that cannot
// be reached, an error of the RPC, is written to stderr as "ERROR …" for exit
// code 1. Errors of stdout and stderr are ignored.
func Command(name string, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	response, err := ask(filepath.Base(name), args, getenv, stdin)
	if err != nil {
		fmt.Fprintf(stderr, "ERROR %v\n", err)
		return 1
	}
	_, _ = stdout.Write(response.Stdout)
	_, _ = stderr.Write(response.Stderr)
	return response.Code
}

func ask(name string, args []string, getenv func(string) string, stdin io.Reader) (Response, error) {
	values := make(map[string]string)
	for _, variable := range []string{"JUJU_CONTEXT_ID", "JUJU_AGENT_SOCKET_ADDRESS", "JUJU_AGENT_SOCKET_NETWORK"} {
		values[variable] = getenv(variable)
		if values[variable] == "" {
			return Response{}, fmt.Errorf("%s not set", variable)
		}
	}
	dir, err := os.Getwd()
	if err != nil {
		return Response{}, err
	}
	client, err := Dial(context.Background(), values["JUJU_AGENT_SOCKET_NETWORK"], values["JUJU_AGENT_SOCKET_ADDRESS"])
	if err != nil {
		return Response{}, err
	}
	defer client.Close()
	request := Request{ContextId: values["JUJU_CONTEXT_ID"], Dir: dir, CommandName: name, Args: args}
	response, err := client.Run(request)
	if !errors.Is(err, ErrNoStdin) {
		return response, err
	}
	if request.Stdin, err = io.ReadAll(io.LimitReader(stdin, maxMessage+1)); err != nil {
		return Response{}, fmt.Errorf("cannot read standard input: %w", err)
	}
	if len(request.Stdin) > maxMessage {
		return Response{}, fmt.Errorf("cannot read standard input: it is larger than %d MiB", maxMessage>>20)
	}
	request.StdinSet = true
	return client.Run(request)
}
