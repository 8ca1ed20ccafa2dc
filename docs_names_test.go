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
			if generic, ok := receiver.(*ast.IndexExpr); ok {
				receiver = generic.X
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

// tables are the documents with tables of what is called how elsewhere: the
// second column, of at most so many, has the names that there are here.
var tables = []struct {
	path    string
	columns int
	names   int // that it has at least
}{
	{"docs/coming-from.md", 2, 150},
	{"docs/parity.md", 3, 200},
}

// TestDocsNameWhatExists holds those documents to the names that there are here.
func TestDocsNameWhatExists(t *testing.T) {
	t.Parallel()
	known := exported(t, "charm", "charmotel", "events", "hookcmd", "network", "relation", "testing/charmtest", "testing/hookcmdtest")
	for _, table := range tables {
		content, err := os.ReadFile(table.path)
		require.NoError(t, err)
		count := 0
		for number, line := range strings.Split(string(content), "\n") {
			text := line
			if columns := columnsOf(line); columns != nil {
				require.Len(t, columns, table.columns, "%s:%d", table.path, number+1)
				text = columns[1]
			}
			for _, span := range codeSpan.FindAllStringSubmatch(text, -1) {
				expr, err := parser.ParseExpr(span[1])
				if err != nil {
					continue // such as "Self: true"
				}
				for _, name := range mentioned(expr) {
					count++
					assert.True(t, known[name] || standard[name], "%s:%d names %s, which there is not", table.path, number+1, name)
				}
			}
		}
		assert.Greater(t, count, table.names, "names in %s", table.path)
	}
}

// columnsOf returns the columns of a line of a table; nil if it is none.
func columnsOf(line string) []string {
	if !strings.HasPrefix(line, "|") {
		return nil
	}
	columns := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "|"), "|"), "|")
	for i := range columns {
		columns[i] = strings.TrimSpace(columns[i])
	}
	return columns
}

// exampleLink is a link to a function of a test, or to a file.
var exampleLink = regexp.MustCompile(`^\[([^]]+)\]\(\.\./([^)]+)\)$`)

// TestParityHasNoEmptyRow holds each row of the table to an example that exists,
// or to a reason why there is no counterpart.
func TestParityHasNoEmptyRow(t *testing.T) {
	t.Parallel()
	const path = "docs/parity.md"
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	rows := 0
	for number, line := range strings.Split(string(content), "\n") {
		columns := columnsOf(line)
		if columns == nil || columns[0] == "ops" || columns[0] == "---" {
			continue
		}
		rows++
		where := fmt.Sprintf("%s:%d", path, number+1)
		require.Len(t, columns, 3, where)
		for _, column := range columns {
			assert.NotEmpty(t, column, where)
		}
		if columns[2] == "–" {
			isLeftOut := strings.HasPrefix(columns[1], "none: ") || strings.HasPrefix(columns[1], "later")
			assert.True(t, isLeftOut, "%s has neither an example nor a reason why not", where)
			continue
		}
		link := exampleLink.FindStringSubmatch(columns[2])
		require.NotNil(t, link, "%s has no link to an example", where)
		file, err := os.ReadFile(link[2])
		require.NoError(t, err, where)
		if strings.HasPrefix(link[1], "Example") || strings.HasPrefix(link[1], "Test") {
			assert.True(t, strings.Contains(string(file), "\nfunc "+link[1]+"("), "%s: %s has no %s", where, link[2], link[1])
		}
	}
	assert.Greater(t, rows, 120)
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
