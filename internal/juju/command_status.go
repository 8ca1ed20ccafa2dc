// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"fmt"
	"maps"

	"github.com/charmsmith/charmsmith/internal/jujutext"
)

func statusSet(c *call) error {
	app := c.flags.Bool("application")
	args, err := c.parse(-1)
	switch {
	case err != nil:
		return err
	case len(args) == 0:
		return usage("invalid args, require <status> [message]")
	}
	if err := checkStatus(args[0]); err != nil {
		return err
	}
	if err := jujutext.Unrecognized(args, 2); err != nil {
		return usageError{err}
	}
	message := ""
	if len(args) > 1 {
		message = args[1]
	}
	return c.h.setStatus(*app, args[0], message)
}

func statusGet(c *call) error {
	data := c.flags.Bool("include-data")
	app := c.flags.Bool("application")
	c.output()
	if _, err := c.parse(0); err != nil {
		return err
	}
	if *app {
		return c.applicationStatus(*data)
	}
	status := c.h.unitStatus()
	if !*data && c.out.Format == "smart" {
		return c.print(status.Status)
	}
	return c.print(statusMap(status, *data))
}

// unitStatus returns the status of the unit's workload: read once per hook.
func (h *Hook) unitStatus() Status {
	if h.cached == nil {
		status := h.unit.workload
		h.cached = &status
	}
	return *h.cached
}

func statusMap(s Status, data bool) map[string]any {
	m := map[string]any{"status": s.Status}
	if data {
		m["message"] = s.Message
		m["status-data"] = statusData(s.Data)
	}
	return m
}

// statusData returns the data of a status in types that can be printed.
func statusData(data map[string]any) map[string]any {
	copied := make(map[string]any, len(data))
	maps.Copy(copied, data)
	return copied
}

func (c *call) applicationStatus(data bool) error {
	h := c.h
	if !h.isLeader() {
		return fmt.Errorf("finding application status: %w", errNotLeader)
	}
	app := h.unit.app
	if !data && c.out.Format == "smart" {
		return c.print(app.status.Status)
	}
	units := make(map[string]any, app.alive)
	for _, u := range app.liveUnits() {
		status := u.status()
		if u == h.unit {
			status = u.workload // while a hook runs, the unit is not in error
		}
		units[u.Name] = statusMap(status, data)
	}
	m := statusMap(app.status, data)
	m["units"] = units
	return c.print(map[string]any{"application-status": m})
}

func applicationVersionSet(c *call) error {
	args, err := c.parse(-1)
	switch {
	case err != nil:
		return err
	case len(args) == 0:
		return usage("no version specified")
	}
	if err := jujutext.Unrecognized(args, 1); err != nil {
		return usageError{err}
	}
	c.h.changed(Change{Kind: "version", Owner: c.h.unit.Name, Old: c.h.unit.version, New: args[0]})
	c.h.unit.version = args[0]
	return nil
}
