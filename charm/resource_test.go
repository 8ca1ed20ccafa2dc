// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	yaml "gopkg.in/yaml.v2"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/testing/charmtest"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

func TestResourcePath(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		opts.Resources = map[string]string{"software": "/srv/software.tar"}
		u := newInUpdateStatus(t, opts)
		assert.Equal(t, []string{"resource-get -- software", "resource-get -- nosuch"}, u.run(func(ctx context.Context, c *charm.Charm) error {
			for range 2 {
				path, err := c.ResourcePath(ctx, "software")
				require.NoError(t, err)
				assert.Equal(t, "/srv/software.tar", path)
			}
			_, err := c.ResourcePath(ctx, "nosuch")
			require.ErrorContains(t, err, `resource "nosuch" not found`)
			require.ErrorIs(t, err, hookcmd.ErrResourceNotFound)
			return nil
		}))
	})
}

func TestResourceMisuse(t *testing.T) {
	t.Parallel()
	agent := &testagent.Agent{}
	within(t, agent, func(ctx context.Context, c *charm.Charm) {
		_, err := c.ResourcePath(ctx, "")
		require.EqualError(t, err, "cannot get resource: its name is empty")
		_, err = c.OCIImage(ctx, "")
		require.EqualError(t, err, "cannot get resource: its name is empty")
	})
	assert.Empty(t, agent.Calls())
}

func TestResourceAsRecorded(t *testing.T) {
	t.Parallel()
	within(t, recordedAnswer(t, "4", "misc/resource-missing", "resource-get", "nosuch"), func(ctx context.Context, c *charm.Charm) {
		_, err := c.ResourcePath(ctx, "nosuch")
		require.ErrorContains(t, err, `could not download resource: HTTP request failed: resource "nosuch" not found`)
		require.ErrorIs(t, err, hookcmd.ErrResourceNotFound)
		_, err = c.OCIImage(ctx, "nosuch")
		require.ErrorContains(t, err, `could not download resource`)
		require.ErrorIs(t, err, hookcmd.ErrResourceNotFound)
	})
}

func TestOCIImage(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		file := filepath.Join(t.TempDir(), "content.yaml")
		require.NoError(t, os.WriteFile(file, []byte("registrypath: ghcr.io/team/app@sha256:abc\nusername: me\npassword: hunter2\n"), 0o600))
		opts.Resources = map[string]string{"image": file}
		u := newInUpdateStatus(t, opts)
		assert.Equal(t, []string{"resource-get -- image"}, u.run(func(ctx context.Context, c *charm.Charm) error {
			for range 2 {
				image, err := c.OCIImage(ctx, "image")
				require.NoError(t, err)
				assert.Equal(t, "ghcr.io/team/app@sha256:abc me hunter2", image.RegistryPath+" "+image.Username+" "+image.Password.Reveal())
				asJSON, err := json.Marshal(image)
				require.NoError(t, err)
				for _, shown := range []string{fmt.Sprint(image), fmt.Sprintf("%+v", &image), fmt.Sprintf("%#v", image), string(asJSON)} {
					assert.NotContains(t, shown, "hunter2")
					assert.Contains(t, shown, "ghcr.io")
				}
			}
			return nil
		}))
	})
}

// sharing is an agent that keeps all resources in one file, as Juju does with
// images.
func sharing(t *testing.T, text func(name string) string) (agent *testagent.Agent, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "content.yaml")
	return &testagent.Agent{Intercept: func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		if call.Command != "resource-get" {
			return hookcmdtest.Answer{}, false
		}
		if err := os.WriteFile(path, []byte(text(call.Args[len(call.Args)-1])), 0o600); err != nil {
			return hookcmdtest.Failure(1, "%v", err), true
		}
		return hookcmdtest.Answer{Stdout: path}, true
	}}, path
}

func TestImagesShareAFile(t *testing.T) {
	t.Parallel()
	agent, _ := sharing(t, func(name string) string { return "registrypath: example.com/" + name + "\n" })
	within(t, agent, func(ctx context.Context, c *charm.Charm) {
		for range 3 {
			for _, name := range []string{"a", "b"} {
				image, err := c.OCIImage(ctx, name)
				require.NoError(t, err)
				assert.Equal(t, charm.OCIImage{RegistryPath: "example.com/" + name}, image)
			}
		}
		var group sync.WaitGroup
		for i := range 20 {
			group.Go(func() {
				name := fmt.Sprintf("of-%d", i)
				image, err := c.OCIImage(ctx, name)
				assert.NoError(t, err)
				assert.Equal(t, "example.com/"+name, image.RegistryPath)
			})
		}
		group.Wait()
	})
	assert.Len(t, agent.Calls(), 2+20)
}

// The path alone is asked for again if another resource has taken it.
func TestResourcesShareAPath(t *testing.T) {
	t.Parallel()
	agent, path := sharing(t, func(name string) string { return "registrypath: " + name + "\n" })
	content := func(ctx context.Context, c *charm.Charm, name string) string {
		got, err := c.ResourcePath(ctx, name)
		require.NoError(t, err)
		require.Equal(t, path, got)
		text, err := os.ReadFile(got)
		require.NoError(t, err)
		return string(text)
	}
	within(t, agent, func(ctx context.Context, c *charm.Charm) {
		for _, name := range []string{"a", "a", "b", "a", "a"} {
			assert.Equal(t, "registrypath: "+name+"\n", content(ctx, c, name))
		}
		_, err := c.OCIImage(ctx, "c")
		require.NoError(t, err)
		assert.Equal(t, "registrypath: a\n", content(ctx, c, "a"))
	})
	assert.Equal(t, []string{"resource-get -- a", "resource-get -- b", "resource-get -- a", "resource-get -- c", "resource-get -- a"}, agent.Calls())
}

// slowDownload is a Runner whose resource-get lasts until another command has run.
type slowDownload struct{ begun, other chan struct{} }

func (r slowDownload) Run(ctx context.Context, call hookcmd.Call) ([]byte, error) {
	if call.Command != "resource-get" {
		close(r.other)
		return []byte(`"1.2"`), nil
	}
	close(r.begun)
	select {
	case <-r.other:
		return []byte("/srv/software.tar"), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// While a resource is fetched, the model can be read and changed.
func TestResourceIsFetchedMeanwhile(t *testing.T) {
	t.Parallel()
	r := slowDownload{make(chan struct{}), make(chan struct{})}
	_, err := run(t, r, events.UpdateStatus{}, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			var group sync.WaitGroup
			group.Go(func() {
				path, err := c.ResourcePath(ctx, "software")
				assert.NoError(t, err)
				assert.Equal(t, "/srv/software.tar", path)
			})
			<-r.begun
			assert.NoError(t, c.SetWorkloadVersion(ctx, "1.2"))
			group.Wait()
			return nil
		})
	})
	require.NoError(t, err)
}

// readImage has a charm read a file of an image.
func readImage(t *testing.T, text string) (image charm.OCIImage, err error) {
	t.Helper()
	agent, _ := sharing(t, func(string) string { return text })
	_, runErr := run(t, agent, events.UpdateStatus{}, func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
			image, err = c.OCIImage(ctx, "image")
			return nil
		})
	})
	require.NoError(t, runErr)
	return image, err
}

func TestImageFiles(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"registrypath: a/b:1@sha256:0f\n":                                          "a/b:1@sha256:0f||",
		"registrypath: a\nusername: \"\"\npassword: \"\"\n":                        "a||",
		"registrypath: a\nusername:\npassword: null\n":                             "a||",
		"---\n# by hand\n\nregistrypath: 'it''s'\r\nusername: '' \npassword: ~":    "it's||",
		"registrypath: a\npassword: \"1\\\"\\\\\\n\\x41\\u00e9\\U0001F600\\t\\0\"": "a||1\"\\\nAé😀\t\x00",
		"registrypath: a\npassword: '#'":                                           "a||#",
		"registrypath: a\npassword: -x#y:z":                                        "a||-x#y:z",
		"registrypath: a\npassword: a b":                                           "a||a b",
		"registrypath: a\nusername: 12\npassword: true":                            "a|12|true",
		"auth:\n  value: x\n  password: no\nregistrypath: a\nextra: |\n  username: no\nlist:\n- password: no\nserveraddress: {a: b}\n": "a||",
		`{"ImageName": "a", "Username": "u", "Password": "p", "other": 1}`:                                                             "a|u|p",
		" {\"registrypath\": \"a\",\n\"username\": null}\n":                                                                            "a||",
	} {
		image, err := readImage(t, text)
		require.NoError(t, err, text)
		assert.Equal(t, want, image.RegistryPath+"|"+image.Username+"|"+image.Password.Reveal(), text)
	}
}

func TestImageFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                 "it has no registrypath",
		"{}":                               "it has no registrypath",
		"username: u\npassword: hunter2\n": "it has no registrypath",
		"registrypath: ''":                 "it has no registrypath",
		"{registrypath: a}":                "it is not JSON of an image",
		`{"registrypath": 1, "password": "hunter2"}`:  "it is not JSON of an image",
		`{"registrypath": "a"} hunter2`:               "it is not JSON of an image",
		"\xff":                                        "it is not a text in UTF-8",
		"{\"registrypath\": \"\xff\"}":                "it is not a text in UTF-8",
		"hunter2":                                     "line 1: it is not of the form KEY: VALUE",
		"'registrypath': a":                           "line 1: it is not of the form KEY: VALUE",
		"registrypath: a\npassword:hunter2":           "line 2: it is not of the form KEY: VALUE",
		"registrypath: a\n---\nregistrypath: b":       "line 2: it is not of the form KEY: VALUE",
		"  registrypath: a":                           `line 1: the value of "" goes on, which is not supported`,
		"registrypath: a\n  b":                        `line 2: the value of "registrypath" goes on, which is not supported`,
		"registrypath:\n- a":                          `line 2: the value of "registrypath" goes on, which is not supported`,
		"registrypath: a\nregistrypath: a":            `line 2: there is another "registrypath"`,
		"registrypath: a\npassword: |\n  hunter2":     `line 2: the value of "password" is not a plain or quoted text`,
		"registrypath: a\npassword: !!binary aA==":    `line 2: the value of "password" is not a plain or quoted text`,
		"registrypath: a\npassword: *hunter2":         `line 2: the value of "password" is not a plain or quoted text`,
		"registrypath: a\npassword: [hunter2]":        `line 2: the value of "password" is not a plain or quoted text`,
		"registrypath: a\npassword: - hunter2":        `line 2: the value of "password" is not a plain or quoted text`,
		"registrypath: a\npassword: hunter2 # x":      `line 2: the value of "password" has to be quoted`,
		"registrypath: a\npassword: hunter2: x":       `line 2: the value of "password" has to be quoted`,
		"registrypath: a\npassword: hunter2:":         `line 2: the value of "password" has to be quoted`,
		"registrypath: a\npassword: hunter2\tx":       `line 2: the value of "password" has to be quoted`,
		"registrypath: a\npassword: 'hunter2":         `line 2: the value of "password" does not end with its line`,
		"registrypath: a\npassword: 'hunter2''":       `line 2: the value of "password" does not end with its line`,
		"registrypath: a\npassword: 'hun'ter2'":       `line 2: the value of "password" does not end with its line`,
		"registrypath: a\npassword: \"hunter2":        `line 2: the value of "password" does not end with its line`,
		"registrypath: a\npassword: \"hunter2\\":      `line 2: the value of "password" does not end with its line`,
		"registrypath: a\npassword: \"hunter2\" x":    `line 2: the value of "password" has something behind it`,
		"registrypath: a\npassword: \"hunter2\\q\"":   `line 2: the value of "password" has an unknown escape`,
		"registrypath: a\npassword: \"hunter2\\x4\"":  `line 2: the value of "password" has an unknown escape`,
		"registrypath: a\npassword: \"\\ud800\"":      `line 2: the value of "password" has an unknown escape`,
		"registrypath: a\npassword: hunter2\rx":       `line 2: the value of "password" has a character that is no text`,
		"registrypath: a\npassword: 'hunter2\u2028x'": `line 2: the value of "password" has a character that is no text`,
		strings.Repeat("#", 64<<10+1):                 "has more than 65536 bytes: it is no image's",
	} {
		image, err := readImage(t, text)
		require.ErrorContains(t, err, want, text)
		require.ErrorContains(t, err, `cannot read image resource "image": `)
		assert.NotContains(t, err.Error(), "hunter2")
		assert.Zero(t, image)
	}
}

func TestImageFileIsMissing(t *testing.T) {
	t.Parallel()
	onEachJuju(t, func(t *testing.T, opts *charmtest.Options) {
		opts.Resources = map[string]string{"image": filepath.Join(t.TempDir(), "content.yaml")}
		newInUpdateStatus(t, opts).run(func(ctx context.Context, c *charm.Charm) error {
			_, err := c.OCIImage(ctx, "image")
			require.ErrorIs(t, err, os.ErrNotExist)
			require.ErrorContains(t, err, `cannot read image resource "image": `)
			return nil
		})
	})
}

// Whatever Juju's YAML library writes is read as it was, or not at all.
func FuzzOCIImage(f *testing.F) {
	for _, text := range []string{"", "hunter2", "a b", " a", "it's", `"`, "-", "- a", "a: b", "a #b", "\n", "a\nb", "é", "\u2028", "\x7f", "\t", "null", "nUll", "~", "1e3", "true", "@a", "%a", "\\", "\u0085", "\ufeff", strings.Repeat("a ", 60)} {
		f.Add("example.com/a@sha256:0", "user", text)
		f.Add(text, text, "p")
	}
	f.Fuzz(func(t *testing.T, path, username, password string) {
		t.Parallel()
		_, _ = readImage(t, path) // whatever it is, it does not panic
		written, err := yaml.Marshal(yaml.MapSlice{
			{Key: "registrypath", Value: path}, {Key: "auth", Value: yaml.MapSlice{{Key: "value", Value: password}}},
			{Key: "username", Value: username}, {Key: "password", Value: password}, {Key: "region", Value: path},
		})
		require.NoError(t, err)
		image, err := readImage(t, string(written))
		if err != nil {
			return
		}
		assert.Equal(t, path, image.RegistryPath, string(written))
		assert.Equal(t, username, image.Username, string(written))
		assert.Equal(t, password, image.Password.Reveal(), string(written))
	})
}

// All that can be in one line of text is read.
func TestImagesOfAllTexts(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"hunter2", "a b", " a", "a ", "it's", `"`, "-", "- a", "a: b", "a:", "a #b", "#a", "é", "\x7f", "\t", "null", "nUll", "NULL", "~", "1e3", "true", "@a", "%a", "\\", "\u00a0", "{}", "|", "0123", "p@ss:w'or\"d", "!!str", "a\tb"} {
		written, err := yaml.Marshal(map[string]string{"registrypath": "a", "username": text, "password": text})
		require.NoError(t, err)
		image, err := readImage(t, string(written))
		require.NoError(t, err, string(written))
		assert.Equal(t, text, image.Username)
		assert.Equal(t, text, image.Password.Reveal())
	}
}
