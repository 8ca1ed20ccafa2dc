// SPDX-License-Identifier: Apache-2.0

//go:build linux

package daemon_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/daemon"
)

func FuzzHolder(f *testing.F) {
	for _, text := range []string{
		"1 1 3 ready\n", "4194304 18446744073709551615 2147483647 start\n", "18446744073709551616 1 3 start\n",
		"+1 01 3 ready\n", "1 1 3 ready", "1  1 3 ready\n", "-1 1 3 ready\n", "",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if daemon.IsHolder(text) {
			assert.Regexp(t, `^[1-9][0-9]* (0|[1-9][0-9]*) (0|[1-9][0-9]*) (ready|start)\n$`, string(text))
		}
	})
}

func FuzzState(f *testing.F) {
	for _, text := range []string{
		`{"version":1,"pid":7,"start":8,"spec":"x","program":{"device":1,"inode":2,"size":3,"modified":-4,"changed":5,"sha256":"y"}}`,
		`{"version":1,"pid":99999999999999999999}`, `{"version":2,"pid":1}`, `{"version":1,"pid":-1}`, `[]`, `{`, `{}{}`, `null`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if daemon.IsState(text) {
			assert.True(t, json.Valid(text), "a state is JSON, and nothing else")
			assert.LessOrEqual(t, len(text), 4096)
		}
	})
}
