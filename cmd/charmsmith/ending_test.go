// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/internal/desk"
)

func TestViewEnd(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	v := newView(&out, false, false)
	v.end(ending{
		status:        "Model  Type\ndesk   iaas\n",
		failures:      []desk.Failure{{Unit: "hello/1", Hook: "install", Err: errors.New("exit status 3"), Stderr: "no such\ndatabase\n"}},
		unconnectable: []string{"hello/0 web", "hello/1 web"},
		kept:          "out", timeline: "x.html",
	})
	assert.Equal(t, `
Model  Type
desk   iaas

hello/1 is in error: install: exit status 3
  | no such
  | database

cannot connect to containers web of hello/0, web of hello/1: no pebble was found on PATH, or it does not answer; --pebble names one
kept in out: the units' directories, and the log as debug.log
timeline: x.html
`, out.String())

	many := make([]string, 10)
	for i := range many {
		many[i] = fmt.Sprintf("a/%d c", i)
	}
	assert.Contains(t, unconnectable(many), "c of a/5, 4 more: no pebble")
	assert.Contains(t, unconnectable(many[:1]), "container c of a/0:")
}

// Equal failures are told once, and not all of many.
func TestManyFailures(t *testing.T) {
	t.Parallel()
	failure := func(unit, hook, stderr string) desk.Failure {
		return desk.Failure{Unit: unit, Hook: hook, Err: errors.New("exit status 1"), Stderr: stderr}
	}
	told := func(failures ...desk.Failure) string {
		var out bytes.Buffer
		newView(&out, false, false).end(ending{failures: failures})
		return out.String()
	}
	assert.Equal(t, `
a/0, a/2 are in error: install: exit status 1
  | no

a/1 is in error: start: exit status 1
  | no

a/3 is in error: install: exit status 1
  | other
`, told(failure("a/0", "install", "no"), failure("a/1", "start", "no"), failure("a/2", "install", "no"), failure("a/3", "install", "other")))

	var equal, different []desk.Failure
	for i := range 40 {
		equal = append(equal, failure(fmt.Sprint("a/", i), "install", ""))
		different = append(different, failure(fmt.Sprint("a/", i), "install", fmt.Sprint(i)))
	}
	assert.Equal(t, "\na/0, a/1, a/2, a/3, a/4, a/5, a/6, a/7, a/8, a/9, 30 more are in error: install: exit status 1\n", told(equal...))
	text := told(different...)
	assert.Equal(t, maxFailures, strings.Count(text, "is in error"), text)
	assert.Contains(t, text, "a/4 is in error: install: exit status 1\n  | 4\n\n35 units more in error: a/5, a/6, a/7, a/8, a/9, a/10, a/11, a/12, a/13, a/14, 25 more\n")
	assert.NotContains(t, told(different[:maxFailures]...), "more in error")
	assert.Contains(t, told(different[:maxFailures+1]...), "\n1 unit more in error: a/5\n")
}
