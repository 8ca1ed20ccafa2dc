// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/charmsmith/charmsmith/internal/jujutext"
)

// maxSecret is how long a secret may be in base64, and each value of it.
const maxSecret = 1000 * 1000

var secretKey = regexp.MustCompile(`^([a-z](?:-?[a-z0-9]){2,})$`)

func secretAdd(c *call) error {
	f := c.secretFlags()
	args, err := c.parse(-1)
	if err != nil {
		return err
	}
	if len(args) == 0 && *f.file == "" {
		return usage("missing secret value or filename")
	}
	values, err := f.values(args)
	if err != nil {
		return usageError{err}
	}
	if len(values.content) == 0 {
		return errors.New("empty secret value not valid")
	}
	id, err := c.h.addSecret(*f.owner == "unit", values)
	if err != nil {
		return err
	}
	fmt.Fprintln(&c.stdout, "secret:"+id)
	return nil
}

func secretSet(c *call) error {
	f := c.secretFlags()
	id, args, err := c.parseSecret()
	if err != nil {
		return err
	}
	values, err := f.values(args)
	if err != nil {
		return usageError{err}
	}
	return c.h.setSecret(id, values)
}

func secretRemoveCommand(c *call) error {
	revision := c.flags.Int("revision")
	id, args, err := c.parseSecret()
	if err != nil {
		return err
	}
	if err := jujutext.Unrecognized(args, 0); err != nil {
		return usageError{err}
	}
	return c.h.removeSecret(id, max(0, *revision))
}

// parseSecret reads the arguments, the first of which is a secret's ID.
func (c *call) parseSecret() (id string, rest []string, err error) {
	args, err := c.parse(-1)
	switch {
	case err != nil:
		return "", nil, err
	case len(args) == 0:
		return "", nil, usage("missing secret URI")
	}
	if id, err = parseSecretURI(args[0]); err != nil {
		return "", nil, usageError{err}
	}
	return id, args[1:], nil
}

// secretFlags are the flags of secret-add and secret-set.
type secretFlags struct {
	expire, rotate, description, label, file, owner *string
	now                                             time.Time
}

func (c *call) secretFlags() *secretFlags {
	f := &secretFlags{
		expire: c.flags.String("expire"), rotate: c.flags.String("rotate"), description: c.flags.String("description"),
		label: c.flags.String("label"), file: c.flags.String("file"), owner: c.flags.String("owner"), now: c.h.model.clock.now,
	}
	*f.owner = "application"
	return f
}

// values checks the flags, and reads the content in args and the file.
func (f *secretFlags) values(args []string) (secretValues, error) {
	v := secretValues{label: *f.label, description: *f.description, rotate: *f.rotate}
	var err error
	if v.expire, err = parseExpire(*f.expire, f.now); err != nil {
		return v, err
	}
	switch {
	case v.rotate != "" && !validRotation(v.rotate):
		return v, fmt.Errorf("rotate policy %q not valid", v.rotate)
	case *f.owner != "application" && *f.owner != "unit":
		return v, fmt.Errorf("secret owner %q not valid", *f.owner)
	}
	if v.content, err = contentOfArgs(args); err != nil || *f.file == "" {
		return v, err
	}
	data, err := readSecretFile(*f.file)
	if err != nil {
		return v, err
	}
	values, err := jujutext.ReadStrings(data)
	if err != nil {
		return v, err
	}
	content, err := encodeSecret(values)
	maps.Copy(v.content, content)
	return v, err
}

// parseExpire reads a time or a duration from now; nothing is the zero time.
func parseExpire(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return time.Time{}, fmt.Errorf("expire time or duration %q not valid", text)
	case d <= 0:
		return time.Time{}, fmt.Errorf("negative expire duration %q not valid", text)
	}
	return now.Add(d).UTC(), nil
}

// contentOfArgs reads arguments such as "key=value", "key#base64=dmFsdWU=" and
// "key#file=/path".
func contentOfArgs(args []string) (map[string]string, error) {
	values := make(map[string]string, len(args))
	for _, arg := range args {
		// Juju takes "=" at the end for base64's, even if that is all there is.
		i := strings.Index(strings.TrimRight(arg, "="), "=")
		if i < 1 {
			return nil, fmt.Errorf("key value %q not valid", arg)
		}
		key, value := arg[:i], arg[i+1:]
		if name, isFile := strings.CutSuffix(key, "#file"); isFile {
			data, err := readSecretFile(value)
			if err != nil {
				if errors.As(err, new(*fs.PathError)) {
					err = fmt.Errorf("reading content for secret key %q: %w", name, err)
				}
				return nil, err
			}
			key, value = name, string(data)
		}
		values[key] = value
	}
	return encodeSecret(values)
}

// readSecretFile reads a file, of which Juju wants the absolute path: others
// are relative to where the agent runs, which has no such file.
func readSecretFile(path string) ([]byte, error) {
	if !filepath.IsAbs(path) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("no such file or directory")}
	}
	if info, err := os.Stat(path); err == nil && info.Size() > maxSecret {
		return nil, fmt.Errorf("secret content in file %q too large: %d bytes", path, info.Size())
	}
	return readFile(path)
}

// encodeSecret returns values in base64; those of keys that end with "#base64"
// are as they are.
func encodeSecret(values map[string]string) (map[string]string, error) {
	content := make(map[string]string, len(values))
	size := 0
	for _, key := range slices.Sorted(maps.Keys(values)) {
		value := values[key]
		name, encoded := strings.CutSuffix(key, "#base64")
		if !encoded {
			value = base64.StdEncoding.EncodeToString([]byte(value))
		}
		if !secretKey.MatchString(name) {
			return nil, fmt.Errorf("key %q not valid", name)
		}
		if len(value) > maxSecret {
			return nil, fmt.Errorf("base64 encoded secret content for key %q too large: %d bytes", name, len(value))
		}
		content[name] = value
		size += len(value)
	}
	if size > maxSecret {
		return nil, fmt.Errorf("base64 encoded secret content too large: %d bytes", size)
	}
	return content, nil
}
