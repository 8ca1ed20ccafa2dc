// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

func ExampleStored() {
	register := func(c *charm.Charm) {
		starts := charm.NewStored[int](c, "starts")
		charm.On(c, func(ctx context.Context, ev events.Start) error {
			n, err := starts.Get(ctx)
			if err != nil {
				return err
			}
			return starts.Set(ctx, n+1)
		})
	}
	state := charmtest.State{Metadata: keeper}
	for range 3 {
		var err error
		if state, err = charmtest.Run(register, events.Start{}, state); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(state.Stored)
	// Output:
	// map[starts:3]
}

// What version 1 of a charm has stored, a name, is read by version 2.
func ExampleStored_Version() {
	type owner struct{ Name, Mail string }
	register := func(c *charm.Charm) {
		stored := charm.NewStored[owner](c, "owner").Version(1, func(from int, data []byte) (o owner, err error) {
			return o, json.Unmarshal(data, &o.Name) // of version 0, which had none
		})
		charm.On(c, func(ctx context.Context, ev events.UpgradeCharm) error {
			o, err := stored.Get(ctx)
			if err != nil {
				return err
			}
			return stored.Set(ctx, o)
		})
	}
	before := charmtest.State{Metadata: keeper, Stored: map[string]string{"owner": `"ana"`}}
	after, err := charmtest.Run(register, events.UpgradeCharm{}, before)
	fmt.Println(after.Stored["owner"], err)
	// Output:
	// {"charmsmith-version":1,"data":{"Name":"ana","Mail":""}} <nil>
}
