// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// checkGrammar checks what holds of the hooks of one unit in any model: in each
// relation, which its endpoint stands for, created comes first; joined is
// followed by changed of the same unit; a unit is told of only between its joined
// and its departed; broken is the last, and comes when all have departed; peers
// have none. Nothing comes after remove, and a unit is never told of itself.
//
// It is for hooks that all succeeded, in a model without faults.
func checkGrammar(t *testing.T, c *cast, unit string) {
	t.Helper()
	hooks := of(unit, c.hooks)
	if i := slices.Index(hooks, "remove"); i >= 0 {
		assert.Equal(t, "remove", hooks[len(hooks)-1], "%s: nothing comes after remove: %s", unit, c)
	}
	endpoints := make(map[string]*reader)
	for _, hook := range hooks {
		endpoint, what, ok := strings.Cut(hook, "-relation-")
		if !ok {
			continue
		}
		r := endpoints[endpoint]
		if r == nil {
			r = &reader{members: make(map[string]bool)}
			endpoints[endpoint] = r
		}
		kind, about, _ := strings.Cut(what, " ")
		about, _, _ = strings.Cut(strings.Trim(about, "()"), ";")
		if complaint := r.read(kind, about, unit); complaint != "" {
			assert.Fail(t, complaint, "%s %s: %s", unit, hook, c)
			return
		}
	}
	for endpoint, r := range endpoints {
		assert.Empty(t, r.joined, "%s %s: changed is still to come: %s", unit, endpoint, c)
	}
}

// reader reads the hooks of one relation.
type reader struct {
	created bool
	joined  string // who has joined, and has not changed
	members map[string]bool
}

func (r *reader) read(kind, about, unit string) (complaint string) {
	switch {
	case about == unit:
		return "a unit is told of itself"
	case kind == "created":
		if r.created {
			return "created comes twice"
		}
		r.created = true
		return ""
	case !r.created:
		return "created is not the first"
	case r.joined != "" && (kind != "changed" || about != r.joined):
		return "it comes between joined and changed of " + r.joined
	}
	isUnit := strings.Contains(about, "/")
	switch kind {
	case "joined":
		if r.members[about] {
			return "it has joined already"
		}
		r.members[about], r.joined = true, about
	case "changed":
		if isUnit && !r.members[about] {
			return "it has not joined"
		}
		r.joined = ""
	case "departed":
		if !r.members[about] {
			return "it has not joined"
		}
		delete(r.members, about)
	case "broken":
		if len(r.members) > 0 {
			return "not all have departed"
		}
		r.created = false // the endpoint's next relation begins anew
	}
	return ""
}
