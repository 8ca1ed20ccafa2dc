// SPDX-License-Identifier: Apache-2.0

package charmotel

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/hookcmd"
)

// fail marks a span as failed. It tells of the error what cannot be a value that
// the charm has read: its type and, if a hook command failed, which and how.
func fail(span trace.Span, err error) {
	span.SetStatus(codes.Error, "")
	span.SetAttributes(text("error.type", typeOf(err)))
	var handler *charm.HandlerError
	if errors.As(err, &handler) {
		span.SetAttributes(text("error.handler", handler.Handler))
		if handler.Stack != nil {
			span.SetAttributes(text("error.type", "panic"))
		}
	}
	var command *hookcmd.Error
	if errors.As(err, &command) {
		span.SetAttributes(text("error.hook_command", command.Command), attribute.Int("error.exit_code", command.Code))
	}
	if name := conditionOf(err); name != "" {
		span.SetAttributes(text("error.condition", name))
	}
}

// typeOf returns the type of the first error in a chain that is more than text.
func typeOf(err error) string {
	name := ""
	for e := range causes(err) {
		name = reflect.TypeOf(e).String()
		switch {
		case strings.HasPrefix(name, "*fmt."), strings.HasPrefix(name, "*errors."), name == "*charm.HandlerError":
		default:
			return name
		}
	}
	return name
}

// causes yields err and all that it wraps.
func causes(err error) iter.Seq[error] {
	return func(yield func(error) bool) { walk(err, yield) }
}

func walk(err error, yield func(error) bool) bool {
	if err == nil {
		return true
	}
	if !yield(err) {
		return false
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return walk(e.Unwrap(), yield)
	case interface{ Unwrap() []error }:
		for _, wrapped := range e.Unwrap() {
			if !walk(wrapped, yield) {
				return false
			}
		}
	}
	return true
}

// conditionOf returns the name of the condition that an error is, if it is one.
func conditionOf(err error) string {
	for _, condition := range []error{
		context.Canceled, context.DeadlineExceeded,
		hookcmd.ErrNotLeader, hookcmd.ErrRelationNotFound, hookcmd.ErrUnitNotFound, hookcmd.ErrSecretNotFound,
		hookcmd.ErrSecretExists, hookcmd.ErrUnitGrants, hookcmd.ErrStorageNotFound, hookcmd.ErrResourceNotFound, hookcmd.ErrNoAddress,
		hookcmd.ErrPortConflict, hookcmd.ErrTooLarge, hookcmd.ErrPermission, hookcmd.ErrNotAction, hookcmd.ErrNotSupported,
	} {
		if errors.Is(err, condition) {
			return fmt.Sprint(condition) // a text of the program's
		}
	}
	return ""
}
