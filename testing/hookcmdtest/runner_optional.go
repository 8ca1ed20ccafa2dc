// SPDX-License-Identifier: Apache-2.0

package hookcmdtest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// What follows is for Runners that are Batchers and Posters, too.

func (s runnerSuite) batch(t *testing.T) {
	var j journal
	ctx, runner, _ := s.start(t, j.record)
	batcher, ok := runner.(hookcmd.Batcher)
	if !ok {
		t.Skipf("%T is no hookcmd.Batcher; with a RunBatch method this runs", runner)
	}
	for _, size := range []int{0, 1, 12} {
		calls, want := make([]hookcmd.Call, size), make([]string, size)
		for i := range calls {
			command := []string{"relation-get", "relation-list"}[i%2]
			calls[i] = hookcmd.Call{Command: command, Args: []string{"-r", fmt.Sprint(i)}}
			want[i] = runnerLine(calls[i])
		}
		stdouts, err := batcher.RunBatch(ctx, calls)
		require.NoError(t, err, "batch of %d", size)
		assert.Equal(t, strings.Join(want, "\n"), string(bytes.Join(stdouts, []byte("\n"))), "outputs of a batch")
	}
	for _, command := range []string{"relation-get", "status-get"} { // the latter one after the other
		var calls []hookcmd.Call
		for _, args := range [][]string{{"a"}, {"b", "fail"}, {"c"}, {"d", "fail"}} {
			calls = append(calls, hookcmd.Call{Command: command, Args: args})
		}
		before := len(j.all())
		_, err := batcher.RunBatch(ctx, calls)
		assert.Equal(t, command+" b fail", requireError(t, err, calls[1]).Stderr, "standard error")
		assert.Len(t, j.all()[before:], 4, "%s commands of a batch, two of which fail, that ran when RunBatch returned", command)
	}
	assertRuns(ctx, t, runner, "after")
}

func (s runnerSuite) post(t *testing.T) {
	var j journal
	ctx, runner, close := s.start(t, j.record)
	poster, ok := runner.(hookcmd.Poster)
	if !ok {
		t.Skipf("%T is no hookcmd.Poster; with a Post method this runs", runner)
	}
	var want []string
	var ended journal
	post := func(args ...string) {
		call := hookcmd.Call{Command: "juju-log", Args: args}
		want = append(want, runnerLine(call))
		err := poster.Post(ctx, call, func(err error) {
			assert.Equal(t, args[1] == "fail", err != nil, "whether posted %q fails: %v", args, err)
			ended.record(call)
		})
		require.NoError(t, err)
	}
	for i := range 3 {
		post("before", fmt.Sprint(i))
	}
	post("before", "fail")
	assertRuns(ctx, t, runner, "between")
	assert.Equal(t, append(slices.Clone(want), "config-get between"), j.all(), "commands that the agent ran when the next returned")
	assert.Equal(t, want, ended.all(), "posted commands whose done was called when the next returned")
	for i := range 3 {
		post("after", fmt.Sprint(i))
	}
	post("after", "fail")
	if _, ok := runner.(interface{ Close(context.Context) error }); ok {
		close()
		assert.Equal(t, want, ended.all(), "posted commands whose done was called when Close returned")
		assert.Len(t, j.all(), len(want)+1, "commands that the agent ran when Close returned")
	}
}
