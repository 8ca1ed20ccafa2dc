// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"context"
	"time"
)

// DispatchSecret runs the secret hook of a unit that is due, if there is one;
// the hook is nil if not.
func (m *Model) DispatchSecret(ctx context.Context, u *Unit) (*Hook, Outcome, error) {
	return m.dispatchDue(ctx, u, (*agent).nextSecret)
}

// DispatchStorage runs the storage hook of a unit that is due, if there is one;
// the hook is nil if not.
func (m *Model) DispatchStorage(ctx context.Context, u *Unit) (*Hook, Outcome, error) {
	return m.dispatchDue(ctx, u, (*agent).nextStorage)
}

func (m *Model) dispatchDue(ctx context.Context, u *Unit, next func(*agent) (hookInfo, bool)) (*Hook, Outcome, error) {
	m.mu.Lock()
	info, ok := next(u.agent)
	if !ok {
		m.mu.Unlock()
		return nil, Succeeded, nil
	}
	h := m.begin(u, info)
	m.mu.Unlock()
	return m.execute(ctx, h)
}

// Pass moves the time, and makes due what falls into it, without running hooks.
func (m *Model) Pass(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	end := m.clock.now.Add(d)
	for m.clock.fireNext(end) {
	}
	m.clock.now = end
}
