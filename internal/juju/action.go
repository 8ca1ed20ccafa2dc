// SPDX-License-Identifier: Apache-2.0

package juju

// Action is an action that an operator runs on a unit. The model's methods
// change it; read it when the model is settled.
type Action struct {
	ID      string // "1"
	Name    string
	Status  string // "pending", "running", "completed", "failed", "error" or "aborted"
	Params  map[string]any
	Results map[string]any
	Message string
	Log     []string
}

// Commands are a juju-exec on a unit.
type Commands struct {
	Script string
	member *membership
	slot   int32
	// Done is set when they have ended.
	Done   bool
	Code   int
	Stdout []byte
	Stderr []byte
	Err    error
}

// prepareAction checks the parameters of an action; false: it does not run.
func (a *agent) prepareAction(act *Action) bool { return true }

func (h *Hook) finishAction(outcome Outcome, exit Exit, err error) {}

func (h *Hook) finishCommands(outcome Outcome, exit Exit, err error) {}
