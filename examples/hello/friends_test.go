// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/testing/charmtest"
)

func TestFriends(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"3.6.26", ""} { // the rules of Juju 3.6, and those of 4.1, the default
		h := charmtest.New(t, register, &charmtest.Options{JujuVersion: version})
		friends := h.Peers("friends")
		friends.Join("hello/1", map[string]string{"greeting": "Hello from hello/1"})
		assert.Equal(t, "1 of 1 friends: hello/1", h.Status().Message, version)
	}
}
