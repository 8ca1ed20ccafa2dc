// SPDX-License-Identifier: Apache-2.0

// Package peers is the work of the bare programs of the benchmark: what the
// handler of bench/sdk does, with the same hook commands and as little code.
package peers

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Call is one hook command.
type Call struct {
	Command string
	Args    []string
	Stdin   []byte // nil if none
}

// RunFunc runs hook commands that do not depend on each other, and returns
// their outputs in the order of calls.
type RunFunc func(calls ...Call) ([][]byte, error)

// Update reads the databags of all peers, and tells them and the operator how
// many have an address.
func Update(run RunFunc) error {
	var ids, units []string
	if err := read(run, &ids, Call{Command: "relation-ids", Args: []string{"--format=json", "--", "peers"}}); err != nil {
		return err
	}
	if len(ids) != 1 {
		return fmt.Errorf("cannot find the peer relation: %d of them", len(ids))
	}
	if err := read(run, &units, Call{Command: "relation-list", Args: []string{"--format=json", "-r", ids[0]}}); err != nil {
		return err
	}
	slices.SortFunc(units, func(a, b string) int { return number(a) - number(b) })

	calls := make([]Call, len(units))
	for i, unit := range units {
		calls[i] = Call{Command: "relation-get", Args: []string{"--format=json", "-r", ids[0], "--", "-", unit}}
	}
	outputs, err := run(calls...)
	if err != nil {
		return err
	}
	reached := 0
	for _, output := range outputs {
		var bag map[string]string
		if err := json.Unmarshal(output, &bag); err != nil {
			return err
		}
		if bag["ingress-address"] != "" {
			reached++
		}
	}

	if _, err := run(Call{Command: "status-set", Args: []string{"--", "active", fmt.Sprintf("%d peers", reached)}}); err != nil {
		return err
	}
	_, err = run(Call{
		Command: "relation-set",
		Args:    []string{"-r", ids[0], "--file", "-"},
		Stdin:   []byte(`{"reached": "` + strconv.Itoa(reached) + `"}`),
	})
	return err
}

func read(run RunFunc, result any, call Call) error {
	outputs, err := run(call)
	if err != nil {
		return err
	}
	return json.Unmarshal(outputs[0], result)
}

// number returns 3 for "magpie/3".
func number(unit string) int {
	_, digits, _ := strings.Cut(unit, "/")
	n, _ := strconv.Atoi(digits)
	return n
}
