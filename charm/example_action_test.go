// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
)

// backupParams are the parameters of the action, as charmcraft.yaml has them:
//
//	actions:
//	  backup:
//	    params:
//	      target: {type: string}
//	      keep: {type: integer, default: 3}
//	      compress: {type: boolean}
//	    required: [target]
type backupParams struct {
	Target   string `json:"target"`
	Keep     int    `json:"keep"`     // charmcraft.yaml has a default: it is always given
	Compress *bool  `json:"compress"` // nil: not given
}

// backupResult becomes the results "file.name", "file.bytes" and "removed".
type backupResult struct {
	File    backupFile `json:"file"`
	Removed []string   `json:"removed"`
}

type backupFile struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

type backupCharm struct{ *charm.Charm }

func (a *backupCharm) backup(ctx context.Context, in backupParams) (out backupResult, err error) {
	if in.Target == "/dev/null" {
		return out, errors.New("nothing would be left of the backup") // what the operator is told
	}
	if err := a.ActionLog(ctx, "writing to "+in.Target); err != nil {
		return out, err
	}
	out.File = backupFile{Name: in.Target + "/monday.tar", Bytes: 1 << 20}
	return out, nil
}

func ExampleOnAction() {
	register := func(c *charm.Charm) {
		a := &backupCharm{c}
		charm.OnAction(c, "backup", a.backup)
	}
	env, err := events.Environ(events.Action{Action: "backup", ID: "1"}, "db/0")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, params := range []string{
		`{"target": "/srv", "keep": 3}`,
		`{"target": "/dev/null", "keep": 3}`,
		`{"target": "/srv", "keep": 1.5}`,
	} {
		err := charm.Run(context.Background(), register, &charm.Options{Env: env, Runner: answers{
			"action-get --format=json": params,
		}})
		fmt.Println("error:", err)
	}
	// Output:
	// action-get --format=json
	// action-log -- writing to /srv
	// action-set -- file.bytes=1048576 file.name=/srv/monday.tar removed=[]
	// error: <nil>
	// action-get --format=json
	// action-fail -- nothing would be left of the backup
	// error: <nil>
	// action-get --format=json
	// action-fail -- parameter "keep": must be an integer, not 1.5
	// error: <nil>
}

func ExampleCharm_ActionLog() {
	register := func(c *charm.Charm) {
		charm.OnAction(c, "migrate", func(ctx context.Context, _ struct{}) (struct{}, error) {
			for _, table := range []string{"users", "orders"} {
				if err := c.ActionLog(ctx, "migrating "+table); err != nil {
					return struct{}{}, err
				}
			}
			return struct{}{}, nil
		})
	}
	env, err := events.Environ(events.Action{Action: "migrate", ID: "1"}, "db/0")
	if err != nil {
		fmt.Println(err)
		return
	}
	err = charm.Run(context.Background(), register, &charm.Options{Env: env, Runner: answers{"action-get --format=json": "{}"}})
	fmt.Println("error:", err)
	// Output:
	// action-get --format=json
	// action-log -- migrating users
	// action-log -- migrating orders
	// error: <nil>
}
