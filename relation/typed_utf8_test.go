// SPDX-License-Identifier: Apache-2.0

package relation_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/relation"
)

// notSaved returns a test that a value has bytes that no databag can keep.
func notSaved[T any](value T) func(t *testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		agent, store, rel := newDB()
		err := relation.Save(t.Context(), rel.Local(), one[T]{value})
		require.EqualError(t, err, `cannot save field Field as key "field": it has text that is not valid UTF-8`)
		require.NoError(t, store.Flush(t.Context()))
		assert.Empty(t, agent.Calls(), "hook commands")
	}
}

// encoding/json would write U+FFFD instead.
func TestSaveInvalidUTF8(t *testing.T) {
	t.Parallel()
	bad := "a\xffb"
	t.Run("string", notSaved(bad))
	t.Run("pointer", notSaved(&bad))
	t.Run("slice", notSaved([]string{"a", bad}))
	t.Run("array", notSaved([1]string{bad}))
	t.Run("map value", notSaved(map[string]any{"a": bad}))
	t.Run("map key", notSaved(map[string]int{bad: 1}))
	t.Run("struct", notSaved(struct{ A, B any }{1, struct{ C []string }{[]string{bad}}}))
}

// What only looks like it is saved as it is.
func TestSaveReplacementCharacter(t *testing.T) {
	t.Parallel()
	t.Run("itself", isSavedAs("a\ufffdb", "\"a\ufffdb\""))
	t.Run("its escape as text", isSavedAs(`a\ufffdb`, `"a\\ufffdb"`))
	t.Run("its escape in JSON", isSavedAs(json.RawMessage(`"a\ufffdb"`), `"a\ufffdb"`))
	t.Run("bytes", isSavedAs([]byte{0xff}, `"/w=="`))
}

// node is what encoding/json writes a part of only.
type node struct {
	Text   string
	Hidden string `json:"-"`
	Loop   *node  `json:"-"`
	next   *node
	secret string
}

// own writes itself.
type own struct{ Bytes, Escape string }

func (o *own) MarshalJSON() ([]byte, error) { return []byte(`"\ufffd"`), nil }

// What encoding/json does not write can be anything, and lead back to where it is.
func TestSaveWhatIsNotWritten(t *testing.T) {
	t.Parallel()
	const bad, escape = "a\xffb", `\ufffd` // which has the value looked at
	n := &node{Text: escape, Hidden: bad, secret: bad}
	n.next, n.Loop = n, n
	for name, row := range map[string]struct {
		value any
		want  string
	}{
		"skipped fields":               {n, `{"Text":"\\ufffd"}`},
		"in a list":                    {[]any{n, *n}, `[{"Text":"\\ufffd"},{"Text":"\\ufffd"}]`},
		"embedded":                     {struct{ node }{*n}, `{"Text":"\\ufffd"}`},
		"a struct that encodes itself": {&own{bad, ""}, `"\ufffd"`},
	} {
		assert.Equal(t, texts{"field": row.want}, saved(t, one[any]{row.value}), name)
	}
	t.Run("embedded, not valid", notSaved(struct{ node }{node{Text: bad}}))
	t.Run("next to skipped fields", notSaved(&node{Text: bad, Loop: n}))
}
