// SPDX-License-Identifier: Apache-2.0

package charmsmith_test

import (
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exported are the names that a document can mention: "charmtest.New" and, of
// types, "charmtest.Options.Leader".
func exported(t *testing.T, dirs ...string) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, files, dir)
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			require.NoError(t, err)
			for _, decl := range file.Decls {
				for _, name := range declared(decl) {
					names[file.Name.Name+"."+name] = true
				}
			}
		}
	}
	return names
}

// declared returns what a declaration declares: "New", "Options", "Options.Leader".
func declared(decl ast.Decl) []string {
	var names []string
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		name := decl.Name.Name
		if decl.Recv != nil {
			receiver := decl.Recv.List[0].Type
			if star, ok := receiver.(*ast.StarExpr); ok {
				receiver = star.X
			}
			name = fmt.Sprint(receiver) + "." + name
		}
		names = append(names, name)
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					names = append(names, name.Name)
				}
			case *ast.TypeSpec:
				names = append(names, spec.Name.Name)
				for _, member := range members(spec.Type) {
					names = append(names, spec.Name.Name+"."+member)
				}
			}
		}
	}
	return names
}

// members returns the fields of a struct, or the methods of an interface.
func members(t ast.Expr) []string {
	var list *ast.FieldList
	switch t := t.(type) {
	case *ast.StructType:
		list = t.Fields
	case *ast.InterfaceType:
		list = t.Methods
	default:
		return nil
	}
	var names []string
	for _, field := range list.List {
		for _, name := range field.Names {
			names = append(names, name.Name)
		}
		if len(field.Names) == 0 { // embedded
			names = append(names, fmt.Sprint(field.Type))
		}
	}
	return names
}

// variables are what documents call values of these types.
var variables = map[string]string{
	"h": "charmtest.Harness", "m": "charmtest.Model", "app": "charmtest.Application", "unit": "charmtest.Unit",
	"rel": "charmtest.Relation", "secret": "charmtest.Secret", "state": "charmtest.State", "c": "charm.Charm",
}

// standard are names of the standard library that documents mention.
var standard = map[string]bool{"errors.Is": true, "t.Parallel": true}

var codeSpan = regexp.MustCompile("`([^`]+)`")

// dotted returns "charmtest.State.Logs" of that, and of state.Logs.
func dotted(expr ast.Expr) string {
	if selector, ok := expr.(*ast.SelectorExpr); ok {
		return dotted(selector.X) + "." + selector.Sel.Name
	}
	name := fmt.Sprint(expr)
	if known, ok := variables[name]; ok {
		return known
	}
	return name
}

// mentioned returns the exported names in a Go expression: of packages, of the
// variables, and the fields of composite literals.
func mentioned(expr ast.Expr) []string {
	var names []string
	ast.Inspect(expr, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.SelectorExpr:
			if node.Sel.IsExported() {
				names = append(names, dotted(node))
			}
		case *ast.CompositeLit:
			of, ok := node.Type.(*ast.SelectorExpr)
			for _, element := range node.Elts {
				if field, isField := element.(*ast.KeyValueExpr); ok && isField {
					names = append(names, fmt.Sprintf("%v.%s.%v", of.X, of.Sel.Name, field.Key))
				}
			}
		}
		return true
	})
	return names
}

// TestDocsNameWhatExists holds the tables of what is called how elsewhere to the
// names that there are here: their last column.
func TestDocsNameWhatExists(t *testing.T) {
	t.Parallel()
	known := exported(t, "charm", "events", "hookcmd", "relation", "testing/charmtest", "testing/hookcmdtest")
	const path = "docs/coming-from.md"
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	count := 0
	for number, line := range strings.Split(string(content), "\n") {
		text := line
		if strings.HasPrefix(line, "|") {
			columns := strings.Split(strings.Trim(line, "|"), " | ")
			require.LessOrEqual(t, len(columns), 2, "%s:%d has %d columns", path, number+1, len(columns))
			text = columns[len(columns)-1]
		}
		for _, span := range codeSpan.FindAllStringSubmatch(text, -1) {
			expr, err := parser.ParseExpr(span[1])
			if err != nil {
				continue // such as "Self: true"
			}
			for _, name := range mentioned(expr) {
				count++
				assert.True(t, known[name] || standard[name], "%s:%d names %s, which there is not", path, number+1, name)
			}
		}
	}
	assert.Greater(t, count, 150, "names")
}

// TestPackageDocQuotesCode holds the code in the comments of packages to code
// that the tests run.
func TestPackageDocQuotesCode(t *testing.T) {
	t.Parallel()
	var code strings.Builder
	for _, path := range sources(t) {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		code.WriteString(flat(string(content)))
	}
	for _, path := range []string{"testing/charmtest/doc.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		require.NoError(t, err)
		blocks := 0
		for _, block := range new(comment.Parser).Parse(file.Doc.Text()).Content {
			quoted, ok := block.(*comment.Code)
			if !ok {
				continue
			}
			blocks++
			for part := range strings.SplitSeq(quoted.Text, "\n\n") {
				assert.Contains(t, code.String(), flat(part), "%s has code that no Go file has", path)
			}
		}
		assert.Positive(t, blocks, path)
	}
}
