// SPDX-License-Identifier: Apache-2.0

package hookcmd

import (
	"context"
	"strconv"
)

// StorageInfo is what a unit knows of a storage instance.
type StorageInfo struct {
	Kind     string `json:"kind"`     // "filesystem" or "block"
	Location string `json:"location"` // its mount point or device
}

// StorageList returns the IDs, such as "data/0", of this unit's instances of a
// storage, or of all if name is empty; in no order.
func (c *Client) StorageList(ctx context.Context, name string) ([]string, error) {
	call := newCall("storage-list")
	if name != "" {
		call.Args = append(call.Args, "--", name)
	}
	return read[[]string](ctx, c, call)
}

// StorageGet returns a storage instance. [ErrStorageNotFound] if it is not
// attached to this unit, or not yet provisioned.
func (c *Client) StorageGet(ctx context.Context, id string) (StorageInfo, error) {
	return read[StorageInfo](ctx, c, newCall("storage-get", "-s", id))
}

// StorageAdd asks for count more instances of a storage, if the hook succeeds;
// Juju then checks whether the charm may have them.
func (c *Client) StorageAdd(ctx context.Context, name string, count int) error {
	return c.write(ctx, Call{Command: "storage-add", Args: []string{"--", name + "=" + strconv.Itoa(count)}})
}

// ResourceGet returns the path of a resource's file, after fetching it if need
// be. For an OCI image the file holds the image's registry details, and has the
// same path for all images: read it before you fetch the next.
// [ErrResourceNotFound] if there is no such resource.
func (c *Client) ResourceGet(ctx context.Context, name string) (path string, err error) {
	return c.readLine(ctx, Call{Command: "resource-get", Args: []string{"--", name}})
}
