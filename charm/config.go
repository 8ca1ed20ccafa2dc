// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"fmt"
	"maps"
	"reflect"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// config keeps what config-get has told.
type config struct {
	turn   turn           // for what follows
	values hookcmd.Values // not to be changed; nil: not read
}

func (d *dispatch) readConfig(ctx context.Context) (hookcmd.Values, error) {
	if err := d.config.turn.take(ctx); err != nil {
		return nil, err
	}
	defer d.config.turn.give()
	if d.config.values == nil {
		values, err := d.client.ConfigGetAll(ctx)
		if err != nil {
			return nil, err
		}
		if values == nil {
			values = hookcmd.Values{}
		}
		d.config.values = values
	}
	return d.config.values, nil
}

// Config returns all options of the charm, as JSON: null is one that has neither
// a value nor a default, and one that is not in the map is not declared. They are
// read once per dispatch, as Juju does. The map is the caller's; the texts in it
// must not be changed. See [LoadConfig] for a struct.
func (c *Charm) Config(ctx context.Context) (hookcmd.Values, error) {
	values, err := c.model().readConfig(ctx)
	return maps.Clone(values), err
}

// LoadConfig returns the charm's configuration as a struct, of which each exported
// field is an option:
//
//	type config struct {
//		Port     uint16                          // option "port"
//		LogLevel slog.Level                      // option "log-level"
//		TLSCert  *string                         // option "tls-cert", nil if it has no value
//		Timeout  time.Duration `config:"timeout_db"` // an option of another name
//		Password *charm.SecretURI                // an option of type secret
//		Cached   bool          `config:"-"`      // no option
//	}
//
// An option is called as the field is, in lower case, with a hyphen where a word
// begins; the tag gives another name. The fields of an embedded struct are fields
// too. Options that no field is of are not looked at.
//
// Fields are strings, booleans, numbers, types of those kinds, types that are an
// [encoding.TextUnmarshaler], [time.Duration], and pointers to such. Numbers must
// be in the range of the field, whole ones for integers: Juju passes those exactly
// to 2^53. A text is read by the type's UnmarshalText or [time.ParseDuration]; for
// such types an empty text is no value. An option without a value leaves a pointer
// nil; for other fields it must have one.
//
// If *T has a method Validate() error it is called then. All that it returns is an
// error about the configuration, as is a value that does not fit its field: a
// *[ConfigError], which says what the operator has to change; Validate can name an
// option by returning one. That a T cannot be of the charm is another error: a
// field of another type, or of an option that the charm does not declare, or of one
// whose type is another.
//
// The configuration is read once per dispatch; a T is made anew in each call.
func LoadConfig[T any](ctx context.Context, c *Charm) (T, error) {
	var result, none T
	values, err := c.model().readConfig(ctx)
	if err == nil {
		err = decodeConfig(values, reflect.ValueOf(&result).Elem())
	}
	if err != nil {
		return none, err
	}
	if v, ok := any(&result).(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return none, invalidConfig(values, reflect.ValueOf(&result).Elem(), err)
		}
	}
	return result, nil
}

// decodeConfig sets the fields of a struct.
func decodeConfig(values hookcmd.Values, target reflect.Value) error {
	fields, err := optionsOf(target)
	if err != nil {
		return fmt.Errorf("cannot load config into %s: %w", target.Type(), err)
	}
	for i := range fields {
		f := &fields[i]
		text, ok := values[f.option]
		if !ok {
			return fmt.Errorf("cannot load config into %s: the charm has no option %q, which is of field %s", target.Type(), f.option, f.name)
		}
		if err := f.set(text); err != nil {
			if mismatch, ok := err.(*optionTypeError); ok {
				return fmt.Errorf("cannot load config into %s: %w", target.Type(), mismatch)
			}
			return &ConfigError{f.option, f.shown(text), err}
		}
	}
	return nil
}
