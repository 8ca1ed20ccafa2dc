// SPDX-License-Identifier: Apache-2.0

package desk_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/desk"
)

func TestWhichLinesWait(t *testing.T) {
	t.Parallel()
	var waits []string
	for _, text := range []string{
		"deploy .", "add-unit app", "config app", "run app/0 act", "exec app/0 -- true", "status", "show-unit app/0", "debug-log", "'settle'", "expect app active",
	} {
		line, err := desk.Parse(text)
		require.NoError(t, err, text)
		if line.Waits() {
			waits = append(waits, text)
		}
	}
	assert.Equal(t, []string{"run app/0 act", "exec app/0 -- true", "status", "show-unit app/0", "'settle'", "expect app active"}, waits)
	nothing, err := desk.Parse("# a comment")
	require.NoError(t, err)
	assert.False(t, nothing.Waits())
}
