// SPDX-License-Identifier: Apache-2.0

package magpie_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/charmsmith/charmsmith/interfaces/magpie"
)

var update = flag.Bool("update", false, "write schema.json anew")

// schema is what of JSON Schema is used.
type schema struct {
	Schema      string             `json:"$schema,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Type        string             `json:"type"`
	Items       *schema            `json:"items,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
}

// schemaOf returns the schema of a databag, from the struct that it is read into: a key
// for each field, described by the field's comment.
func schemaOf(t *testing.T, structName string) *schema {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "data.go", nil, parser.ParseComments)
	require.NoError(t, err)
	object := file.Scope.Lookup(structName)
	require.NotNil(t, object, structName)
	spec := object.Decl.(*ast.TypeSpec)
	s := &schema{Type: "object", Properties: make(map[string]*schema)}
	for _, field := range spec.Type.(*ast.StructType).Fields.List {
		tag, err := strconv.Unquote(field.Tag.Value)
		require.NoError(t, err)
		key, _, _ := strings.Cut(reflect.StructTag(tag).Get("databag"), ",")
		value := &schema{Type: "string", Description: strings.Join(strings.Fields(field.Doc.Text()), " ")}
		if _, isList := field.Type.(*ast.ArrayType); isList {
			value.Type, value.Items = "array", &schema{Type: "string"}
		}
		s.Properties[key] = value
	}
	return s
}

// TestSchemaIsCurrent holds schema.json to the types that databags are read into.
func TestSchemaIsCurrent(t *testing.T) {
	t.Parallel()
	unit := schemaOf(t, "unitData")
	unit.Description = "The databag of a unit. Lists are JSON, all else is plain text. Each key can be missing."
	app := &schema{Type: "object", Description: "The databag of the application, in which this interface has nothing."}
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	require.NoError(t, e.Encode(&schema{
		Schema: "https://json-schema.org/draft/2020-12/schema", Title: "magpie, version 1", Type: "object",
		Description: "What the units of an application write to the databags of a peer relation of the interface magpie.",
		Properties:  map[string]*schema{"unit": unit, "app": app},
	}))
	if *update {
		require.NoError(t, os.WriteFile("schema.json", want.Bytes(), 0o666))
	}
	got, err := os.ReadFile("schema.json")
	require.NoError(t, err)
	assert.Equal(t, want.String(), string(got), "run go test ./interfaces/magpie -run Schema -update")
}

// TestSchemaDescribesDatabags validates databags of this and of the reactive charm.
func TestSchemaDescribesDatabags(t *testing.T) {
	t.Parallel()
	s, err := jsonschema.NewCompiler().Compile("schema.json")
	require.NoError(t, err)
	decoded := func(data map[string]string) map[string]any {
		unit := make(map[string]any)
		for key, text := range data {
			unit[key] = text
			if strings.HasPrefix(text, "[") {
				var list any
				require.NoError(t, json.Unmarshal([]byte(text), &list))
				unit[key] = list
			}
		}
		return map[string]any{"unit": unit, "app": map[string]any{}}
	}
	assert.NoError(t, s.Validate(decoded(reactive(map[string]string{"iperf.server": "True"}))))
	assert.NoError(t, s.Validate(decoded(map[string]string{"ingress-address": "fd00::1", "iperf.checked": `["magpie/1"]`})))
	assert.Error(t, s.Validate(decoded(map[string]string{"iperf_addresses": "10.0.0.1"})))
	assert.Error(t, s.Validate(decoded(map[string]string{"iperf.checked": "[1]"})))
}

// TestInterfaceFile holds interface.yaml to what is there.
func TestInterfaceFile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("interface.yaml")
	require.NoError(t, err)
	var file struct {
		Name      string
		Version   int
		Lib       string
		Schema    string
		Providers []any
		Requirers []any
	}
	require.NoError(t, yaml.Unmarshal(text, &file))
	assert.Equal(t, "magpie", file.Name)
	assert.Equal(t, 1, file.Version)
	assert.Equal(t, reflect.TypeFor[magpie.Peers]().PkgPath(), file.Lib)
	assert.Equal(t, []any{}, file.Providers)
	assert.Equal(t, []any{}, file.Requirers)
	assert.FileExists(t, file.Schema)
}
