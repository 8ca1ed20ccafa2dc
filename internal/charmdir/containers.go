// SPDX-License-Identifier: Apache-2.0

package charmdir

import (
	"fmt"
	"strings"
)

const (
	fileResource  = "file"
	imageResource = "oci-image"
)

func (c *Charm) readResources(o *object) {
	for name, at := range o.object("resources", "").items("resource") {
		if name == "" {
			at.failf("name must not be empty")
		}
		r := Resource{
			Name:        name,
			Type:        at.oneOf("type", fileResource, fileResource, imageResource),
			Filename:    at.text("filename"),
			Description: at.text("description"),
		}
		if r.Type == fileResource {
			at.filledText("filename")
			if strings.Contains(r.Filename, "/") {
				at.failf("filename %s must not have a slash", describe(r.Filename))
			}
		}
		put(&c.Resources, name, r)
	}
}

func (c *Charm) readContainers(o *object) {
	containers := o.object("containers", "")
	for name, value := range containers.fields {
		if value == nil { // "web:", as charmcraft takes it, and charms in use have it
			containers.fields[name] = map[string]any{}
		}
	}
	for name, at := range containers.items("container") {
		checkName(at, "name", name, containerName)
		container := Container{
			Name:     name,
			Resource: at.text("resource"),
			UID:      readUser(at, "uid"),
			GID:      readUser(at, "gid"),
		}
		if container.Resource != "" {
			if resource, ok := c.Resources[container.Resource]; !ok {
				at.failf("resource %s must be one of the charm's resources", describe(container.Resource))
			} else if resource.Type != imageResource {
				at.failf("resource %s must be of type %q, not %q", describe(container.Resource), imageResource, resource.Type)
			}
		}
		for i, value := range at.list("mounts") {
			fields, ok := value.(map[string]any)
			if !ok {
				at.failf("mount %d must be a map, not %s", i+1, describe(value))
			}
			mount := at.child(fmt.Sprintf("%smount %d: ", at.prefix, i+1), fields)
			m := Mount{Storage: mount.filledText("storage"), Location: mount.filledText("location")}
			if _, ok := c.Storage[m.Storage]; !ok {
				mount.failf("storage %s must be one of the charm's storage", describe(m.Storage))
			}
			container.Mounts = append(container.Mounts, m)
		}
		put(&c.Containers, name, container)
	}
}

// readUser reads the id of a user or group, of which Juju keeps some.
func readUser(at *object, key string) *int {
	id, ok := at.integer(key)
	if !ok {
		return nil
	}
	if id >= 1000 && id < 10000 {
		at.failf("%s %d is reserved: it must be below 1000 or above 9999", key, id)
	}
	return &id
}
