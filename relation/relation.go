// SPDX-License-Identifier: Apache-2.0

package relation

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// Relation is one relation of this unit, for the time of one dispatch.
type Relation struct {
	store *Store
	id    hookcmd.RelationID

	// The store's mutex guards these.
	app    string // the remote one; empty if not known
	broken bool
	gone   func(unit string) bool // nil: none is

	// The store's turn guards these.
	units   []string // nil if not read, with those that are gone
	model   string   // empty if not read
	bags    map[member]*bag
	written bool // a bag has pending writes
}

// member is who a databag belongs to.
type member struct {
	name string
	app  bool
}

// Endpoint returns the endpoint's name, as in charmcraft.yaml.
func (r *Relation) Endpoint() string { return r.id.Endpoint }

// ID returns the relation's number, unique in the model.
func (r *Relation) ID() int { return r.id.ID }

// String returns Juju's name of the relation, "db:3".
func (r *Relation) String() string { return r.id.String() }

// Broken reports whether the dispatch is about the end of this relation. Then
// it has no units, but our databags and the remote application's can be read.
func (r *Relation) Broken() bool {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	return r.broken
}

// App returns the remote application; in a peer relation our own.
func (r *Relation) App(ctx context.Context) (string, error) {
	if app := r.knownApp(); app != "" {
		return app, nil
	}
	if err := r.store.lock(ctx); err != nil {
		return "", err
	}
	defer r.store.unlock()
	return r.remoteApp(ctx)
}

// remoteApp asks for the remote application if it is not known.
func (r *Relation) remoteApp(ctx context.Context) (string, error) {
	if app := r.knownApp(); app != "" {
		return app, nil
	}
	app, err := r.store.client.RelationApp(ctx, r.id)
	if err != nil {
		return "", err
	}
	r.setApp(app)
	return app, nil
}

func (r *Relation) knownApp() string {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	return r.app
}

func (r *Relation) setApp(app string) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.app = app
}

// Units returns the remote units, in a peer relation the other units, sorted by
// number. They are those of relation-list: never ourselves, nor the unit that a
// departed event is about, whose databag [Relation.Remote] still has, nor peers
// that charm.WatchPeers has noticed to be gone.
func (r *Relation) Units(ctx context.Context) ([]string, error) {
	if err := r.store.lock(ctx); err != nil {
		return nil, err
	}
	defer r.store.unlock()
	units, err := r.remoteUnits(ctx)
	return slices.Clone(units), err
}

// remoteUnits returns the units, which must not be changed.
func (r *Relation) remoteUnits(ctx context.Context) ([]string, error) {
	units, err := r.listedUnits(ctx)
	r.store.mu.Lock()
	gone := r.gone
	r.store.mu.Unlock()
	if gone == nil {
		return units, err
	}
	return slices.DeleteFunc(slices.Clone(units), gone), err
}

func (r *Relation) listedUnits(ctx context.Context) ([]string, error) {
	if r.units != nil {
		return r.units, nil
	}
	listed, err := r.store.client.RelationList(ctx, r.id)
	if err != nil {
		return nil, err
	}
	units, err := r.withoutOwn(ctx, listed)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(units, compareUnits)
	r.units = units
	return units, nil
}

// withoutOwn drops ourselves and, unless this is a peer relation, all units of
// our application, which some versions of Juju 4 list (juju/juju #21713).
func (r *Relation) withoutOwn(ctx context.Context, listed []string) ([]string, error) {
	own := r.store.app + "/"
	isOwn := func(unit string) bool { return strings.HasPrefix(unit, own) }
	if i := slices.IndexFunc(listed, func(unit string) bool { return !isOwn(unit) }); i >= 0 {
		app, _, _ := strings.Cut(listed[i], "/")
		r.setApp(app)
	}
	if len(listed) == 0 {
		return []string{}, nil
	}
	app, err := r.remoteApp(ctx)
	if err != nil {
		return nil, err
	}
	units := make([]string, 0, len(listed))
	for _, unit := range listed {
		if unit != r.store.unit && (app == r.store.app || !isOwn(unit)) {
			units = append(units, unit)
		}
	}
	return units, nil
}

// compareUnits sorts db/2 before db/10, for units of one application.
func compareUnits(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// Model returns the UUID of the model that hosts the remote application.
// [hookcmd.ErrNotSupported] before Juju 3.6.2.
func (r *Relation) Model(ctx context.Context) (uuid string, err error) {
	if err := r.store.lock(ctx); err != nil {
		return "", err
	}
	defer r.store.unlock()
	if r.model == "" {
		if r.model, err = r.store.client.RelationModelGet(ctx, r.id); err != nil {
			return "", err
		}
	}
	return r.model, nil
}

// Local returns our unit's databag, which the remote units can read.
func (r *Relation) Local() Databag {
	return Databag{View{r, member{r.store.unit, false}}}
}

// LocalApp returns our application's databag. The leader can write it, the
// leader and, in a peer relation, all units can read it.
func (r *Relation) LocalApp() Databag {
	return Databag{View{r, member{r.store.app, true}}}
}

// Remote returns a remote unit's databag. Reading it is an error if the name is
// empty, as in the changed event of an application.
func (r *Relation) Remote(unit string) View {
	return View{r, member{unit, false}}
}

// RemoteApp returns the remote application's databag; in a peer relation our own.
func (r *Relation) RemoteApp() View {
	return View{r, member{"", true}} // View finds the name, which costs a command if not known
}

// RemoteUnit is a remote unit and its databag.
type RemoteUnit struct {
	Unit string
	View
}

// RemoteAll returns the databags of all of [Relation.Units], read in one round
// where the agent's socket is used.
func (r *Relation) RemoteAll(ctx context.Context) ([]RemoteUnit, error) {
	if err := r.store.lock(ctx); err != nil {
		return nil, err
	}
	defer r.store.unlock()
	units, err := r.remoteUnits(ctx)
	if err != nil {
		return nil, err
	}
	return r.read(ctx, units)
}

// RemoteOf returns the databags of some units, mostly of some of [Relation.Units], read
// in one round as [Relation.RemoteAll] does. It fails if one of them cannot be read.
func (r *Relation) RemoteOf(ctx context.Context, units []string) ([]RemoteUnit, error) {
	if err := r.store.lock(ctx); err != nil {
		return nil, err
	}
	defer r.store.unlock()
	return r.read(ctx, units)
}

// read reads the databags of units that were not read yet, and returns all.
func (r *Relation) read(ctx context.Context, units []string) ([]RemoteUnit, error) {
	if r.bags == nil {
		r.bags = make(map[member]*bag, len(units))
	}
	all := make([]RemoteUnit, len(units))
	unread := make([]string, 0, len(units))
	bags := make([]*bag, 0, len(units))
	fresh := make([]bag, len(units)) // for those that were not used yet
	for i, unit := range units {
		all[i] = RemoteUnit{unit, View{r, member{unit, false}}}
		b := r.bags[all[i].member]
		if b == nil {
			b = &fresh[i]
			r.bags[all[i].member] = b
		}
		if !b.complete {
			unread, bags = append(unread, unit), append(bags, b)
		}
	}
	contents, err := r.store.client.RelationGetAll(ctx, r.id, unread)
	if err != nil {
		return nil, err
	}
	for i, b := range bags {
		b.known, b.complete = contents[i], true
	}
	return all, nil
}

// bag returns the bag of m, which may not have been read.
func (r *Relation) bag(m member) *bag {
	b := r.bags[m]
	if b == nil {
		b = &bag{}
		if r.bags == nil {
			r.bags = make(map[member]*bag)
		}
		r.bags[m] = b
	}
	return b
}

func (r *Relation) flush(ctx context.Context, m member, set func(context.Context, hookcmd.RelationID, map[string]string) error) error {
	b := r.bags[m]
	if b == nil || len(b.pending) == 0 {
		return nil
	}
	if changes := b.changes(); len(changes) > 0 {
		if err := set(ctx, r.id, changes); err != nil {
			return err
		}
	}
	known := make(map[string]string, len(b.known)+len(b.pending)) // what was read is not ours
	maps.Copy(known, b.known)
	maps.Copy(known, b.pending)
	b.known, b.pending = known, nil
	return nil
}
