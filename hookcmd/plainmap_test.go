// SPDX-License-Identifier: Apache-2.0

package hookcmd_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// FuzzDatabag holds what is read of a databag to encoding/json, whichever way it is read.
func FuzzDatabag(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"a":"b"}`, `{"a":"b"}` + "\n", `{"a":"b","a":"c"}`, `{"a":"b",}`, `{"a":"b"}}`, `{"a":"b"} `, ` {"a":"b"}`, `{"a": "b"}`,
		`{"":""}`, `{"a":"\u0041"}`, `{"a":"ü"}`, "{\"a\":\"\xff\"}", "{\"a\":\"\x7f\"}", "{\"a\":\"\x01\"}", `{"a":"b`, `{"a"`, `{"a":`, `{"a":"b"`, `{"a":1}`,
		`{"a":null}`, `{`, `{"a":"b","c":"d"}`, `{"a","b"}`, `{"a":"b":"c"}`, `null`, `[]`, `{"a":"b"}` + "\n\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, stdout []byte) {
		var want map[string]string
		wantErr := json.Unmarshal(stdout, &want)
		got, err := hookcmd.New(printer(stdout), nil).RelationGet(t.Context(), hookcmd.RelationID{Endpoint: "db", ID: 1}, "db/0")
		if wantErr != nil {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		assert.Equal(t, len(want), len(got))
		for key, value := range want {
			assert.Equal(t, value, got[key])
		}
	})
}
