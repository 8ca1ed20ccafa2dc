// SPDX-License-Identifier: Apache-2.0

package hookcmd_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// scriptedWrites are the two commands that take the content of a secret.
var scriptedWrites = map[string]func(context.Context, *hookcmd.Client, map[string]hookcmd.SecretValue) error{
	"secret-add": func(ctx context.Context, c *hookcmd.Client, content map[string]hookcmd.SecretValue) error {
		_, err := c.SecretAdd(ctx, content, &hookcmd.SecretSettings{Label: "l"})
		return err
	},
	"secret-set": func(ctx context.Context, c *hookcmd.Client, content map[string]hookcmd.SecretValue) error {
		return c.SecretSet(ctx, recordedSecret, content, &hookcmd.SecretSettings{Label: "l"})
	},
}

// scriptedContentFile returns the path that a call passes.
func scriptedContentFile(t *testing.T, call hookcmd.Call) string {
	t.Helper()
	for _, arg := range call.Args {
		if path, ok := strings.CutPrefix(arg, "--file="); ok {
			return path
		}
	}
	require.Fail(t, "no --file", "%q", call.Args)
	return ""
}

func TestSecretContentFile(t *testing.T) {
	t.Parallel()
	content := map[string]hookcmd.SecretValue{
		"token": hookcmd.NewSecretValue("hunter2-5ecret"), "bytes": hookcmd.NewSecretValue("\x00\xff\xfe"), "empty": hookcmd.NewSecretValue(""), "lines": hookcmd.NewSecretValue("a\nb\n"),
	}
	want := map[string]string{
		"token#base64": "aHVudGVyMi01ZWNyZXQ=", "bytes#base64": "AP/+", "empty#base64": "", "lines#base64": "YQpiCg==",
	}
	outcomes := map[string]error{
		"succeeds": nil,
		"fails":    &hookcmd.Error{Command: "secret", Code: 1, Stderr: "no"},
	}
	for command, write := range scriptedWrites {
		for outcome, result := range outcomes {
			t.Run(command+" "+outcome, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				var path string
				runner := &scriptedRunner{run: func(call hookcmd.Call) (string, error) {
					path = scriptedContentFile(t, call)
					assert.Equal(t, dir, filepath.Dir(path))
					assert.NotContains(t, strings.Join(call.Args, " "), "hunter2", "the command line")
					assert.NotContains(t, strings.Join(call.Args, " "), want["token#base64"], "the command line")
					assert.Nil(t, call.Stdin)

					info, err := os.Stat(path)
					require.NoError(t, err, "file while the command runs")
					assert.True(t, info.Mode().IsRegular())
					assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
					data, err := os.ReadFile(path)
					require.NoError(t, err)
					var got map[string]string
					require.NoError(t, json.Unmarshal(data, &got))
					assert.Equal(t, want, got)
					return "secret:x\n", result
				}}

				err := write(t.Context(), hookcmd.New(runner, &hookcmd.Options{TempDir: dir}), content)

				if result == nil {
					require.NoError(t, err)
				} else {
					assert.Equal(t, result, err)
				}
				assert.Len(t, runner.calls, 1)
				entries, err := os.ReadDir(dir)
				require.NoError(t, err)
				assert.Empty(t, entries, "files that are left behind")
				assert.NoFileExists(t, path)
			})
		}
	}
}

// The agent resolves the path against a directory of its own.
func TestSecretContentFileIsAbsolute(t *testing.T) {
	t.Parallel()
	here, err := os.Getwd()
	require.NoError(t, err)
	relative, err := filepath.Rel(here, t.TempDir())
	require.NoError(t, err)
	for command, write := range scriptedWrites {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			runner := scriptedPrinter("secret:x\n")
			client := hookcmd.New(runner, &hookcmd.Options{TempDir: relative})
			require.NoError(t, write(t.Context(), client, map[string]hookcmd.SecretValue{"token": hookcmd.NewSecretValue("abc")}))
			require.Len(t, runner.calls, 1)
			path := scriptedContentFile(t, runner.calls[0])
			assert.True(t, filepath.IsAbs(path), "path %q", path)
		})
	}
}

func TestSecretContentFileInDefaultDir(t *testing.T) {
	t.Parallel()
	for _, opts := range []*hookcmd.Options{nil, {}} {
		runner := scriptedPrinter("secret:x\n")
		_, err := hookcmd.New(runner, opts).SecretAdd(t.Context(), map[string]hookcmd.SecretValue{"token": hookcmd.NewSecretValue("abc")}, nil)
		require.NoError(t, err)
		require.Len(t, runner.calls, 1)
		path := scriptedContentFile(t, runner.calls[0])
		assert.Equal(t, filepath.Clean(os.TempDir()), filepath.Dir(path))
		assert.NoFileExists(t, path)
	}
}

func TestSecretAddEmpty(t *testing.T) {
	t.Parallel()
	for _, content := range []map[string]hookcmd.SecretValue{nil, {}} {
		runner := scriptedPrinter("secret:x\n")
		uri, err := hookcmd.New(runner, nil).SecretAdd(t.Context(), content, &hookcmd.SecretSettings{Label: "l"})
		require.ErrorContains(t, err, "secret-add")
		assert.ErrorContains(t, err, "the content is empty")
		assert.Empty(t, uri)
		assert.Empty(t, runner.calls, "commands that were run")
	}
}

func TestSecretContentFileCannotBeMade(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "missing")
	for command, write := range scriptedWrites {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			runner := scriptedPrinter("secret:x\n")
			client := hookcmd.New(runner, &hookcmd.Options{TempDir: dir})

			err := write(t.Context(), client, map[string]hookcmd.SecretValue{"token": hookcmd.NewSecretValue("hunter2")})

			var failure *hookcmd.Error
			require.ErrorAs(t, err, &failure)
			assert.Equal(t, command, failure.Command)
			assert.Equal(t, -1, failure.Code)
			assert.ErrorIs(t, err, fs.ErrNotExist)
			assert.ErrorContains(t, err, `cannot run "`+command)
			assert.ErrorContains(t, err, "cannot write its input to a temporary file")
			assert.ErrorContains(t, err, dir)
			assert.NotContains(t, err.Error(), "hunter2")
			assert.Empty(t, runner.calls, "commands that were run")
		})
	}
}
