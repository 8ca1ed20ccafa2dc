// SPDX-License-Identifier: Apache-2.0

package charmdir_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/internal/charmdir"
)

// FuzzParse holds that text of any kind gives a charm or an error of one line,
// and the same each time.
func FuzzParse(f *testing.F) {
	f.Add([]byte(everything), []byte(nil), []byte(nil))
	f.Add([]byte("type: charm\n"), []byte(options), []byte(action))
	f.Add([]byte("type: charm\nname: &a\n  <<: *a\n  ? [x]\n  : !!binary aGk=\n"), []byte("options: &o {a: *o}"), []byte("{<<: [{a: }, {b: }]}"))
	for _, row := range slices.Concat(refusals, actionRefusals) {
		f.Add([]byte(row.files.Charmcraft), []byte(row.files.Config), []byte(row.files.Actions))
		f.Add([]byte(row.files.Metadata), []byte(row.files.Config), []byte(row.files.Actions))
	}
	f.Fuzz(func(t *testing.T, text, config, actions []byte) {
		for _, files := range []charmdir.Files{
			{Charmcraft: text, Config: config, Actions: actions},
			{Metadata: text, Config: config, Actions: actions},
			{Charmcraft: text},
			{Metadata: []byte(meta), Config: config, Actions: actions},
		} {
			c, err := charmdir.Parse(files)
			if err == nil {
				if c == nil || c.Name == "" {
					t.Errorf("no charm, and no error")
				}
				continue
			}
			_, again := charmdir.Parse(files)
			if again == nil || again.Error() != err.Error() {
				t.Errorf("different errors: %v; %v", err, again)
			}
			if text := err.Error(); !strings.HasPrefix(text, "cannot ") || strings.ContainsAny(text, "\n\r\x00") {
				t.Errorf("bad error: %q", text)
			}
		}
	})
}

// TestHostileText takes seconds if one of these is not bounded.
func TestHostileText(t *testing.T) {
	t.Parallel()
	const n = 1 << 19
	laughs := "type: charm\nsummary: s\ndescription: d\nname: &a0 [x]\n"
	for i := range 40 {
		laughs += fmt.Sprintf("a%d: &a%d [%s*a%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 8), i)
	}
	for name, row := range map[string]struct{ text, want string }{
		"long":             {strings.Repeat("#\n", n) + "\n", "it has more than 1 MiB"},
		"not UTF-8":        {"name: \xff", "it must be UTF-8"},
		"UTF-16":           {"\xff\xfea\x00", "it must be UTF-8"},
		"NUL":              {"name: \x00", "control characters are not allowed"},
		"deep lists":       {head + "peers: " + strings.Repeat("[", n), "line 5: exceeded max depth of 10000"},
		"deep maps":        {head + "peers: " + strings.Repeat("{a: ", 101) + strings.Repeat("}", 101), "line 5: it is nested deeper than 100 levels"},
		"deep dashes":      {head + "peers:\n  " + strings.Repeat("- ", 200), "line 6: it is nested deeper than 100 levels"},
		"aliases":          {laughs + "peers: *a40\n", "it has more than 100000 values, with aliases expanded"},
		"unused aliases":   {laughs, "name must be a string, not a list"},
		"itself":           {head + "peers: &p {p: *p}", "line 5: it is nested deeper than 100 levels"},
		"itself, often":    {head + "peers: &p {a: *p, b: *p, c: *p}", "line 5: it is nested deeper than 100 levels"},
		"merges itself":    {head + "peers: &p {<<: [*p, *p, *p]}", "line 5: it is nested deeper than 100 levels"},
		"merges its list":  {head + "peers: {<<: &p [*p, *p]}", "line 5: << must have a map or a list of maps"},
		"comments":         {strings.Repeat("a:\n#\n", 10_000), `line 3: key "a" is there twice`},
		"big enum":         {head + "actions: {a: {enum: [" + strings.Repeat("a,", 20_000) + "]}}", `action "a": enum must not have "a" twice`},
		"big type":         {head + "actions: {a: {type: [" + strings.Repeat("string,", 20_000) + "]}}", `action "a": type must not have "string" twice`},
		"deep schema":      {head + "actions: {a: " + strings.Repeat("{not: ", 90) + "{}" + strings.Repeat("}", 90) + "}", ""},
		"documents":        {strings.Repeat("---\na\n", 10_000), "it must have one YAML document, not several"},
		"one scalar":       {strings.Repeat("a", 50_000), "it must be a map"},
		"a newline quoted": {"type: \"a\\nb\"", `type must be "charm", not "a\nb"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			_, err := charmdir.Parse(charmdir.Files{Charmcraft: []byte(row.text)})
			if row.want == "" {
				assert.NoError(t, err)
			} else {
				assert.EqualError(t, err, "cannot read charmcraft.yaml: "+row.want)
			}
			t.Log(time.Since(start))
		})
	}
}
