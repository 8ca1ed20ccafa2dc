// SPDX-License-Identifier: Apache-2.0

package lldp_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/lldp"
)

func TestCheckPorts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		descriptions []string // of neighbours of eno1
		host, want   string
	}{
		"right":                        {[]string{"node1 eno1"}, "node1", "ok"},
		"right, without domain":        {[]string{"to-NODE1-eno1"}, "node1.example.com", "ok"},
		"right, with domain":           {[]string{"node1.example.com/eno1"}, "Node1.example.com.", "ok"},
		"wrong":                        {[]string{"node2 eno1"}, "node1", "failed: eno1: node2 eno1"},
		"no part of a longer name":     {[]string{"node10 xnode1 node1a énode1"}, "node1", "failed: eno1: node10 xnode1 node1a énode1"},
		"after a part of a name":       {[]string{"node10 node1"}, "node1", "ok"},
		"no neighbour":                 {nil, "node1", "ok"},
		"no description":               {[]string{""}, "node1", "ok"},
		"one of several":               {[]string{"telephone", "node1"}, "node1", "ok"},
		"none of several":              {[]string{"telephone", "", "node2"}, "node1", "failed: eno1: telephone, node2"},
		"none of very many":            {strings.Split(strings.Repeat("x ", 100), " "), "node1", "failed: eno1: x, x, x, x, x, x, x, x, …"},
		"after an escaped tab":         {[]string{`to\tnode1\n`}, "node1", "ok"},
		"after an escaped backslash":   {[]string{`to\\tnode1`}, "node1", `failed: eno1: to\\tnode1`},
		"a name that is unknown":       {[]string{"node1"}, "", "cannot check port descriptions: the host name is unknown"},
		"a name that is not Latin":     {[]string{"ÉÉ é1"}, "é1", "ok"},
		"a name that is only a domain": {[]string{"node1"}, ".example.com", "cannot check port descriptions: the host name is unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := lldp.Report{Neighbours: []lldp.Neighbour{{Interface: "eno7", PortDescription: "other"}}}
			for _, d := range test.descriptions {
				report.Neighbours = append(report.Neighbours, lldp.Neighbour{Interface: "eno1", PortDescription: d})
			}
			got := report.CheckPorts([]string{"eno2", "eno1", "eno1"}, test.host)
			assert.Equal(t, test.want, got.PortDescription)
			assert.Equal(t, strings.HasPrefix(test.want, "failed"), got.Failed())
		})
	}
}

func TestCheckPortsWithoutLldpd(t *testing.T) {
	t.Parallel()
	got := lldp.Report{Problem: "lldpd is not installed"}.CheckPorts([]string{"eno1"}, "node1")
	assert.False(t, got.Failed())
	text, err := json.Marshal(got)
	require.NoError(t, err)
	assert.JSONEq(t, `{"port description": "lldpd is not installed", "ports": []}`, string(text))
}

func TestPortCheckJSON(t *testing.T) {
	t.Parallel()
	report, err := lldp.Parse([]byte(two0))
	require.NoError(t, err)
	text, err := json.Marshal(report.CheckPorts([]string{"eno1", "eno2"}, "node2"))
	require.NoError(t, err)
	assert.JSONEq(t, `{"port description": "failed: eno1: node1 eno1", "ports": [{"name": "eno1", "description": "node1 eno1"}]}`, string(text))
}
