// SPDX-License-Identifier: Apache-2.0

package cosagent_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/interfaces/cosagent"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// Every Go block of the README is code of this package's examples.
func TestREADMEQuotesExamples(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	paths, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var code strings.Builder
	for _, path := range paths {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		code.WriteString(flat(string(content)))
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		for part := range strings.SplitSeq(block[1], "\n\n") {
			assert.Contains(t, code.String(), flat(part))
		}
	}
}

func flat(code string) string { return strings.Join(strings.Fields(code), " ") + " " }

// The interface's description has the form of the public collection, and names what
// this package implements.
func TestInterfaceDescription(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("interface.yaml")
	require.NoError(t, err)
	type charmed struct{ Name, URL string }
	var description struct {
		Name, Status, Lib, Summary, Description, Maintainer string
		Version                                             int
		Providers, Requirers                                []charmed
	}
	d := yaml.NewDecoder(strings.NewReader(string(content)))
	d.KnownFields(true)
	require.NoError(t, d.Decode(&description))
	assert.Equal(t, "cos_agent", description.Name)
	assert.Equal(t, 0, description.Version)
	assert.Equal(t, "published", description.Status)
	assert.Contains(t, description.Lib, "interfaces/cosagent")
	assert.NotEmpty(t, description.Requirers)
	for _, c := range append(description.Providers, description.Requirers...) {
		assert.NotEmpty(t, c.Name)
		assert.Regexp(t, "^https://", c.URL)
	}
}

// A subordinate charm can be observed like any other.
func TestSubordinate(t *testing.T) {
	t.Parallel()
	const metadata = `
name: sidecar
type: charm
summary: A subordinate.
description: It is observed itself.
base: ubuntu@24.04
platforms: {amd64: }
subordinate: true
requires:
  juju-info: {interface: juju-info, scope: container}
provides:
  cos-agent: {interface: cos_agent}
`
	h := charmtest.New(t, func(c *charm.Charm) {
		cosagent.New(c, "cos-agent", &cosagent.Options{Charm: "sidecar"})
	}, &charmtest.Options{Metadata: metadata, Principal: "web/4"})
	rel := h.Relate("cos-agent", "grafana-agent")
	rel.Join("grafana-agent/0", nil)
	w := decode(t, rel.Local())
	assert.Equal(t, "sidecar", w.Metrics.Groups[0].Rules[0].Labels["juju_application"])
	rel.Break()
}
