// SPDX-License-Identifier: Apache-2.0

package hookcmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// printer is a Runner whose commands all print the same.
type printer []byte

// Run implements hookcmd.Runner.
func (p printer) Run(context.Context, hookcmd.Call) ([]byte, error) { return bytes.Clone(p), nil }

// readMethods returns the rows of the methods that read what a command prints.
func readMethods(tb testing.TB) (rows []scriptedMethod, commands map[string]bool) {
	tb.Helper()
	commands = map[string]bool{}
	for _, m := range scriptedMethods(tb) {
		if m.want == nil || strings.HasPrefix(m.name, "SecretAdd") {
			continue
		}
		rows = append(rows, m)
		commands[m.argv[0]] = true
	}
	return rows, commands
}

func TestReadMethodsAreFuzzed(t *testing.T) {
	t.Parallel()
	rows, _ := readMethods(t)
	fuzzed := map[string]bool{}
	for _, m := range rows {
		name, _, _ := strings.Cut(m.name, " ")
		fuzzed[name] = true
	}
	for _, name := range strings.Fields(`ConfigGet ConfigGetAll ConfigGetKey ActionGet ActionGetKey IsLeader
		StatusGet StatusGetApp GoalState CredentialGet NetworkGet OpenedPorts OpenedPortsByEndpoint
		RelationIDs RelationList RelationGet RelationGetApp RelationGetAll RelationGetKey RelationGetAppKey
		RelationModelGet RelationApp StateGet StateGetKey StorageGet StorageList LeaderGet LeaderGetKey
		ResourceGet SecretGet SecretIDs SecretInfoGet UnitGetPrivateAddress UnitGetPublicAddress`) {
		assert.True(t, fuzzed[name], "FuzzOutput does not call %s", name)
	}
}

// hasKeyWith reports whether output is a JSON object with a key that has the text.
func hasKeyWith(output []byte, text string) bool {
	var object map[string]json.RawMessage
	if json.Unmarshal(output, &object) != nil {
		return false
	}
	for key := range object {
		if strings.Contains(key, text) {
			return true
		}
	}
	return false
}

// FuzzOutput has all methods that read given the same output.
func FuzzOutput(f *testing.F) {
	const marker = "hunter2"
	quoted := regexp.MustCompile(`"[^"]*"`)
	rows, commands := readMethods(f)
	seen := map[string]bool{}
	for _, c := range recordedCases() {
		for _, call := range c.Calls {
			if !commands[call.Argv[0]] || call.Code != 0 || seen[call.Stdout] || len(call.Stdout) > 4096 {
				continue
			}
			seen[call.Stdout] = true
			f.Add([]byte(call.Stdout))
			f.Add(quoted.ReplaceAll([]byte(call.Stdout), []byte(`"`+marker+`"`)))
		}
	}
	for _, text := range []string{
		"", "null", marker, `"` + marker, `["hunter2"]`, `{"hunter2":7}`, `{"password":{"hunter2":["hunter2"]}}`,
		`{"password":"hunter2\ufffd"}`, `{"password":"hunter2` + "\xff" + `"}`, `{"a":"b"} hunter2`, `{"credential":"hunter2"}`,
		`{"hunter2":"hunter2` + "\xff" + `"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, stdout []byte) {
		t.Parallel()
		client := hookcmd.New(printer(stdout), nil)
		for _, m := range rows {
			_, err := m.call(t.Context(), client)
			if err == nil {
				continue
			}
			text := err.Error()
			if _, ok := errors.AsType[*hookcmd.Error](err); !ok {
				require.Contains(t, text, m.argv[0], "the error of %s does not say of which command", m.name)
			}
			switch name, _, _ := strings.Cut(m.name, " "); name {
			case "SecretGet":
				if !hasKeyWith(stdout, marker) { // keys are no secrets: a command names one
					require.NotContains(t, text, marker, "the error of %s shows what was printed", m.name)
				}
			case "CredentialGet", "ConfigGet", "ConfigGetAll", "ConfigGetKey", "ActionGet", "ActionGetKey":
				require.NotContains(t, text, marker, "the error of %s shows what was printed", m.name)
			}
		}
	})
}
