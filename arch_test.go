// SPDX-License-Identifier: Apache-2.0

package charmsmith_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/charmsmith/charmsmith"

// rule is what one kind of package may import, and may not link.
type rule struct {
	pattern string   // of the package's path below the module, as of path.Match
	imports []string // patterns of our packages that it may import
	outside []string // modules outside the standard library that it may import; nil: nor link any
	unlinks []string // packages that it may not link, however indirectly
}

var small = []string{"net", "net/http", "net/rpc", "encoding/gob", "testing"}

// rules is the architecture: imports point down only, and what a charm links
// stays small. A package of no rule, or of two, fails the test.
var rules = []rule{
	{"events", nil, nil, small},
	{"hookcmd", nil, nil, small},
	{"relation", []string{"hookcmd", "internal/jsontext"}, nil, small},
	{"charm", []string{"events", "hookcmd", "relation", "internal/jsontext"}, nil, append([]string{module + "/pebble"}, small...)},
	{"network", []string{"charm", "hookcmd", "relation"}, nil, small},
	{"interfaces/*", []string{"charm", "events", "relation", "network", "hookcmd"}, nil, small},
	{"examples/*", []string{"interfaces/*", "network", "charm", "events", "hookcmd", "relation"}, nil, small},
	{"testing/*", []string{"events", "hookcmd", "relation", "charm", "internal/*", "testing/hookcmdtest"}, []string{"github.com/stretchr/testify"}, nil},

	{"internal/charmdir", nil, []string{"gopkg.in/yaml.v3"}, []string{"testing"}},
	{"internal/charmsource", []string{"internal/charmdir"}, []string{"gopkg.in/yaml.v3"}, []string{"testing", "net/http"}},
	{"internal/desk", []string{"internal/charmdir", "internal/charmsource", "internal/juju", "internal/process", "internal/termtext", "internal/timeline", "hookcmd"}, []string{"github.com/spf13/pflag", "gopkg.in/yaml.v3"}, []string{"testing", "net/http"}},
	{"internal/golden", nil, nil, []string{"testing"}},
	{"internal/jsontext", nil, nil, small},
	{"internal/juju", []string{"events", "hookcmd", "internal/charmdir", "internal/jujutext"}, []string{"github.com/santhosh-tekuri/jsonschema/v6", "gopkg.in/yaml.v2"}, []string{"testing"}},
	{"internal/jujurpc", nil, nil, []string{"testing", "net/rpc", "net/http"}},
	{"internal/jujutext", nil, []string{"gopkg.in/yaml.v2"}, []string{"testing"}},
	{"internal/process/mountns", nil, []string{}, []string{"testing", "net/http", "net/rpc"}},
	{"internal/process", []string{"internal/process/mountns", "internal/charmdir", "internal/charmsource", "internal/juju", "internal/jujurpc"}, []string{}, []string{"testing", "net/http", "net/rpc"}},
	{"internal/termtext", nil, nil, small},
	{"internal/testagent", []string{"hookcmd", "testing/hookcmdtest"}, []string{}, nil},
	{"internal/timeline", nil, nil, []string{"testing", "net/http", "text/template", "html/template"}},

	// The command is also every hook command: it must be quick to start.
	{"cmd/charmsmith/hookcommand", []string{"internal/jujurpc", "internal/process/mountns"}, nil, []string{"testing", "net/http", "net/rpc"}},
	{"cmd/charmsmith", []string{"cmd/charmsmith/hookcommand", "internal/desk", "internal/juju", "internal/jujurpc", "internal/termtext", "internal/timeline", "internal/charmsource"}, []string{"github.com/spf13/cobra", "github.com/spf13/pflag", "golang.org/x/term"}, []string{"testing", "net/http", "net/rpc"}},

	{"bench", []string{"events", "hookcmd", "bench/internal/*", "internal/golden"}, nil, []string{"testing"}},
	{"bench/internal/peers", nil, nil, small},
	{"bench/sdk", []string{"charm", "events", "relation", "bench/internal/*"}, nil, small},
	{"bench/*", []string{"hookcmd", "bench/internal/*"}, nil, []string{"testing"}},
}

// goPackage is what go list tells of a package.
type goPackage struct {
	ImportPath string
	Standard   bool
	Module     *struct{ Path string }
	Imports    []string
	Deps       []string
}

// listed returns all packages of this module and of what they link.
var listed = sync.OnceValues(func() (map[string]goPackage, error) {
	out, err := exec.Command("go", "list", "-deps", "-json=ImportPath,Standard,Module,Imports,Deps", "./...").Output()
	if err != nil {
		return nil, err
	}
	packages := make(map[string]goPackage)
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, err
		}
		packages[p.ImportPath] = p
	}
})

// ours returns the path of a package below the module, and whether it is in it.
func ours(importPath string) (string, bool) {
	return strings.CutPrefix(importPath, module+"/")
}

func ruleOf(name string) []rule {
	var of []rule
	for _, r := range rules {
		if r.pattern == name {
			return []rule{r} // more exact than any pattern
		}
		if ok, _ := path.Match(r.pattern, name); ok {
			of = append(of, r)
		}
	}
	return of
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, _ := path.Match(pattern, name)
		return ok
	})
}

func TestArchitecture(t *testing.T) {
	t.Parallel()
	packages, err := listed()
	require.NoError(t, err)
	checked := 0
	for importPath, p := range packages {
		name, isOurs := ours(importPath)
		if !isOurs {
			continue
		}
		of := ruleOf(name)
		if !assert.Len(t, of, 1, "rules of package %s in arch_test.go", name) {
			continue
		}
		checked++
		for _, imported := range p.Imports {
			if below, isOurs := ours(imported); isOurs {
				assert.True(t, matchesAny(of[0].imports, below), "%s may not import %s", name, below)
			} else if dep := packages[imported]; !dep.Standard && dep.Module != nil {
				assert.Contains(t, of[0].outside, dep.Module.Path, "%s may not import %s", name, imported)
			}
		}
		if of[0].outside == nil {
			for _, linked := range p.Deps {
				_, isOurs := ours(linked)
				assert.True(t, isOurs || packages[linked].Standard,
					"%s may link the standard library only, not %s", name, linked)
			}
		}
		for _, forbidden := range of[0].unlinks {
			assert.NotContains(t, p.Deps, forbidden, "%s may not link %s", name, forbidden)
		}
	}
	assert.Greater(t, checked, 5, "packages of this module")
}

func TestEveryRuleHasAPackage(t *testing.T) {
	t.Parallel()
	packages, err := listed()
	require.NoError(t, err)
	for _, r := range rules {
		used := false
		for importPath := range packages {
			name, isOurs := ours(importPath)
			used = used || isOurs && slices.ContainsFunc(ruleOf(name), func(of rule) bool { return of.pattern == r.pattern })
		}
		assert.True(t, used, "no package is left for the rule of %s", r.pattern)
	}
}
