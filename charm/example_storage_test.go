// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"fmt"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// archive keeps its data on filesystems.
type archive struct{ *charm.Charm }

func (a *archive) register(c *charm.Charm) {
	a.Charm = c
	charm.OnStorage(c, "data", a.attached)
	charm.On(c, a.grow)
}

// attached needs no hook command: the event has the location and the kind.
func (a *archive) attached(_ context.Context, ev events.StorageAttached) error {
	a.serve(ev.StorageRef)
	return nil
}

// grow asks for another instance, which is attached in an event of its own.
func (a *archive) grow(ctx context.Context, _ events.UpdateStatus) error {
	disks, err := a.Storages(ctx, "data")
	if err != nil {
		return err
	}
	for _, disk := range disks {
		a.serve(disk)
	}
	return a.AddStorage(ctx, "data", 1)
}

func (a *archive) serve(disk charm.Storage) {
	fmt.Println("serving from", disk.Kind, disk.ID, "at", disk.Location)
}

const archiveMetadata = `
type: charm
name: archive
summary: An archive.
description: It keeps data on filesystems.
storage:
  data: {type: filesystem, multiple: {range: 1-}}
`

func ExampleCharm_Storages() {
	state := charmtest.State{Metadata: archiveMetadata}
	data := events.StorageRef{Storage: "data", ID: "data/0", Kind: "filesystem", Location: "/srv/data"}
	state.Storage = []charmtest.Storage{{ID: data.ID, Kind: data.Kind, Location: data.Location}}
	for _, ev := range []events.Event{events.StorageAttached{StorageRef: data}, events.UpdateStatus{}} {
		out, err := charmtest.Run(new(archive).register, ev, state)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, call := range out.Calls {
			fmt.Println(ev.Name()+":", call)
		}
	}
	// Output:
	// serving from filesystem data/0 at /srv/data
	// serving from filesystem data/0 at /srv/data
	// update-status: storage-list --format=json -- data
	// update-status: storage-get --format=json -s data/0
	// update-status: storage-add -- data=1
}
