// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/charmsmith/charmsmith/internal/juju"
)

// ExpectError says that a status is not what was expected.
type ExpectError struct {
	What           string // unit or application
	Status, Regexp string // that were expected; Regexp may be empty
	Got            juju.Status
	Stderr         string // of a unit in error: what its charm wrote there
}

// Error tells both.
func (e *ExpectError) Error() string {
	want := e.Status
	if e.Regexp != "" {
		want += fmt.Sprintf(" with a message like %q", e.Regexp)
	}
	return fmt.Sprintf("expected %s to be %s, but it is %s", e.What, want, describeStatus(e.Got))
}

func describeStatus(s juju.Status) string {
	if s.Message == "" {
		return s.Status
	}
	return fmt.Sprintf("%s with the message %q", s.Status, s.Message)
}

// statuses that a unit or application can have.
const statuses = " active blocked waiting maintenance error unknown terminated "

// checkExpect checks what an expect line asks for.
func checkExpect(l *Line) error {
	if !strings.Contains(statuses, " "+l.args[1]+" ") {
		return usage("there is no status %q; those are %s", l.args[1], strings.Join(strings.Fields(statuses), ", "))
	}
	if len(l.args) > 2 {
		if _, err := regexp.Compile(l.args[2]); err != nil {
			return usage("cannot read %q: %w", l.args[2], err)
		}
	}
	return nil
}

// expect fails unless a unit or application has a status. That an application is
// active is expected of all its units, too.
func (d *Desk) expect(_ context.Context, l *Line) error {
	e := &ExpectError{What: l.args[0], Status: l.args[1]}
	if len(l.args) > 2 {
		e.Regexp = l.args[2]
	}
	message, err := regexp.Compile(e.Regexp)
	if err != nil {
		return usage("cannot read %q: %w", e.Regexp, err)
	}
	if strings.Contains(l.args[0], "/") {
		u, err := d.unit(l.args[0])
		if err != nil {
			return err
		}
		e.Got = u.Workload()
		d.mu.Lock()
		e.Stderr = d.failing[u.Name].stderr
		d.mu.Unlock()
	} else {
		a, err := d.application(l.args[0])
		if err != nil {
			return err
		}
		e.Got = applicationStatus(a)
		if e.Status == "active" {
			for _, u := range a.Units() {
				if s := u.Workload(); s.Status != "active" {
					e.What, e.Got, e.Regexp = u.Name, s, ""
					return e
				}
			}
		}
	}
	if e.Got.Status != e.Status || !message.MatchString(e.Got.Message) {
		return e
	}
	return nil
}

// severities order the statuses of units, of which the first is their
// application's, unless its leader has set one.
var severities = [...]string{"error", "blocked", "waiting", "maintenance", "active", "terminated"}

// applicationStatus returns an application's status as juju status shows it.
func applicationStatus(a *juju.Application) juju.Status {
	if s := a.Status(); s.Status != "unknown" && s.Status != "" {
		return s
	}
	units := a.Units()
	for _, severity := range severities {
		for _, u := range units {
			if s := u.Workload(); s.Status == severity {
				return s
			}
		}
	}
	return juju.Status{Status: "unknown"}
}
