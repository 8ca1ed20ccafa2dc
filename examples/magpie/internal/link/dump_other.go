// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package link

import "errors"

// DumpNeighbours fails: only Linux has netlink.
func DumpNeighbours() ([]byte, error) {
	return nil, errors.ErrUnsupported
}
