// SPDX-License-Identifier: Apache-2.0

package jsontext_test

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/internal/jsontext"
)

const bad = "a\xffb"

type inner struct{ Text string }

type node struct {
	Next *node `json:"-"`
	Text string
}

type hidden struct {
	text string
	Left string `json:"-"`
}

type embeds struct{ inner }

type itself struct{ text string }

func (itself) MarshalText() ([]byte, error) { return []byte("fine"), nil }

func TestHasInvalid(t *testing.T) {
	t.Parallel()
	cycle := &node{Text: "ü"}
	cycle.Next = cycle
	text := bad
	for name, row := range map[string]struct {
		value any
		want  bool
	}{
		"valid":                  {map[string][]inner{"ü": {{"✓"}}}, false},
		"string":                 {bad, true},
		"pointer":                {&text, true},
		"nil":                    {(*inner)(nil), false},
		"any":                    {[]any{1, bad}, true},
		"array":                  {[2]string{"a", bad}, true},
		"key of a map":           {map[string]int{bad: 1}, true},
		"value of a map":         {map[int]string{1: bad}, true},
		"field":                  {inner{bad}, true},
		"embedded":               {embeds{inner{bad}}, true},
		"fields JSON leaves out": {hidden{bad, bad}, false},
		"a cycle there":          {cycle, false},
		"encodes itself":         {[]any{itself{bad}, time.Time{}, netip.Addr{}}, false},
		"bytes":                  {[]byte(bad), false},
	} {
		assert.Equal(t, row.want, jsontext.HasInvalid(reflect.ValueOf(row.value)), name)
	}
}
