// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"errors"
	"fmt"
	"slices"
)

// Payload is something that a charm of Juju 3.6 told Juju it runs.
type Payload struct {
	Class, Type, ID string
	Status          string // "starting", "running", "stopping" or "stopped"
	Labels          []string
}

var payloadStatuses = []string{"running", "starting", "stopped", "stopping"}

var errMissingArgs = usageError{errors.New("missing required arguments")}

func payloadRegister(c *call) error {
	args, err := c.parse(-1)
	switch {
	case err != nil:
		return err
	case len(args) < 3:
		return errMissingArgs
	}
	p := Payload{Type: args[0], Class: args[1], ID: args[2], Status: "running", Labels: slices.Clone(args[3:])}
	u := c.h.unit
	if u.app.charm != nil {
		declared, ok := u.app.charm.Payloads[p.Class]
		switch {
		case !ok:
			return fmt.Errorf("payload %q not found in metadata.yaml", p.Class)
		case declared.Type != p.Type:
			return fmt.Errorf("incorrect type %q for payload %q, expected %q", p.Type, p.Class, declared.Type)
		}
	}
	if known := u.payload(p.Class, p.ID); known != nil {
		*known = p
	} else {
		u.payloads = append(u.payloads, p)
	}
	return nil
}

// payload returns what was registered, or nil.
func (u *Unit) payload(class, id string) *Payload {
	for i := range u.payloads {
		if p := &u.payloads[i]; p.Class == class && p.ID == id {
			return p
		}
	}
	return nil
}

// payloadNamed returns what was registered of the class and ID in args.
func (c *call) payloadNamed(args []string) (*Payload, error) {
	if p := c.h.unit.payload(args[0], args[1]); p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("while looking up IDs: payload %q not found", args[0]+"/"+args[1])
}

// parseExactly reads n arguments.
func (c *call) parseExactly(n int) ([]string, error) {
	args, err := c.parse(-1)
	switch {
	case err != nil:
		return nil, err
	case len(args) < n:
		return nil, errMissingArgs
	case len(args) > n:
		return nil, usage("unrecognized args: %q", args[n:])
	}
	return args, nil
}

func payloadUnregister(c *call) error {
	args, err := c.parseExactly(2)
	if err != nil {
		return err
	}
	p, err := c.payloadNamed(args)
	if err != nil {
		return err
	}
	u := c.h.unit
	u.payloads = slices.DeleteFunc(u.payloads, func(x Payload) bool { return x.Class == p.Class && x.ID == p.ID })
	return nil
}

func payloadStatusSet(c *call) error {
	args, err := c.parseExactly(3)
	switch {
	case err != nil:
		return err
	case !slices.Contains(payloadStatuses, args[2]):
		return fmt.Errorf("status %q not supported; expected one of %v", args[2], payloadStatuses)
	}
	p, err := c.payloadNamed(args)
	if err != nil {
		return err
	}
	p.Status = args[2]
	return nil
}

// Payloads returns what the unit's charm registered, which Juju 3.6 has.
func (u *Unit) Payloads() []Payload {
	return locked(u, func() []Payload { return slices.Clone(u.payloads) })
}
