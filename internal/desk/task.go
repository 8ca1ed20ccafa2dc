// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/charmsmith/charmsmith/internal/juju"
)

// runAction runs an action, waits for it, and prints its results. That it fails
// is printed, and no error: it is an answer.
func (d *Desk) runAction(ctx context.Context, l *Line) error {
	u, err := d.unit(l.args[0])
	if err != nil {
		return err
	}
	params, err := actionParams(l.args[2:])
	if err != nil {
		return err
	}
	actions := u.Application().Charm().Actions
	if _, ok := actions[l.args[1]]; !ok {
		return usage("cannot run action %q on unit %s: its charm has no such action%s", l.args[1], u.Name, instead(actions))
	}
	act, err := u.RunAction(l.args[1], params)
	if err != nil {
		return wrong(err)
	}
	if err := d.Settle(ctx); err != nil {
		return err
	}
	out := d.opts.Out
	for _, line := range act.Log {
		fmt.Fprintln(out, line)
	}
	if act.Status != "completed" {
		fmt.Fprintf(out, "action %s on %s: %s: %s\n", act.Name, u.Name, act.Status, act.Message)
	} else {
		fmt.Fprintf(out, "action %s on %s: completed\n", act.Name, u.Name)
	}
	return d.printYAML(act.Results)
}

// actionParams reads parameters as the juju client does: values are YAML, and
// "a.b=c" is c in b in a.
func actionParams(args []string) (map[string]any, error) {
	params := make(map[string]any)
	for _, arg := range args {
		path, text, err := pair(arg)
		if err != nil {
			return nil, err
		}
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil || value == nil && text != "null" {
			value = text // as it is: it is no YAML, or only looks like nothing
		}
		juju.SetAt(params, strings.Split(path, "."), value)
	}
	return params, nil
}

// exec runs a command on a unit, and prints what it prints.
func (d *Desk) exec(ctx context.Context, l *Line) error {
	u, err := d.unit(l.args[0])
	if err != nil {
		return err
	}
	script := l.rest[0]
	if len(l.rest) > 1 {
		script = quote(l.rest)
	}
	commands, err := u.RunCommands(script, -1, "")
	if err != nil {
		return wrong(err)
	}
	if err := d.Settle(ctx); err != nil {
		return err
	}
	out := d.opts.Out
	for _, text := range [][]byte{commands.Stdout, commands.Stderr} {
		if len(text) > 0 {
			fmt.Fprintln(out, strings.TrimSuffix(string(text), "\n"))
		}
	}
	switch {
	case !commands.Done:
		return errors.New("the command did not run")
	case commands.Err != nil:
		fmt.Fprintf(out, "exec on %s: %v\n", u.Name, commands.Err)
	case commands.Code != 0:
		fmt.Fprintf(out, "exec on %s: exit status %d\n", u.Name, commands.Code)
	}
	return nil
}

// quote returns words as one line of a shell.
func quote(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return strings.Join(quoted, " ")
}

// printYAML prints a value, unless there is nothing in it.
func (d *Desk) printYAML(value any) error {
	if m, ok := value.(map[string]any); ok && len(m) == 0 {
		return nil
	}
	encoder := yaml.NewEncoder(d.opts.Out)
	encoder.SetIndent(2)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("cannot print: %w", err)
	}
	return encoder.Close()
}
