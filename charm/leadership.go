// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"time"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// leadership keeps the answer of is-leader for as long as Juju holds to it.
type leadership struct {
	client *hookcmd.Client

	turn    turn      // for what follows
	asked   time.Time // zero: never
	current bool
}

// leaseTime is how long Juju keeps a unit the leader after it said so.
const leaseTime = 30 * time.Second

func (l *leadership) isLeader(ctx context.Context) (bool, error) {
	if err := l.turn.take(ctx); err != nil {
		return false, err
	}
	defer l.turn.give()
	if !l.asked.IsZero() && (!l.current || time.Since(l.asked) < leaseTime) {
		return l.current, nil
	}
	asked := time.Now()
	leader, err := l.client.IsLeader(ctx)
	if err != nil {
		return false, err
	}
	l.asked, l.current = asked, leader
	return leader, nil
}
