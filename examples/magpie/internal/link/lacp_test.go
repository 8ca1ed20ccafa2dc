// SPDX-License-Identifier: Apache-2.0

//go:build linux

package link_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/link"
)

func TestParsePortState(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]link.PortState{"0": 0, "63": 63, "255": 255, "0x3d": 61, "0X3D": 61} {
		got, err := link.ParsePortState(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "256", "-1", "+1", "0x", "0x100", "6 3", "N/A", "1_0", "\x1b", strings.Repeat("9", 1000)} {
		_, err := link.ParsePortState(text)
		require.ErrorContains(t, err, "cannot read LACP port state ", text)
		assert.Less(t, len(err.Error()), 300, "the error is short")
	}
}

func TestPortStateMatches(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		actor, partner  link.PortState
		active, passive bool
		differences     []string
	}{
		{63, 63, true, true, nil},
		{63, 62, false, true, []string{"LACP activity"}},
		{62, 63, false, true, []string{"LACP activity"}},
		{63, 61, false, false, []string{"LACP timeout"}},
		{63, 0, false, false, []string{"LACP activity", "LACP timeout", "aggregation", "synchronization", "collecting", "distributing"}},
		{0, 192, false, false, []string{"defaulted", "expired"}},
	} {
		assert.Equal(t, test.active, test.actor.Matches(test.partner, false), "%d and %d", test.actor, test.partner)
		assert.Equal(t, test.passive, test.actor.Matches(test.partner, true), "%d and %d, passive", test.actor, test.partner)
		assert.Equal(t, test.differences, test.actor.Differences(test.partner))
	}
}

func TestDescribePortStates(t *testing.T) {
	t.Parallel()
	assert.Equal(t, strings.TrimLeft(`
                 63            61
LACP activity    active        active
LACP timeout     short         long          differs
aggregation      aggregatable  aggregatable
synchronization  in sync       in sync
collecting       yes           yes
distributing     yes           yes
defaulted        no            no
expired          no            no
`, "\n"), link.DescribePortStates(63, 61))
	assert.Equal(t, strings.TrimLeft(`
                 192
LACP activity    passive
LACP timeout     long
aggregation      individual
synchronization  out of sync
collecting       no
distributing     no
defaulted        yes
expired          yes
`, "\n"), link.DescribePortStates(192))
	assert.Equal(t, 8, strings.Count(link.DescribePortStates(0, 255), "differs"), "zero is a state like others")
}

func FuzzPortState(f *testing.F) {
	for _, seed := range []string{"63", "0x3d", "-1", "256", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		state, err := link.ParsePortState(text)
		if err != nil {
			assert.Zero(t, state)
			return
		}
		again, err := link.ParsePortState(strconv.Itoa(int(state)))
		require.NoError(t, err)
		assert.Equal(t, state, again)
		assert.Equal(t, 9, strings.Count(link.DescribePortStates(state), "\n"))
	})
}
