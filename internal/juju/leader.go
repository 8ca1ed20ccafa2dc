// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"errors"
	"maps"
	"strings"
)

// Leader settings are what applications of Juju 3.6 had before databags of
// applications: the leader writes them, at once, and all units read them.

func leaderGet(c *call) error {
	c.output()
	args, err := c.parse(-1)
	if err != nil {
		return err
	}
	key := first(args)
	switch {
	case strings.Contains(key, "="):
		return usage("invalid key %q", key)
	case len(args) > 1:
		return usage("unrecognized args: %q", args[1:])
	}
	settings := c.h.leaderSettings()
	if key == "" || key == "-" {
		return c.print(settings)
	}
	if value, ok := settings[key]; ok {
		return c.print(value)
	}
	return c.print(nil)
}

// leaderSettings returns the settings, which are read once until the unit
// writes them.
func (h *Hook) leaderSettings() map[string]string {
	if h.leaderCache == nil {
		h.leaderCache = h.unit.app.leaderSettings
	}
	if h.leaderCache == nil {
		h.leaderCache = map[string]string{}
	}
	return h.leaderCache
}

func leaderSet(c *call) error {
	args, err := c.parse(-1)
	if err != nil {
		return err
	}
	changes, err := c.settings(args, "")
	if err != nil {
		return err
	}
	if !c.h.isLeader() {
		return errors.New("cannot write leadership settings: cannot write settings: not the leader")
	}
	c.h.unit.app.setLeaderSettings(changes)
	c.h.leaderCache = nil
	return nil
}

// setLeaderSettings changes the settings, of which the followers are told.
func (a *Application) setLeaderSettings(changes map[string]string) {
	next := maps.Clone(a.leaderSettings)
	if next == nil {
		next = make(map[string]string)
	}
	for key, value := range changes {
		if value == "" {
			delete(next, key)
		} else {
			next[key] = value
		}
	}
	if maps.Equal(a.leaderSettings, next) {
		return
	}
	a.leaderSettings = next
	a.leaderVersion++
	for _, u := range a.units {
		a.model.wake(u.agent)
	}
}

// LeaderSettings returns what the leader wrote with leader-set, which Juju 3.6 has.
func (a *Application) LeaderSettings() map[string]string {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	return maps.Clone(a.leaderSettings)
}
