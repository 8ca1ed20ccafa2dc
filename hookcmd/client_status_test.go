// SPDX-License-Identifier: Apache-2.0

package hookcmd_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// scriptedGoalTime is a time of the recorded goal state.
func scriptedGoalTime(second int) hookcmd.GoalTime {
	return hookcmd.GoalTime{Time: time.Date(2026, 1, 2, 3, 4, second, 0, time.UTC)}
}

// statusMethods are those of the statuses, the log and the model.
func statusMethods(tb testing.TB) []scriptedMethod {
	tb.Helper()
	return []scriptedMethod{{
		name:   "StatusGet",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.StatusGet(ctx) },
		argv:   []string{"status-get", "--format=json", "--include-data"},
		prints: recordedOutput(tb, "status-get/unit-data-json", 0),
		want:   hookcmd.StatusInfo{Status: "active", Message: "all good", Data: map[string]any{}},
	}, {
		name:   "StatusGetApp",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.StatusGetApp(ctx) },
		argv:   []string{"status-get", "--format=json", "--include-data", "--application"},
		prints: recordedOutput(tb, "status-get/app-flag-true", 0),
		want: hookcmd.AppStatusInfo{
			StatusInfo: hookcmd.StatusInfo{Status: "waiting", Message: "app message", Data: map[string]any{}},
			Units: map[string]hookcmd.StatusInfo{
				"magpie/0": {Status: "active", Message: "all good", Data: map[string]any{}},
				"magpie/1": {Status: "blocked", Message: "no db", Data: map[string]any{"k": "v"}},
			},
		},
	}, {
		name: "StatusSet",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.StatusSet(ctx, "blocked", "-x needs\nmore")
		},
		argv: []string{"status-set", "--", "blocked", "-x needs\nmore"},
	}, {
		name: "StatusSet without message",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) { return nil, c.StatusSet(ctx, "active", "") },
		argv: []string{"status-set", "--", "active", ""},
	}, {
		name: "StatusSetApp",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.StatusSetApp(ctx, "active", "fine")
		},
		argv: []string{"status-set", "--application", "--", "active", "fine"},
	}, {
		name: "ApplicationVersionSet",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.ApplicationVersionSet(ctx, "-1.2")
		},
		argv: []string{"application-version-set", "--", "-1.2"},
	}, {
		name: "JujuLog",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.JujuLog(ctx, hookcmd.LogWarning, "--debug 100%")
		},
		argv: []string{"juju-log", "--log-level", "WARNING", "--", "--debug 100%"},
	}, {
		name: "PostJujuLog",
		call: func(ctx context.Context, c *hookcmd.Client) (_ any, err error) {
			c.PostJujuLog(ctx, hookcmd.LogTrace, "hello", func(e error) { err = e })
			return nil, err
		},
		argv: []string{"juju-log", "--log-level", "TRACE", "--", "hello"},
	}, {
		name: "JujuReboot",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) { return nil, c.JujuReboot(ctx, false) },
		argv: []string{"juju-reboot"},
	}, {
		name: "JujuReboot now",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) { return nil, c.JujuReboot(ctx, true) },
		argv: []string{"juju-reboot", "--now"},
	}, {
		name:   "GoalState",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.GoalState(ctx) },
		argv:   []string{"goal-state", "--format=json"},
		prints: recordedOutputOf(tb, "3.6", "only36/goal-state-dying-with-since", 1),
		want: hookcmd.GoalState{
			Units: map[string]hookcmd.GoalStatus{
				"magpie/0": {Status: "active", Since: scriptedGoalTime(5)},
				"magpie/1": {Status: "waiting", Since: scriptedGoalTime(6)},
				"magpie/2": {Status: "dying", Since: scriptedGoalTime(10)},
			},
			Relations: map[string]map[string]hookcmd.GoalStatus{
				"db": {
					"mysql":   {Status: "joined", Since: scriptedGoalTime(7)},
					"mysql/0": {Status: "active", Since: scriptedGoalTime(8)},
				},
				"website": {"haproxy": {Status: "joining", Since: scriptedGoalTime(9)}},
			},
		},
	}, {
		name:   "CredentialGet",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.CredentialGet(ctx) },
		argv:   []string{"credential-get", "--format=json"},
		prints: recordedOutput(tb, "misc/credential-json", 0),
		want: hookcmd.CloudSpec{
			Type:     "lxd",
			Name:     "localhost",
			Region:   "default",
			Endpoint: "https://10.0.0.1:8443",
			Credential: hookcmd.CloudCredential{
				AuthType:   "certificate",
				Attributes: map[string]hookcmd.SecretValue{"client-cert": hookcmd.NewSecretValue("CERT"), "client-key": hookcmd.NewSecretValue("KEY")},
			},
			IsControllerCloud: true,
		},
	}, {
		name: "CredentialGet with all fields",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.CredentialGet(ctx) },
		argv: []string{"credential-get", "--format=json"},
		prints: `{"type":"openstack","name":"o","region":"r","endpoint":"e","identity-endpoint":"i","storage-endpoint":"s",` +
			`"cacertificates":["PEM"],"skip-tls-verify":true}` + "\n",
		want: hookcmd.CloudSpec{
			Type: "openstack", Name: "o", Region: "r", Endpoint: "e", IdentityEndpoint: "i", StorageEndpoint: "s",
			CACertificates: []string{"PEM"}, SkipTLSVerify: true,
		},
	}, {
		name:   "StorageList",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.StorageList(ctx, "") },
		argv:   []string{"storage-list", "--format=json"},
		prints: recordedOutput(tb, "storage/list-json", 0),
		want:   []string{"data/0", "logs/1", "disk/2"},
	}, {
		name:   "StorageList unknown",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.StorageList(ctx, "nope") },
		argv:   []string{"storage-list", "--format=json", "--", "nope"},
		prints: recordedOutput(tb, "storage/list-unknown-name", 0),
		want:   []string{},
	}, {
		name:   "StorageGet",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.StorageGet(ctx, "data/0") },
		argv:   []string{"storage-get", "--format=json", "-s", "data/0"},
		prints: `{"kind":"filesystem","location":"/srv/data"}` + "\n", // recorded as YAML only
		want:   hookcmd.StorageInfo{Kind: "filesystem", Location: "/srv/data"},
	}, {
		name: "StorageAdd",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) { return nil, c.StorageAdd(ctx, "data", 2) },
		argv: []string{"storage-add", "--", "data=2"},
	}, {
		name:   "ResourceGet",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.ResourceGet(ctx, "image") },
		argv:   []string{"resource-get", "--", "image"},
		prints: "/var/lib/juju/agents/unit-magpie-0/resources/a b.txt", // Juju ends no line
		want:   "/var/lib/juju/agents/unit-magpie-0/resources/a b.txt",
		text:   true,
	}}
}

func actionMethods(tb testing.TB) []scriptedMethod {
	tb.Helper()
	actionKey := func(key string) func(context.Context, *hookcmd.Client) (any, error) {
		return func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.ActionGetKey(ctx, key) }
	}
	return []scriptedMethod{{
		name:   "ActionGet",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.ActionGet(ctx) },
		argv:   []string{"action-get", "--format=json"},
		prints: recordedOutput(tb, "action/get-all-json", 0),
		want: recordedValues(map[string]string{
			"big": `1234567`, "empty": `""`, "flag": `true`, "float": `1.5`, "list": `["a",1,null]`,
			"multi": `"a\nb"`, "nested": `{"deep":{"n":0,"x":"y"}}`, "nil": `null`, "num": `5`, "str": `"hello"`,
			"uni": `"ü✓"`,
		}),
	}, {
		name:   "ActionGet none",
		call:   func(ctx context.Context, c *hookcmd.Client) (any, error) { return c.ActionGet(ctx) },
		argv:   []string{"action-get", "--format=json"},
		prints: recordedOutput(tb, "action/get-no-params-json", 0),
		want:   hookcmd.Values{},
	}, {
		name:   "ActionGetKey",
		call:   actionKey("nested.deep.x"),
		argv:   []string{"action-get", "--format=json", "--", "nested.deep.x"},
		prints: recordedOutput(tb, "action/get-nested.deep.x-json", 0),
		want:   json.RawMessage(`"y"`),
	}, {
		name:   "ActionGetKey missing",
		call:   actionKey("nested.nope"),
		argv:   []string{"action-get", "--format=json", "--", "nested.nope"},
		prints: recordedOutput(tb, "action/get-nested.nope-json", 0),
		want:   json.RawMessage(`null`),
	}, {
		name: "ActionSet",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) {
			return nil, c.ActionSet(ctx, map[string]string{"b.c": "a=b\n", "a": ""})
		},
		argv: []string{"action-set", "--", "a=", "b.c=a=b\n"},
		data: map[string]string{"b.c": "a=b\n", "a": ""},
	}, {
		name: "ActionFail",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) { return nil, c.ActionFail(ctx, "-it broke") },
		argv: []string{"action-fail", "--", "-it broke"},
	}, {
		name: "ActionFail without message",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) { return nil, c.ActionFail(ctx, "") },
		argv: []string{"action-fail"},
	}, {
		name: "ActionLog",
		call: func(ctx context.Context, c *hookcmd.Client) (any, error) { return nil, c.ActionLog(ctx, "-x  y") },
		argv: []string{"action-log", "--", "-x  y"},
	}}
}

// scriptedPoster starts commands; its test says when they end.
type scriptedPoster struct {
	*scriptedRunner
	posted []hookcmd.Call
	done   []func(error)
	err    error
}

func (p *scriptedPoster) Post(_ context.Context, call hookcmd.Call, done func(error)) error {
	if p.err != nil {
		return p.err
	}
	p.posted = append(p.posted, call)
	p.done = append(p.done, done)
	return nil
}

func TestPostJujuLog(t *testing.T) {
	t.Parallel()
	failure := &hookcmd.Error{Command: "juju-log", Code: 1, Stderr: "no"}

	t.Run("posted", func(t *testing.T) {
		t.Parallel()
		poster := &scriptedPoster{scriptedRunner: scriptedPrinter("")}
		var errs []error
		done := func(err error) { errs = append(errs, err) }
		client := hookcmd.New(poster, nil)
		client.PostJujuLog(t.Context(), hookcmd.LogInfo, "one", done)
		client.PostJujuLog(t.Context(), hookcmd.LogError, "two", done)

		require.Len(t, poster.posted, 2)
		assert.Equal(t, []string{"juju-log", "--log-level", "ERROR", "--", "two"}, scriptedArgv(poster.posted[1]))
		assert.Empty(t, poster.calls, "commands it waits for")
		poster.done[0](nil)
		assert.Empty(t, errs, "errors of a line that was written")
		poster.done[1](failure)
		assert.Equal(t, []error{failure}, errs)
	})
	t.Run("cannot be posted", func(t *testing.T) {
		t.Parallel()
		var errs []error
		client := hookcmd.New(&scriptedPoster{scriptedRunner: scriptedPrinter(""), err: failure}, nil)
		client.PostJujuLog(t.Context(), hookcmd.LogInfo, "one", func(err error) { errs = append(errs, err) })
		assert.Equal(t, []error{failure}, errs)
	})
	t.Run("by socket", func(t *testing.T) {
		t.Parallel()
		socket := scriptedSocket(t, func(hookcmd.Call) hookcmdtest.Answer {
			return hookcmdtest.Failure(1, "no")
		}, nil)
		var errs []error
		client := hookcmd.New(socket, nil)
		client.PostJujuLog(t.Context(), hookcmd.LogInfo, "one", func(err error) { errs = append(errs, err) })
		require.NoError(t, socket.Close(t.Context()))
		require.Len(t, errs, 1)
		assert.ErrorContains(t, errs[0], "juju-log")
	})
}
