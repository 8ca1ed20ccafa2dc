// SPDX-License-Identifier: Apache-2.0

package relation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"unicode/utf8"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// View is a databag that can be read.
type View struct {
	relation *Relation
	member   member
}

// Get returns the value of a key, empty if it is not there.
func (v View) Get(ctx context.Context, key string) (string, error) {
	value, _, err := v.Lookup(ctx, key)
	return value, err
}

// Lookup returns the value of a key, and whether it is there. A value that is
// there is never empty.
func (v View) Lookup(ctx context.Context, key string) (value string, ok bool, err error) {
	if err := v.relation.store.lock(ctx); err != nil {
		return "", false, err
	}
	defer v.relation.store.unlock()
	b, err := v.bag(ctx)
	if err != nil {
		return "", false, err
	}
	value, known := b.lookup(key)
	if !known {
		if err := v.read(ctx, b); err != nil {
			return "", false, err
		}
		value, _ = b.lookup(key)
	}
	return value, value != "", nil
}

// All returns a copy of the databag, Juju's own keys among it: "ingress-address",
// "egress-subnets" and, in Juju 3.6, "private-address" in a unit's.
func (v View) All(ctx context.Context) (map[string]string, error) {
	if err := v.relation.store.lock(ctx); err != nil {
		return nil, err
	}
	defer v.relation.store.unlock()
	b, err := v.bag(ctx)
	if err != nil {
		return nil, err
	}
	if !b.complete {
		if err := v.read(ctx, b); err != nil {
			return nil, err
		}
	}
	return b.all(), nil
}

// bag returns the view's bag; of a remote application the name may have to be
// asked for.
func (v *View) bag(ctx context.Context) (*bag, error) {
	if v.member.app && v.member.name == "" {
		app, err := v.relation.remoteApp(ctx)
		if err != nil {
			return nil, err
		}
		v.member.name = app
	}
	return v.relation.bag(v.member), nil
}

func (v View) read(ctx context.Context, b *bag) error {
	get := v.relation.store.client.RelationGet
	if v.member.app {
		get = v.relation.store.client.RelationGetApp
	}
	content, err := get(ctx, v.relation.id, v.member.name)
	if err != nil {
		return err
	}
	b.known, b.complete = content, true
	return nil
}

// peek returns the value of a key if it is known without reading.
func (v View) peek(ctx context.Context, key string) (value string, known bool, err error) {
	if err := v.relation.store.lock(ctx); err != nil {
		return "", false, err
	}
	defer v.relation.store.unlock()
	value, known = v.relation.bag(v.member).lookup(key)
	return value, known, nil
}

// Databag is a databag of ours, which can be written too.
//
// Writes are sent when the dispatch has succeeded. Writing an application's
// databag fails with [hookcmd.ErrNotLeader], at once, if this unit is not the
// leader. Keys and values are any valid UTF-8, keys not empty.
type Databag struct{ view View }

// Get is [View.Get].
func (d Databag) Get(ctx context.Context, key string) (string, error) { return d.view.Get(ctx, key) }

// Lookup is [View.Lookup].
func (d Databag) Lookup(ctx context.Context, key string) (value string, ok bool, err error) {
	return d.view.Lookup(ctx, key)
}

// All is [View.All].
func (d Databag) All(ctx context.Context) (map[string]string, error) { return d.view.All(ctx) }

// Set sets a key. An empty value deletes it, as in Juju.
func (d Databag) Set(ctx context.Context, key, value string) error {
	return d.Update(ctx, map[string]string{key: value})
}

// Delete deletes a key, which need not be there.
func (d Databag) Delete(ctx context.Context, key string) error {
	return d.Update(ctx, map[string]string{key: ""})
}

// Update sets the keys of values, and deletes those with an empty value. If it
// fails, none has changed.
func (d Databag) Update(ctx context.Context, values map[string]string) error {
	if err := d.update(ctx, values); err != nil {
		return fmt.Errorf("cannot write databag of %s in relation %s: %w", d.view.member.name, d.view.relation, err)
	}
	return nil
}

func (d Databag) update(ctx context.Context, values map[string]string) error {
	for key, value := range values {
		switch {
		case key == "":
			return errors.New("the key is empty")
		case !utf8.ValidString(key):
			return fmt.Errorf("key %q is not valid UTF-8", key)
		case !utf8.ValidString(value):
			return fmt.Errorf("the value of %q is not valid UTF-8", key)
		}
	}
	if d.view.member.app {
		leader, err := d.view.relation.store.isLeader(ctx)
		if err != nil {
			return err
		}
		if !leader {
			return hookcmd.ErrNotLeader
		}
	}
	if err := d.view.relation.store.lock(ctx); err != nil {
		return err
	}
	defer d.view.relation.store.unlock()
	b := d.view.relation.bag(d.view.member)
	if b.pending == nil {
		b.pending = make(map[string]string, len(values))
	}
	maps.Copy(b.pending, values)
	d.view.relation.written = true
	return nil
}
