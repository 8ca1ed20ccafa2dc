// SPDX-License-Identifier: Apache-2.0

package juju

// Resource is what an application's resource holds.
type Resource struct {
	Type    string // "file" or "oci-image"
	Path    string // where resource-get says it is
	Content []byte
}
