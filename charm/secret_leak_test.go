// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// leak asserts that a text shows no secret.
func assertNoLeak(t *testing.T, where, text string) {
	t.Helper()
	for _, form := range []string{hunter2, "hunter2", base64.StdEncoding.EncodeToString([]byte(hunter2)), hex.EncodeToString([]byte(hunter2))} {
		assert.NotContains(t, text, form, where)
	}
}

// Whatever is done with a secret, and however it fails, its values are seen nowhere.
func TestSecretsAreNeverShown(t *testing.T) {
	t.Parallel()
	withJuju(t, func(t *testing.T, opts charmtest.Options) {
		r := newSecretRig(t, opts)
		secret := secretText("password", hunter2, "other", hunter2)
		bad := secretText("password", hunter2, "Bad Key", hunter2)
		var uri charm.SecretURI
		var shown []string
		note := func(err error) { shown = append(shown, fmt.Sprintf("%v %+v %#v", err, err, err)) }
		r.must(func(ctx context.Context, c *charm.Charm) (err error) {
			uri, err = c.AddSecret(ctx, secret, &charm.SecretOptions{Label: "root"})
			return err
		})
		all := func(ctx context.Context, c *charm.Charm) error {
			_, err := c.AddSecret(ctx, secret, nil)
			note(err)
			_, err = c.AddSecret(ctx, bad, nil)
			note(err)
			_, err = c.AddSecret(ctx, secretText("password", strings.Repeat(hunter2, 50000)), nil)
			note(err)
			for _, s := range []*charm.Secret{c.Secret(uri), c.SecretByLabel("root"), c.SecretByLabel("none")} {
				content, err := s.Get(ctx)
				note(err)
				c.Logger().Error("read", "content", content, "value", content["password"])
				c.Logger().Error(fmt.Sprintf("%v %+v %#v %s %q %x", content, content, content, content["password"], content["password"], content["password"]))
				_, err = s.Refresh(ctx)
				note(err)
				note(s.SetContent(ctx, secret))
				note(s.SetContent(ctx, bad))
				note(s.SetInfo(ctx, charm.SecretSettings{Description: "x"}))
				_, err = s.Peek(ctx)
				note(err)
				_, err = s.Info(ctx)
				note(err)
			}
			return fmt.Errorf("cannot log in with %v", secret)
		}
		note(r.do(all))
		calls := r.Calls()
		for _, command := range []string{"secret-add", "secret-set", "secret-get", "secret-info-get"} {
			remove := r.Intercept(func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
				return hookcmdtest.Failure(1, "it broke"), call.Command == command
			})
			note(r.do(all))
			calls = append(calls, r.Calls()...)
			remove()
			remove = r.Intercept(func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
				return hookcmdtest.Answer{Stdout: `{"password": "` + hunter2 + `", [`}, call.Command == command
			})
			note(r.do(all))
			calls = append(calls, r.Calls()...)
			remove()
		}
		r.next = all
		result := r.RunAction("rotate", nil)
		calls = append(calls, r.Calls()...)
		assertNoLeak(t, "what the operator is told", fmt.Sprintf("%+v", result))

		require.Greater(t, len(shown), 100)
		for _, text := range append(shown, r.said...) {
			assertNoLeak(t, "error", text)
		}
		require.Greater(t, len(calls), 100)
		for _, call := range calls {
			assertNoLeak(t, "hook command", fmt.Sprintf("%s %q %v", call, call.Args, call.Data))
		}
		require.NotEmpty(t, r.Logs())
		for _, line := range r.Logs() {
			assertNoLeak(t, "log", line.Message)
		}
	})
}

// As a process sees it: a secret is on no command line, but in a file that others
// cannot read, and that is gone when the command has ended.
func TestSecretsOnTheWire(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"socket", "exec"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var ran, files []string
			server := hookcmdtest.NewServer(t, func(call hookcmd.Call) hookcmdtest.Answer {
				mu.Lock()
				defer mu.Unlock()
				ran = append(ran, fmt.Sprintf("%s %q %q", call.Command, call.Args, call.Stdin))
				for _, arg := range call.Args {
					if path, ok := strings.CutPrefix(arg, "--file="); ok {
						info, err := os.Stat(path)
						if assert.NoError(t, err) {
							assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
						}
						data, err := os.ReadFile(path)
						assert.NoError(t, err)
						assert.Contains(t, string(data), base64.StdEncoding.EncodeToString([]byte(hunter2)))
						files = append(files, path)
					}
				}
				switch call.Command {
				case "secret-add":
					return hookcmdtest.Answer{Stdout: "secret:" + secretID + "\n"}
				case "secret-get":
					return hookcmdtest.Answer{Stdout: `{"password": "` + hunter2 + `"}`}
				}
				return hookcmdtest.Answer{}
			}, nil)
			var stderr strings.Builder
			err := charm.Run(t.Context(), func(c *charm.Charm) {
				charm.On(c, func(ctx context.Context, _ events.Start) error {
					uri, err := c.AddSecret(ctx, secretText("password", hunter2), nil)
					if err != nil {
						return err
					}
					if err := c.Secret(uri).SetContent(ctx, secretText("password", hunter2)); err != nil {
						return err
					}
					content, err := c.Secret(uri).Get(ctx)
					assert.Equal(t, hunter2, content["password"].Reveal())
					c.Logger().Info("added", "uri", uri, "content", content)
					return err
				})
			}, &charm.Options{Env: append(environ(t, events.Start{}), server.Agent().Env...), Transport: transport, Stderr: &stderr})
			require.NoError(t, err)
			mu.Lock()
			defer mu.Unlock()
			require.Len(t, ran, 4)
			for _, line := range append(ran, stderr.String()) {
				assertNoLeak(t, "command line", line)
			}
			require.Len(t, files, 2)
			for _, path := range files {
				assert.NoFileExists(t, path)
			}
		})
	}
}

// What a handler starts can use secrets all at once.
func TestSecretsConcurrently(t *testing.T) {
	t.Parallel()
	r := newSecretRig(t, charmtest.Options{Leader: true})
	uri := r.add(&charm.SecretOptions{Label: "root"})
	r.must(func(ctx context.Context, c *charm.Charm) error {
		var wait sync.WaitGroup
		for i := range 8 {
			wait.Go(func() {
				_, err := c.AddSecret(ctx, secretText("password", "x"), &charm.SecretOptions{Label: fmt.Sprint("label ", i)})
				assert.NoError(t, err)
				assert.NoError(t, c.Secret(uri).SetContent(ctx, secretText("password", fmt.Sprint(i))))
				_, err = c.SecretByLabel("root").Peek(ctx)
				assert.NoError(t, err)
				_, err = c.SecretByLabel("root").Info(ctx)
				assert.NoError(t, err)
				_, err = c.Secrets(ctx)
				assert.NoError(t, err)
			})
		}
		wait.Wait()
		return nil
	})
	assert.Len(t, r.Secrets(), 9)
	assert.Equal(t, 2, r.Secret("root").Info().Latest)
}
