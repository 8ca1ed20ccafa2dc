// SPDX-License-Identifier: Apache-2.0

package magpie

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// SetIperfServerReady tells the peers that the throughput server of this unit can be
// measured. It does nothing before Juju has created the relation.
func (p *Peers) SetIperfServerReady(ctx context.Context) error {
	return p.announce(ctx, func(data *unitData) { data.Server = "True" }) // as units of the reactive charm write it
}

// ClearIperfServerReady withdraws [Peers.SetIperfServerReady].
func (p *Peers) ClearIperfServerReady(ctx context.Context) error {
	return p.announce(ctx, func(data *unitData) { data.Server = "" })
}

// ReadyIperfServers returns the peers whose throughput servers can be measured, as
// [Peers.Nodes] does. What a peer has written there that is neither true nor false is
// logged, and counts as false.
func (p *Peers) ReadyIperfServers(ctx context.Context) ([]Node, error) {
	bags, err := p.bags(ctx, nil)
	if err != nil {
		return nil, err
	}
	bags = slices.DeleteFunc(bags, func(b bag) bool {
		ready, err := parseBool(serverKey, b.values[serverKey])
		p.warn(ctx, b.unit, err)
		return !ready
	})
	return nodesOf(bags), nil
}

// SetIperfChecked tells the peers whose throughput this unit has measured: those units,
// instead of those that it told before. It does nothing before Juju has created the
// relation.
func (p *Peers) SetIperfChecked(ctx context.Context, units []string) error {
	for _, unit := range units {
		if !isUnitName(unit) {
			return fmt.Errorf("cannot tell that unit %s was measured: that is no name of a unit", quote(unit))
		}
	}
	units = slices.Clone(units)
	slices.SortFunc(units, compareUnits)
	return p.announce(ctx, func(data *unitData) { data.Checked = slices.Compact(units) })
}

// IperfChecked returns the units whose throughput some peer has measured, by number. It
// understands what units of the reactive charm write, too. What it does not understand
// is logged.
func (p *Peers) IperfChecked(ctx context.Context) ([]string, error) {
	bags, err := p.bags(ctx, nil)
	if err != nil {
		return nil, err
	}
	checked := make(map[string]bool)
	for _, b := range bags {
		units, err := parseChecked(b.values[checkedKey])
		p.warn(ctx, b.unit, err)
		for _, unit := range units {
			checked[unit] = true
		}
	}
	return slices.SortedFunc(maps.Keys(checked), compareUnits), nil
}

func (p *Peers) announce(ctx context.Context, change func(*unitData)) error {
	relations, err := p.charm.PeerRelations(ctx, p.endpoint)
	if err != nil {
		return err
	}
	return p.publish(ctx, relations, change)
}

// warn logs what is wrong with a peer's data, if anything is.
func (p *Peers) warn(ctx context.Context, unit string, err error) {
	if err != nil {
		p.charm.Logger().WarnContext(ctx, "a peer's data is malformed", "endpoint", p.endpoint, "unit", unit, "cause", err)
	}
}

// parseBool reads a truth value as Python, JSON or YAML write it.
func parseBool(key, text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "yes", "1":
		return true, nil
	case "", "false", "no", "0", "none", "null":
		return false, nil
	}
	return false, &MalformedError{key, quote(text) + " is neither true nor false"}
}

// parseChecked reads a list of units. Units of the reactive charm write a list of
// Python's, whose texts nest what they have read of others:
//
//	['None magpie/1', "['None magpie/1', 'None magpie/2'] magpie/2"]
//
// Whichever list it is, all words in it that are names of units are those that were
// checked.
func parseChecked(text string) ([]string, error) {
	switch {
	case text == "":
		return nil, nil
	case len(text) > maxValue:
		return nil, &MalformedError{checkedKey, fmt.Sprintf("it has %d bytes, of at most %d", len(text), maxValue)}
	case !strings.HasPrefix(text, "["):
		return nil, &MalformedError{checkedKey, quote(text) + " is no list"}
	}
	var units []string
	var err error
	for _, word := range strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(" ,[]'\"\\", c) }) {
		switch {
		case isUnitName(word):
			units = append(units, word)
		case word != "None" && err == nil:
			err = &MalformedError{checkedKey, quote(word) + " is no name of a unit"}
		}
	}
	return units, err
}

// isUnitName reports whether a text is the name of a unit.
func isUnitName(text string) bool {
	app, _, _ := strings.Cut(text, "/")
	if _, err := unitNumber(text); err != nil || app == "" || len(text) > 253 {
		return false
	}
	for _, c := range []byte(app) {
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}
