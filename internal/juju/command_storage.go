// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func storageList(c *call) error {
	c.output()
	args, err := c.parse(1)
	if err != nil {
		return err
	}
	ids := []string{}
	for _, s := range c.h.unit.storage {
		if name := first(args); name == "" || s.name() == name {
			ids = append(ids, s.ID)
		}
	}
	return c.print(ids)
}

func storageGet(c *call) error {
	chosen := c.h.info.storage
	c.flags.Func(func(id string) (err error) {
		chosen, err = c.h.storageNamed(id)
		return err
	}, "s")
	c.output()
	args, err := c.parse(1)
	switch {
	case err != nil:
		return err
	case chosen == nil:
		return usage("no storage instance specified")
	}
	switch key := first(args); key {
	case "":
		return c.print(map[string]string{"kind": chosen.Kind, "location": chosen.Location})
	case "kind":
		return c.print(chosen.Kind)
	case "location":
		return c.print(chosen.Location)
	default:
		return fmt.Errorf("invalid storage attribute %q", key)
	}
}

// storageNamed returns the unit's instance of an ID.
func (h *Hook) storageNamed(id string) (*Storage, error) {
	if !isUnitName(id) { // which an ID looks like
		return nil, fmt.Errorf("invalid storage ID %q", id)
	}
	s := h.unit.storageOf(id)
	switch {
	case s == nil:
		return nil, fmt.Errorf("storage %q attachment on unit %q not found", id, h.unit.Name)
	case !s.provisioned:
		return nil, fmt.Errorf("storage %q attachment on unit %q not provisioned", id, h.unit.Name)
	}
	return s, nil
}

func storageAddCommand(c *call) error {
	args, err := c.parse(-1)
	switch {
	case err != nil:
		return err
	case len(args) == 0:
		return usage("storage add requires a storage directive")
	}
	adds := make(map[string]storageAdd)
	for _, arg := range args {
		add, err := c.h.parseStorageAdd(arg)
		if err != nil {
			return usageError{err}
		}
		if _, twice := adds[add.name]; twice {
			return usage("storage %q specified more than once", add.name)
		}
		adds[add.name] = add
	}
	for _, name := range slices.Sorted(maps.Keys(adds)) {
		c.h.more().storage = append(c.h.more().storage, adds[name])
	}
	return nil
}

var (
	storageCount = regexp.MustCompile(`^-?[0-9]+$`)
	storageSize  = regexp.MustCompile(`^-?[0-9]*(?:\.[0-9]+)?[MGTPEZY](?:i?B)?$`)
	storagePool  = regexp.MustCompile(`^[a-zA-Z]+[-?a-zA-Z0-9]*$`)
)

// parseStorageAdd reads "data" and "data=2". Juju reads all that deploy --storage
// takes, a pool and a size too, and then refuses what is not a count.
func (h *Hook) parseStorageAdd(arg string) (storageAdd, error) {
	word := "directive"
	if h.model.is36 {
		word = "constraints"
	}
	name, text, given := strings.Cut(arg, "=")
	add := storageAdd{name: name, count: 1}
	if name == "" || strings.Contains(text, "=") {
		return add, fmt.Errorf("expected \"name=%s\" or \"name\", got %q", word, arg)
	}
	if !given || text == "" {
		return add, nil
	}
	other := false
	for _, field := range strings.Split(text, ",") {
		switch {
		case field == "":
		case storagePool.MatchString(field), storageSize.MatchString(field):
			other = true
		case storageCount.MatchString(field):
			count, err := strconv.Atoi(field)
			if err != nil || count < 1 {
				return add, fmt.Errorf("cannot parse %s for storage %q: parsing storage count: count must be greater than zero, got %q", word, name, field)
			}
			add.count = count
		default:
			return add, fmt.Errorf("cannot parse %s for storage %q: unrecognized storage %s %q", word, name, strings.TrimSuffix(word, "s"), field)
		}
	}
	if other {
		return add, fmt.Errorf("only count can be specified for %q", name)
	}
	return add, nil
}
