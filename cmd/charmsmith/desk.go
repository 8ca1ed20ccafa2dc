// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"slices"

	"github.com/charmsmith/charmsmith/internal/desk"
)

// deskModel is a [desk.Desk] as a session needs it.
type deskModel struct{ *desk.Desk }

func openDesk(opts desk.Options) (model, error) {
	d, err := desk.New(&opts)
	if err != nil {
		return nil, err
	}
	return deskModel{d}, nil
}

func (d deskModel) apps() []appNames {
	var all []appNames
	for _, a := range d.Model().Applications() {
		names := appNames{name: a.Name}
		for _, u := range a.Units() {
			names.units = append(names.units, u.Name)
		}
		if charm := a.Charm(); charm != nil {
			names.endpoints = slices.Sorted(maps.Keys(charm.Endpoints))
			names.actions = slices.Sorted(maps.Keys(charm.Actions))
			names.options = slices.Sorted(maps.Keys(charm.Options))
		}
		all = append(all, names)
	}
	return all
}

func (d deskModel) units() []unitStatus {
	var all []unitStatus
	for _, a := range d.Model().Applications() {
		for _, u := range a.Units() {
			status := u.Workload()
			all = append(all, unitStatus{Unit: u.Name, Status: status.Status, Message: status.Message, Leader: u.IsLeader()})
		}
	}
	return all
}
