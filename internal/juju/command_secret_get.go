// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmsmith/charmsmith/internal/jujutext"
)

func secretGet(c *call) error {
	c.output("yaml", "json")
	label := c.flags.String("label")
	peek := c.flags.Bool("peek")
	refresh := c.flags.Bool("refresh")
	args, err := c.parse(-1)
	if err != nil {
		return err
	}
	id := ""
	if len(args) > 0 {
		if id, err = parseSecretURI(args[0]); err != nil {
			return usage("secret URI %q not valid", args[0])
		}
		args = args[1:]
	}
	switch {
	case id == "" && *label == "":
		return usage("require either a secret URI or label")
	case *peek && *refresh:
		return usage("specify one of --peek or --refresh but not both")
	}
	if err := jujutext.Unrecognized(args, 1); err != nil {
		return usageError{err}
	}
	content, err := c.h.getSecret(id, *label, *refresh, *peek)
	if err != nil {
		return err
	}
	plain, err := decodeContent(content)
	if err != nil {
		return err
	}
	key := first(args)
	if key == "" {
		return c.print(plain)
	}
	name, encoded := strings.CutSuffix(key, "#base64")
	if _, ok := content[name]; !ok {
		return fmt.Errorf("secret key value %q not found", name)
	}
	if encoded {
		return c.print(content[name])
	}
	return c.print(plain[name])
}

func secretInfoGet(c *call) error {
	c.output("yaml", "json")
	label := c.flags.String("label")
	args, err := c.parse(-1)
	if err != nil {
		return err
	}
	id := ""
	if len(args) > 0 {
		if id, err = parseSecretURI(args[0]); err != nil {
			return usageError{err}
		}
		args = args[1:]
	}
	switch {
	case id == "" && *label == "":
		return usage("require either a secret URI or label")
	case id != "" && *label != "":
		return usage("specify either a secret URI or label but not both")
	}
	if err := jujutext.Unrecognized(args, 0); err != nil {
		return usageError{err}
	}
	for _, own := range c.h.ownSecrets() {
		if own.secret.ID == id || id == "" && own.label == *label {
			return c.print(jujutext.Map{{Key: own.secret.ID, Value: own.info()}})
		}
	}
	if id == "" {
		return fmt.Errorf("secret %q not found", *label)
	}
	return secretNotFound(id)
}

// info returns what secret-info-get prints. Of what the hook has changed it has
// the settings, but neither the new revision nor grants.
func (own ownSecret) info() jujutext.Map {
	s := own.secret
	owner := "application"
	if s.unit != nil {
		owner = "unit"
	}
	info := jujutext.Map{{Key: "revision", Value: s.latest}, {Key: "label", Value: own.label}, {Key: "owner", Value: owner}}
	if own.description != "" {
		info = append(info, jujutext.Item{Key: "description", Value: own.description})
	}
	if own.rotate != "" {
		info = append(info, jujutext.Item{Key: "rotation", Value: own.rotate})
	}
	if !own.expire.IsZero() {
		info = append(info, jujutext.Item{Key: "expiry", Value: own.expire})
	}
	if !s.nextRotate.IsZero() {
		info = append(info, jujutext.Item{Key: "rotates", Value: s.nextRotate})
	}
	if access := s.access(); len(access) > 0 {
		info = append(info, jujutext.Item{Key: "access", Value: access})
	}
	return info
}

// access returns the grants as secret-info-get prints them.
func (s *Secret) access() []any {
	var access []any
	for _, g := range s.grants {
		if g.rel != nil {
			access = append(access, jujutext.Map{
				{Key: "target", Value: tagOf(g.subject(s.app))}, {Key: "scope", Value: g.rel.tag()}, {Key: "role", Value: "view"},
			})
		}
	}
	return access
}

func secretIDs(c *call) error {
	c.output()
	if _, err := c.parse(0); err != nil {
		return err
	}
	var ids []string
	for _, own := range c.h.ownSecrets() {
		ids = append(ids, own.secret.ID)
	}
	slices.Sort(ids)
	for i := range ids { // Juju's order is random
		j := i + c.h.model.choose.pick(len(ids)-i)
		ids[i], ids[j] = ids[j], ids[i]
	}
	return c.print(ids)
}
