// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// crowd is a world whose hooks run at once, while operators change it.
type crowd struct {
	*world
	e *juju.Engine

	mu      sync.Mutex // guards the world but its model and what only operators use, and:
	charms  *rand.Rand
	pending map[string][]outcome // by unit of the hooks that were not told to have ended
	active  map[*juju.Unit]int   // by machine, or pod, hooks that run
	most    int                  // at once
	broken  []string             // rules
	configs int
}

// outcome is what a hook did that counts only if it succeeds.
type outcome struct {
	line   string
	config string
	forget func(reading) bool
	read   map[reading]map[string]string
}

const crowdActions = "act: {params: {n: {type: integer}}}"

func newCrowd(t *testing.T, seed uint64) *crowd {
	t.Helper()
	version := "4.1.0"
	if seed%2 == 1 {
		version = "3.6.26"
	}
	w := &world{
		cast:   newCast(t, &juju.Options{Seed: seed, Version: version, CAAS: seed%3 == 0, TextOnly: seed%5 == 0, RecordCalls: seed%7 == 0}),
		random: rand.New(rand.NewPCG(seed, 2)),
		read:   make(map[reading]map[string]string), config: make(map[string]string), units: make(map[string]*juju.Unit), suspended: make(map[int]bool),
	}
	c := &crowd{world: w, charms: rand.New(rand.NewPCG(seed, 3)), pending: make(map[string][]outcome), active: make(map[*juju.Unit]int)}
	w.m.SetFaults(juju.Faults{Restart: int(seed % 3), Kill: int(seed % 4)})
	c.e = w.m.Start(juju.EngineOptions{Parallel: 4, Report: c.report})
	for _, name := range []string{"app", "mysql", "sub"} {
		charm := crowdCharm(t, name)
		units := 1 + w.random.IntN(3)
		if name == "sub" {
			units = 0
		}
		_, err := w.m.Deploy(juju.Deployment{Charm: charm, Executor: c, Units: units})
		require.NoError(t, err)
	}
	return c
}

func crowdCharm(t *testing.T, name string) *charmdir.Charm {
	t.Helper()
	charm, err := charmdir.Parse(charmdir.Files{
		Metadata: []byte("name: " + name + "\nsummary: x\ndescription: x\n" + worldCharms[name]),
		Config:   []byte("options: {n: {type: int, default: 0}}"), Actions: []byte(crowdActions),
	})
	require.NoError(t, err)
	return charm
}

// host is where only one hook runs at a time.
func (c *crowd) host(u *juju.Unit) *juju.Unit {
	if p := u.Principal(); p != nil && !c.m.Options().CAAS {
		return p
	}
	return u
}

func (c *crowd) Execute(ctx context.Context, h *juju.Hook) juju.Exit {
	u, host := h.Unit(), c.host(h.Unit())
	c.mu.Lock()
	if c.active[host]++; c.active[host] > 1 {
		c.broken = append(c.broken, u.Name+" runs beside another hook of its machine")
	}
	if c.most = max(c.most, len(c.active)); len(c.active) > 4 {
		c.broken = append(c.broken, "more hooks run than may")
	}
	c.units[u.Name] = u
	plan := rand.New(rand.NewPCG(c.charms.Uint64(), 4))
	fails := c.fails > 0 && plan.IntN(20) == 0
	if fails {
		c.fails--
	}
	writes := c.writes > 0 && plan.IntN(3) == 0
	if writes {
		c.writes--
	}
	c.mu.Unlock()

	err := c.hook(ctx, h, plan, fails, writes)

	c.mu.Lock()
	if c.active[host]--; c.active[host] == 0 {
		delete(c.active, host)
	}
	c.mu.Unlock()
	switch {
	case err == nil:
		return juju.Exit{}
	case errors.Is(err, errKilled):
		return juju.Exit{Signal: syscall.SIGKILL}
	}
	return juju.Exit{Code: 1, Err: err}
}

// hook is what a charm does: several things at once.
func (c *crowd) hook(ctx context.Context, h *juju.Hook, plan *rand.Rand, fails, writes bool) error {
	client := hookcmd.New(h, nil)
	o := outcome{line: h.Unit().Name + " " + h.Name() + about(h)}
	var all sync.WaitGroup
	var noted, wrote error
	all.Go(func() { noted = c.notes(ctx, h, client, &o) })
	if writes {
		seed := plan.Uint64()
		all.Go(func() { wrote = c.writeSome(ctx, h, client, rand.New(rand.NewPCG(seed, 5))) })
	}
	for range plan.IntN(4) {
		runtime.Gosched()
	}
	all.Wait()
	c.mu.Lock()
	c.pending[h.Unit().Name] = append(c.pending[h.Unit().Name], o)
	c.mu.Unlock()
	switch {
	case fails && plan.IntN(2) == 0:
		return errKilled
	case fails:
		return errors.New("it is spoilt")
	}
	return errors.Join(noted, wrote)
}

// notes reads what the hook is about.
func (c *crowd) notes(ctx context.Context, h *juju.Hook, client *hookcmd.Client, o *outcome) (err error) {
	unit := h.Unit().Name
	switch ev := h.Event().(type) {
	case events.ConfigChanged:
		values, err := client.ConfigGet(ctx)
		o.config = string(values["n"])
		return err
	case events.RelationEvent:
		ref := ev.Ref()
		id := hookcmd.RelationID{Endpoint: ref.Endpoint, ID: ref.ID}
		owner, _, _ := strings.Cut(strings.Trim(about(h), " ()"), ";")
		at := reading{unit, ref.ID, owner}
		var bag map[string]string
		switch kind := strings.TrimPrefix(h.Name(), ref.Endpoint+"-relation-"); {
		case kind == "departed":
			o.forget = func(r reading) bool { return r == at }
			return nil
		case kind == "created":
			o.forget = func(r reading) bool { return r.reader == unit && r.relation == ref.ID }
			return nil
		case owner == "":
			return nil
		case strings.Contains(owner, "/"):
			bag, err = client.RelationGet(ctx, id, owner)
		default:
			bag, err = client.RelationGetApp(ctx, id, owner)
		}
		o.read = map[reading]map[string]string{at: bag}
	}
	return err
}

// writeSome changes databags, the status and what else a charm can.
func (c *crowd) writeSome(ctx context.Context, h *juju.Hook, client *hookcmd.Client, random *rand.Rand) error {
	ends := h.Unit().Application().Ends()
	if len(ends) == 0 {
		return nil
	}
	ids, err := client.RelationIDs(ctx, ends[random.IntN(len(ends))].Endpoint.Name)
	if err != nil || len(ids) == 0 {
		return err
	}
	data := map[string]string{fmt.Sprint("k", random.IntN(3)): []string{"", "a", "b", "c"}[random.IntN(4)]}
	if err := client.StateSet(ctx, data); err != nil {
		return err
	}
	if leader, err := client.IsLeader(ctx); err != nil || leader && random.IntN(2) == 0 {
		if err != nil {
			return err
		}
		if err := client.RelationSetApp(ctx, ids[0], data); err != nil && !errors.Is(err, hookcmd.ErrNotLeader) {
			return err
		}
		return nil
	}
	return client.RelationSet(ctx, ids[0], data)
}

// report takes what a hook did for done, if it was.
func (c *crowd) report(r juju.Report) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Kind != juju.Ended {
		return
	}
	o := c.pending[r.Unit][0]
	c.pending[r.Unit] = c.pending[r.Unit][1:]
	if r.Outcome != juju.Succeeded || strings.HasPrefix(r.Hook, "action ") || r.Hook == "juju-exec" || r.Hook == "start" {
		return // which can come at any time, even after remove
	}
	c.hooks = append(c.hooks, o.line)
	if o.forget != nil {
		maps.DeleteFunc(c.read, func(at reading, _ map[string]string) bool { return o.forget(at) })
	}
	maps.Copy(c.read, o.read)
	if r.Hook == "config-changed" {
		c.config[r.Unit] = o.config
	}
}

// interfere is what an operator does: one thing.
func (c *crowd) interfere() {
	apps := c.m.Applications()
	app := apps[c.random.IntN(len(apps))]
	units := app.Units()
	if c.random.IntN(2) == 0 || len(units) == 0 {
		c.operate()
		for _, app := range c.m.Applications() {
			// A config that is changed and changed back while config-changed runs
			// is no news to an agent, whatever the charm has read.
			if n, _ := strconv.Atoi(fmt.Sprint(app.Config()["n"])); n < 100 {
				c.configs++
				require.NoError(c.t, app.SetConfig(map[string]any{"n": 100 + c.configs}))
			}
		}
		return
	}
	u := units[c.random.IntN(len(units))]
	switch c.random.IntN(7) { // of units that may be dead by now
	case 0, 1:
		_ = u.KillAgent()
	case 2:
		_, _ = u.RunAction("act", map[string]any{"n": 1})
	case 3:
		_, _ = u.RunCommands("x", -1, "")
	case 4:
		_ = u.Resolve(false)
	case 5:
		app.UpdateStatus()
	case 6:
		_ = u.Churn()
	}
}

// In whatever order and however many at once, the units come to know all of a
// model, and of nothing else.
func TestWhateverHappensAtOnceUnitsKnowInTheEnd(t *testing.T) {
	t.Parallel()
	seeds, parts := uint64(200), uint64(2)
	if testing.Short() {
		seeds = 30
	}
	var most atomic.Int64
	t.Run("all", func(t *testing.T) {
		for part := range parts {
			t.Run(fmt.Sprint(part), func(t *testing.T) {
				t.Parallel()
				for seed := part; seed < seeds && !t.Failed(); seed += parts {
					most.Store(max(most.Load(), int64(liveAtOnce(t, seed))))
				}
			})
		}
	})
	assert.Greater(t, most.Load(), int64(2), "hooks have run at once")
}

// liveAtOnce is the life of one such world. It returns how many hooks ran at once.
func liveAtOnce(t *testing.T, seed uint64) (most int) {
	t.Helper()
	c := newCrowd(t, seed)
	defer c.e.Stop()
	for range 3 + c.random.IntN(3) {
		c.mu.Lock()
		c.writes, c.fails = 10+c.random.IntN(20), c.random.IntN(6)
		c.mu.Unlock()
		for range c.random.IntN(25) {
			c.interfere()
			for range c.random.IntN(50) {
				runtime.Gosched()
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err := c.e.Settle(ctx)
		cancel()
		c.mu.Lock()
		require.NoError(t, err, c)
		c.check()
		assert.Empty(t, c.broken, c)
		assert.Empty(t, c.active)
		assert.Empty(t, c.m.Late(), c)
		most = c.most
		c.mu.Unlock()
		if t.Failed() {
			return most
		}
	}
	return most
}
