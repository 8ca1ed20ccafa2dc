// SPDX-License-Identifier: Apache-2.0

// Package testagent is a small unit agent for the tests and benchmarks of the
// packages that a charm links: relations with databags, leadership, status and
// log, as a handler for package hookcmdtest. It answers as Juju does in what it
// knows; other commands fail.
package testagent

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// Agent is the unit agent of one unit, during one hook. Its fields are set
// before its first command.
type Agent struct {
	Unit      string
	Leader    bool
	Relations map[string]*Relation // by ID, "db:3"
	// Intercept may answer a command instead of the agent.
	Intercept func(call hookcmd.Call) (answer hookcmdtest.Answer, ok bool)

	mu    sync.Mutex
	calls []string
	logs  []string
}

// Relation is one relation, as its agent knows it.
type Relation struct {
	App    string                       // the remote application
	Units  []string                     // what relation-list prints
	Hidden bool                         // relation-ids omits it, as in relation-broken
	Bags   map[string]map[string]string // by unit or application, ours among them
}

// Calls returns the commands that ran, with their arguments, but for juju-log.
func (a *Agent) Calls() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.calls)
}

// Logs returns the lines of the log, "LEVEL text".
func (a *Agent) Logs() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.logs)
}

// Handle answers a hook command; it is a [hookcmdtest.Handler].
func (a *Agent) Handle(call hookcmd.Call) hookcmdtest.Answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	flags, args := split(call.Args)
	if call.Command != "juju-log" {
		line := strings.Join(append([]string{call.Command}, call.Args...), " ")
		if call.Stdin != nil {
			line += " < " + string(call.Stdin)
		}
		a.calls = append(a.calls, line)
	}
	if a.Intercept != nil {
		if answer, ok := a.Intercept(call); ok {
			return answer
		}
	}
	switch call.Command {
	case "juju-log":
		a.logs = append(a.logs, flags["--log-level"]+" "+strings.Join(args, " "))
		return hookcmdtest.Answer{}
	case "status-set", "action-fail":
		return hookcmdtest.Answer{}
	case "is-leader":
		return printed(a.Leader)
	case "relation-ids":
		return a.relationIDs(args)
	}
	if !strings.HasPrefix(call.Command, "relation-") {
		return hookcmdtest.Failure(1, "the test's agent has no %s", call.Command)
	}
	rel, ok := a.Relations[flags["-r"]]
	if !ok {
		return hookcmdtest.Failure(2, `invalid value %q for option -r: relation not found`, flags["-r"])
	}
	_, app := flags["--app"]
	switch call.Command {
	case "relation-list":
		if app {
			return printed(rel.App)
		}
		return printed(append([]string{}, rel.Units...))
	case "relation-get":
		return rel.get(args)
	case "relation-set":
		return a.relationSet(rel, app, call.Stdin)
	case "relation-model-get":
		return printed(map[string]string{"uuid": "deadbeef-0bad-400d-8000-4b1d0d06f00d"})
	}
	return hookcmdtest.Failure(1, "the test's agent has no %s", call.Command)
}

func (a *Agent) relationIDs(args []string) hookcmdtest.Answer {
	ids := []string{}
	for _, id := range slices.Sorted(maps.Keys(a.Relations)) {
		if strings.HasPrefix(id, args[0]+":") && !a.Relations[id].Hidden {
			ids = append(ids, id)
		}
	}
	return printed(ids)
}

func (r *Relation) get(args []string) hookcmdtest.Answer {
	key, member := args[0], args[1]
	bag, ok := r.Bags[member]
	switch {
	case !ok:
		return hookcmdtest.Failure(1, "relation unit not found")
	case key == "-":
		return printed(bag)
	case bag[key] == "":
		return printed(nil)
	}
	return printed(bag[key])
}

func (a *Agent) relationSet(rel *Relation, app bool, stdin []byte) hookcmdtest.Answer {
	member := a.Unit
	if app {
		if !a.Leader {
			return hookcmdtest.Failure(1, "cannot write relation settings")
		}
		member, _, _ = strings.Cut(a.Unit, "/")
	}
	var data map[string]string
	if err := json.Unmarshal(stdin, &data); err != nil {
		return hookcmdtest.Failure(1, "%v", err)
	}
	if rel.Bags[member] == nil {
		rel.Bags[member] = make(map[string]string)
	}
	for key, value := range data {
		if value == "" {
			delete(rel.Bags[member], key)
		} else {
			rel.Bags[member][key] = value
		}
	}
	return hookcmdtest.Answer{}
}

// split tells flags from arguments, for the forms that package hookcmd uses.
func split(all []string) (flags map[string]string, args []string) {
	flags = make(map[string]string)
	for i := 0; i < len(all); i++ {
		switch arg := all[i]; {
		case arg == "--":
			return flags, append(args, all[i+1:]...)
		case arg == "-r" || arg == "--file" || arg == "--log-level":
			i++
			flags[arg] = all[i]
		case strings.HasPrefix(arg, "-") && arg != "-":
			flags[arg] = ""
		default:
			args = append(args, arg)
		}
	}
	return flags, args
}

func printed(value any) hookcmdtest.Answer {
	b, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("testagent: cannot print %v: %v", value, err))
	}
	return hookcmdtest.Answer{Stdout: string(b) + "\n"}
}
