// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// OCIImage is what a resource of type oci-image says: where an image is, and what
// its registry has to be told.
type OCIImage struct {
	RegistryPath string              // "registry.example.com/team/app@sha256:…"
	Username     string              // empty if the registry is public
	Password     hookcmd.SecretValue // likewise; it prints as "[redacted]"
}

// ResourcePath returns the path of a file resource, as named in charmcraft.yaml,
// after Juju has fetched it if need be: that can take a while. Juju is asked once
// in a dispatch. [hookcmd.ErrResourceNotFound] if there is no such resource; of one
// that the operator has not given yet, Juju can say the same, or fail otherwise.
// While a resource is fetched, other calls for resources wait, and no other methods do.
//
// Resources whose files have the same name share one path, and the file is that
// of the resource asked for last. So it is with all resources of type oci-image,
// for which [Charm.OCIImage] is. Of those Juju is asked whenever another one has
// taken the path; read the file before you ask for the next.
func (c *Charm) ResourcePath(ctx context.Context, name string) (string, error) {
	d := c.model()
	if name == "" {
		return "", errNoResource
	}
	r := &d.facts.resources
	if err := r.turn.take(ctx); err != nil {
		return "", err
	}
	defer r.turn.give()
	if path, ok := r.paths[name]; ok {
		return path, nil
	}
	return r.fetch(ctx, &d.client, name)
}

var errNoResource = errors.New("cannot get resource: its name is empty")

// OCIImage returns what a resource of type oci-image says. Juju is asked once in
// a dispatch. Although Juju keeps all images in one file, each is read before
// another is fetched, also by concurrent calls. [hookcmd.ErrResourceNotFound] is
// returned as by [Charm.ResourcePath]. Errors do not quote the file.
func (c *Charm) OCIImage(ctx context.Context, name string) (OCIImage, error) {
	d := c.model()
	if name == "" {
		return OCIImage{}, errNoResource
	}
	r := &d.facts.resources
	if err := r.turn.take(ctx); err != nil {
		return OCIImage{}, err
	}
	defer r.turn.give()
	if image, ok := r.images[name]; ok {
		return image, nil
	}
	path, err := r.fetch(ctx, &d.client, name)
	if err != nil {
		return OCIImage{}, err
	}
	image, err := readImage(path)
	if err != nil {
		return OCIImage{}, fmt.Errorf("cannot read image resource %q: %w", name, err)
	}
	if r.images == nil {
		r.images = make(map[string]OCIImage)
	}
	r.images[name] = image
	return image, nil
}

// resources is what this dispatch has fetched. Its turn is not that of the other
// facts, which need not wait for a download; it is one for all resources, as their
// files can be the same.
type resources struct {
	turn   turn // for what follows, and the files
	paths  map[string]string
	images map[string]OCIImage
}

// fetch asks for a resource's path; who has the turn calls it. From now on the
// file there is of no other resource.
func (r *resources) fetch(ctx context.Context, client *hookcmd.Client, name string) (string, error) {
	path, err := client.ResourceGet(ctx, name)
	if err != nil {
		return "", err
	}
	maps.DeleteFunc(r.paths, func(_, taken string) bool { return taken == path })
	if r.paths == nil {
		r.paths = make(map[string]string)
	}
	r.paths[name] = path
	return path, nil
}

// maxImage is more than what an image's file can have.
const maxImage = 64 << 10

func readImage(path string) (OCIImage, error) {
	f, err := os.Open(path)
	if err != nil {
		return OCIImage{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxImage+1))
	if err != nil {
		return OCIImage{}, err
	}
	if len(text) > maxImage {
		return OCIImage{}, fmt.Errorf("%s has more than %d bytes: it is no image's", path, maxImage)
	}
	image, err := parseImage(text)
	if err != nil {
		return OCIImage{}, fmt.Errorf("%s: %w", path, err)
	}
	return image, nil
}
