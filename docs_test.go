// SPDX-License-Identifier: Apache-2.0

package charmsmith_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sources returns the Go files of all modules of this repository.
func sources(t *testing.T) []string {
	t.Helper()
	var files []string
	require.NoError(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && (entry.Name() == "testdata" || entry.Name() == ".git" || entry.Name() == "bin") {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			files = append(files, path)
		}
		return err
	}))
	require.Greater(t, len(files), 50)
	return files
}

func TestEveryFile(t *testing.T) {
	t.Parallel()
	for _, path := range sources(t) {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		text := string(content)
		assert.True(t, strings.HasPrefix(text, "// SPDX-License-Identifier: Apache-2.0\n\n"), "%s does not begin with its licence", path)
		assert.LessOrEqual(t, strings.Count(text, "\n"), 400, "%s is too long", path)
	}
}

func TestEveryPackageHasOneComment(t *testing.T) {
	t.Parallel()
	comments := make(map[string][]string) // of each folder: where
	for _, path := range sources(t) {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.PackageClauseOnly)
		require.NoError(t, err)
		dir := filepath.Dir(path)
		comments[dir] = append(comments[dir], nil...)
		if file.Doc == nil {
			continue
		}
		comments[dir] = append(comments[dir], path)
		want := "Package " + file.Name.Name + " "
		if file.Name.Name == "main" {
			want = "Command " + filepath.Base(dir) + " "
		}
		assert.True(t, strings.HasPrefix(file.Doc.Text(), want), "the package comment in %s must begin with %q", path, want)
	}
	for dir, where := range comments {
		assert.Len(t, where, 1, "files of %s with a package comment", dir)
	}
}

// TestEveryExportedNameIsDocumented covers what the public can import.
func TestEveryExportedNameIsDocumented(t *testing.T) {
	t.Parallel()
	for _, path := range sources(t) {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				// An event's methods say what their family does.
				if decl.Name.IsExported() && decl.Doc == nil && decl.Name.Name != "Name" && receiverIsExported(decl) {
					t.Errorf("%s: %s has no doc comment", path, decl.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range decl.Specs {
					if spec, ok := spec.(*ast.TypeSpec); ok && spec.Name.IsExported() && spec.Doc == nil && decl.Doc == nil {
						t.Errorf("%s: %s has no doc comment", path, spec.Name.Name)
					}
				}
			}
		}
	}
}

func receiverIsExported(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	receiver := f.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	name, ok := receiver.(*ast.Ident)
	return !ok || name.IsExported()
}

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// TestDocsQuoteCode holds the Go code of every document to code that is
// compiled, and run, by the tests.
func TestDocsQuoteCode(t *testing.T) {
	t.Parallel()
	var code strings.Builder
	for _, path := range sources(t) {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		code.WriteString(flat(string(content)))
	}
	documents, err := filepath.Glob("docs/*/*.md")
	require.NoError(t, err)
	guides, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	documents = append(documents, guides...)
	for _, folder := range []string{"interfaces/*/*.md", "examples/*/*.md"} {
		more, err := filepath.Glob(folder)
		require.NoError(t, err)
		documents = append(documents, more...)
	}
	blocks := 0
	for _, path := range append(documents, "README.md", "CONTRIBUTING.md") {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, block := range goBlock.FindAllStringSubmatch(string(content), -1) {
			blocks++
			for part := range strings.SplitSeq(block[1], "\n\n") {
				assert.Contains(t, code.String(), flat(part), "%s has code that no Go file has", path)
			}
		}
	}
	assert.Positive(t, blocks)
}

// flat folds white space, which documents indent differently.
func flat(code string) string { return strings.Join(strings.Fields(code), " ") + " " }
