// SPDX-License-Identifier: Apache-2.0

//go:build linux

package daemon_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/daemon"
)

// Every hook makes sure that the process runs. Here the process is the program
// of this test, which calls Hold and Ready if its first argument is "serve".
func Example() {
	ctx := context.Background()
	parent, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(parent)
	dir := filepath.Join(parent, "magpie-0")
	spec := daemon.Spec{Dir: dir, Args: []string{"serve", dir}}

	for _, hook := range []string{"start", "update-status"} {
		status, err := daemon.Ensure(ctx, spec)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: started %t\n", hook, status.Started)
	}
	if err := daemon.Stop(ctx, dir, nil); err != nil { // in the stop hook
		log.Fatal(err)
	}

	// Output:
	// start: started true
	// update-status: started false
}
