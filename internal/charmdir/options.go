// SPDX-License-Identifier: Apache-2.0

package charmdir

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

func (c *Charm) readConfig(o *object) {
	if o.fields["options"] == nil {
		// Charmcraft adds the key; Juju takes a config.yaml without it for a mistake.
		if !o.has("options") && o.prefix == "" {
			o.failf("options is missing; it must be a map")
		}
		return
	}
	for name, at := range o.object("options", "").items("config option") {
		if name == "" {
			at.failf("name must not be empty")
		}
		option := Option{Name: name}
		for _, key := range []string{"type", "description"} {
			if at.fields[key] == nil {
				delete(at.fields, key)
			}
		}
		if at.fields["type"] == "integer" { // for Juju 4
			at.fields["type"] = "int"
		}
		option.Type = at.oneOf("type", "string", "string", "int", "float", "boolean", "secret")
		option.Description = at.text("description")
		if value := at.fields["default"]; value != nil && !at.failed() {
			var err error
			if option.Default, err = option.convert(value, 0); err != nil {
				at.failf("default %v", err)
			}
		}
		put(&c.Options, name, option)
	}
}

// Parse returns a value for the option as Juju keeps it: a string for string and
// secret, an int64, a float64 or a bool. Nil is nil: the default then holds.
//
// As with the command juju config, text may stand for a value of any type, and an
// integer for a float; but a float is no integer, and nothing else is a string.
// Unlike Juju, it refuses a float that no JSON can have. It takes all of Go's
// integer types.
func (o Option) Parse(value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	if v := reflect.ValueOf(value); v.Kind() == reflect.String && o.Type == "float" {
		if f, err := strconv.ParseFloat(v.String(), 64); err == nil {
			value = f
		}
	}
	parsed, err := o.convert(value, 10)
	if err != nil {
		return nil, fmt.Errorf("cannot set config option %q: value %w", o.Name, err)
	}
	return parsed, nil
}

// convert returns a value as Juju keeps it. An integer may be a string with
// digits of base; 0 takes all that Go writes.
func (o Option) convert(value any, base int) (any, error) {
	v := reflect.ValueOf(value)
	var want string
	switch o.Type {
	case "string":
		if want = "a string"; v.Kind() == reflect.String {
			return v.String(), nil
		}
	case "secret":
		want = `a secret's URI, such as "secret:9m4e2mr0ui3e8a215n4g", or ""`
		if v.Kind() == reflect.String && (v.String() == "" || strings.HasPrefix(v.String(), "secret:")) {
			return v.String(), nil
		}
	case "int":
		want = "an integer"
		switch {
		case v.CanInt():
			return v.Int(), nil
		case v.CanUint() && v.Uint() <= math.MaxInt64:
			return int64(v.Uint()), nil
		case v.Kind() == reflect.String:
			if i, err := strconv.ParseInt(v.String(), base, 64); err == nil {
				return i, nil
			}
		}
	case "float":
		want = "a finite number"
		switch {
		case v.CanInt():
			return float64(v.Int()), nil
		case v.CanUint():
			return float64(v.Uint()), nil
		case v.CanFloat() && !math.IsNaN(v.Float()) && !math.IsInf(v.Float(), 0):
			return v.Float(), nil
		}
	case "boolean":
		want = "true or false"
		switch v.Kind() {
		case reflect.Bool:
			return v.Bool(), nil
		case reflect.String:
			if flag, err := strconv.ParseBool(v.String()); err == nil {
				return flag, nil
			}
		}
	default:
		return nil, fmt.Errorf("has a type that is not known: %q", o.Type)
	}
	text := "must be " + want + ", not " + describeGo(value)
	if o.Type == "string" && v.Kind() == reflect.Bool {
		text += "; yes, no, on and off are booleans unless they are in quotes"
	}
	return nil, errors.New(text)
}

// describeGo is describe for any value of Go.
func describeGo(value any) string {
	switch v := reflect.ValueOf(value); {
	case v.Kind() == reflect.String:
		return describe(v.String())
	case v.CanFloat():
		return describe(v.Float())
	case v.CanInt(), v.CanUint(), v.Kind() == reflect.Bool:
		return fmt.Sprint(value)
	case v.Kind() == reflect.Map:
		return "a map"
	case v.Kind() == reflect.Slice:
		return "a list"
	}
	return fmt.Sprintf("a %T", value)
}
