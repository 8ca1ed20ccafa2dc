// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// ConfigError is configuration that the charm cannot use, which the operator has
// to change.
//
// The Validate method of [LoadConfig]'s struct returns one to name the option:
//
//	return &charm.ConfigError{Option: "port", Err: errors.New("must not be that of the database")}
//
// upon which LoadConfig fills in the value, which the status and the log then show;
// but that of a field of type [SecretURI] never, as it may be the secret itself.
type ConfigError struct {
	Option string // empty if it is about several
	Value  string // as the operator has given it; empty if it has none, or is of type secret
	Err    error  // the rule that it breaks: "must be from 0 to 65535"
}

// Error names the option, the rule and the value.
func (e *ConfigError) Error() string {
	if e.Option == "" {
		return fmt.Sprintf("cannot use config: %s", e.rule())
	}
	return fmt.Sprintf("cannot use option %q: %s", e.Option, e.rule())
}

// Unwrap returns e.Err.
func (e *ConfigError) Unwrap() error { return e.Err }

// maxShownValue is how much of a value is shown.
const maxShownValue = 100

// rule returns the rule with the value that breaks it.
func (e *ConfigError) rule() string {
	rule := "cannot be used"
	if e.Err != nil {
		rule = e.Err.Error()
	}
	if e.Value == "" {
		return rule
	}
	return fmt.Sprintf("%s (value %q)", rule, shorten(e.Value, maxShownValue))
}

// status returns the status that tells the operator.
func (e *ConfigError) status() Status {
	what := "config"
	if e.Option != "" {
		what = fmt.Sprintf("option %q", e.Option)
	}
	return Blocked(what + ": " + strings.ReplaceAll(e.rule(), "\n", "; "))
}

// shown returns the value of a field's option that an error may show.
func (f *optionField) shown(value json.RawMessage) string {
	if f.typ == reflect.TypeFor[SecretURI]() {
		return ""
	}
	return textOf(value)
}

// invalidConfig returns the *ConfigError of what the Validate method of a struct has
// returned.
func invalidConfig(values hookcmd.Values, target reflect.Value, err error) *ConfigError {
	invalid := ConfigError{Err: err}
	if found, only := configErrors(nil, err); only && len(found) == 1 {
		invalid.Option = found[0].Option
		if err.Error() == found[0].Error() { // no words around it, as of errors.Join
			invalid = *found[0]
		}
	}
	if invalid.Value == "" {
		invalid.Value = textOf(values[invalid.Option])
	}
	fields, _ := optionsOf(target) // it has been decoded
	for i := range fields {
		if f := &fields[i]; f.option == invalid.Option && f.typ == reflect.TypeFor[SecretURI]() {
			invalid.Value = ""
		}
	}
	return &invalid
}

// BlockOnConfigError makes of an error that is a *[ConfigError], or wraps one, the
// status Blocked, which names the option, and returns nil: nothing else of the
// dispatch is lost. Other errors are returned, nil is nil.
//
//	charm.OnCollectStatus(c, func(ctx context.Context, set *charm.StatusSet) error {
//		if _, err := charm.LoadConfig[config](ctx, c); err != nil {
//			return charm.BlockOnConfigError(ctx, c, err)
//		}
//		set.Add(charm.Active(""))
//		return nil
//	})
//
// The status is set at the end of the dispatch, as if [OnCollectStatus] had
// collected it: what is more urgent is set instead, and what the rest of the
// dispatch sets by SetStatus does not replace it. Nothing takes it back: a charm that
// sets no other status once the configuration is right stays blocked. A handler that
// calls this is therefore one of [events.Hook] that sets a status if all is well, or
// goes with an OnCollectStatus as above; one of [events.ConfigChanged] alone would
// leave the status to the next hook, which knows nothing of the option.
//
// Of several errors that are joined, all must be of the configuration.
func BlockOnConfigError(ctx context.Context, c *Charm, err error) error {
	d := c.model()
	found, only := configErrors(nil, err)
	if !only {
		return err
	}
	for _, e := range found {
		d.status.toSet.Add(e.status())
	}
	return nil
}

// configErrors appends the errors about configuration that err consists of; only
// is whether that is all.
func configErrors(found []*ConfigError, err error) (_ []*ConfigError, only bool) {
	switch e := err.(type) {
	case nil:
		return found, true
	case *ConfigError:
		return append(found, e), true
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return configErrors(found, inner)
		}
	case interface{ Unwrap() []error }:
		only = true
		for _, inner := range e.Unwrap() {
			var all bool
			found, all = configErrors(found, inner)
			only = only && all
		}
		return found, only && len(found) > 0
	}
	return found, false
}
