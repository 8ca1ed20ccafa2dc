// SPDX-License-Identifier: Apache-2.0

//go:build linux

package throughput_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/throughput"
)

func TestMinSpeedCheck(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		least       string
		speed, link int64
		ok          bool
		message     string
	}{
		{"0", 0, 0, true, "min-speed disabled"},
		{"0%", 0, 0, true, "min-speed disabled"},
		{"800", 800, 0, true, "800 >= 800 mbit/s"},
		{"800", 799, 0, false, "failed: 799 < 800 mbit/s"},
		{"0800", 799, 0, false, "failed: 799 < 800 mbit/s"},
		{"80%", 8000, 10000, true, "8000 >= 8000 mbit/s"},
		{"80%", 7999, 10000, false, "failed: 7999 < 8000 mbit/s"},
		{"1%", 0, 10, false, "failed: 0 < 1 mbit/s"},
		{"33%", 33, 101, false, "failed: 33 < 34 mbit/s"},
		{"150%", 1000, 1000, false, "failed: 1000 < 1500 mbit/s"},
		{"80%", 8000, 0, false, "failed: 80% of the link speed is not known, as the link speed is not"},
		{"80%", 8000, -1, false, "failed: 80% of the link speed is not known, as the link speed is not"},
		{"4294967295%", 1 << 61, 1 << 62, false, "failed: 2305843009213693952 < 4611686018427387904 mbit/s"},
	} {
		m, err := throughput.ParseMinSpeed(row.least)
		require.NoError(t, err)
		assert.Equal(t, throughput.SpeedCheck{OK: row.ok, Message: row.message}, m.Check(row.speed, row.link), "%s of %d", row.least, row.link)
	}
}

func TestMinSpeedBad(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "%", "-1", "+1", "1.5", "80 %", "80%%", " 80", "fast", "1e3", "1_000", "4294967296", "0x10", "٣"} {
		_, err := throughput.ParseMinSpeed(text)
		require.ErrorContains(t, err, " is no speed: ", "%q", text)
		require.ErrorContains(t, err, `: it must be mbit/s, such as "800", or a percentage of the link speed, such as "80%"`)
	}
	_, err := throughput.ParseMinSpeed(strings.Repeat("9", 1e6))
	require.ErrorContains(t, err, `9999"… is no speed: it must be`)
	assert.Less(t, len(err.Error()), 400, "length of the error")
}

// What is parsed is written so that it is parsed again, and a greater speed never
// fails where a smaller one is enough.
func FuzzParseMinSpeed(f *testing.F) {
	for _, text := range []string{"0", "0%", "800", "80%", "", "%", "-1", "4294967295%", "00%"} {
		f.Add(text, int64(800), int64(1000))
	}
	f.Fuzz(func(t *testing.T, text string, speed, link int64) {
		m, err := throughput.ParseMinSpeed(text)
		if err != nil {
			assert.Zero(t, m)
			return
		}
		again, err := throughput.ParseMinSpeed(m.Text())
		require.NoError(t, err)
		assert.Equal(t, m, again)
		if check := m.Check(speed, link); !check.OK && speed > 0 {
			assert.False(t, m.Check(speed-1, link).OK, "%s of %d: %s", m.Text(), link, check.Message)
		}
	})
}
