// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/charmsmith/charmsmith/internal/juju"
)

// ExpectError says that a status is not what was expected.
type ExpectError struct {
	What           string // unit or application
	Status, Regexp string // that were expected; Regexp may be empty
	Got            juju.Status
	Stderr         string // of a unit in error: what its charm wrote there
	// Others are the units whose messages are not like Regexp, if it is theirs that
	// count, as the application has none of its own: app/0 "a message".
	Others []string
}

// Error tells both.
func (e *ExpectError) Error() string {
	want := e.Status
	if e.Regexp != "" {
		want += fmt.Sprintf(" with a message like %q", e.Regexp)
	}
	if len(e.Others) > 0 {
		others := e.Others
		if more := len(others) - maxOthers; more > 1 {
			others = append(slices.Clone(others[:maxOthers]), fmt.Sprintf("%d more", more))
		}
		return fmt.Sprintf("expected %s to be %s: it is %s, with no message of its own, but has units with other messages: %s", e.What, want, e.Got.Status, list(others))
	}
	return fmt.Sprintf("expected %s to be %s, but it is %s", e.What, want, describeStatus(e.Got))
}

// maxOthers is how many units an ExpectError lists.
const maxOthers = 10

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
// active is expected of all its units, too. If it has no message of its own, those
// of all its units count that have its status.
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
		if units := speakers(a, e.Got.Status); e.Got.Status == e.Status && len(units) > 0 {
			return e.units(units, message)
		}
	}
	if e.Got.Status != e.Status || !message.MatchString(e.Got.Message) {
		return e
	}
	return nil
}

// speakers returns the units whose messages stand for that of their application,
// which has a status: those that have it, too, if the application itself has no
// message.
func speakers(a *juju.Application, status string) []*juju.Unit {
	if s := a.Status(); isSet(s) && s.Message != "" {
		return nil
	}
	return slices.DeleteFunc(a.Units(), func(u *juju.Unit) bool { return u.Workload().Status != status })
}

// units fails unless the messages of all units are as expected.
func (e *ExpectError) units(units []*juju.Unit, message *regexp.Regexp) error {
	for _, u := range units {
		if text := u.Workload().Message; !message.MatchString(text) {
			e.Others = append(e.Others, fmt.Sprintf("%s %q", u.Name, text))
		}
	}
	if e.Others != nil {
		return e
	}
	return nil
}

// severities order the statuses of units, of which the first is their
// application's, unless its leader has set one.
var severities = [...]string{"error", "blocked", "waiting", "maintenance", "active", "terminated"}

// applicationStatus returns an application's status as juju status shows it.
func applicationStatus(a *juju.Application) juju.Status {
	if s := a.Status(); isSet(s) {
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

// isSet reports whether a status is one that an application's leader has set.
func isSet(s juju.Status) bool { return s.Status != "unknown" && s.Status != "" }
