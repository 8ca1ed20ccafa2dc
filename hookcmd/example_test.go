// SPDX-License-Identifier: Apache-2.0

package hookcmd_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// follower is a Runner as a unit that is not the leader sees it.
type follower struct{}

func (follower) Run(_ context.Context, call hookcmd.Call) ([]byte, error) {
	fmt.Println("$", call.Command, strings.Join(call.Args, " "))
	if call.Command == "is-leader" {
		return []byte("false\n"), nil
	}
	return nil, hookcmd.NewError(call, 1, "ERROR this unit is not the leader\n")
}

// A Client has a method for each hook command, and stands on any Runner: that
// of a charm is made by NewAuto.
func Example() {
	client := hookcmd.New(follower{}, nil)
	ctx := context.Background()

	leader, err := client.IsLeader(ctx)
	fmt.Println(leader, err)

	err = client.StatusSetApp(ctx, "active", "ready")
	fmt.Println(err)
	if errors.Is(err, hookcmd.ErrNotLeader) {
		fmt.Println("left to the leader")
	}
	// Output:
	// $ is-leader --format=json
	// false <nil>
	// $ status-set --application -- active ready
	// cannot run "status-set --application -- active ready": this unit is not the leader (exit code 1)
	// left to the leader
}
