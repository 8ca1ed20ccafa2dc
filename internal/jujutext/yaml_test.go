// SPDX-License-Identifier: Apache-2.0

package jujutext_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/internal/jujutext"
)

// What Juju's fork of yaml.v2 prints for strings that look like numbers, found
// by running it.
func TestNumbersInYAMLStrings(t *testing.T) {
	t.Parallel()
	bare := []string{
		"08", "+08", "-09", "00.5", "01.5", "-01.5", "1.", "-1.", "1e3", "1E3", "+1e3", "1.5e3", "0e0", "+.5e3", "-.5E0",
		"1.e+3", "08e+1", "0_8", "1_e3", "1e1_0", "1e999", "077777777777777777777777777777", "08" + strings.Repeat("0", 50),
		"1e", "1e+", "1.2.3", "+", "10.1.0.5", "--1", "+-1", "e3", "1+1", "0x", "0o", "0b2", "1ee3",
	}
	quoted := []string{
		"0", "8", "-8", "+8", "0123", "00", "1.5", "-1.5", "+1.5", "0.5", "1e+3", "1E-3", "1.5e+3", ".5", ".5e3", ".5e+3", "+.5", "0e+0",
		"1_000", "0x1F", "0b1", "0o17", "99999999999999999999999", "1:30", "-", "1.2_", "1_.2_", ".inf", "-.inf", ".nan",
		"2001-01-02", "true", "null", "~", "yes", "n", "",
	}
	for _, text := range append(bare, quoted...) {
		want := text
		if slices.Contains(quoted, text) {
			want = `"` + text + `"`
			if text == "-" {
				want = "'-'"
			}
		}
		for format, value := range map[string]any{
			"%s\n":              text,
			"key: %s\n":         map[string]string{"key": text},
			"- q\n- %s\n- qq\n": []string{"q", text, "qq"},
		} {
			printed, err := jujutext.Format("yaml", value)
			assert.NoError(t, err, text)
			assert.Equal(t, fmt.Sprintf(format, want), string(printed), text)
		}
	}
}

// The text is what the fork prints.
func TestNumbersAmongPlaceholders(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("words ", 13)
	value := map[string]any{
		"q":       "quick\nquiet\n",
		"08":      "1e3",
		"1e3":     long + "1e3 qqq",
		"\xffqq":  "\xffq \xa8 \x2aqz",
		"\ufeffq": "1.",
		"Q":       []any{"'q'", "# q", "09", nil, map[string]string{"0_9": "q: q"}},
		"z\tq\"q": "-1.",
	}
	want := `"\uFEFF\x71": 1.
!!binary /3Fx: !!binary /3EgqCAqcXo=
1e3: words words words words words words words words words words words words words
  1e3 qqq
08: 1e3
Q:
- '''q'''
- '# q'
- 09
- null
- 0_9: 'q: q'
q: |
  quick
  quiet
"z\tq\"q": -1.
`
	printed, err := jujutext.Format("yaml", value)
	assert.NoError(t, err)
	assert.Equal(t, want, string(printed))
}

func TestKeysInACircleAreInOneOrder(t *testing.T) {
	t.Parallel()
	value := map[string]any{"8e": "a", "9": "b", "87": "c", "7": "d"}
	first, err := jujutext.Format("yaml", value)
	assert.NoError(t, err)
	for range 50 {
		again, err := jujutext.Format("yaml", map[string]any{"7": "d", "87": "c", "9": "b", "8e": "a"})
		assert.NoError(t, err)
		assert.Equal(t, string(first), string(again))
	}
}
