// SPDX-License-Identifier: Apache-2.0

package relation_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// While a hook command of one goroutine hangs, the others wait no longer than
// they want to.
func TestOthersDoNotHang(t *testing.T) {
	t.Parallel()
	agent, store, rel := newDB()
	running, release := make(chan struct{}), make(chan struct{})
	agent.Intercept = func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
		if call.Command == "relation-get" {
			close(running)
			<-release
		}
		return hookcmdtest.Answer{}, false
	}
	ended := make(chan error)
	go func() {
		_, err := rel.Remote("mysql/2").Get(t.Context(), "host")
		ended <- err
	}()
	<-running

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := rel.Remote("mysql/10").Get(ctx, "host")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, rel.Local().Set(ctx, "a", "1"), context.DeadlineExceeded)
	require.ErrorIs(t, store.Flush(ctx), context.DeadlineExceeded)
	_, err = rel.Units(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.False(t, rel.Broken())
	app, err := store.Relation(db3, "mysql").App(ctx)
	require.NoError(t, err, "what is known needs no turn")
	assert.Equal(t, "mysql", app)

	close(release)
	require.NoError(t, <-ended)
}
