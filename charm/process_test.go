// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
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

// charms are what the test binary can be as a process.
var charms = map[string]func(*charm.Charm){
	"nothing": nothing,
	"writes": func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
			slog.Info("joined", "unit", ev.Unit)
			return errors.Join(c.Relation(ev).Local().Set(ctx, "met", ev.Unit), c.SetStatus(ctx, charm.Active("met "+ev.Unit)))
		})
	},
	"fails":  func(c *charm.Charm) { charm.On(c, func(context.Context, events.Hook) error { return errTest }) },
	"panics": func(c *charm.Charm) { charm.On(c, func(context.Context, events.Hook) error { panic("out of ideas") }) },
	"miswired": func(c *charm.Charm) {
		charm.On[events.Hook](c, nil)
	},
	// waits says by its status that it runs, and stops when told to.
	"waits": func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
			if err := errors.Join(c.Relation(ev).Local().Set(ctx, "a", "1"), c.SetStatus(ctx, charm.Maintenance("waiting"))); err != nil {
				return err
			}
			<-ctx.Done()
			return ctx.Err()
		})
	},
	// finishes does the same, and returns no error.
	"finishes": func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
			if err := errors.Join(c.Relation(ev).Local().Set(ctx, "a", "1"), c.SetStatus(ctx, charm.Maintenance("waiting"))); err != nil {
				return err
			}
			<-ctx.Done()
			return nil
		})
	},
	"ignores": func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.PeerJoined) error {
			if err := errors.Join(c.Relation(ev).Local().Set(ctx, "a", "1"), c.SetStatus(ctx, charm.Maintenance("waiting"))); err != nil {
				return err
			}
			select {}
		})
	},
	"secret": func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.Install) error {
			_, err := c.HookCommands().SecretAdd(ctx, map[string]hookcmd.SecretValue{"password": hookcmd.NewSecretValue("hunter2")}, nil)
			return err
		})
	},
	// reenters runs itself again, as a script it calls may do.
	"reenters": func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.Install) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			if out, err := exec.CommandContext(ctx, self).CombinedOutput(); err != nil {
				return fmt.Errorf("%w: %s", err, out)
			}
			return c.SetStatus(ctx, charm.Active("ran once"))
		})
	},
}

func TestProcess(t *testing.T) {
	t.Parallel()
	joined := events.PeerJoined{RelationRef: peers, Unit: "app/1"}
	for _, row := range []struct {
		charm  string
		ev     events.Event
		code   int
		calls  []string
		logs   string // a regular expression for all lines
		stderr string // likewise
	}{
		{"nothing", events.Install{}, 0, nil, `^$`, `^$`},
		{"writes", joined, 0, []string{"status-set -- active met app/1", `relation-set -r peers:1 --file - < {"met": "app/1"}`}, `^INFO joined unit=app/1$`, `^$`},
		{"fails", events.Install{}, 1, nil, `^ERROR cannot handle install in .*: no room$`, `^$`},
		{"panics", events.Install{}, 1, nil, `(?s)^ERROR cannot handle install in .*: panic: out of ideas\n.*process_test.go`, `^$`},
		{"miswired", events.Install{}, 2, nil, `^$`, `charm.On: the handler is nil`},
		{"reenters", events.Install{}, 0, []string{"status-set -- active ran once"}, `^$`, `^$`},
	} {
		for _, transport := range []string{"socket", "exec", "auto"} {
			t.Run(row.charm+"/"+transport, func(t *testing.T) {
				t.Parallel()
				agent := testagent.Peers(1)
				var stdout, stderr bytes.Buffer
				cmd := command(t, newServer(t, agent), row.charm, row.ev)
				cmd.Env = append(cmd.Env, "CHARMSMITH_HOOKCMD="+transport)
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				err := cmd.Run()
				assert.Equal(t, row.code, cmd.ProcessState.ExitCode(), "error %v, standard error: %s", err, &stderr)
				assert.Equal(t, row.calls, agent.Calls())
				assert.Regexp(t, row.logs, strings.Join(agent.Logs(), "\n"))
				assert.Regexp(t, row.stderr, stderr.String())
				assert.Empty(t, stdout.String())
			})
		}
	}
}

// Juju queues a hook that dies by SIGTERM again, and counts an exit code as a
// failure.
func TestSIGTERM(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"waits", "finishes", "ignores"} {
		for _, delay := range []time.Duration{0, 100 * time.Millisecond} { // before and after the signal is watched
			if name == "finishes" && delay == 0 {
				continue
			}
			t.Run(fmt.Sprint(name, delay), func(t *testing.T) {
				t.Parallel()
				agent := testagent.Peers(1)
				running := make(chan struct{})
				agent.Intercept = func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
					if call.Command == "status-set" {
						close(running)
					}
					return hookcmdtest.Answer{}, false
				}
				cmd := command(t, newServer(t, agent), name, events.PeerJoined{RelationRef: peers, Unit: "app/1"})
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				require.NoError(t, cmd.Start())
				<-running
				time.Sleep(delay)
				require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
				err := cmd.Wait()
				require.Error(t, err)
				wait := cmd.ProcessState.Sys().(syscall.WaitStatus)
				assert.True(t, wait.Signaled(), "it exited with code %d: %s", wait.ExitStatus(), &stderr)
				assert.Equal(t, syscall.SIGTERM, wait.Signal())
				assert.Equal(t, []string{"status-set -- maintenance waiting"}, agent.Calls(), "nothing is sent")
			})
		}
	}
}

// A hook command that never ends must not keep the charm from ending, nor from
// saying why.
func TestSIGTERMDuringHookCommand(t *testing.T) {
	t.Parallel()
	agent := testagent.Peers(1)
	running, release := make(chan struct{}), make(chan struct{})
	agent.Intercept = func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		if call.Command == "status-set" {
			close(running)
			<-release
		}
		return hookcmdtest.Answer{}, false
	}
	server := newServer(t, agent)
	t.Cleanup(func() { close(release) })
	cmd := command(t, server, "writes", events.PeerJoined{RelationRef: peers, Unit: "app/1"})
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	<-running
	time.Sleep(100 * time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.Error(t, cmd.Wait())
	wait := cmd.ProcessState.Sys().(syscall.WaitStatus)
	assert.True(t, wait.Signaled(), "it exited with code %d: %s", wait.ExitStatus(), &stderr)
	assert.Contains(t, stderr.String(), `cannot run "status-set -- active met app/1": no answer from the unit agent: context canceled`)
}

// A variable that is missing or unusable is named, whatever the agent says.
func TestBadAgentVariables(t *testing.T) {
	t.Parallel()
	for variable, want := range map[string]string{
		"JUJU_CONTEXT_ID=":                "JUJU_CONTEXT_ID is not set",
		"JUJU_CHARM_DIR=":                 `JUJU_CHARM_DIR is "", not an absolute path`,
		"JUJU_CHARM_DIR=charm":            `JUJU_CHARM_DIR is "charm", not an absolute path`,
		"JUJU_AGENT_SOCKET_NETWORK=tcp":   `JUJU_AGENT_SOCKET_NETWORK is "tcp": only unix sockets are supported`,
		"JUJU_AGENT_SOCKET_ADDRESS=":      "JUJU_AGENT_SOCKET_ADDRESS is not set",
		"JUJU_RELATION_ID=db:1":           `JUJU_RELATION_ID is "db:1": must be "peers:NUMBER"`,
		"JUJU_DISPATCH_PATH=src/charm.py": `JUJU_DISPATCH_PATH is "src/charm.py"`,
	} {
		t.Run(variable, func(t *testing.T) {
			t.Parallel()
			agent := testagent.Peers(1)
			cmd := command(t, newServer(t, agent), "writes", events.PeerJoined{RelationRef: peers, Unit: "app/1"})
			cmd.Env = append(cmd.Env, "CHARMSMITH_HOOKCMD=socket", variable)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			require.Error(t, cmd.Run())
			assert.Equal(t, 1, cmd.ProcessState.ExitCode())
			assert.Contains(t, stderr.String()+strings.Join(agent.Logs(), "\n"), want)
			assert.Empty(t, agent.Calls())
		})
	}
}

// A person who runs a charm is told what it is. The juju client's own variables
// are no event.
func TestStartedByHand(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	for _, env := range [][]string{nil, {"JUJU_DATA=/home/me/juju", "JUJU_MODEL=test"}} {
		cmd := exec.Command(self)
		cmd.Env = append(env, charmVariable+"=miswired", "GOCOVERDIR="+t.TempDir())
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		require.Error(t, cmd.Run())
		assert.Equal(t, 1, cmd.ProcessState.ExitCode())
		assert.Equal(t, "this program is a charm, which Juju starts for each event; \"charmsmith run DIR\" does so on this machine\n", stderr.String())
		assert.Empty(t, stdout.String())
	}
}

func TestBadTransportIsLogged(t *testing.T) {
	t.Parallel()
	agent := testagent.Peers(1)
	cmd := command(t, newServer(t, agent), "writes", events.PeerJoined{RelationRef: peers, Unit: "app/1"})
	cmd.Env = append(cmd.Env, "CHARMSMITH_HOOKCMD=smoke")
	require.Error(t, cmd.Run())
	assert.Equal(t, []string{`ERROR cannot run hook commands: CHARMSMITH_HOOKCMD is "smoke": must be "auto", "socket" or "exec"`}, agent.Logs())
}

// A charm that is told to end while a secret is in a file removes the file,
// however early that is.
func TestSIGTERMRemovesSecretFile(t *testing.T) {
	t.Parallel()
	running, release := make(chan string, 1), make(chan struct{})
	agent := &testagent.Agent{Intercept: func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		if call.Command == "secret-add" {
			running <- call.Args[len(call.Args)-1]
			<-release
		}
		return hookcmdtest.Answer{Stdout: "secret:9m4e2mr0ui3e8a215n4g"}, true
	}}
	server := newServer(t, agent)
	t.Cleanup(func() { close(release) })
	cmd := command(t, server, "secret", events.Install{})
	require.NoError(t, cmd.Start())
	path := strings.TrimPrefix(<-running, "--file=")
	assert.FileExists(t, path)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.Error(t, cmd.Wait())
	assert.True(t, cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled())
	assert.NoFileExists(t, path)
}

func TestUnreachableAgent(t *testing.T) {
	t.Parallel()
	joined := events.PeerJoined{RelationRef: peers, Unit: "app/1"}
	missing := t.TempDir() + "/missing.socket"
	for transport, want := range map[string][]string{
		"socket": {`cannot run "status-set -- active met app/1": cannot connect to "` + missing + `": no such file or directory`},
		"exec":   {`cannot run "status-set -- active met app/1": there is no such command in PATH: not supported by this version of Juju`},
		"auto":   {`there is no such command in PATH`, `cannot connect to "` + missing + `": no such file or directory`},
		"smoke":  {`CHARMSMITH_HOOKCMD is "smoke": must be "auto", "socket" or "exec"`},
	} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			cmd := command(t, newServer(t, &testagent.Agent{}), "writes", joined)
			cmd.Env = append(cmd.Env, "CHARMSMITH_HOOKCMD="+transport, "JUJU_AGENT_SOCKET_ADDRESS="+missing, "PATH=/nowhere")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			require.Error(t, cmd.Run())
			assert.Equal(t, 1, cmd.ProcessState.ExitCode())
			for _, text := range want {
				assert.Contains(t, stderr.String(), text)
			}
		})
	}
}
