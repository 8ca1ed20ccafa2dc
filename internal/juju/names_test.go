// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The names' rules as Juju writes them.
var (
	jujuApplication = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*$`)
	jujuUnit        = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*/(0|[1-9][0-9]*)$`)
)

func FuzzNames(f *testing.F) {
	for _, name := range []string{"", "a", "a-b", "a-1", "a-1b", "1a", "a--b", "a-", "-a", "A", "a_b", "a/0", "a/01", "a/", "/0", "a/0/0", "a-1/0", "mysql-k8s/12", "a/x", "ä/0"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		assert.Equal(t, jujuApplication.MatchString(name), isApplicationName(name), "application %q", name)
		assert.Equal(t, jujuUnit.MatchString(name), isUnitName(name), "unit %q", name)
	})
}
