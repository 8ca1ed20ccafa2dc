// SPDX-License-Identifier: Apache-2.0

package charmsource

import (
	"context"
	"os"
)

// Unpack unpacks a .charm file of at most so many bytes. Its own limit is more than
// a test should write.
func Unpack(ctx context.Context, path string, to *os.Root, most int64) error {
	a, err := openArchive(path)
	if err != nil {
		return err
	}
	defer a.Close()
	return a.unpack(ctx, to, most)
}
