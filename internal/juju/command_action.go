// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

var errNotAction = errors.New("not running an action")

// action returns the action that runs.
func (c *call) action() (*Action, error) {
	if c.h.info.action == nil {
		return nil, errNotAction
	}
	return c.h.info.action, nil
}

func actionGet(c *call) error {
	c.output()
	args, err := c.parse(1)
	if err != nil {
		return err
	}
	act, err := c.action()
	if err != nil {
		return err
	}
	params := act.Params
	if params == nil {
		params = map[string]any{}
	}
	key := first(args)
	if key == "" {
		return c.print(params)
	}
	var value any = params
	for _, part := range strings.Split(key, ".") {
		at, _ := value.(map[string]any)
		value = at[part] // nil if it is missing, or in what is no map
	}
	return c.print(value)
}

var (
	resultKey      = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$`)
	reservedResult = []string{"stdout", "stdout-encoding", "stderr", "stderr-encoding"}
)

func actionSet(c *call) error {
	args, err := c.parse(-1)
	if err != nil {
		return err
	}
	type result struct {
		path  []string
		value string
	}
	var results []result
	for _, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok {
			return usage("argument %q must be of the form key...=value", arg)
		}
		path := strings.Split(key, ".")
		for _, part := range path {
			switch {
			case !resultKey.MatchString(part):
				return usage("key %q must start and end with lowercase alphanumeric, and contain only lowercase alphanumeric and hyphens", part)
			case slices.Contains(reservedResult, part):
				return usage("cannot set reserved action key %q", part)
			}
		}
		results = append(results, result{path, value})
	}
	for _, r := range results {
		act, err := c.action()
		if err != nil {
			return err
		}
		act.setResult(r.path, r.value)
	}
	return nil
}

func actionFail(c *call) error {
	args, err := c.parse(1)
	if err != nil {
		return err
	}
	act, err := c.action()
	if err != nil {
		return err
	}
	act.failed, act.Message = true, first(args)
	if act.Message == "" {
		act.Message = "action failed without reason given, check action for errors"
	}
	return nil
}

func actionLog(c *call) error {
	args, err := c.parse(-1)
	switch {
	case err != nil:
		return err
	case len(args) == 0:
		return usage("no message specified")
	}
	act, err := c.action()
	if err != nil {
		return err
	}
	act.Log = append(act.Log, strings.Join(args, " "))
	return nil
}
