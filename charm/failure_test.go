// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// TestFailingHookCommand is a charm that writes, and then reads in vain: each
// way gives one error that names the command and the cause, in Juju's log, and
// nothing is sent.
func TestFailingHookCommand(t *testing.T) {
	t.Parallel()
	const command = `cannot run "relation-get --format=json -r peers:1 -- - app/1": `
	for name, row := range map[string]struct {
		answer hookcmdtest.Answer
		want   string
	}{
		"fails":          {hookcmdtest.Failure(1, "permission denied"), "permission denied (exit code 1)"},
		"wrong usage":    {hookcmdtest.Failure(2, `option provided but not defined: --app`), "option provided but not defined: --app (exit code 2)"},
		"fails silently": {hookcmdtest.Answer{Code: 1}, "no reason given (exit code 1)"},
		"prints nothing": {hookcmdtest.Answer{}, "it printed nothing, JSON was expected"},
		"prints no JSON": {hookcmdtest.Answer{Stdout: "hunter2"}, "it printed 7 bytes that cannot be used: not JSON: invalid character 'h' looking for beginning of value"},
		"prints a list":  {hookcmdtest.Answer{Stdout: `["hunter2"]`}, "it printed 11 bytes that cannot be used: JSON array where map[string]string is expected"},
		"prints 10 MB":   {hookcmdtest.Answer{Stdout: strings.Repeat("hunter2 ", 10<<20/8)}, "it printed 10485760 bytes that cannot be used: not JSON"},
	} {
		for _, transport := range []string{"socket", "exec"} {
			t.Run(name+"/"+transport, func(t *testing.T) {
				t.Parallel()
				agent := testagent.Peers(1)
				agent.Intercept = func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
					return row.answer, call.Command == "relation-get"
				}
				var stderr strings.Builder
				err := charm.Run(t.Context(), writeThenRead, &charm.Options{
					Env:       append(environ(t, events.PeerJoined{RelationRef: peers, Unit: "app/1"}), newServer(t, agent).Agent().Env...),
					Transport: transport,
					Stderr:    &stderr,
				})
				require.ErrorContains(t, err, command+row.want)
				assert.NotContains(t, err.Error(), "hunter2")
				require.Len(t, agent.Logs(), 1)
				assert.Equal(t, "ERROR "+err.Error(), agent.Logs()[0])
				assert.Len(t, agent.Calls(), 1, "nothing is sent")
				assert.Empty(t, stderr.String())
			})
		}
	}
}

func writeThenRead(c *charm.Charm) {
	charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
		rel := c.Relation(ev)
		if err := rel.Local().Set(ctx, "a", "1"); err != nil {
			return err
		}
		_, err := rel.Remote(ev.Unit).Get(ctx, "greeting")
		return err
	})
}

// A command that hangs ends with its context, and the agent, which runs one
// command at a time, cannot log then: standard error tells.
func TestHangingHookCommand(t *testing.T) {
	t.Parallel()
	agent := testagent.Peers(1)
	release := make(chan struct{})
	agent.Intercept = func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		if call.Command == "relation-get" {
			<-release
		}
		return hookcmdtest.Answer{}, false
	}
	server := newServer(t, agent)
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var stderr strings.Builder
	err := charm.Run(ctx, writeThenRead, &charm.Options{
		Env:    append(environ(t, events.PeerJoined{RelationRef: peers, Unit: "app/1"}), server.Agent().Env...),
		Stderr: &stderr,
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	want := `cannot run "relation-get --format=json -r peers:1 -- - app/1": no answer from the unit agent: context deadline exceeded`
	require.ErrorContains(t, err, want)
	assert.Contains(t, stderr.String(), want)
}
