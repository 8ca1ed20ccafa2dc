// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package mountns

import (
	"errors"
	"fmt"
)

func newStarter(Options) (starter, error) {
	return nil, fmt.Errorf("mount namespaces: %w", errors.ErrUnsupported)
}

// Help ends a program that is started to make mounts, when they are made; else it
// does nothing. It is to be called early.
func Help() {}
