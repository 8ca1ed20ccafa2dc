// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

var errNotLeader = errors.New("this unit is not the leader")

// relationFlag declares -r; without it the hook's relation is meant, if there
// is one. The result is nil if there is none.
func (c *call) relationFlag() **membership {
	chosen := c.h.hookRelation()
	c.flags.Func(func(value string) (err error) {
		chosen, err = c.h.relationNamed(value)
		return err
	}, "r", "relation")
	return &chosen
}

// hookRelation returns the relation that the hook is about, or nil.
func (h *Hook) hookRelation() *membership { return h.info.member }

// relationNamed returns the relation of an ID such as "db:3", of which Juju
// reads the number only.
func (h *Hook) relationNamed(text string) (*membership, error) {
	id, err := strconv.Atoi(text[strings.LastIndex(text, ":")+1:])
	if err != nil {
		return nil, errors.New("invalid relation id")
	}
	m := h.relationOf(id)
	if m == nil {
		return nil, errors.New("relation not found")
	}
	return m, nil
}

// relationOf returns a relation that the unit's agent knows, or nil.
func (h *Hook) relationOf(id int) *membership {
	if m := h.info.member; m != nil && m.end.rel.ID == id {
		return m
	}
	for _, m := range h.unit.agent.members {
		if m.end.rel.ID == id && m.entered && !m.left {
			return m
		}
	}
	return nil
}

func relationIDs(c *call) error {
	c.output()
	args, err := c.parse(1)
	if err != nil {
		return err
	}
	endpoint := first(args)
	if endpoint == "" {
		m := c.h.hookRelation()
		if m == nil {
			return usage("no endpoint name specified")
		}
		endpoint = m.end.Endpoint.Name
	}
	ids := []string{}
	for _, m := range c.h.relationsOf(endpoint) {
		ids = append(ids, m.end.name())
	}
	slices.Sort(ids)
	return c.print(ids)
}

// relationsOf returns the relations of an endpoint, but for one that breaks.
func (h *Hook) relationsOf(endpoint string) []*membership {
	var list []*membership
	for _, m := range h.unit.agent.members {
		e := m.end
		broken := !e.isPeer() && (e.rel.life != Alive || e.rel.suspended) && m.members == 0
		if e.Endpoint.Name == endpoint && m.entered && !m.left && !broken && !e.isImplicit() {
			list = append(list, m)
		}
	}
	return list
}

func relationList(c *call) error {
	rel := c.relationFlag()
	app := c.flags.Bool("app")
	c.output()
	if _, err := c.parse(0); err != nil {
		return err
	}
	if *rel == nil {
		return usage("no relation id specified")
	}
	if *app {
		return c.print((*rel).end.remoteName())
	}
	return c.print(c.h.remoteUnits(*rel))
}

// remoteUnits returns the names of the units that have joined, sorted. The unit
// that joins in this hook is among them, the one that departs is not.
func (h *Hook) remoteUnits(m *membership) []string {
	app := m.remoteApp()
	names := make([]string, 0, m.members+1)
	joining, departing := int32(-1), int32(-1)
	if h.info.member == m {
		switch h.info.kind {
		case relationJoined:
			joining = h.info.slot
		case relationDeparted:
			departing = h.info.slot
		}
	}
	for _, slot := range app.byName {
		if (m.seen[slot] != 0 || int32(slot) == joining) && int32(slot) != departing {
			names = append(names, m.end.unitName(app.units[slot]))
		}
	}
	return names
}

func relationGet(c *call) error {
	rel := c.relationFlag()
	app := c.flags.Bool("app")
	c.output()
	args, err := c.parse(2)
	if err != nil {
		return err
	}
	if *rel == nil {
		return usage("no relation id specified")
	}
	key := first(args)
	target := ""
	if len(args) > 1 {
		target = args[1]
	}
	name, isApp, err := c.h.relationTarget(target, *app)
	if err != nil {
		return err
	}
	content, err := c.h.databag(*rel, name, isApp)
	if err != nil {
		return err
	}
	if key == "" || key == "-" {
		if content == nil {
			content = map[string]string{}
		}
		return c.print(content)
	}
	if value, ok := content[key]; ok {
		return c.print(value)
	}
	return c.print(nil)
}

// relationTarget returns whose databag is meant.
func (h *Hook) relationTarget(target string, app bool) (name string, isApp bool, err error) {
	if target == "" {
		m := h.hookRelation()
		remote := h.info.remoteUnit()
		switch {
		case app && m != nil && h.info.kind.isRelation():
			return m.end.remoteName(), true, nil
		case app && remote != nil:
			return m.end.remoteName(), true, nil
		case remote != nil:
			return m.end.unitName(remote), false, nil
		case !app && m != nil && h.info.kind.isRelation():
			return m.end.remoteName(), true, nil
		}
		return "", false, usage("no unit or application specified")
	}
	isUnit := isUnitName(target)
	switch {
	case app && isUnit:
		name, _, _ = strings.Cut(target, "/")
		return name, true, nil
	case app:
		if !isApplicationName(target) {
			return "", false, fmt.Errorf("%q is not a valid unit or application", "")
		}
		return target, true, nil
	case isUnit:
		return target, false, nil
	case isApplicationName(target):
		return "", false, usage("expected unit name, got application name %q", target)
	}
	return "", false, usage("invalid unit name %q", target)
}

// databag returns what the charm sees of a databag, which nobody changes.
func (h *Hook) databag(m *membership, name string, app bool) (map[string]string, error) {
	switch {
	case !app && name == h.unit.Name:
		b := h.own(m)
		b.touched = true
		return h.ownUnit(b), nil
	case app && name == h.unit.app.Name:
		return h.readOwnApp(m)
	case app:
		if name != m.end.remoteName() {
			return nil, h.unrelated(m, name)
		}
		return h.readOther(m.remote(), -1).contents(), nil
	}
	remote := m.remote()
	appName, number, _ := strings.Cut(name, "/")
	n, err := strconv.Atoi(number)
	if err != nil || appName != m.end.remoteName() {
		return nil, h.unrelated(m, name)
	}
	u := remote.App.unit(n)
	if u == nil || !m.end.sees(h.unit, u) || remote.units[u.slot].bag == nil {
		return nil, h.unrelated(m, name)
	}
	if m.seen[u.slot] != 0 || h.info.member == m && h.info.kind == relationJoined && h.info.slot == int32(u.slot) {
		return m.read(u.slot).contents(), nil
	}
	return h.readOther(remote, int32(u.slot)).contents(), nil
}

// unrelated is the failure to read the databag of who is not in the relation.
func (h *Hook) unrelated(m *membership, name string) error {
	if !h.model.is36 {
		return errors.New("relation unit not found")
	}
	if app, _, isUnit := strings.Cut(name, "/"); isUnit && app == m.end.remoteName() {
		return fmt.Errorf("cannot read settings for unit %q in relation %q: unit %q: settings not found", name, m.end.rel.String(), name)
	}
	return errors.New("permission denied")
}

// readOwnApp returns our application's databag: the leader's with its changes,
// and the controller's for others.
func (h *Hook) readOwnApp(m *membership) (map[string]string, error) {
	if !h.isLeader() {
		if h.model.is36 && !m.end.isPeer() {
			return nil, errors.New("permission denied")
		}
		return h.readOther(m.end, -1).contents(), nil
	}
	return h.ownApp(h.own(m)), nil
}

// own returns our databags' changes in a relation.
func (h *Hook) own(m *membership) *ownBags {
	for i := range h.bags {
		if h.bags[i].member == m {
			return &h.bags[i]
		}
	}
	h.bags = append(h.bags, ownBags{member: m})
	return &h.bags[len(h.bags)-1]
}

func (h *Hook) ownUnit(b *ownBags) map[string]string {
	if b.unitNow == nil {
		b.unitNow = b.member.end.units[h.unit.slot].bag.with(b.unit).contents()
	}
	return b.unitNow
}

func (h *Hook) ownApp(b *ownBags) map[string]string {
	if b.appNow == nil {
		b.appNow = b.member.end.app.with(b.app).contents()
	}
	return b.appNow
}

// readOther returns a databag that is kept until the hook ends.
func (h *Hook) readOther(e *End, slot int32) *bag {
	for _, o := range h.others {
		if o.end == e && o.slot == slot {
			return o.bag
		}
	}
	b := e.app
	if slot >= 0 {
		b = e.units[slot].bag
	}
	h.others = append(h.others, otherBag{e, slot, b})
	return b
}

func relationSet(c *call) error {
	rel := c.relationFlag()
	app := c.flags.Bool("app")
	file := c.flags.String("file")
	format := c.flags.String("format")
	args, err := c.parse(-1)
	if err != nil {
		return err
	}
	if *format != "" {
		c.stderr.WriteString(`--format flag deprecated for command "relation-set"`)
	}
	if *rel == nil {
		return usage("no relation id specified")
	}
	changes, err := c.settings(args, *file)
	if err != nil {
		return err
	}
	return c.h.setRelation(*rel, *app, changes)
}

// setRelation buffers changes of a databag.
func (h *Hook) setRelation(m *membership, app bool, changes map[string]string) error {
	if app && !h.isLeader() {
		return errors.New("cannot write relation settings")
	}
	b := h.own(m)
	if app {
		b.app, b.appNow = merged(b.app, changes), nil
	} else {
		b.unit, b.unitNow, b.touched = merged(b.unit, changes), nil, true
	}
	return nil
}

func merged(old, changes map[string]string) map[string]string {
	if old == nil {
		return maps.Clone(changes)
	}
	maps.Copy(old, changes)
	return old
}

func relationModelGet(c *call) error {
	rel := c.relationFlag()
	c.output()
	if _, err := c.parse(0); err != nil {
		return err
	}
	if *rel == nil {
		return usage("no relation id specified")
	}
	return c.print(map[string]string{"uuid": (*rel).remoteApp().modelUUID})
}
