// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"context"
	"strings"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/hookcmd"
)

// command runs one hook command of those that are answered by value, in a form
// that may be wrong.
func (w *walker) command(ctx context.Context, c *hookcmd.Client, of *charm.Charm) {
	id := hookcmd.RelationID{Endpoint: w.one("site", "upstream", "peers", "none"), ID: w.random.IntN(5)}
	unit := w.one("web/0", "web/1", "web/2", "proxy/0", "proxy/1", "proxy/9", "other/0", of.Unit(), "web", "not a unit", "")
	app := w.one("web", "proxy", "other", of.Application(), "web/0", "Not an app", "")
	key := w.one("a", "ingress-address", "none", "-", "a=b", "")
	switch w.random.IntN(14) {
	case 0:
		values, err := c.ConfigGet(ctx)
		w.note("config-get", values, err)
		values, err = c.ConfigGetAll(ctx)
		w.note("config-get --all", values, err)
		value, err := c.ConfigGetKey(ctx, w.one("port", "ratio", "motd", "debug", "none"))
		w.note("config-get key", string(value), err)
	case 1:
		leader, err := c.IsLeader(ctx)
		w.note("is-leader", leader, err)
	case 2:
		level := hookcmd.LogLevel(w.one("INFO", "debug", "nonsense", ""))
		w.note("juju-log", level, c.JujuLog(ctx, level, w.one("text", "--text", "", "two\nlines")))
	case 3:
		data, err := c.RelationGet(ctx, id, unit)
		w.note("relation-get "+unit, data, err)
	case 4:
		data, err := c.RelationGetApp(ctx, id, app)
		w.note("relation-get --app "+app, data, err)
	case 5:
		value, ok, err := c.RelationGetKey(ctx, id, unit, key)
		w.note("relation-get key "+unit, []any{value, ok}, err)
		value, ok, err = c.RelationGetAppKey(ctx, id, app, key)
		w.note("relation-get --app key "+app, []any{value, ok}, err)
	case 6:
		all, err := c.RelationGetAll(ctx, id, []string{unit, of.Unit(), "web/1"})
		w.note("relation-get, pipelined", all, err)
	case 7:
		endpoint := w.one("site", "upstream", "peers", "none", "")
		ids, err := c.RelationIDs(ctx, endpoint)
		w.note("relation-ids "+endpoint, ids, err)
	case 8:
		units, err := c.RelationList(ctx, id)
		w.note("relation-list", units, err)
		name, err := c.RelationApp(ctx, id)
		w.note("relation-list --app", name, err)
	case 9, 10:
		w.set(ctx, c, id)
	case 11:
		state, err := c.StateGet(ctx)
		w.note("state-get", state, err)
		value, ok, err := c.StateGetKey(ctx, w.one("a", "none", ""))
		w.note("state-get key", []any{value, ok}, err)
	case 12:
		key, value := w.one("a", "b", "", strings.Repeat("k", 257), "a=b"), w.one("", "1", "é\u0085")
		if w.random.IntN(20) == 0 {
			value = strings.Repeat("v", 65537)
		}
		w.note("state-set", nil, c.StateSet(ctx, map[string]string{key: value}))
	case 13:
		status := w.one("active", "blocked", "error", "nonsense", "")
		w.note("status-set", nil, c.StatusSet(ctx, status, w.one("", "text", "--text")))
		w.note("status-set --application", nil, c.StatusSetApp(ctx, status, "text"))
	}
}

func (w *walker) set(ctx context.Context, c *hookcmd.Client, id hookcmd.RelationID) {
	if w.budget == 0 {
		return
	}
	w.budget--
	data := map[string]string{w.one("a", "b", "", "a=b", " a"): w.one("", "1", "null", "é\x7f\u2028"), "c": w.one("", "2")}
	if w.random.IntN(4) == 0 {
		data = nil
	}
	if w.random.IntN(2) == 0 {
		w.note("relation-set", nil, c.RelationSet(ctx, id, data))
	} else {
		w.note("relation-set --app", nil, c.RelationSetApp(ctx, id, data))
	}
}
