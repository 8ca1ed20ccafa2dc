// SPDX-License-Identifier: Apache-2.0

package charmsmith_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// program has one mistake of docs/types.md in it: %[1]s a method, %[2]s a call.
const program = `package mistakes
import (
	"context"
	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
)
type app%[3]d struct{ *charm.Charm }
%[1]s
func register%[3]d(ctx context.Context, c *charm.Charm, p *app%[3]d, text string) (_ events.Hook) {
	%[2]s
	return
}
`

var (
	methodName = regexp.MustCompile(`^func \(p \*app\) (\w+)`)
	// calls are how what a row of the table is about is used.
	calls = map[string]string{
		"charm.On":         `charm.On(c, p.%s)`,
		"charm.OnRelation": `charm.OnRelation(c, "db", p.%s)`,
		"charm.OnAction":   `charm.OnAction(c, "backup", p.%s)`,
		"c.AddSecret":      `c.AddSecret(ctx, %s, nil)`,
	}
)

// TestDocsQuoteTheCompiler holds the messages in docs/types.md to those of the compiler.
func TestDocsQuoteTheCompiler(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("docs/types.md")
	require.NoError(t, err)
	_, table, ok := strings.Cut(string(content), "| wrong | message | right |\n")
	require.True(t, ok, "there is no such table")

	temp := t.TempDir()
	overlay := map[string]map[string]string{"Replace": {}}
	var messages []string
	for line := range strings.Lines(table) {
		columns := columnsOf(strings.TrimSuffix(line, "\n"))
		if len(columns) != 3 || columns[0] == "---" {
			continue
		}
		wrong := codeSpan.FindAllStringSubmatch(columns[0], -1)
		require.Len(t, wrong, 2, line)
		row, code := len(messages), wrong[0][1]
		call, known := calls[wrong[1][1]]
		require.True(t, known, line)
		method, argument := "", code
		if name := methodName.FindStringSubmatch(code); name != nil {
			argument = name[1]
			method = strings.Replace(code, "*app)", fmt.Sprintf("*app%d)", row), 1) + ` { panic("") }`
		}
		file := fmt.Sprintf("row%d.go", row)
		path := filepath.Join(temp, file)
		text := fmt.Sprintf(program, method, fmt.Sprintf(call, argument), row)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		overlay["Replace"][filepath.Join("docs", "mistakes", file)] = path
		messages = append(messages, codeSpan.FindStringSubmatch(columns[1])[1])
	}
	require.NotEmpty(t, messages)

	text, err := json.Marshal(overlay)
	require.NoError(t, err)
	path := filepath.Join(temp, "overlay.json")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	said, err := exec.Command("go", "build", "-overlay="+path, "-gcflags=-e", "./docs/mistakes").CombinedOutput()
	require.Error(t, err, "it compiles")
	for row, message := range messages {
		pattern := fmt.Sprintf(`row%d\.go:\d+:\d+: .*%s`, row, regexp.QuoteMeta(message))
		assert.Regexp(t, pattern, string(said))
	}
}
