// SPDX-License-Identifier: Apache-2.0

// Command floor is a charm without the SDK: it talks to the unit agent over one
// connection, by packages net and encoding/gob. It is what bench/sdk is held
// to, so it is written to be fast; the reads that do not depend on each other
// are sent in one go.
package main

import (
	"bufio"
	"encoding/gob"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/charmsmith/charmsmith/bench/internal/peers"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "ERROR", err)
		os.Exit(1)
	}
}

func run() error {
	conn, err := net.Dial(os.Getenv("JUJU_AGENT_SOCKET_NETWORK"), os.Getenv("JUJU_AGENT_SOCKET_ADDRESS"))
	if err != nil {
		return err
	}
	defer conn.Close()
	out := bufio.NewWriterSize(conn, 64<<10) // a batch in one go
	a := &agent{
		contextID: os.Getenv("JUJU_CONTEXT_ID"),
		dir:       os.Getenv("JUJU_CHARM_DIR"),
		out:       out,
		encoder:   gob.NewEncoder(out),
		decoder:   gob.NewDecoder(bufio.NewReader(conn)),
	}
	return peers.Update(a.run)
}

// The messages of net/rpc and, in them, of Juju.
type (
	requestHeader struct {
		ServiceMethod string
		Seq           uint64
	}
	request struct {
		ContextId   string // Juju's spelling
		Dir         string
		CommandName string
		Args        []string
		StdinSet    bool
		Stdin       []byte
	}
	responseHeader struct {
		Seq   uint64
		Error string
	}
	response struct {
		Code   int
		Stdout []byte
		Stderr []byte
	}
)

// agent is the connection to the unit agent.
type agent struct {
	contextID, dir string
	out            *bufio.Writer
	encoder        *gob.Encoder
	decoder        *gob.Decoder
	seq            uint64
}

func (a *agent) run(calls ...peers.Call) ([][]byte, error) {
	first := a.seq + 1
	for _, call := range calls {
		a.seq++
		if err := a.encoder.Encode(requestHeader{"Jujuc.Main", a.seq}); err != nil {
			return nil, err
		}
		if err := a.encoder.Encode(request{a.contextID, a.dir, call.Command, call.Args, true, call.Stdin}); err != nil {
			return nil, err
		}
	}
	if err := a.out.Flush(); err != nil {
		return nil, err
	}
	outputs := make([][]byte, len(calls))
	for range calls { // the answers come in any order
		var header responseHeader
		var answer response
		if err := a.decoder.Decode(&header); err != nil {
			return nil, err
		}
		if err := a.decoder.Decode(&answer); err != nil {
			return nil, err
		}
		switch {
		case header.Error != "":
			return nil, errors.New(header.Error)
		case answer.Code != 0:
			return nil, errors.New(string(answer.Stderr))
		case header.Seq < first || header.Seq > a.seq:
			return nil, fmt.Errorf("answer %d to nothing that was asked", header.Seq)
		}
		outputs[header.Seq-first] = answer.Stdout
	}
	return outputs, nil
}
