// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/juju"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// held is an Executor whose charm runs until it is released.
type held struct {
	began   chan *juju.Hook
	release chan struct{}
}

func (e held) Execute(_ context.Context, h *juju.Hook) juju.Exit {
	e.began <- h
	<-e.release
	return juju.Exit{}
}

func TestHookIsARunner(t *testing.T) {
	t.Parallel()
	hookcmdtest.TestLocalRunner(t, func(t *testing.T, handler hookcmdtest.Handler) hookcmd.Runner {
		charm, err := charmdir.Parse(charmdir.Files{Charmcraft: []byte("{type: charm, name: app, summary: s, description: d}")})
		require.NoError(t, err)
		m := juju.New(nil)
		e := held{make(chan *juju.Hook), make(chan struct{})}
		_, err = m.Deploy(juju.Deployment{Charm: charm, Executor: e, Units: 1})
		require.NoError(t, err)
		m.Intercept(func(_ string, r juju.Request) *juju.Response {
			answer := handler(hookcmd.Call{Command: r.Command, Args: r.Args, Stdin: r.Stdin})
			return &juju.Response{Stdout: []byte(answer.Stdout), Stderr: []byte(answer.Stderr), Code: answer.Code}
		})
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			m.Step(context.Background())
		}()
		t.Cleanup(func() {
			close(e.release)
			<-ended
		})
		return <-e.began
	})
}
