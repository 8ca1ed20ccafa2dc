// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/rpc"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// agent is a unit agent of "magpie/0", served as Juju's is but with answers
// that were made in advance. It has the peer relations peers:1, of the programs
// that are compared, and friends:2, of examples/hello.
type agent struct {
	listener  net.Listener
	contextID string
	answers   map[string][]byte // standard output, by command line
	wanted    []string          // the command lines of one run, sorted

	mu    sync.Mutex
	lines []string // the command lines since takeCalls
}

func newAgent(address, contextID string, peers int) (*agent, error) {
	listener, err := net.Listen("unix", address)
	if err != nil {
		return nil, err
	}
	a := &agent{listener: listener, contextID: contextID, answers: make(map[string][]byte)}
	units := make([]string, peers)
	for i := range units {
		units[i] = "magpie/" + strconv.Itoa(i+1)
	}
	slices.Sort(units)
	for _, id := range []string{"peers:1", "friends:2"} {
		endpoint, _, _ := strings.Cut(id, ":")
		a.print([]string{id}, "relation-ids", "--format=json", "--", endpoint)
		a.print(units, "relation-list", "--format=json", "-r", id)
		for i, unit := range units {
			address := fmt.Sprintf("10.0.0.%d", i+2)
			a.print(map[string]string{
				"egress-subnets": address + "/32", "greeting": "Hello from " + unit, "ingress-address": address,
			}, "relation-get", "--format=json", "-r", id, "--", "-", unit)
		}
		if id == "peers:1" {
			for line := range a.answers {
				a.wanted = append(a.wanted, line)
			}
		}
	}
	a.wanted = append(a.wanted,
		fmt.Sprintf("status-set -- active %d peers", peers),
		fmt.Sprintf(`relation-set -r peers:1 --file - < {"reached": "%d"}`, peers))
	slices.Sort(a.wanted)

	server := rpc.NewServer()
	if err := server.RegisterName("Jujuc", &Jujuc{a}); err != nil {
		return nil, err
	}
	go a.accept(server)
	return a, nil
}

func (a *agent) accept(server *rpc.Server) {
	for {
		conn, err := a.listener.Accept()
		if err != nil {
			return // closed
		}
		go server.ServeConn(conn)
	}
}

// print sets what a command prints.
func (a *agent) print(value any, command ...string) {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // there are only strings in it
	}
	a.answers[strings.Join(command, " ")] = append(text, '\n')
}

func (a *agent) close() { _ = a.listener.Close() }

// takeCalls returns the command lines since it was called last, sorted.
func (a *agent) takeCalls() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	lines := a.lines
	a.lines = nil
	slices.Sort(lines)
	return lines
}

// Request is what Juju's clients send. It is exported for net/rpc.
type Request struct {
	ContextId   string // Juju's spelling
	Dir         string
	CommandName string
	Args        []string
	StdinSet    bool
	Stdin       []byte
}

// Response is what Juju's agent answers. It is exported for net/rpc.
type Response struct {
	Code   int
	Stdout []byte
	Stderr []byte
}

// Jujuc is the service of an agent. It is exported for net/rpc.
type Jujuc struct{ agent *agent }

// Main runs a hook command.
func (j *Jujuc) Main(request Request, response *Response) error {
	if request.ContextId != j.agent.contextID || !filepath.IsAbs(request.Dir) {
		return fmt.Errorf("bad request: wrong context ID or directory")
	}
	line := request.CommandName + " " + strings.Join(request.Args, " ")
	if request.Stdin != nil {
		line += " < " + string(request.Stdin)
	}
	j.agent.mu.Lock()
	defer j.agent.mu.Unlock()
	j.agent.lines = append(j.agent.lines, line)
	answer, ok := j.agent.answers[line]
	switch {
	case ok:
		response.Stdout = answer
	case request.CommandName != "status-set" && request.CommandName != "relation-set":
		response.Code, response.Stderr = 1, []byte("ERROR unexpected: "+line+"\n")
	}
	return nil
}
