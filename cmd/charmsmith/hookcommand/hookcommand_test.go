// SPDX-License-Identifier: Apache-2.0

package hookcommand_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/cmd/charmsmith/hookcommand"
	"github.com/charmsmith/charmsmith/internal/juju"
)

func TestIs(t *testing.T) {
	t.Parallel()
	agent := func(name string) string { return map[string]string{"JUJU_CONTEXT_ID": "app/0-install-1"}[name] }
	nobody := func(string) string { return "" }
	for _, test := range []struct {
		path   string
		getenv func(string) string
		want   bool
	}{
		{"relation-get", nobody, true},
		{"/tmp/x/tools/relation-get", agent, true},
		{"/tmp/x/tools/some-day-get", agent, true},
		{"some-day-get", nobody, false},
		{"charmsmith", agent, false},
		{"./bin/charmsmith-linux-amd64", agent, false},
		{"", nobody, false},
	} {
		assert.Equal(t, test.want, hookcommand.Is(test.path, test.getenv), "%q", test.path)
	}
}

func TestEveryHookCommandOfTheModelIsOne(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"3.6.26", "4.1.0"} {
		names := juju.New(&juju.Options{Version: version}).CommandNames()
		assert.NotEmpty(t, names)
		for _, name := range names {
			assert.True(t, hookcommand.Is(name, func(string) string { return "" }), name)
		}
	}
}
