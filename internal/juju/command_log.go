// SPDX-License-Identifier: Apache-2.0

package juju

import "strings"

func jujuLog(c *call) error {
	debug := c.flags.Bool("debug")
	level := c.flags.String("l", "log-level")
	format := c.flags.String("format")
	args, err := c.parse(-1)
	switch {
	case err != nil:
		return err
	case len(args) == 0:
		return usage("no message specified")
	}
	if *format != "" {
		c.stderr.WriteString(`--format flag deprecated for command "juju-log"`)
	}
	if *level == "" && *debug {
		*level = "DEBUG"
	}
	c.h.log(*level, strings.Join(args, " "))
	return nil
}
