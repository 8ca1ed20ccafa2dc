// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// Answer implements [hookcmd.Answerer] for the commands that charms run most,
// in the form in which [hookcmd.Client] calls them. What it does not know in
// that form runs as text.
func (h *Hook) Answer(ctx context.Context, c hookcmd.Call, result any) (bool, error) {
	if h.model.opts.TextOnly || ctx.Err() != nil {
		return false, nil
	}
	h.model.mu.Lock()
	defer h.model.mu.Unlock()
	answer, ok := answers[c.Command]
	if !ok || h.model.intercept != nil {
		return false, nil
	}
	if err := h.admit(c.Command); err != nil {
		return true, callError(c, err)
	}
	known, err := answer(h, c, result)
	if !known {
		h.count-- // it comes again as text
		return false, nil
	}
	code := exitCode(err)
	if h.model.opts.RecordCalls {
		h.calls = append(h.calls, Recorded{Command: c.Command, Args: c.Args, Stdin: c.Stdin, Data: maps.Clone(c.Data), Code: code})
	}
	if err != nil {
		return true, hookcmd.NewError(c, code, "ERROR "+err.Error()+"\n")
	}
	return true, nil
}

// exitCode returns the exit code of a command that ended with err.
func exitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.As(err, new(usageError)):
		return 2
	}
	return 1
}

// answers are by command the functions that set *result; they report false if
// they do not know the form of the call.
var answers = map[string]func(h *Hook, c hookcmd.Call, result any) (known bool, err error){
	"config-get":    answerConfigGet,
	"is-leader":     answerIsLeader,
	"juju-log":      answerJujuLog,
	"relation-get":  answerRelationGet,
	"relation-ids":  answerRelationIDs,
	"relation-list": answerRelationList,
	"relation-set":  answerRelationSet,
	"state-get":     answerStateGet,
	"state-set":     answerStateSet,
	"status-set":    answerStatusSet,
}

// relationArgument returns the relation that the value of -r names.
func (h *Hook) relationArgument(id string) (*membership, error) {
	m, err := h.relationNamed(id)
	if err != nil {
		return nil, usage("invalid value %q for option -r: %w", id, err)
	}
	return m, nil
}

// answerRelationGet knows "--format=json -r ID [--app] -- KEY MEMBER".
func answerRelationGet(h *Hook, c hookcmd.Call, result any) (bool, error) {
	args := c.Args
	app := len(args) == 7 && args[3] == "--app"
	if app {
		args = slices.Delete(slices.Clone(args), 3, 4)
	}
	if len(args) != 6 || args[1] != "-r" || args[3] != "--" {
		return false, nil
	}
	m, err := h.relationArgument(args[2])
	if err != nil {
		return true, err
	}
	name, isApp, err := h.relationTarget(args[5], app)
	if err != nil {
		return true, err
	}
	content, err := h.databag(m, name, isApp)
	if err != nil {
		return true, err
	}
	switch result := result.(type) {
	case *map[string]string:
		if args[4] != "-" {
			return false, nil
		}
		if *result = content; content == nil {
			*result = map[string]string{}
		}
	case **string:
		if value, ok := content[args[4]]; ok {
			*result = &value
		}
	default:
		return false, nil
	}
	return true, nil
}

// answerRelationList knows "--format=json [--app] -r ID".
func answerRelationList(h *Hook, c hookcmd.Call, result any) (bool, error) {
	args := c.Args
	if len(args) < 3 || args[len(args)-2] != "-r" {
		return false, nil
	}
	m, err := h.relationArgument(args[len(args)-1])
	if err != nil {
		return true, err
	}
	switch result := result.(type) {
	case *[]string:
		*result = h.remoteUnits(m)
	case *string:
		*result = m.end.remoteName()
	default:
		return false, nil
	}
	return true, nil
}

// answerRelationIDs knows "--format=json -- ENDPOINT".
func answerRelationIDs(h *Hook, c hookcmd.Call, result any) (bool, error) {
	ids, ok := result.(*[]hookcmd.RelationID)
	if !ok || len(c.Args) != 3 || c.Args[2] == "" {
		return false, nil
	}
	members := h.relationsOf(c.Args[2])
	slices.SortFunc(members, func(a, b *membership) int { return strings.Compare(a.end.name(), b.end.name()) })
	*ids = make([]hookcmd.RelationID, len(members))
	for i, m := range members {
		(*ids)[i] = hookcmd.RelationID{Endpoint: m.end.Endpoint.Name, ID: m.end.rel.ID}
	}
	return true, nil
}

// answerRelationSet knows "-r ID [--app] --file -" with Data.
func answerRelationSet(h *Hook, c hookcmd.Call, _ any) (bool, error) {
	if c.Data == nil || len(c.Args) < 4 || c.Args[0] != "-r" {
		return false, nil
	}
	m, err := h.relationArgument(c.Args[1])
	if err != nil {
		return true, err
	}
	return true, h.setRelation(m, c.Args[2] == "--app", c.Data)
}

func answerIsLeader(h *Hook, _ hookcmd.Call, result any) (bool, error) {
	leader, ok := result.(*bool)
	if !ok {
		return false, nil
	}
	*leader = h.isLeader()
	return true, nil
}

// answerJujuLog knows "--log-level LEVEL -- MESSAGE".
func answerJujuLog(h *Hook, c hookcmd.Call, _ any) (bool, error) {
	if len(c.Args) != 4 || c.Args[0] != "--log-level" || c.Args[3] == "" {
		return false, nil
	}
	h.log(c.Args[1], c.Args[3])
	return true, nil
}

// answerStatusSet knows "[--application] -- STATUS MESSAGE".
func answerStatusSet(h *Hook, c hookcmd.Call, _ any) (bool, error) {
	args := c.Args
	app := len(args) == 4 && args[0] == "--application"
	if app {
		args = args[1:]
	}
	if len(args) != 3 || args[0] != "--" {
		return false, nil
	}
	return true, h.setStatus(app, args[1], args[2])
}

// answerStateGet knows "--format=json" and "--format=json --strict -- KEY".
func answerStateGet(h *Hook, c hookcmd.Call, result any) (bool, error) {
	state, ok := result.(*map[string]string)
	if !ok || len(c.Args) != 1 {
		return false, nil
	}
	if *state = h.charmState(); *state == nil {
		*state = map[string]string{}
	}
	return true, nil
}

// answerStateSet knows "--file -" with Data.
func answerStateSet(h *Hook, c hookcmd.Call, _ any) (bool, error) {
	if c.Data == nil {
		return false, nil
	}
	return true, h.setState(c.Data)
}

// answerConfigGet knows "--format=json [--all]".
func answerConfigGet(h *Hook, c hookcmd.Call, result any) (bool, error) {
	values, ok := result.(*hookcmd.Values)
	all := len(c.Args) == 2 && c.Args[1] == "--all"
	if !ok || len(c.Args) != 1 && !all {
		return false, nil
	}
	*values = make(hookcmd.Values, len(h.options()))
	for name, value := range h.options() {
		if value == nil && !all {
			continue
		}
		text, err := json.Marshal(charmValue(value))
		if err != nil {
			return true, err
		}
		(*values)[name] = text
	}
	return true, nil
}
