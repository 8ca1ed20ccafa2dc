// SPDX-License-Identifier: Apache-2.0

package juju

import "maps"

// bag is what a databag holds at one time. It is never changed: a write makes
// another one.
type bag struct {
	data    map[string]string
	version uint32 // counts the writes of its owner, from 1
}

// contents returns what a databag holds, which nobody changes; nil has nothing.
func (b *bag) contents() map[string]string {
	if b == nil {
		return nil
	}
	return b.data
}

// with returns the bag after changes, of which empty values delete; b itself if
// they change nothing.
func (b *bag) with(changes map[string]string) *bag {
	old := b.contents()
	changed := false
	for key, value := range changes {
		if old[key] != value {
			changed = true
			break
		}
	}
	if !changed {
		return b
	}
	next := &bag{data: make(map[string]string, len(old)+len(changes)), version: 1}
	if b != nil {
		next.version = b.version + 1
	}
	maps.Copy(next.data, old)
	for key, value := range changes {
		if value == "" {
			delete(next.data, key)
		} else {
			next.data[key] = value
		}
	}
	return next
}
