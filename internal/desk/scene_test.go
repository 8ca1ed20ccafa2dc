// SPDX-License-Identifier: Apache-2.0

package desk_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/desk"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// scene is a model whose charms do what a test says.
type scene struct {
	t *testing.T
	m *juju.Model
	// hooks has by "app/0 start", or "start" for all units, hook commands of
	// words between "|"; "fail" fails.
	hooks map[string][]string
	// during is called while a hook runs; nil: nothing is.
	during func(hook string)
	engine *juju.Engine
}

func newScene(t *testing.T, opts juju.Options, hooks map[string][]string) *scene {
	t.Helper()
	opts.Name, opts.NoRetry = "desk", true
	return &scene{t: t, m: juju.New(&opts), hooks: hooks}
}

func (s *scene) Execute(ctx context.Context, h *juju.Hook) juju.Exit {
	hook := h.Unit().Name + " " + h.Name()
	if s.during != nil {
		s.during(hook)
	}
	for _, line := range append(s.hooks[hook], s.hooks[h.Name()]...) {
		words := strings.Split(line, "|")
		err := errors.New("it is to fail")
		if words[0] != "fail" {
			_, err = h.Run(ctx, hookcmd.Call{Command: words[0], Args: words[1:]})
		}
		if err != nil {
			return juju.Exit{Code: 1, Err: err}
		}
	}
	return juju.Exit{}
}

// deploy deploys a charm of that metadata and config.yaml, and settles.
func (s *scene) deploy(name, metadata, config string, units int, values map[string]any) *juju.Application {
	s.t.Helper()
	files := charmdir.Files{Metadata: []byte("name: " + name + "\nsummary: x\ndescription: x\n" + metadata + "\n")}
	if config != "" {
		files.Config = []byte(config)
	}
	charm, err := charmdir.Parse(files)
	require.NoError(s.t, err)
	a, err := s.m.Deploy(juju.Deployment{Charm: charm, Executor: s, Units: units, Config: values})
	require.NoError(s.t, err)
	s.settle()
	return a
}

func (s *scene) relate(app, endpoint, other, otherEndpoint string) *juju.Relation {
	s.t.Helper()
	r, err := s.m.Relate(app, endpoint, other, otherEndpoint)
	require.NoError(s.t, err)
	s.settle()
	return r
}

func (s *scene) settle() {
	s.t.Helper()
	_, err := s.m.Settle(s.t.Context(), nil)
	require.NoError(s.t, err)
}

// desk returns a Desk over the model, which then changes by lines only.
func (s *scene) desk(opts desk.Options) *desk.Desk {
	if s.engine == nil {
		s.engine = s.m.Start(juju.EngineOptions{})
		s.t.Cleanup(s.engine.Stop)
	}
	return desk.Over(s.m, s.engine, opts)
}

// print returns what a line prints.
func (s *scene) print(line string, opts desk.Options) string {
	s.t.Helper()
	var out bytes.Buffer
	opts.Out = &out
	l, err := desk.Parse(line)
	require.NoError(s.t, err)
	require.NoError(s.t, s.desk(opts).Do(s.t.Context(), l))
	return out.String()
}
