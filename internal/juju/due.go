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

// DispatchRemoval runs the next hook of a unit that is being removed; the hook is
// nil if there is none, and the unit then is dead.
func (m *Model) DispatchRemoval(ctx context.Context, u *Unit) (*Hook, Outcome, error) {
	h, outcome, err := m.dispatchDue(ctx, u, (*agent).next)
	if h == nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		u.agent.rest()
	}
	return h, outcome, err
}

// DispatchCommands runs a juju-exec that is queued, whatever its unit's agent
// would do first.
func (m *Model) DispatchCommands(ctx context.Context, u *Unit, c *Commands) *Hook {
	h, _, _ := m.dispatchDue(ctx, u, func(*agent) (hookInfo, bool) {
		return hookInfo{kind: runCommands, commands: c, member: c.member, slot: c.slot}, true
	})
	return h
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
	m.clock.moveTo(end)
}
