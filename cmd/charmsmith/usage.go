// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// wrongUse is an error in a command line.
type wrongUse struct {
	err     error
	command string // whose help helps
}

// Error is one line, with what helps.
func (e *wrongUse) Error() string {
	text, _, _ := strings.Cut(e.err.Error(), "\n")
	return text + "; see \"" + e.command + " --help\""
}

// Unwrap returns the error without what helps.
func (e *wrongUse) Unwrap() error { return e.err }

// flagError returns an error of a flag, with what its value can be.
func flagError(err error) error {
	e, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err
	}
	must := ""
	switch kind := e.GetFlag().Value.Type(); {
	case errors.Is(err, strconv.ErrRange):
		must = "less far from 0"
	case kind == "int":
		must = "a whole number, such as 3"
	case kind == "uint64":
		must = "a whole number that is not negative, such as 42"
	case kind == "duration":
		must = "a number with its unit, such as 5s or 10m"
	case kind == "bool":
		must = "true or false"
	default:
		return err
	}
	return fmt.Errorf("cannot use --%s %q: it must be %s", e.GetFlag().Name, e.GetValue(), must)
}

// helpCommand returns the command charmsmith help, which knows commands only.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show the help of a command",
		RunE: func(c *cobra.Command, args []string) error {
			found, rest, err := c.Root().Find(args)
			if err == nil && len(rest) > 0 {
				err = fmt.Errorf("unknown command %q for %q", rest[0], found.CommandPath())
			}
			if err != nil {
				return &wrongUse{err, c.Root().CommandPath()}
			}
			found.InitDefaultHelpFlag()
			found.InitDefaultVersionFlag()
			return found.Help()
		},
	}
}
