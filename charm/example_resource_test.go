// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

func ExampleCharm_ResourcePath() {
	register := func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.Install) error {
			path, err := c.ResourcePath(ctx, "pages")
			if err != nil {
				return c.SetStatus(ctx, charm.Blocked("juju attach-resource "+c.Application()+" pages=FILE"))
			}
			fmt.Println("unpacking", path)
			return nil
		})
	}
	out, err := charmtest.Run(register, events.Install{}, charmtest.State{Metadata: siteMetadata})
	fmt.Println(out.Status.Message, err)
	_, err = charmtest.Run(register, events.Install{}, charmtest.State{Metadata: siteMetadata, Resources: map[string]string{"pages": "/srv/pages.tar"}})
	fmt.Println(err)
	// Output:
	// juju attach-resource web pages=FILE <nil>
	// unpacking /srv/pages.tar
	// <nil>
}

// The password of a registry is not shown unless it is asked for.
func ExampleCharm_OCIImage() {
	register := func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.Install) error {
			image, err := c.OCIImage(ctx, "server")
			fmt.Printf("%+v\n", image)
			return err
		})
	}
	dir, err := os.MkdirTemp("", "image") // in a test, its t.TempDir
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "content.yaml")
	if err := os.WriteFile(file, []byte("registrypath: ghcr.io/team/web:1\nusername: web\npassword: hunter2\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	_, err = charmtest.Run(register, events.Install{}, charmtest.State{Metadata: siteMetadata, Resources: map[string]string{"server": file}})
	fmt.Println(err)
	// Output:
	// {RegistryPath:ghcr.io/team/web:1 Username:web Password:[redacted]}
	// <nil>
}
