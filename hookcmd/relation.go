// SPDX-License-Identifier: Apache-2.0

package hookcmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// RelationID names a relation. Its text, as Juju prints it, is "db:3".
type RelationID struct {
	Endpoint string
	ID       int // unique in the model
}

// ParseRelationID reads "db:3".
func ParseRelationID(s string) (RelationID, error) {
	endpoint, number, ok := cutLast(s, ":")
	id, err := strconv.ParseUint(number, 10, 31)
	if !ok || endpoint == "" || err != nil {
		return RelationID{}, fmt.Errorf("cannot parse relation ID %q: it must have the form ENDPOINT:NUMBER", s)
	}
	return RelationID{Endpoint: endpoint, ID: int(id)}, nil
}

// String returns "db:3".
func (r RelationID) String() string { return r.Endpoint + ":" + strconv.Itoa(r.ID) }

// MarshalText returns "db:3".
func (r RelationID) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads "db:3".
func (r *RelationID) UnmarshalText(text []byte) (err error) {
	*r, err = ParseRelationID(string(text))
	return err
}

// RelationIDs returns the relations of an endpoint, in Juju's order ("db:12"
// before "db:3"). There are none if the charm has no such endpoint. It omits
// the relation of a relation-broken hook.
func (c *Client) RelationIDs(ctx context.Context, endpoint string) ([]RelationID, error) {
	return read[[]RelationID](ctx, c, newCall("relation-ids", "--", endpoint))
}

// RelationList returns the remote units of a relation, sorted as strings
// ("db/10" before "db/2"); in a peer relation the other units. It omits the
// unit that departs.
func (c *Client) RelationList(ctx context.Context, rel RelationID) ([]string, error) {
	return read[[]string](ctx, c, newCall("relation-list", "-r", rel.String()))
}

// RelationApp returns the remote application of a relation; in a peer relation
// our own.
func (c *Client) RelationApp(ctx context.Context, rel RelationID) (string, error) {
	return read[string](ctx, c, newCall("relation-list", "--app", "-r", rel.String()))
}

// RelationGet returns the databag of a unit, ours or a remote one. Juju's own
// keys are among it: "ingress-address", "egress-subnets" and, in Juju 3.6,
// "private-address".
func (c *Client) RelationGet(ctx context.Context, rel RelationID, unit string) (map[string]string, error) {
	call, err := relationGet(nil, rel.String(), unit, false, "-")
	if err != nil {
		return nil, err
	}
	return c.readMap(ctx, call)
}

// RelationGetApp returns the databag of an application, ours or the remote one.
// Our own can be read by the leader and, in a peer relation, by all units.
func (c *Client) RelationGetApp(ctx context.Context, rel RelationID, app string) (map[string]string, error) {
	call, err := relationGet(nil, rel.String(), app, true, "-")
	if err != nil {
		return nil, err
	}
	return c.readMap(ctx, call)
}

// RelationGetAll returns the databags of several units, in the order of units,
// in one round if the Runner is a [Batcher].
func (c *Client) RelationGetAll(ctx context.Context, rel RelationID, units []string) ([]map[string]string, error) {
	calls := make([]Call, len(units))
	id, args := rel.String(), make([]string, 0, 6*len(units)) // of all
	for i, unit := range units {
		var err error
		if calls[i], err = relationGet(args, id, unit, false, "-"); err != nil {
			return nil, err
		}
		args = args[:len(args)+len(calls[i].Args)]
	}
	all, err := readAll[map[string]string](ctx, c, calls)
	for i, values := range all {
		all[i] = c.own(values)
	}
	return all, err
}

// RelationGetKey returns one value of a unit's databag, and whether it is there.
func (c *Client) RelationGetKey(ctx context.Context, rel RelationID, unit, key string) (value string, ok bool, err error) {
	return c.relationGetKey(ctx, rel, unit, false, key)
}

// RelationGetAppKey returns one value of an application's databag, and whether
// it is there.
func (c *Client) RelationGetAppKey(ctx context.Context, rel RelationID, app, key string) (value string, ok bool, err error) {
	return c.relationGetKey(ctx, rel, app, true, key)
}

func (c *Client) relationGetKey(ctx context.Context, rel RelationID, member string, app bool, key string) (string, bool, error) {
	call, err := relationGet(nil, rel.String(), member, app, key)
	if err == nil {
		err = checkKey(call, key)
	}
	if err != nil {
		return "", false, err
	}
	return optional(read[*string](ctx, c, call))
}

// relationGet always names the member: without one Juju falls back to whoever
// the hook is about.
// Its arguments are appended to args, for which there may be room already.
func relationGet(args []string, rel, member string, app bool, key string) (Call, error) {
	first := len(args)
	if app {
		args = append(args, "--format=json", "-r", rel, "--app", "--", key, member)
	} else {
		args = append(args, "--format=json", "-r", rel, "--", key, member)
	}
	call := Call{Command: "relation-get", Args: slices.Clip(args[first:])}
	if member == "" {
		return call, wrap(call, errors.New("the name of the unit or application is empty"))
	}
	return call, nil
}

// optional tells a value that is there from Juju's null.
func optional(value *string, err error) (string, bool, error) {
	if value == nil {
		return "", false, err
	}
	return *value, true, err
}

// RelationSet changes our unit's databag: it sets the keys of data, and deletes
// those with an empty value. Keys and values must be valid UTF-8. Remote units
// see the change when the hook has succeeded.
func (c *Client) RelationSet(ctx context.Context, rel RelationID, data map[string]string) error {
	return c.writeData(ctx, Call{Command: "relation-set", Args: []string{"-r", rel.String(), "--file", "-"}}, data)
}

// RelationSetApp changes our application's databag, as RelationSet does the
// unit's. [ErrNotLeader] if this unit is not the leader.
func (c *Client) RelationSetApp(ctx context.Context, rel RelationID, data map[string]string) error {
	return c.writeData(ctx, Call{Command: "relation-set", Args: []string{"-r", rel.String(), "--app", "--file", "-"}}, data)
}

// RelationModelGet returns the UUID of the model that hosts the remote
// application. [ErrNotSupported] before Juju 3.6.2.
func (c *Client) RelationModelGet(ctx context.Context, rel RelationID) (uuid string, err error) {
	type model struct {
		UUID string `json:"uuid"`
	}
	return readAs(ctx, c, newCall("relation-model-get", "-r", rel.String()), func(printed model) (string, error) {
		return printed.UUID, nil
	})
}

func cutLast(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}
