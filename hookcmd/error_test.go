// SPDX-License-Identifier: Apache-2.0

package hookcmd_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/golden"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// conditions are all that hookcmd can tell.
var conditions = []error{
	hookcmd.ErrNotLeader, hookcmd.ErrRelationNotFound, hookcmd.ErrUnitNotFound, hookcmd.ErrSecretNotFound,
	hookcmd.ErrSecretExists, hookcmd.ErrStorageNotFound, hookcmd.ErrResourceNotFound, hookcmd.ErrNoAddress, hookcmd.ErrPortConflict,
	hookcmd.ErrPermission, hookcmd.ErrNotAction, hookcmd.ErrNotSupported, hookcmd.ErrUnitGrants, hookcmd.ErrTooLarge,
}

// assertCondition checks that err is want and no other condition; nil: none.
func assertCondition(t *testing.T, want, err error) {
	t.Helper()
	for _, condition := range conditions {
		assert.Equal(t, condition == want, errors.Is(err, condition), "errors.Is(%q, %q)", err, condition)
	}
}

// recordedFailure says what the recorded failures mean whose standard error
// contains text, of all commands if command is empty.
type recordedFailure struct {
	command, text string
	want          error // nil: none of the conditions
}

// recordedFailures match each recorded failure by the first that fits it.
var recordedFailures = []recordedFailure{
	{"leader-set", "cannot write settings: not the leader", hookcmd.ErrNotLeader},
	{"relation-set", "cannot write relation settings", hookcmd.ErrNotLeader},
	{"secret-add", "this unit is not the leader", hookcmd.ErrNotLeader},
	{"status-get", "finding application status: this unit is not the leader", hookcmd.ErrNotLeader},
	{"status-set", "this unit is not the leader", hookcmd.ErrNotLeader},
	{"pod-spec-set", "this unit is not the leader", hookcmd.ErrNotLeader},
	{"k8s-spec-set", "this unit is not the leader", hookcmd.ErrNotLeader},

	{"network-get", `invalid value "99" for option -r: relation not found`, hookcmd.ErrRelationNotFound},
	{"relation-get", `invalid value "magpie:99" for option -r: relation not found`, hookcmd.ErrRelationNotFound},
	{"relation-model-get", `invalid value "99" for option -r: relation not found`, hookcmd.ErrRelationNotFound},
	{"relation-set", `invalid value "99" for option -r: relation not found`, hookcmd.ErrRelationNotFound},

	{"secret-info-get", `secret "d0000000000000007000" not found`, hookcmd.ErrSecretNotFound},
	{"secret-info-get", `secret "nope" not found`, hookcmd.ErrSecretNotFound},
	{"secret-add", `secret with label "same" already exists`, hookcmd.ErrSecretExists},

	{"network-get", `no addresses attached to space for binding "`, hookcmd.ErrNoAddress}, // 3.6
	{"network-get", `no bind address attached to space for binding "noaddr"`, hookcmd.ErrNoAddress},
	{"network-get", `no ingress address attached to space for binding "noaddr"`, hookcmd.ErrNoAddress},
	{"network-get", `no primary address attached to space for binding "noaddr"`, hookcmd.ErrNoAddress},
	{"network-get", `no network config found for binding "empty"`, hookcmd.ErrNoAddress},

	{"open-port", `port range conflicts with 80/tcp (unit "magpie/0")`, hookcmd.ErrPortConflict},
	{"open-port", `(unit "magpie/0") requested earlier`, hookcmd.ErrPortConflict},
	{"close-port", "port range conflicts with 1000-1010/udp", hookcmd.ErrPortConflict},

	{"", "option provided but not defined: -", hookcmd.ErrNotSupported},

	{"", "unrecognized args: [", nil},
	{"action-log", "no message specified", nil},
	{"action-set", "must start and end with lowercase alphanumeric", nil},
	{"action-set", "cannot set reserved action key", nil},
	{"application-version-set", "no version specified", nil},
	{"config-get", `cannot use argument --all together with key "a-string"`, nil},
	{"goal-state", `invalid value "smart" for option --format: unknown format "smart"`, nil},
	{"k8s-spec-set", "no k8s spec specified", nil},
	{"k8s-spec-set", "yaml: line 1: did not find expected node content", nil},
	{"pod-spec-set", "yaml: line 1: did not find expected node content", nil},
	{"leader-get", "executable file not found in $PATH", nil}, // the recorder's, not Juju's
	{"leader-set", `expected "key=value", got "foo"`, nil},
	{"leader-set", `key "a" specified more than once`, nil},
	{"network-get", "no arguments specified", nil},
	{"network-get", "no binding name specified", nil},
	{"open-port", "port range bounds must be between 0 and 65535", nil},
	{"open-port", "invalid port range 90-81/tcp", nil},
	{"open-port", "invalid port \"", nil},
	{"open-port", `invalid protocol "", expected "tcp", "udp", or "icmp"`, nil},
	{"open-port", "port ranges are not supported for k8s applications", nil},
	{"payload-register", "missing required arguments", nil},
	{"payload-register", `incorrect type "kvm" for payload "monitoring"`, nil},
	{"relation-get", `expected unit name, got application name "mysql"`, nil},
	{"relation-get", `invalid unit name "mysql/x"`, nil},
	{"relation-get", `"" is not a valid unit or application`, nil},
	{"relation-get", `invalid value "magpie" for option -r: invalid relation id`, nil},
	{"relation-get", "no unit or application specified", nil},
	{"", "no relation id specified", nil},
	{"relation-ids", "no endpoint name specified", nil},
	{"relation-set", "cannot unmarshal !!map into string", nil},
	{"relation-set", "mapping values are not allowed in this context", nil},
	{"relation-set", "nofile.yaml: no such file or directory", nil},
	{"resource-get", "missing required resource name", nil},
	{"secret-add", "not valid", nil},
	{"secret-add", "missing secret value or filename", nil},
	{"secret-add", "no such file or directory", nil},
	{"secret-get", `secret key value "nope" not found`, nil},
	{"secret-get", "specify one of --peek or --refresh but not both", nil},
	{"secret-get", "require either a secret URI or label", nil},
	{"secret-grant", `cannot specify unit "haproxy/0" in relation to application "mysql"`, nil},
	{"secret-info-get", "specify either a secret URI or label but not both", nil},
	{"secret-revoke", "specify only one of application or unit", nil},
	{"secret-revoke", "do not specify both relation and app", nil},
	{"secret-revoke", "not valid", nil},
	{"", "missing secret URI", nil},
	{"state-get", `" not found`, nil},
	{"state-set", `expected "key=value", got "`, nil},
	{"state-set", `key "a" specified more than once`, nil},
	{"state-set", "mapping values are not allowed in this context", nil},
	{"state-set", "cannot unmarshal !!seq into string", nil},
	{"state-set", "max allowed key length (256)", hookcmd.ErrTooLarge},
	{"status-set", "invalid status \"", nil},
	{"status-set", "invalid args, require <status> [message]", nil},
	{"storage-add", `for storage "data": parsing storage count: count must be greater than zero`, nil},
	{"storage-add", "storage add requires a storage directive", nil},
	{"storage-get", `invalid storage attribute "size"`, nil},
	{"storage-get", "no storage instance specified", nil},
	{"storage-get", `invalid value "data" for option -s: invalid storage ID "data"`, nil},
	{"unit-get", "no setting specified", nil},
}

// TestRecordedFailures sends what real Juju printed through a socket.
func TestRecordedFailures(t *testing.T) {
	t.Parallel()
	type failure struct {
		name string
		call golden.Call
	}
	var failures []failure
	known := slices.Clone(hookcmdtest.Commands)
	for _, c := range recordedCases() {
		for i, call := range c.Calls {
			if c.FromFake || call.Code == 0 {
				continue
			}
			failures = append(failures, failure{fmt.Sprintf("%s %s %d", c.Version, c.Name, i), call})
			if !slices.Contains(known, call.Argv[0]) {
				known = append(known, call.Argv[0])
			}
		}
	}
	require.NotEmpty(t, failures)
	socket := scriptedSocket(t, func(call hookcmd.Call) hookcmdtest.Answer {
		i, err := strconv.Atoi(call.Args[0])
		if err != nil {
			return hookcmdtest.Answer{}
		}
		return hookcmdtest.Answer{Stderr: failures[i].call.Stderr, Code: failures[i].call.Code}
	}, &hookcmdtest.ServerOptions{Known: known})

	used := make([]bool, len(recordedFailures))
	for i, f := range failures {
		row := slices.IndexFunc(recordedFailures, func(r recordedFailure) bool {
			return (r.command == "" || r.command == f.call.Argv[0]) && strings.Contains(f.call.Stderr, r.text)
		})
		if !assert.GreaterOrEqual(t, row, 0, "no row for %q: %s: %s", f.name, f.call.Argv, f.call.Stderr) {
			continue
		}
		used[row] = true
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			_, err := socket.Run(t.Context(), hookcmd.Call{Command: f.call.Argv[0], Args: []string{strconv.Itoa(i)}})

			var failure *hookcmd.Error
			require.ErrorAs(t, err, &failure)
			assertCondition(t, recordedFailures[row].want, err)
			assert.Equal(t, f.call.Code, failure.Code)
			stderr := strings.TrimSpace(strings.TrimPrefix(f.call.Stderr, "ERROR "))
			assert.Equal(t, stderr, failure.Stderr)
			assert.Equal(t, fmt.Sprintf(`cannot run "%s %d": %s (exit code %d)`, f.call.Argv[0], i, stderr, f.call.Code), err.Error())
		})
	}
	for i, row := range recordedFailures {
		assert.True(t, used[i], "no recording is like row %+v", row)
	}
}

// TestFailures has what Juju's source and its API server say, which the
// recordings lack.
func TestFailures(t *testing.T) {
	t.Parallel()
	tests := []recordedFailure{
		{"action-set", "not running an action", hookcmd.ErrNotAction},
		{"action-get", "not running an action", hookcmd.ErrNotAction},
		{"secret-remove", "this unit is not the leader", hookcmd.ErrNotLeader},
		{"secret-set", "this unit is not the leader", hookcmd.ErrNotLeader},
		{"relation-get", "relation unit not found", hookcmd.ErrUnitNotFound},
		{"relation-get", `cannot read settings for unit "x/9" in relation "magpie:db mysql:server": unit "x/9": settings not found`, hookcmd.ErrUnitNotFound},
		{"relation-get", "permission denied", hookcmd.ErrPermission},
		{"relation-list", `invalid value "db:9" for option -r: relation not found`, hookcmd.ErrRelationNotFound},
		{"secret-grant", `invalid value "db:9" for option -r: relation not found`, hookcmd.ErrRelationNotFound},
		{"secret-get", `secret "secret:d0000000000000007000" not found`, hookcmd.ErrSecretNotFound},
		{"secret-get", `consumer label "x" not found`, hookcmd.ErrSecretNotFound},
		{"secret-get", "getting latest secret revision: secret not found", hookcmd.ErrSecretNotFound},
		{"secret-get", `secret URI for consumer label "x" not found`, hookcmd.ErrSecretNotFound},
		{"secret-grant", `secret "d0000000000000002000" not found`, hookcmd.ErrSecretNotFound},
		{"secret-get", "permission denied", hookcmd.ErrPermission},
		{"secret-get", `"app/0" is not allowed to read this secret`, hookcmd.ErrPermission},
		{"secret-set", `secret with label "x" already exists`, hookcmd.ErrSecretExists},
		{"secret-grant", "any unit level grants need to be revoked before granting access to the corresponding application", hookcmd.ErrUnitGrants},
		{"secret-get", `secret key value "k" not found`, nil},
		{"credential-get", "cannot access cloud credentials: permission denied", hookcmd.ErrPermission},
		{"storage-get", `invalid value "data/9" for option -s: storage "data/9" not found`, hookcmd.ErrStorageNotFound},
		{"storage-get", `invalid value "data/9" for option -s: storage "data/9" not attached`, hookcmd.ErrStorageNotFound},
		{"storage-get", `invalid value "data/0" for option -s: storage "data/0" not provisioned`, hookcmd.ErrStorageNotFound},
		{"unit-get", "public address not found", hookcmd.ErrNoAddress},
		{"unit-get", "private address not found", hookcmd.ErrNoAddress},
		{"network-get", `undefined for unit charm: endpoint "x" not valid`, hookcmd.ErrNoAddress},
		{"network-get", `no network config found for binding "x"`, hookcmd.ErrNoAddress},
		{"open-port", `cannot open 80-90/tcp (unit "a/0"): port range conflicts with 85/tcp (unit "b/0")`, hookcmd.ErrPortConflict},
		{"relation-model-get", "unknown command: relation-model-get", hookcmd.ErrNotSupported},
		{"relation-model-get", "bad request: unknown command: relation-model-get", hookcmd.ErrNotSupported},
		{"status-get", "option provided but not defined: --include-data", hookcmd.ErrNotSupported},
		{"juju-reboot", "juju-reboot is not supported when running an action.", nil},
		{"resource-get", `could not download resource: HTTP request failed: resource "nosuch" not found`, hookcmd.ErrResourceNotFound},
		{"resource-get", "could not download resource: HTTP request failed: resource not found", hookcmd.ErrResourceNotFound},
		{"resource-get", "could not download resource: HTTP request failed: connection is shut down", nil},
		{"resource-get", `could not download resource: "not found" is not valid`, nil},
		{"resource-get", "permission denied", hookcmd.ErrPermission},
		{"resource-get", "agent not found", nil},
		{"state-get", `"k" not found`, nil},
		{"state-set", "max allowed key length (256) exceeded", hookcmd.ErrTooLarge}, // 3.6
		{"state-set", "max allowed value length (65536): quota limit exceeded", hookcmd.ErrTooLarge},
		{"is-leader", "leadership status unknown: connection is shut down", nil},
	}
	for _, test := range tests {
		t.Run(test.command+" "+test.text, func(t *testing.T) {
			t.Parallel()
			socket := scriptedSocket(t, func(hookcmd.Call) hookcmdtest.Answer {
				return hookcmdtest.Failure(1, "%s", test.text)
			}, nil)
			_, err := socket.Run(t.Context(), hookcmd.Call{Command: test.command})
			assertCondition(t, test.want, err)
			assert.Equal(t, fmt.Sprintf("cannot run %q: %s (exit code 1)", test.command, test.text), err.Error())
		})
	}
}

// An older agent refuses the request itself.
func TestUnknownCommand(t *testing.T) {
	t.Parallel()
	client := hookcmd.New(scriptedSocket(t, func(hookcmd.Call) hookcmdtest.Answer {
		return hookcmdtest.Answer{Stdout: "never"}
	}, &hookcmdtest.ServerOptions{Known: []string{"juju-log"}}), nil)

	_, err := client.RelationModelGet(t.Context(), scriptedDB)

	assertCondition(t, hookcmd.ErrNotSupported, err)
	var failure *hookcmd.Error
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, -1, failure.Code)
	assert.EqualError(t, err, `cannot run "relation-model-get --format=json -r db:3": unknown command: relation-model-get`)
}

// What the operator or another charm wrote is quoted by Juju, and means nothing.
func TestConditionOfQuotedText(t *testing.T) {
	t.Parallel()
	for _, label := range []string{"not the leader", "unknown command", "permission denied", "relation not found", "not running an action"} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			client := scriptedFailure(t, 1, fmt.Sprintf("ERROR secret %q not found\n", label))
			_, err := client.SecretInfoGet(t.Context(), hookcmd.SecretLookup{Label: label})
			assertCondition(t, hookcmd.ErrSecretNotFound, err)
		})
	}
}

func TestErrorRedacts(t *testing.T) {
	t.Parallel()
	values := map[string]string{"a": "hunter2", "b.c": "hunter2=hunter2", "d": ""}
	calls := map[string]func(ctx context.Context, c *hookcmd.Client) error{
		"action-set": func(ctx context.Context, c *hookcmd.Client) error { return c.ActionSet(ctx, values) },
		"leader-set": func(ctx context.Context, c *hookcmd.Client) error { return c.LeaderSet(ctx, values) },
	}
	for command, call := range calls {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			var sent []string
			failing := hookcmd.New(scriptedSocket(t, func(call hookcmd.Call) hookcmdtest.Answer {
				sent = call.Args
				return hookcmdtest.Failure(1, "no")
			}, nil), nil)
			unreachable := hookcmd.New(hookcmd.NewSocket(hookcmd.Agent{Address: t.TempDir()}), nil)
			unknown := hookcmd.New(scriptedSocket(t, nil, &hookcmdtest.ServerOptions{Known: []string{}}), nil)

			for name, client := range map[string]*hookcmd.Client{"failed": failing, "unreachable": unreachable, "unknown": unknown} {
				err := call(t.Context(), client)
				var failure *hookcmd.Error
				require.ErrorAs(t, err, &failure, name)
				assert.Equal(t, []string{"--", "a=[redacted]", "b.c=[redacted]", "d=[redacted]"}, failure.Args, name)
				assert.Contains(t, err.Error(), command+` -- a=[redacted] b.c=[redacted] d=[redacted]"`, name)
				assert.NotContains(t, fmt.Sprintf("%s %+v %#v", err, err, err), "hunter2", name)
			}
			assert.Equal(t, []string{"--", "a=hunter2", "b.c=hunter2=hunter2", "d="}, sent, "what the agent gets")
		})
	}
}

// Client gives secrets in a file; who runs the command by hand can give them as
// arguments.
func TestNewErrorRedactsSecrets(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"secret-add", "secret-set"} {
		err := hookcmd.NewError(hookcmd.Call{Command: command, Args: []string{"--label=login", "token=hunter2", "pass#base64=aHVudGVyMg=="}}, 1, "ERROR no")
		assert.Equal(t, []string{"--label=login", "token=[redacted]", "pass#base64=[redacted]"}, err.Args)
		assert.NotContains(t, err.Error(), "hunter2")
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	tests := []struct {
		name string
		err  hookcmd.Error
		want string
	}{
		{"only the command", hookcmd.Error{Command: "is-leader"}, `cannot run "is-leader": no reason given`},
		{"code only", hookcmd.Error{Command: "is-leader", Code: 3}, `cannot run "is-leader": no reason given (exit code 3)`},
		{"cause", hookcmd.Error{Command: "is-leader", Code: -1, Err: cause}, `cannot run "is-leader": cause`},
		{"standard error comes first", hookcmd.Error{Command: "a", Args: []string{"-r", "db:3"}, Code: 2, Stderr: "b\nc", Err: cause},
			"cannot run \"a -r db:3\": b\nc (exit code 2)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			assert.EqualError(t, &test.err, test.want)
			assert.Equal(t, test.err.Err, errors.Unwrap(&test.err))
			assert.Equal(t, test.err.Err != nil, errors.Is(&test.err, cause))
		})
	}
}

func TestErrorTextIsShort(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 1<<20)
	many := slices.Repeat([]string{"key=value"}, 10000)
	for name, err := range map[string]*hookcmd.Error{
		"argument":       {Command: "status-set", Args: []string{"active", long}, Stderr: "no"},
		"many arguments": {Command: "action-set", Args: many, Stderr: "no"},
		"standard error": {Command: "status-set", Stderr: long, Code: 1},
		"cause":          {Command: "status-set", Err: errors.New(long), Code: -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := err.Error()
			require.Less(t, len(text), 2048, "the length of the text, which begins with %.200q", text)
			assert.NotContains(t, text, "\ufffd", "half a character")
			assert.Contains(t, text, "…")
		})
	}
}
