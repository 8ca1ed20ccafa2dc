// SPDX-License-Identifier: Apache-2.0

// Command magpie is a charm that checks the network between its units: whether they
// reach each other, whether DNS knows them, what their links are, and how much they move.
//
// The files are: charm.go, what is true after every hook; config.go, what the operator
// sets; checks.go, what the status tells; action_….go, what the operator runs; peers.go
// and failures.go, which peers are checked and how it is told what fails; and server.go
// and serve.go, the process that goes on between hooks. The folders of internal know the
// network, and nothing of Juju.
//
// The program is also that process ("magpie serve"), and reads the state of LACP ports
// for people:
//
//	magpie lacp 63 61
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/link"
)

const usage = `magpie is a charm, which Juju starts without arguments. With arguments it is

  magpie lacp STATE...   tell what states of LACP ports mean, as in magpie lacp 63 61,
                         and where they differ
  magpie serve FLAGS     the process beside the hooks, which they start
  magpie help            this text
`

func main() {
	if len(os.Args) < 2 {
		charm.Main(register(newSystem()))
		return
	}
	var err error
	switch os.Args[1] {
	case "serve":
		err = serve(os.Args[2:])
	case "lacp":
		err = lacp(os.Args[2:])
	case "help", "--help", "-h":
		fmt.Print(usage)
	default:
		err = fmt.Errorf("cannot run %q: see magpie help", os.Args[1])
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "magpie: %v\n", err)
		os.Exit(1)
	}
}

// lacp prints what states of LACP ports mean, and where they differ.
func lacp(args []string) error {
	if len(args) == 0 {
		return errors.New("cannot tell states of LACP ports: give one or more, as in magpie lacp 63 61")
	}
	var states []link.PortState
	for _, arg := range args {
		state, err := link.ParsePortState(arg)
		if err != nil {
			return err
		}
		states = append(states, state)
	}
	_, err := fmt.Print(link.DescribePortStates(states...))
	return err
}
