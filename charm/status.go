// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"errors"
	"maps"
	"unicode/utf8"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// Status is a status that a charm can set, with a message for the operator. The
// zero Status is none. Statuses with the same kind and message are equal.
//
// A message is text: what is not UTF-8 in it, and NULs, become U+FFFD. Of a
// message of more than 16 KiB the rest is left out.
type Status struct {
	kind    string
	message string
}

// Active means that the unit, or the application, serves.
func Active(message string) Status { return Status{"active", clean(message)} }

// Waiting means that the unit, or the application, waits for others.
func Waiting(message string) Status { return Status{"waiting", clean(message)} }

// Maintenance means that the unit, or the application, does not serve yet, and works
// on it.
func Maintenance(message string) Status { return Status{"maintenance", clean(message)} }

// Blocked means that the operator must do something; the message says what.
func Blocked(message string) Status { return Status{"blocked", clean(message)} }

// Kind returns "active", "waiting", "maintenance" or "blocked".
func (s Status) Kind() string { return s.kind }

// Message returns the message.
func (s Status) Message() string { return s.message }

// maxMessage is far below what a process's argument can have.
const maxMessage = 16 << 10

// clean makes a message of what can be anything, such as the text of an error.
func clean(message string) string {
	return shorten(plainText(message), maxMessage)
}

// shorten cuts valid UTF-8 that has more than limit bytes.
func shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := limit - len("…")
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// statuses is what a dispatch knows of the unit's and the application's status.
type statuses struct {
	toSet StatusSet // at the end

	turn    turn                   // for what follows
	unit    Status                 // set by this dispatch; zero: none
	app     Status                 //
	unitGot *hookcmd.StatusInfo    // as Juju had it when it was asked; nil: it was not
	appGot  *hookcmd.AppStatusInfo //
}

func (d *dispatch) setStatus(ctx context.Context, status Status) error {
	return d.status.set(ctx, &d.status.unit, status, d.client.StatusSet)
}

func (d *dispatch) setAppStatus(ctx context.Context, status Status) error {
	return d.status.set(ctx, &d.status.app, status, d.client.StatusSetApp)
}

// set sends a status, if it is not the last that was sent.
func (s *statuses) set(ctx context.Context, last *Status, status Status, send func(ctx context.Context, status, message string) error) error {
	if err := s.turn.take(ctx); err != nil {
		return err
	}
	defer s.turn.give()
	if status == *last {
		return nil
	}
	*last = Status{} // if it fails, Juju can have set it nevertheless
	if err := send(ctx, status.kind, status.message); err != nil {
		return err
	}
	*last = status
	return nil
}

var errZeroStatus = errors.New("cannot set status: it is the zero Status; use charm.Active, Waiting, Maintenance or Blocked")

// SetStatus sets this unit's status. Juju shows it at once, and keeps it if the
// dispatch fails. One that this dispatch has set already, with no other since, is
// not sent again.
func (c *Charm) SetStatus(ctx context.Context, status Status) error {
	d := c.model()
	if status == (Status{}) {
		return errZeroStatus
	}
	return d.setStatus(ctx, status)
}

// SetAppStatus sets the application's status, as SetStatus does the unit's.
// [hookcmd.ErrNotLeader] if this unit is not the leader.
func (c *Charm) SetAppStatus(ctx context.Context, status Status) error {
	d := c.model()
	if status == (Status{}) {
		return errZeroStatus
	}
	return d.setAppStatus(ctx, status)
}

// Status returns this unit's status: what this dispatch has set or, if nothing,
// what Juju has, which is read once. That can be one that no charm sets, such as
// "unknown". What [OnCollectStatus] collects is not in it. Its map must not be
// changed.
func (c *Charm) Status(ctx context.Context) (hookcmd.StatusInfo, error) {
	d := c.model()
	s := &d.status
	if err := s.turn.take(ctx); err != nil {
		return hookcmd.StatusInfo{}, err
	}
	defer s.turn.give()
	if s.unit != (Status{}) { // Juju tells what was before, if it was asked before
		return infoOf(s.unit), nil
	}
	if s.unitGot == nil {
		got, err := d.client.StatusGet(ctx)
		if err != nil {
			return hookcmd.StatusInfo{}, err
		}
		s.unitGot = &got
	}
	return *s.unitGot, nil
}

// AppStatus returns the application's status and that of its units, by name. They
// are read once per dispatch; a status that the dispatch has set itself replaces what
// was read.
// [hookcmd.ErrNotLeader] if this unit is not the leader. Its maps must not be
// changed.
func (c *Charm) AppStatus(ctx context.Context) (hookcmd.AppStatusInfo, error) {
	d := c.model()
	s := &d.status
	if err := s.turn.take(ctx); err != nil {
		return hookcmd.AppStatusInfo{}, err
	}
	defer s.turn.give()
	if s.appGot == nil {
		got, err := d.client.StatusGetApp(ctx)
		if err != nil {
			return hookcmd.AppStatusInfo{}, err
		}
		s.appGot = &got
	}
	app := *s.appGot
	if s.app != (Status{}) {
		app.StatusInfo = infoOf(s.app)
	}
	if _, ok := app.Units[d.unit]; ok && s.unit != (Status{}) {
		app.Units = maps.Clone(app.Units)
		app.Units[d.unit] = infoOf(s.unit)
	}
	return app, nil
}

// infoOf returns a status as Juju has it once it was set: without data, which no
// charm can set.
func infoOf(s Status) hookcmd.StatusInfo {
	return hookcmd.StatusInfo{Status: s.kind, Message: s.message, Data: map[string]any{}}
}
