// SPDX-License-Identifier: Apache-2.0

package charmdir_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/internal/charmdir"
)

func TestOptionParse(t *testing.T) {
	t.Parallel()
	type text string
	type count int8
	for _, row := range []struct {
		kind        string
		value, want any
	}{
		{"string", "", ""},
		{"string", "a\nb", "a\nb"},
		{"string", text("t"), "t"},
		{"secret", "", ""},
		{"secret", "secret:9m4e2mr0ui3e8a215n4g", "secret:9m4e2mr0ui3e8a215n4g"},
		{"int", 3, int64(3)},
		{"int", count(-3), int64(-3)},
		{"int", uint16(3), int64(3)},
		{"int", int64(math.MinInt64), int64(math.MinInt64)},
		{"int", "-12", int64(-12)},
		{"int", "012", int64(12)},
		{"float", 3, 3.0},
		{"float", uint(3), 3.0},
		{"float", float32(0.5), 0.5},
		{"float", 1e300, 1e300},
		{"float", "0.5", 0.5},
		{"boolean", true, true},
		{"boolean", "false", false},
		{"boolean", "1", true},
		{"int", nil, nil},
		{"string", nil, nil},
	} {
		got, err := charmdir.Option{Name: "o", Type: row.kind}.Parse(row.value)
		if assert.NoError(t, err, "%s %v", row.kind, row.value) {
			assert.Equal(t, row.want, got, "%s %v", row.kind, row.value)
		}
	}
}

func TestOptionParseRefuses(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		kind  string
		value any
		want  string
	}{
		{"string", 3, "must be a string, not 3"},
		{"string", 0.5, "must be a string, not 0.5"},
		{"string", true, "must be a string, not true; yes, no, on and off are booleans unless they are in quotes"},
		{"string", []string{"a"}, "must be a string, not a list"},
		{"string", map[string]string{}, "must be a string, not a map"},
		{"string", struct{}{}, "must be a string, not a struct {}"},
		{"secret", "hunter2", `must be a secret's URI, such as "secret:9m4e2mr0ui3e8a215n4g", or "", not "hunter2"`},
		{"secret", 1, `must be a secret's URI, such as "secret:9m4e2mr0ui3e8a215n4g", or "", not 1`},
		{"int", 3.0, "must be an integer, not 3.0"},
		{"int", "3.5", `must be an integer, not "3.5"`},
		{"int", "0x10", `must be an integer, not "0x10"`},
		{"int", "", `must be an integer, not ""`},
		{"int", uint64(math.MaxUint64), "must be an integer, not 18446744073709551615"},
		{"int", true, "must be an integer, not true"},
		{"float", "many", `must be a finite number, not "many"`},
		{"float", math.NaN(), "must be a finite number, not NaN"},
		{"float", "inf", "must be a finite number, not +Inf"},
		{"boolean", "yes", `must be true or false, not "yes"`},
		{"boolean", 1, "must be true or false, not 1"},
		{"bool", true, `has a type that is not known: "bool"`},
		{"boolean", strings.Repeat("é", 100), `must be true or false, not "` + strings.Repeat("é", 60) + `…"`},
	} {
		got, err := charmdir.Option{Name: "o", Type: row.kind}.Parse(row.value)
		assert.EqualError(t, err, `cannot set config option "o": value `+row.want)
		assert.Nil(t, got)
	}
}
