// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/charmsmith/charmsmith/internal/charmdir"
)

// SetConfig changes options of the application: those of unset go back to their
// defaults. If one is wrong, none changes.
func (a *Application) SetConfig(values map[string]any, unset ...string) error {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	if err := a.setConfig(unset, values); err != nil {
		return fmt.Errorf("cannot set config of %q: %w", a.Name, err)
	}
	a.model.note("set config of %s: %s", a.Name, strings.Join(append(slices.Sorted(maps.Keys(values)), unset...), ", "))
	return nil
}

func (a *Application) setConfig(unset []string, values map[string]any) error {
	next := maps.Clone(a.config)
	if next == nil {
		next = make(map[string]any)
		if a.charm != nil {
			for name, option := range a.charm.Options {
				next[name] = option.Default
			}
		}
	}
	for _, name := range unset {
		option, err := a.option(name)
		if err != nil {
			return err
		}
		next[name] = option.Default
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		option, err := a.option(name)
		if err != nil {
			return err
		}
		if next[name], err = option.Parse(values[name]); err != nil {
			return err
		}
	}
	a.useConfig(next)
	return nil
}

// useConfig makes this the application's config. One that it had before has the
// version it had then: agents compare versions as Juju's do hashes.
func (a *Application) useConfig(next map[string]any) {
	if a.configVersion > 0 && maps.Equal(a.config, next) {
		return
	}
	i := slices.IndexFunc(a.configs, func(c map[string]any) bool { return maps.Equal(c, next) })
	if i < 0 {
		i = len(a.configs)
		a.configs = append(a.configs, next)
	}
	a.config, a.configVersion = next, i+1
	for _, u := range a.units {
		a.model.wake(u.agent)
	}
}

func (a *Application) option(name string) (charmdir.Option, error) {
	if a.charm == nil {
		return charmdir.Option{}, fmt.Errorf("it has no option %q: it is made up", name)
	}
	o, ok := a.charm.Options[name]
	if !ok {
		return o, fmt.Errorf("its charm has no option %q", name)
	}
	return o, nil
}

// Config returns the application's options; nil is one that has neither a value
// nor a default.
func (a *Application) Config() map[string]any {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	return maps.Clone(a.config)
}

// options returns the config as the charm sees it: read once per hook.
func (h *Hook) options() map[string]any {
	if h.config == nil {
		h.config = h.unit.app.config
	}
	return h.config
}
