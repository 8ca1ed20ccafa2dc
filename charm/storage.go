// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
)

// Storage is a storage instance of this unit. It is what a storage event
// carries, too: ev.StorageRef is one, with its location and kind, for which no
// hook command is run.
type Storage = events.StorageRef

// Storages returns this unit's instances of a storage, as named in
// charmcraft.yaml, by number; or of all storages, by name and number, if name is
// empty. There are none if the charm has no such storage.
//
// It runs one hook command for the list and one for each instance, once in a
// dispatch; none for the instance that the dispatch is about, and none for the list
// of a storage if that of all is known. Instances that Juju has not provisioned yet
// have neither Kind nor Location.
func (c *Charm) Storages(ctx context.Context, name string) ([]Storage, error) {
	d := c.model()
	ids, err := d.storageIDs(ctx, name)
	if err != nil {
		return nil, err
	}
	list := make([]Storage, len(ids))
	for i, id := range ids {
		asked, err := d.storage(ctx, id)
		if err != nil {
			return nil, err
		}
		list[i] = asked.Storage
	}
	return list, nil
}

// storageIDs returns the IDs of the instances of a storage, or of all, sorted. They
// are shared.
func (d *dispatch) storageIDs(ctx context.Context, name string) ([]string, error) {
	const list = "storage-list "
	return once(ctx, &d.facts, list+name, func() ([]string, error) {
		if all, ok := d.facts.answers[list].([]string); ok {
			others := func(id string) bool { return !strings.HasPrefix(id, name+"/") }
			return slices.DeleteFunc(slices.Clone(all), others), nil
		}
		ids, err := d.client.StorageList(ctx, name)
		slices.SortFunc(ids, compareStorageIDs)
		return ids, err
	})
}

// Storage returns an instance of this unit by its ID, "data/0".
// [hookcmd.ErrStorageNotFound] if it is not attached, or not yet provisioned. Juju is
// asked once in a dispatch.
func (c *Charm) Storage(ctx context.Context, id string) (Storage, error) {
	d := c.model()
	if name, number, _ := strings.Cut(id, "/"); !isModelName(name) || !isNumber(number) {
		return Storage{}, fmt.Errorf("cannot get storage %q: it is no storage ID; those are like \"data/0\"", id)
	}
	asked, err := d.storage(ctx, id)
	if err == nil {
		err = asked.missing
	}
	if err != nil {
		return Storage{}, err
	}
	return asked.Storage, nil
}

// askedStorage is what storage-get has told of an instance.
type askedStorage struct {
	Storage       // without Kind and Location if it is missing
	missing error // it is not attached, or not yet provisioned
}

func (d *dispatch) storage(ctx context.Context, id string) (askedStorage, error) {
	return once(ctx, &d.facts, "storage-get "+id, func() (askedStorage, error) {
		name, _, _ := strings.Cut(id, "/")
		s := Storage{Storage: name, ID: id}
		if lookup(d.env, "JUJU_STORAGE_ID") == id {
			s.Kind, s.Location = lookup(d.env, "JUJU_STORAGE_KIND"), lookup(d.env, "JUJU_STORAGE_LOCATION")
			if s.Kind != "" && s.Location != "" {
				return askedStorage{s, nil}, nil
			}
		}
		info, err := d.client.StorageGet(ctx, id)
		if errors.Is(err, hookcmd.ErrStorageNotFound) {
			return askedStorage{s, err}, nil
		}
		s.Kind, s.Location = info.Kind, info.Location
		return askedStorage{s, nil}, err
	})
}

// AddStorage asks for count more instances of a storage. Juju makes them after
// the dispatch has succeeded, and sends storage-attached for each. Whether the
// charm has such a storage, and may have that many, Juju checks only then: if
// not, the dispatch fails. A unit that is being removed gets none.
func (c *Charm) AddStorage(ctx context.Context, name string, count int) error {
	d := c.model()
	switch {
	case !isModelName(name):
		return fmt.Errorf("cannot add storage %q: it is no name of a storage", name)
	case count < 1:
		return fmt.Errorf("cannot add storage %q: the count is %d; at least one can be added", name, count)
	}
	return d.client.StorageAdd(ctx, name, count)
}

// isModelName reports whether Juju takes the name of a storage, or of an application:
// parts of lower-case letters and digits between dashes, each with a letter, the first
// with that first.
func isModelName(name string) bool {
	for part := range strings.SplitSeq(name, "-") {
		isLetter := func(r rune) bool { return 'a' <= r && r <= 'z' }
		isOther := func(r rune) bool { return !isLetter(r) && (r < '0' || r > '9') }
		if !strings.ContainsFunc(part, isLetter) || strings.ContainsFunc(part, isOther) {
			return false
		}
	}
	return name[0] > '9'
}

func isNumber(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && strconv.Itoa(n) == s && n >= 0
}

// compareStorageIDs sorts data/2 before data/10.
func compareStorageIDs(a, b string) int {
	nameA, numberA, _ := strings.Cut(a, "/")
	nameB, numberB, _ := strings.Cut(b, "/")
	return cmp.Or(strings.Compare(nameA, nameB), cmp.Compare(len(numberA), len(numberB)), strings.Compare(numberA, numberB))
}
