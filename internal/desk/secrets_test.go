// SPDX-License-Identifier: Apache-2.0

package desk_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/desk"
	"github.com/charmsmith/charmsmith/internal/juju"
)

func TestSecrets(t *testing.T) {
	t.Parallel()
	s := newScene(t, juju.Options{}, map[string][]string{
		"app/0 start": {"secret-add|--label=password\x1b[2J|--rotate=daily|value=hunter2", "secret-add|--owner=unit|key=hunter2"},
	})
	s.deploy("app", "", "", 1, nil)
	_, err := s.m.AddSecret(juju.NewSecret{Label: "mine", Content: map[string]string{"key": "hunter2"}})
	require.NoError(t, err)
	require.NoError(t, s.m.Secrets()[0].SetContent(map[string]string{"value": "hunter3"}))
	got := s.print("secrets", desk.Options{})
	assert.NotContains(t, got, "hunter", "contents are never shown")
	assert.Equal(t, `
ID                    Name             Owner    Rotation  Revision
xxxxxxxxxxxxxxxxxxxx  password\x1b[2J  app      daily     2
xxxxxxxxxxxxxxxxxxxx  -                app/0    never     1
xxxxxxxxxxxxxxxxxxxx  mine             <model>  never     1
`, "\n"+regexp.MustCompile(`(?m)^[0-9a-v]{20}`).ReplaceAllString(got, strings.Repeat("x", 20)))
}

func TestNoSecrets(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "no secrets\n", newScene(t, juju.Options{}, nil).print("secrets", desk.Options{}))
}
