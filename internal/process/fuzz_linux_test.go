// SPDX-License-Identifier: Apache-2.0

package process_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/internal/process"
)

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("1 (x) S"), "sleep", 7)
	f.Add([]byte(")"), "a) Z 9 9 9 (", -1)
	f.Fuzz(func(t *testing.T, data []byte, name string, n int) {
		process.ParseStat(data) // no panic
		text := fmt.Sprintf("%d (%s) S %d %d %d%s 99 0 0\n", n, name, n, n+1, n+2, strings.Repeat(" -1", 15))
		parent, group, session, dead, start, ok := process.ParseStat([]byte(text))
		assert.True(t, ok)
		assert.Equal(t, []int{n, n + 1, n + 2}, []int{parent, group, session})
		assert.False(t, dead)
		assert.EqualValues(t, 99, start)
	})
}
