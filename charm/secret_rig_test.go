// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

const secretCharm = `
type: charm
name: vault
summary: A charm for tests.
description: It has secrets.
provides: {site: {interface: http}, admin: {interface: http}}
requires: {db: {interface: sql}}
peers: {members: {interface: vault}}
actions: {rotate: {description: It makes a new password.}}
`

type secretStep func(ctx context.Context, c *charm.Charm) error

// secretRig is a unit whose charm does in an event what a test has said just before.
type secretRig struct {
	*charmtest.Harness
	t    *testing.T
	next secretStep
	said []string // the errors of all that was done
}

func newSecretRig(t *testing.T, opts charmtest.Options) *secretRig {
	t.Helper()
	r := &secretRig{t: t}
	opts.Metadata = secretCharm
	r.Harness = charmtest.New(t, func(c *charm.Charm) {
		charm.OnAction(c, "rotate", func(ctx context.Context, _ struct{}) (struct{}, error) { return struct{}{}, r.take(ctx, c) })
		charm.On(c, func(ctx context.Context, _ events.Hook) error { return r.take(ctx, c) })
	}, &opts)
	return r
}

func (r *secretRig) take(ctx context.Context, c *charm.Charm) error {
	next := r.next
	r.next = nil
	if next == nil {
		return nil
	}
	err := next(ctx, c)
	if err != nil {
		r.said = append(r.said, err.Error(), fmt.Sprintf("%+v %#v", err, err))
	}
	return err
}

// do does something in an event of the unit's own, and returns how that ended.
func (r *secretRig) do(next secretStep) error {
	r.t.Helper()
	r.next = next
	r.ResetCalls()
	return r.Try(func() { r.Emit(events.UpdateStatus{}) })
}

// must is do of what succeeds.
func (r *secretRig) must(next secretStep) {
	r.t.Helper()
	if err := r.do(next); err != nil {
		r.t.Fatal(err)
	}
}

// commands returns the hook commands of the last do, logging aside.
func (r *secretRig) commands() []string {
	var names []string
	for _, call := range r.Calls() {
		if call.Command != "juju-log" {
			names = append(names, call.Command)
		}
	}
	return names
}

// warnings returns the lines of the log that warn.
func (r *secretRig) warnings() []string {
	var lines []string
	for _, line := range r.Logs() {
		if line.Level == "WARNING" {
			lines = append(lines, line.Message)
		}
	}
	return lines
}

// add adds a secret of the application.
func (r *secretRig) add(opts *charm.SecretOptions) (uri charm.SecretURI) {
	r.t.Helper()
	r.must(func(ctx context.Context, c *charm.Charm) (err error) {
		uri, err = c.AddSecret(ctx, secretText("password", "first"), opts)
		return err
	})
	return uri
}

// withJuju runs a test with the rules of both versions of Juju, by value and as text.
func withJuju(t *testing.T, test func(t *testing.T, opts charmtest.Options)) {
	for _, version := range []string{"4.1.0", "3.6.26"} {
		for _, textOnly := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/text=%t", version, textOnly), func(t *testing.T) {
				t.Parallel()
				test(t, charmtest.Options{JujuVersion: version, TextOnly: textOnly, Leader: true})
			})
		}
	}
}

// passwordOf returns one value of what was read.
func passwordOf(content map[string]charm.SecretValue, err error) string {
	if err != nil {
		return err.Error()
	}
	return content["password"].Reveal()
}

// assertSecretError asserts that a handler failed for all of those reasons.
func assertSecretError(t *testing.T, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		assert.ErrorIs(t, err, target)
	}
	var handler *charm.HandlerError
	assert.True(t, errors.As(err, &handler), "it is the handler's error: %v", err)
	assert.False(t, strings.HasPrefix(err.Error(), "cannot finish"))
}
