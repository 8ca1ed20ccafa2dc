// SPDX-License-Identifier: Apache-2.0

package hostile_test

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/hostile"
)

// example has what does something to a terminal, and what is no UTF-8.
const example = "sw\x1b]0;x\a\u202e\u0085 ü\\n\"\n\xff\x00"

func TestQuote(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                          `""`,
		example:                     `"sw\x1b]0;x\a\u202e\u0085 ü\\n\"\n\xff\x00"`,
		strings.Repeat("a", 200):    `"` + strings.Repeat("a", 200) + `"`,
		strings.Repeat("a", 201):    `"` + strings.Repeat("a", 200) + `"…`,
		strings.Repeat("a", 10<<20): `"` + strings.Repeat("a", 200) + `"…`,
		"a" + strings.Repeat("é", 99) + "€€": `"a` + strings.Repeat("é", 99) + `"…`,
		strings.Repeat("\x80", 201):          `"` + strings.Repeat(`\x80`, 197) + `"…`,
	} {
		assert.Equal(t, want, hostile.Quote(text))
	}
}

func TestEscape(t *testing.T) {
	t.Parallel()
	assert.Empty(t, hostile.Escape(""))
	assert.Equal(t, `sw\x1b]0;x\a\u202e\u0085 ü\n"\n\xff\x00`, hostile.Escape(example))
	assert.Equal(t, strings.Repeat("é", 1<<16), hostile.Escape(strings.Repeat("é", 1<<16)), "it has no limit")
}

func TestClip(t *testing.T) {
	t.Parallel()
	assert.Empty(t, hostile.Clip("", 5))
	assert.Equal(t, `sw\x1b]0;x\a\u202e\u0085 ü\\n"\n\xff\x00`, hostile.Clip(example, 100))
	assert.Equal(t, "éé", hostile.Clip("éé", 2))
	assert.Equal(t, "éé…", hostile.Clip("ééé", 2))
	assert.Equal(t, `\\\x1b…`, hostile.Clip("\\\x1b\\", 2), "a character is one, however long it is escaped")
}

func TestIsHostName(t *testing.T) {
	t.Parallel()
	label := strings.Repeat("a", 63)
	long := strings.Repeat(label+".", 3) + strings.Repeat("a", 61)
	for _, name := range []string{"magpie-1", "Magpie_1.example.", "1", "_x", "a-", label, long, long + "."} {
		assert.True(t, hostile.IsHostName(name), "%q", name)
	}
	for _, name := range []string{
		"", ".", "..", ".a", "a..b", "a..", "-f", "a.-b", "a b", "a/b", "a:1", "a%b", "a*b", "ü", "a\x00", "a\nb", "\x1b[2J", "\xff",
		label + "a", long + "a", long + "a.", strings.Repeat("a", 10<<20),
	} {
		assert.False(t, hostile.IsHostName(name), "%.300q", name)
	}
}

func TestCheckZone(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"10.0.0.1", "169.254.0.1", "fd00::1", "::1", "fe80::1%lo", "fe80::1%1"} {
		assert.NoError(t, hostile.CheckZone(netip.MustParseAddr(address)), address)
	}
	for address, want := range map[string]string{
		"fe80::1":           `a link-local address needs a zone, as in "fe80::1%eth0"`,
		"fe80::1%no\x1b":    "the zone is not an interface of this machine",
		"fe80::1%999999999": "the zone is not an interface of this machine",
		"fe80::1%0":         "the zone is not an interface of this machine",
		"fd00::1%nosuch0x":  "the zone is not an interface of this machine",
	} {
		assert.EqualError(t, hostile.CheckZone(netip.MustParseAddr(address)), want, "%q", address)
	}
}

func ExampleQuote() {
	fmt.Println("cannot ping", hostile.Quote("a\x1b[2J"))
	// Output: cannot ping "a\x1b[2J"
}

// What is returned does nothing, and what it was can be read from it.
func FuzzText(f *testing.F) {
	for _, text := range []string{"", example, strings.Repeat("é", 300), strings.Repeat("\xff", 300), `\`, "'\""} {
		f.Add(text, 255)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		for _, safe := range []string{hostile.Quote(text), hostile.Escape(text), hostile.Clip(text, limit)} {
			assert.True(t, utf8.ValidString(safe))
			assert.False(t, strings.ContainsFunc(safe, func(r rune) bool { return !strconv.IsPrint(r) }), "%q", safe)
		}
		assert.LessOrEqual(t, len(hostile.Quote(text)), 4*200+len(`""…`))
		whole := hostile.Clip(text, len(text))
		again, err := strconv.Unquote(`"` + strings.ReplaceAll(whole, `"`, `\"`) + `"`)
		require.NoError(t, err)
		assert.Equal(t, text, again)
		if hostile.IsHostName(text) {
			assert.Equal(t, text, hostile.Escape(text))
		}
	})
}
