// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"sync"
)

// turn is a mutex that is waited for until a context ends: it is held while hook
// commands run. The zero value is free.
type turn struct {
	init sync.Once
	free chan struct{} // holds one token, while somebody has the turn
}

func (t *turn) take(ctx context.Context) error {
	t.init.Do(func() { t.free = make(chan struct{}, 1) })
	select {
	case t.free <- struct{}{}: // also if ctx has ended: select chooses at random
		return nil
	default:
	}
	select {
	case t.free <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *turn) give() { <-t.free }
