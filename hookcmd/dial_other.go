// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package hookcmd

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// dial fails: charms run on Linux; elsewhere the package serves tests only.
func dial(_ context.Context, address string, _ <-chan struct{}) (*os.File, error) {
	return nil, fmt.Errorf("cannot connect to %q: %w", address, errors.ErrUnsupported)
}
