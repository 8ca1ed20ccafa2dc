// SPDX-License-Identifier: Apache-2.0

package hookcmd

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Conditions that a charm may want to act upon; test for them with [errors.Is].
var (
	// ErrNotLeader: what was asked for is for the leader only, and this unit is
	// not the leader (any more).
	ErrNotLeader = errors.New("this unit is not the leader")

	// ErrRelationNotFound: there is no relation of that ID, or not any more.
	ErrRelationNotFound = errors.New("relation not found")

	// ErrUnitNotFound: the unit or application whose databag was asked for was
	// never in the relation. Juju 3.6 says [ErrPermission] for an application.
	ErrUnitNotFound = errors.New("unit not found in relation")

	// ErrSecretNotFound: there is no such secret, revision or label, or this
	// unit may not know of it.
	ErrSecretNotFound = errors.New("secret not found")

	// ErrSecretExists: another secret of the same owner has that label.
	ErrSecretExists = errors.New("secret with that label already exists")

	// ErrUnitGrants: single units of the application have the secret granted, which
	// have to be revoked before it can be granted to the application.
	ErrUnitGrants = errors.New("secret is granted to single units")

	// ErrStorageNotFound: there is no such storage instance, or it is not
	// attached to this unit yet.
	ErrStorageNotFound = errors.New("storage not found")

	// ErrResourceNotFound: there is no such resource. Juju can say that, too, of
	// one that the operator has not given yet.
	ErrResourceNotFound = errors.New("resource not found")

	// ErrNoAddress: the binding or the unit has no such address (yet), or there
	// is no such binding.
	ErrNoAddress = errors.New("no address found")

	// ErrPortConflict: the ports overlap with others that are open.
	ErrPortConflict = errors.New("port range conflicts")

	// ErrTooLarge: a key or a value of the state, or all of it, is larger than what
	// Juju keeps.
	ErrTooLarge = errors.New("too large for Juju")

	// ErrPermission: this unit, or the charm without --trust, is not allowed to
	// do what was asked for.
	ErrPermission = errors.New("permission denied")

	// ErrNotAction: the command is for actions only.
	ErrNotAction = errors.New("not running an action")

	// ErrNotSupported: this version of Juju does not know the command, or one
	// of its options.
	ErrNotSupported = errors.New("not supported by this version of Juju")
)

// Error is the failure of one hook command.
type Error struct {
	Command string
	Args    []string // those that can carry secrets are redacted
	Code    int      // the exit code; 1: failed, 2: wrong usage, 0: but its output is wrong, -1: did not exit
	Stderr  string   // what the command printed there, without Juju's "ERROR "
	Err     error    // one of the conditions above, or the cause; may be nil
}

// What a text shows at most, in bytes.
const (
	maxArg     = 100
	maxCommand = 400
	maxReason  = 1000
)

// Error says which command failed and why.
func (e *Error) Error() string {
	var command strings.Builder
	command.WriteString(e.Command)
	for _, arg := range e.Args {
		command.WriteByte(' ')
		command.WriteString(shorten(arg, maxArg))
	}
	reason := e.Stderr
	if reason == "" {
		reason = "no reason given"
		if e.Err != nil {
			reason = e.Err.Error()
		}
	}
	text := fmt.Sprintf(`cannot run "%s": %s`, shorten(command.String(), maxCommand), shorten(reason, maxReason))
	if e.Code > 0 {
		text += fmt.Sprintf(" (exit code %d)", e.Code)
	}
	return text
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// NewError returns the error of a command that exited with a code other than 0,
// as every [Runner] does: stderr is what it printed there, from which the
// condition is read, and arguments that can carry secrets are redacted.
func NewError(call Call, code int, stderr string) *Error {
	stderr = strings.TrimPrefix(strings.TrimSpace(stderr), "ERROR ")
	e := wrap(call, condition(call.Command, stderr))
	e.Code, e.Stderr = code, stderr
	return e
}

// wrap is the error of a command that did not get to an exit code.
func wrap(call Call, cause error) *Error {
	return &Error{Command: call.Command, Args: redact(call), Code: -1, Err: cause}
}

// redact replaces values on the command line by a fixed text: of the commands
// that Juju gives no other way to pass them, and of those of secrets.
func redact(call Call) []string {
	args := slices.Clone(call.Args)
	switch call.Command {
	case "action-set", "leader-set", "secret-add", "secret-set":
		for i, arg := range args {
			if key, _, ok := strings.Cut(arg, "="); ok && !strings.HasPrefix(key, "--") {
				args[i] = key + "=" + redacted
			}
		}
	}
	return args
}

// condition reads the texts of Juju 3.6 and 4; it is the only place that does.
func condition(command, stderr string) error {
	stderr = withoutQuoted(stderr)
	has := func(text string) bool { return strings.Contains(stderr, text) }
	secret := strings.HasPrefix(command, "secret-")
	switch {
	case has("unknown command"), has("option provided but not defined"):
		return ErrNotSupported
	case has("this unit is not the leader"), has("not the leader"),
		command == "relation-set" && has("cannot write relation settings"):
		return ErrNotLeader
	case has("not running an action"):
		return ErrNotAction
	case secret && has("secret key value"):
		return nil // the secret exists, the key does not
	case has("relation unit not found"),
		command == "relation-get" && (has("cannot read settings for unit") && has("not found") || has("application not found")):
		return ErrUnitNotFound
	case has("relation not found"):
		return ErrRelationNotFound
	case has("permission denied"), has("is not allowed to"):
		return ErrPermission
	case secret && has("already exists"):
		return ErrSecretExists
	case command == "secret-grant" && has("unit level grants need to be revoked"):
		return ErrUnitGrants
	case secret && has("not found"):
		return ErrSecretNotFound
	case command == "storage-get" && (has("not found") || has("not attached") || has("not provisioned")):
		return ErrStorageNotFound
	case command == "resource-get" && has("could not download resource: ") && has("not found"):
		return ErrResourceNotFound
	case has("no network config found for binding"), has("address attached to space"),
		has("addresses attached to space"), has("undefined for unit charm"),
		command == "unit-get" && has("address not found"):
		return ErrNoAddress
	case command == "state-set" && has("max allowed ") && has("exceeded"):
		return ErrTooLarge
	case has("port range conflicts"):
		return ErrPortConflict
	}
	return nil
}

// withoutQuoted empties what stands in quotes: names that somebody chose.
func withoutQuoted(s string) string {
	var b strings.Builder
	inside := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			inside = !inside
			b.WriteByte('"')
		case !inside:
			b.WriteByte(s[i])
		case s[i] == '\\':
			i++
		}
	}
	return b.String()
}

// shorten cuts s after max bytes, at a whole character, and says so.
func shorten(s string, max int) string {
	if len(s) <= max {
		return s
	}
	return fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(s[:max], ""), len(s))
}
