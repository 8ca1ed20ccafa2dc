// SPDX-License-Identifier: Apache-2.0

package juju

import "fmt"

func stateGet(c *call) error {
	strict := c.flags.Bool("strict")
	c.output()
	args, err := c.parse(1)
	if err != nil {
		return err
	}
	state := c.h.charmState()
	key := first(args)
	if key == "" || key == "-" {
		if len(state) == 0 {
			state = nil // which JSON has as null
		}
		return c.print(state)
	}
	value, ok := state[key]
	if !ok && *strict {
		return fmt.Errorf("%q not found", key)
	}
	return c.print(value)
}

func stateSet(c *call) error {
	file := c.flags.String("file")
	args, err := c.parse(-1)
	if err != nil {
		return err
	}
	changes, err := c.settings(args, *file)
	if err != nil {
		return err
	}
	return c.h.setState(changes)
}

func stateDelete(c *call) error {
	args, err := c.parse(1)
	if err != nil {
		return err
	}
	if key := first(args); key != "" {
		c.h.deleteState(key)
	}
	return nil
}
