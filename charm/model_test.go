// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/golden"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/testing/charmtest"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

const factsCharm = `
type: charm
name: app
summary: A charm for tests.
description: It has one of everything that a unit can have.
peers: {peers: {interface: app}}
requires: {db: {interface: sql}}
provides: {site: {interface: http}}
storage:
  data: {type: filesystem, multiple: {range: 0-12}}
  wal: {type: block, multiple: {range: 0-1}}
resources:
  software: {type: file, filename: software.tar}
  image: {type: oci-image}
actions: {do: {}}
`

// onEachJuju runs a test on both versions of Juju, whose hook commands answer by
// value and as text.
func onEachJuju(t *testing.T, test func(t *testing.T, opts *charmtest.Options)) {
	t.Helper()
	for _, version := range []string{"4.1.0", "3.6.26"} {
		for _, textOnly := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, text %v", version, textOnly), func(t *testing.T) {
				t.Parallel()
				test(t, &charmtest.Options{Metadata: factsCharm, JujuVersion: version, TextOnly: textOnly})
			})
		}
	}
}

// inUpdateStatus runs do in an update-status of a harness whose charm is set by
// handleUpdate.
type inUpdateStatus struct {
	*charmtest.Harness
	do func(ctx context.Context, c *charm.Charm) error
}

func newInUpdateStatus(t *testing.T, opts *charmtest.Options) *inUpdateStatus {
	t.Helper()
	u := &inUpdateStatus{}
	u.Harness = charmtest.New(t, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error { return u.do(ctx, c) })
	}, opts)
	return u
}

// run returns the hook commands that do has run.
func (u *inUpdateStatus) run(do func(ctx context.Context, c *charm.Charm) error) []string {
	u.do = do
	u.ResetCalls()
	u.Emit(events.UpdateStatus{})
	return u.lines()
}

func (u *inUpdateStatus) lines() []string {
	var lines []string
	for _, call := range u.Calls() {
		lines = append(lines, call.String())
	}
	return lines
}

// recordedAnswer is an agent that answers a command as Juju was recorded to.
func recordedAnswer(t *testing.T, version, name string, argv ...string) *testagent.Agent {
	t.Helper()
	for _, c := range golden.Cases() {
		for _, call := range c.Calls {
			if c.Version != version || c.Name != name || !slices.Equal(call.Argv, argv) {
				continue
			}
			return &testagent.Agent{Intercept: func(asked hookcmd.Call) (hookcmdtest.Answer, bool) {
				return hookcmdtest.Answer{Stdout: call.Stdout, Stderr: call.Stderr, Code: call.Code}, asked.Command == argv[0]
			}}
		}
	}
	t.Fatalf("there is no recording %s of %v in Juju %s", name, argv, version)
	return nil
}

func TestCloudSpec(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		opts.Trust = true
		opts.Cloud = &hookcmd.CloudSpec{
			Type: "openstack", Name: "stack", Region: "eu", CACertificates: []string{"PEM"},
			Credential: hookcmd.CloudCredential{AuthType: "userpass", Attributes: map[string]hookcmd.SecretValue{"password": hookcmd.NewSecretValue("hunter2")}},
		}
		lines := newInUpdateStatus(t, opts).run(func(ctx context.Context, c *charm.Charm) error {
			for range 2 {
				cloud, err := c.CloudSpec(ctx)
				if err != nil {
					return err
				}
				assert.Equal(t, "openstack eu PEM", cloud.Type+" "+cloud.Region+" "+cloud.CACertificates[0])
				assert.Equal(t, "hunter2", cloud.Credential.Attributes["password"].Reveal())
				asJSON, err := json.Marshal(cloud)
				require.NoError(t, err)
				for _, shown := range []string{fmt.Sprint(cloud), fmt.Sprintf("%+v", cloud), fmt.Sprintf("%#v", cloud), string(asJSON)} {
					assert.NotContains(t, shown, "hunter2")
					assert.Contains(t, shown, "[redacted]")
				}
				c.Logger().Info("cloud", "spec", cloud)
				cloud.CACertificates[0] = "mine"
				cloud.Credential.Attributes["password"] = hookcmd.SecretValue{}
			}
			return nil
		})
		assert.Equal(t, []string{"credential-get --format=json"}, slices.DeleteFunc(lines, func(line string) bool {
			assert.NotContains(t, line, "hunter2")
			return strings.HasPrefix(line, "juju-log")
		}))
	})
}

func TestCloudSpecWithoutTrust(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		newInUpdateStatus(t, opts).run(func(ctx context.Context, c *charm.Charm) error {
			_, err := c.CloudSpec(ctx)
			require.ErrorIs(t, err, hookcmd.ErrPermission)
			return nil
		})
	})
}

func TestCloudSpecAsRecorded(t *testing.T) {
	t.Parallel()
	within(t, recordedAnswer(t, "4", "misc/credential-json", "credential-get", "--format=json"), func(ctx context.Context, c *charm.Charm) {
		cloud, err := c.CloudSpec(ctx)
		require.NoError(t, err)
		assert.Equal(t, "lxd localhost default certificate CERT", strings.Join([]string{
			cloud.Type, cloud.Name, cloud.Region, cloud.Credential.AuthType, cloud.Credential.Attributes["client-cert"].Reveal(),
		}, " "))
		assert.True(t, cloud.IsControllerCloud)
	})
}

func TestSetWorkloadVersion(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		u := newInUpdateStatus(t, opts)
		for range 2 { // what was set is forgotten when the dispatch ends
			assert.Equal(t, []string{
				"application-version-set -- 1.2.3", "application-version-set -- -4", "application-version-set -- 1.2.3", "application-version-set -- ''",
			}, u.run(func(ctx context.Context, c *charm.Charm) error {
				for _, version := range []string{"1.2.3", "1.2.3", "-4", "1.2.3", "1.2.3", ""} {
					if err := c.SetWorkloadVersion(ctx, version); err != nil {
						return err
					}
				}
				for _, version := range []string{"\xff", "a\x00"} {
					require.EqualError(t, c.SetWorkloadVersion(ctx, version), "cannot set workload version: it is not a text in UTF-8")
				}
				return nil
			}))
		}
	})
}

// A version that Juju did not take is sent again.
func TestSetWorkloadVersionFails(t *testing.T) {
	t.Parallel()
	fails := true
	agent := &testagent.Agent{Intercept: func(hookcmd.Call) (hookcmdtest.Answer, bool) {
		if !fails {
			return hookcmdtest.Answer{}, true
		}
		return hookcmdtest.Failure(1, "no connection"), true
	}}
	within(t, agent, func(ctx context.Context, c *charm.Charm) {
		require.ErrorContains(t, c.SetWorkloadVersion(ctx, "1"), "no connection")
		fails = false
		require.NoError(t, c.SetWorkloadVersion(ctx, "1"))
	})
	assert.Equal(t, []string{"application-version-set -- 1", "application-version-set -- 1"}, agent.Calls())
}

func TestReboot(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		u := newInUpdateStatus(t, opts)
		assert.Equal(t, []string{"juju-reboot"}, u.run(func(ctx context.Context, c *charm.Charm) error { return c.Reboot(ctx) }))
		u.Emit(events.Start{}) // which Juju sends after a reboot only
	})
}

func TestRebootNow(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		u := newInUpdateStatus(t, opts)
		u.do = func(ctx context.Context, c *charm.Charm) error { return c.RebootNow(ctx) }
		err := u.Try(func() { u.Emit(events.UpdateStatus{}) })
		var failure *charmtest.HookError
		require.ErrorAs(t, err, &failure)
		assert.Equal(t, "reboot", failure.Outcome)
		assert.Equal(t, "juju-reboot --now", u.lines()[0])
		u.do = func(context.Context, *charm.Charm) error { return nil }
		u.Again()
	})
}

// The process is killed some time after the command has returned.
func TestRebootNowBlocks(t *testing.T) {
	t.Parallel()
	ctx, kill := context.WithCancelCause(t.Context())
	errKilled := errors.New("killed")
	asked := make(chan struct{})
	agent := &testagent.Agent{Intercept: func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		close(asked)
		return hookcmdtest.Answer{}, true
	}}
	within(t, agent, func(_ context.Context, c *charm.Charm) {
		returned := make(chan error, 1)
		go func() { returned <- c.RebootNow(ctx) }()
		<-asked
		kill(errKilled)
		require.ErrorIs(t, <-returned, errKilled)
	})
	assert.Equal(t, []string{"juju-reboot --now"}, agent.Calls())
}

func TestRebootInAction(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		var errs []error
		h := charmtest.New(t, func(c *charm.Charm) {
			charm.OnDispatch(c, func(ctx context.Context, _ events.Event) error {
				errs = append(errs, c.Reboot(ctx), c.RebootNow(ctx))
				return nil
			})
		}, opts)
		h.RunAction("do", nil)
		require.Len(t, errs, 2)
		for _, err := range errs {
			require.EqualError(t, err, "cannot reboot: Juju does not reboot in an action; a hook can")
		}
		assert.Empty(t, h.Calls("juju-reboot"))
	})
}

// What a version of Juju does not have is one condition, however hook commands
// are run.
func TestCommandsThatJujuDoesNotHave(t *testing.T) {
	t.Parallel()
	methods := map[string]func(ctx context.Context, c *charm.Charm) error{
		"credential-get": func(ctx context.Context, c *charm.Charm) error { _, err := c.CloudSpec(ctx); return err },
		"goal-state":     func(ctx context.Context, c *charm.Charm) error { _, err := c.GoalState(ctx); return err },
		"goal-state, of PlannedUnits": func(ctx context.Context, c *charm.Charm) error {
			_, err := c.PlannedUnits(ctx)
			return err
		},
		"application-version-set": func(ctx context.Context, c *charm.Charm) error { return c.SetWorkloadVersion(ctx, "1") },
		"juju-reboot":             func(ctx context.Context, c *charm.Charm) error { return c.Reboot(ctx) },
		"juju-reboot, now":        func(ctx context.Context, c *charm.Charm) error { return c.RebootNow(ctx) },
		"network-get":             func(ctx context.Context, c *charm.Charm) error { _, err := c.Network(ctx, "db"); return err },
		"open-port":               func(ctx context.Context, c *charm.Charm) error { return c.OpenPort(ctx, charm.TCP(80)) },
		"close-port":              func(ctx context.Context, c *charm.Charm) error { return c.ClosePort(ctx, charm.TCP(80)) },
		"opened-ports":            func(ctx context.Context, c *charm.Charm) error { _, err := c.OpenedPorts(ctx); return err },
		"opened-ports, of SetPorts": func(ctx context.Context, c *charm.Charm) error {
			return c.SetPorts(ctx, charm.TCP(80))
		},
		"resource-get":              func(ctx context.Context, c *charm.Charm) error { _, err := c.ResourcePath(ctx, "x"); return err },
		"resource-get, of an image": func(ctx context.Context, c *charm.Charm) error { _, err := c.OCIImage(ctx, "x"); return err },
		"storage-list":              func(ctx context.Context, c *charm.Charm) error { _, err := c.Storages(ctx, "data"); return err },
		"storage-get":               func(ctx context.Context, c *charm.Charm) error { _, err := c.Storage(ctx, "data/0"); return err },
		"storage-add":               func(ctx context.Context, c *charm.Charm) error { return c.AddStorage(ctx, "data", 1) },
		"relation-model-get": func(ctx context.Context, c *charm.Charm) error {
			rel := c.Relation(events.RelationCreated{RelationRef: events.RelationRef{Endpoint: "db", ID: 3}})
			_, err := rel.Model(ctx)
			return err
		},
	}
	for _, transport := range []string{"socket", "exec", "auto"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			agent := &testagent.Agent{}
			server := hookcmdtest.NewServer(t, agent.Handle, &hookcmdtest.ServerOptions{Known: []string{"is-leader", "juju-log"}})
			err := charm.Run(t.Context(), func(c *charm.Charm) {
				charm.On(c, func(ctx context.Context, _ events.Install) error {
					for name, method := range methods {
						err := method(ctx, c)
						assert.ErrorIs(t, err, hookcmd.ErrNotSupported, name)
						command, _, _ := strings.Cut(name, ",")
						var failure *hookcmd.Error
						assert.ErrorAs(t, err, &failure, name)
						assert.ErrorContains(t, err, `cannot run "`+command, name)
					}
					_, err := c.IsLeader(ctx)
					return err
				})
			}, &charm.Options{Env: append(environ(t, events.Install{}), server.Agent().Env...), Transport: transport})
			require.NoError(t, err)
			assert.Equal(t, []string{"is-leader --format=json"}, agent.Calls())
		})
	}
}

// An option that a command does not have is the same.
func TestOptionsThatJujuDoesNotHave(t *testing.T) {
	t.Parallel()
	agent := &testagent.Agent{Intercept: func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		return hookcmdtest.Failure(2, "option provided but not defined: --endpoints"), call.Command == "opened-ports"
	}}
	within(t, agent, func(ctx context.Context, c *charm.Charm) {
		_, err := c.OpenedPorts(ctx)
		require.ErrorIs(t, err, hookcmd.ErrNotSupported)
	})
}
