// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"strings"

	"github.com/charmsmith/charmsmith/internal/jujutext"
)

func secretGrant(c *call) error {
	rel := c.relationFlag()
	unit := c.flags.String("unit")
	id, args, err := c.parseSecret()
	if err != nil {
		return err
	}
	if *rel == nil {
		return usage("no relation id specified")
	}
	if *unit != "" {
		if !isUnitName(*unit) {
			return usage("unit %q not valid", *unit)
		}
		if app, _, _ := strings.Cut(*unit, "/"); app != (*rel).end.remoteName() {
			return usage("cannot specify unit %q in relation to application %q", *unit, (*rel).end.remoteName())
		}
	}
	if err := jujutext.Unrecognized(args, 0); err != nil {
		return usageError{err}
	}
	return c.h.grantSecret(id, *rel, *unit)
}

func secretRevoke(c *call) error {
	rel := c.relationFlag()
	app := c.flags.String("app", "application")
	unit := c.flags.String("unit")
	id, args, err := c.parseSecret()
	if err != nil {
		return err
	}
	switch {
	case *app != "" && !isApplicationName(*app):
		return usage("application %q not valid", *app)
	case *unit != "" && !isUnitName(*unit):
		return usage("unit %q not valid", *unit)
	case *app != "" && *unit != "":
		return usage("specify only one of application or unit")
	case *rel != nil && *app != "":
		return usage("do not specify both relation and app")
	case *rel != nil:
		*app = (*rel).end.remoteName()
	case *app == "" && *unit == "":
		return usage("missing relation or application or unit")
	}
	if err := jujutext.Unrecognized(args, 0); err != nil {
		return usageError{err}
	}
	if *unit != "" {
		return c.h.revokeSecret(id, *unit)
	}
	return c.h.revokeSecret(id, *app)
}
