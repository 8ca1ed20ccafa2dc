// SPDX-License-Identifier: Apache-2.0

package charmotel_test

import (
	"encoding/pem"
	"io"
	"log"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/charmotel"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/testagent"
	"github.com/charmsmith/charmsmith/testing/charmtest"
	"github.com/charmsmith/charmsmith/testing/hookcmdtest"
)

// related returns the harness of a charm with the endpoint tracing, and where its
// spans wait.
func related(t *testing.T, opts charmtest.Options) (h *charmtest.Harness, dir string) {
	t.Helper()
	dir = t.TempDir()
	opts.Metadata = metadata
	return charmtest.New(t, func(c *charm.Charm) {
		charmotel.Trace(c, &charmotel.Options{Relation: "tracing", Dir: dir})
	}, &opts), dir
}

// commands returns the hook commands that have run since it was last asked.
func commands(h *charmtest.Harness) []string {
	var all []string
	for _, call := range h.Calls() {
		all = append(all, call.Command)
	}
	h.ResetCalls()
	return all
}

func TestRelation(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]charmtest.Options{
		"value": {Leader: true}, "text": {Leader: true, TextOnly: true}, "3.6": {Leader: true, JujuVersion: "3.6.9"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second := newCollector(t), newCollector(t)
			h, dir := related(t, opts)
			h.Emit(events.ConfigChanged{})
			assert.Equal(t, []string{"relation-ids"}, commands(h), "it is not known whether there is a relation")
			h.Emit(events.UpdateStatus{})
			assert.Empty(t, commands(h), "it is known that there is none")
			assert.Len(t, kept(t, dir), 2, "spans wait for the relation")

			rel := h.Relate("tracing", "tempo")
			assert.Equal(t, map[string]string{"receivers": `["otlp_http"]`}, rel.LocalApp())
			assert.ElementsMatch(t, []string{"relation-ids", "is-leader", "relation-set", "relation-get"}, commands(h))
			rel.UpdateApp(map[string]string{"receivers": receivers(first.url)})
			assert.Equal(t, []string{"relation-ids", "relation-get"}, commands(h))
			spans := first.take()
			assert.Equal(t, []string{"config_changed", "relation-ids", "update_status", "tracing_relation_created"},
				[]string{spans[0].Name, spans[1].Name, spans[2].Name, spans[3].Name}, "the oldest are sent first")
			assert.Contains(t, names(spans), "tracing_relation_changed")
			assert.Empty(t, kept(t, dir))

			h.Emit(events.UpdateStatus{})
			assert.Equal(t, []string{"update_status"}, names(first.take()))
			assert.Empty(t, commands(h), "the collector is known")

			rel.UpdateApp(map[string]string{"receivers": receivers(second.url)})
			assert.Equal(t, "tracing_relation_changed", names(second.take())[0])
			assert.Empty(t, first.take(), "the collector is another one")
			commands(h)

			rel.Break()
			assert.Len(t, kept(t, dir), 1, "there is no collector any more")
			assert.Equal(t, []string{"relation-ids"}, commands(h))
			h.Emit(events.UpdateStatus{})
			assert.Empty(t, commands(h))
			assert.Empty(t, second.take())
			assert.Equal(t, 5, first.asked(), "one request for each dispatch")
			assert.Equal(t, 1, second.asked())
		})
	}
}

// Who is not the leader cannot ask for a receiver; who becomes it does.
func TestRelationLeader(t *testing.T) {
	t.Parallel()
	h, _ := related(t, charmtest.Options{})
	rel := h.Relate("tracing", "tempo")
	assert.Empty(t, rel.LocalApp())
	h.SetLeader(true)
	assert.Equal(t, map[string]string{"receivers": `["otlp_http"]`}, rel.LocalApp())
}

// A charm that is traced from a new revision on asks for a receiver, too.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	c, dir := newCollector(t), t.TempDir()
	h := charmtest.New(t, func(*charm.Charm) {}, &charmtest.Options{Metadata: metadata, Leader: true})
	rel := h.Relate("tracing", "tempo")
	rel.UpdateApp(map[string]string{"receivers": receivers(c.url)})
	assert.Empty(t, rel.LocalApp())
	h.Upgrade(func(c *charm.Charm) { charmotel.Trace(c, &charmotel.Options{Relation: "tracing", Dir: dir}) })
	assert.Equal(t, map[string]string{"receivers": `["otlp_http"]`}, rel.LocalApp())
	assert.Contains(t, names(c.take()), "upgrade_charm")
}

// Whatever is in the databag and whatever hook commands answer, the dispatch
// succeeds, with one warning.
func TestBadRelation(t *testing.T) {
	t.Parallel()
	for _, bag := range []string{"hunter2", `{"hunter2": 1}`, `[{"protocol": {"name": "otlp_http"}, "url": "gopher://hunter2"}]`, `[{"protocol": {"name": "otlp_http"}}]`} {
		h, _ := related(t, charmtest.Options{Leader: true})
		h.Relate("tracing", "tempo").UpdateApp(map[string]string{"receivers": bag})
		h.Emit(events.Start{})
		logs := h.Logs()
		require.Len(t, logs, 1, "%s", bag)
		assert.Contains(t, logs[0].Message, "cannot trace")
		assert.NotContains(t, logs[0].Message, "hunter2")
	}
	for _, failing := range []string{"relation-ids", "relation-get", "relation-set", "is-leader"} {
		h, _ := related(t, charmtest.Options{Leader: true})
		h.Intercept(func(call hookcmd.Call) (hookcmdtest.Answer, bool) {
			return hookcmdtest.Failure(1, "out of order"), call.Command == failing
		})
		h.Relate("tracing", "tempo")
		require.Len(t, h.Logs(), 1, failing)
		assert.Contains(t, h.Logs()[0].Message, "cannot trace")
	}
}

// The relation's collector comes before the controller's, which takes over when
// there is none.
func TestRelationAndController(t *testing.T) {
	t.Parallel()
	ofRelation, ofController := newCollector(t), newCollector(t)
	agent := &testagent.Agent{Unit: "app/0", Relations: map[string]*testagent.Relation{
		"tracing:3": {App: "tempo", Bags: map[string]map[string]string{"tempo": {"receivers": receivers(ofRelation.url)}}},
	}}
	u := newUnit(t, agent, ofController.url, &charmotel.Options{Relation: "tracing"})
	require.NoError(t, u.run(events.Start{}))
	assert.Len(t, ofRelation.take(), 4)
	require.NoError(t, u.run(events.RelationBroken{RelationRef: events.RelationRef{Endpoint: "other", ID: 4, App: "x"}}))
	assert.Len(t, ofRelation.take(), 1, "another relation does not matter")
	agent.Relations["tracing:3"].Hidden = true
	require.NoError(t, u.run(events.RelationBroken{RelationRef: events.RelationRef{Endpoint: "tracing", ID: 3, App: "tempo"}}))
	assert.Empty(t, ofRelation.take())
	assert.NotEmpty(t, ofController.take())
}

// secure returns a collector with a certificate of its own, and the PEM of that.
func secure(t *testing.T) (c *collector, ca string) {
	t.Helper()
	c = &collector{t: t}
	server := httptest.NewUnstartedServer(c)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes
	server.StartTLS()
	t.Cleanup(server.Close)
	c.url = server.URL
	return c, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	c, ca := secure(t)
	host, err := url.Parse(c.url)
	require.NoError(t, err)

	u := newUnit(t, testagent.Peers(1), host.Host, nil) // a controller with a certificate means HTTPS
	u.env = append(u.env, "JUJU_CHARM_TRACE_CONFIG_CA_CERT="+ca)
	require.NoError(t, u.run(events.Start{}))
	assert.Len(t, c.take(), 1)

	agent := testagent.Peers(1)
	agent.Relations["tracing:3"] = &testagent.Relation{App: "tempo",
		Bags: map[string]map[string]string{"tempo": {"receivers": receivers(c.url)}}}
	u = newUnit(t, agent, "", &charmotel.Options{Relation: "tracing", CACertFile: "ca.pem"})
	require.NoError(t, u.run(events.Start{}))
	assert.Empty(t, c.take())
	require.Len(t, agent.Logs(), 1)
	assert.Contains(t, agent.Logs()[0], "certificate")
	path := filepath.Join(u.dir, "ca.pem")
	require.NoError(t, os.WriteFile(path, []byte("no PEM"), 0o600))
	require.NoError(t, u.run(events.UpdateStatus{}))
	assert.Empty(t, c.take())
	require.NoError(t, os.WriteFile(path, []byte(ca), 0o600))
	require.NoError(t, u.run(events.UpdateStatus{}))
	assert.Equal(t, "start", names(c.take())[0], "all that waited is sent")
	assert.Len(t, agent.Logs(), 1, "one warning")
}

func FuzzReceiver(f *testing.F) {
	for _, text := range []string{receivers("http://host:4318"), "", "[]", "null", "{", `[{"protocol":{"name":"otlp_http","type":"http"},"url":"host"}]`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		to, err := charmotel.Receiver(text)
		if err != nil {
			assert.Empty(t, to)
			assert.Less(t, len(err.Error()), 150, "it does not quote what it cannot read")
			return
		}
		if to == "" {
			return
		}
		u, err := url.Parse(to)
		require.NoError(t, err)
		assert.Contains(t, []string{"http", "https"}, u.Scheme)
		assert.NotEmpty(t, u.Host)
		assert.True(t, strings.HasSuffix(strings.TrimSuffix(u.Path, "/"), "/v1/traces"), to)
	})
}
