// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"context"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// spoil changes all that can be changed through a value: entries of maps and
// elements of slices, wherever they are in it.
func spoil(v reflect.Value) {
	switch v.Kind() {
	case reflect.Map:
		for _, key := range v.MapKeys() {
			spoil(v.MapIndex(key))
			v.SetMapIndex(key, reflect.Zero(v.Type().Elem()))
		}
		if v.Type().Key().Kind() == reflect.String && !v.IsNil() {
			v.SetMapIndex(reflect.ValueOf("spoilt"), reflect.Zero(v.Type().Elem()))
		}
	case reflect.Slice:
		for i := range v.Len() {
			spoil(v.Index(i))
			v.Index(i).SetZero()
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			spoil(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				spoil(v.Field(i))
			}
		}
	}
}

// answers are all maps and slices that a handler can have from the SDK.
type answers struct {
	t     *testing.T
	given []any
}

// add notes what a method has returned; what is not there in this Juju is left out.
func (a *answers) add(value any, err error) {
	a.t.Helper()
	if err != nil {
		require.ErrorIs(a.t, err, hookcmd.ErrNotSupported)
		return
	}
	a.given = append(a.given, value)
}

// answersOf asks for all, and writes what does not change anything.
func answersOf(t *testing.T, ctx context.Context, c *charm.Charm, unread string) *answers {
	a := &answers{t: t}
	own, app := c.Unit(), c.Application()
	for _, endpoint := range []string{"db", "peers"} {
		list, err := c.Relations(ctx, endpoint)
		require.NoError(t, err)
		rel, id := list[0], hookcmd.RelationID{Endpoint: endpoint, ID: list[0].ID()}
		list[0] = nil
		a.add(rel.Units(ctx))
		a.add(rel.Local().All(ctx))
		a.add(rel.LocalApp().All(ctx))
		a.add(rel.RemoteApp().All(ctx))
		remotes, err := rel.RemoteAll(ctx)
		require.NoError(t, err)
		for _, remote := range remotes {
			a.add(remote.All(ctx))
		}
		clear(remotes)
		client := c.HookCommands()
		units, err := client.RelationList(ctx, id)
		a.add(units, err)
		a.add(client.RelationIDs(ctx, endpoint))
		a.add(client.RelationGet(ctx, id, own))
		a.add(client.RelationGet(ctx, id, units[0]))
		a.add(client.RelationGetAll(ctx, id, append([]string{own}, units...)))
		a.add(client.RelationGetApp(ctx, id, app))
	}
	client := c.HookCommands()
	a.add(client.ConfigGet(ctx))
	a.add(client.ConfigGetAll(ctx))
	a.add(client.ConfigGetKey(ctx, "color"))
	a.add(client.StateGet(ctx))
	a.add(client.StatusGet(ctx))
	a.add(client.StatusGetApp(ctx))
	a.add(client.OpenedPorts(ctx))
	a.add(client.OpenedPortsByEndpoint(ctx))
	a.add(client.StorageList(ctx, ""))
	a.add(client.NetworkGet(ctx, "db", nil))
	a.add(client.GoalState(ctx))
	a.add(client.CredentialGet(ctx))
	a.add(client.SecretGet(ctx, hookcmd.SecretLookup{ID: unread}, hookcmd.SecretPeek))
	a.add(client.SecretInfoGet(ctx, hookcmd.SecretLookup{Label: "units"}))
	a.add(client.LeaderGet(ctx))
	return a
}

// text is the answers as they are now.
func (a *answers) text() string {
	text, err := json.MarshalIndent(a.given, "", " ")
	require.NoError(a.t, err)
	return string(text)
}

// A charm may do what it likes with what the SDK gives it, and with what it has
// given to the SDK: neither the model nor a hook sees it.
func TestWhatCharmsAreGivenIsTheirs(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, version string) {
		for _, text := range []bool{false, true} {
			r := newRoom(t, juju.Options{Version: version, TextOnly: text, Cloud: &hookcmd.CloudSpec{
				Type: "lxd", CACertificates: []string{"one"}, Credential: hookcmd.CloudCredential{Attributes: map[string]hookcmd.SecretValue{"a": hookcmd.NewSecretValue("b")}},
			}})
			r.peers.WriteApp(map[string]string{"k": "v"})
			r.db.Other().WriteApp(map[string]string{"k": "v"})
			r.settle()

			run := func(name string, handle func(ctx context.Context, c *charm.Charm)) {
				outcome, err := r.run(events.UpdateStatus{}, func(ctx context.Context, h *juju.Hook) juju.Exit {
					return juju.Exit{Err: charm.Run(ctx, func(c *charm.Charm) {
						charm.On(c, func(ctx context.Context, _ events.UpdateStatus) error {
							handle(ctx, c)
							return nil
						})
					}, &charm.Options{Env: h.Environ(), Runner: h})}
				})
				require.NoError(t, err, name)
				require.Equal(t, juju.Succeeded, outcome, name)
			}
			before := r.photo()
			var first string
			run("spoil", func(ctx context.Context, c *charm.Charm) {
				a := answersOf(t, ctx, c, r.secrets["OTHERS"])
				require.Greater(t, len(a.given), 25)
				first = a.text()
				spoil(reflect.ValueOf(a.given))
				assert.NotEqual(t, first, a.text())
				assert.Equal(t, first, answersOf(t, ctx, c, r.secrets["OTHERS"]).text(), "in the hook")
			})
			assert.Empty(t, changed(before, r.photo()), "in the model")
			run("again", func(ctx context.Context, c *charm.Charm) {
				assert.Equal(t, first, answersOf(t, ctx, c, r.secrets["OTHERS"]).text(), "in the next hook")
			})
			assert.Empty(t, r.settle())

			data := map[string]string{"a": "b"}
			run("write", func(ctx context.Context, c *charm.Charm) {
				peers, err := c.Peers(ctx, "peers")
				require.NoError(t, err)
				client, id := c.HookCommands(), hookcmd.RelationID{Endpoint: "peers", ID: peers.ID()}
				for _, write := range []func() error{
					func() error { return peers.Local().Update(ctx, data) },
					func() error { return client.RelationSet(ctx, id, data) },
					func() error { return client.RelationSetApp(ctx, id, data) },
					func() error { return client.StateSet(ctx, data) },
				} {
					data["a"] = "b"
					require.NoError(t, write())
					data["a"], data["spoilt"] = "c", "yes"
					delete(data, "spoilt")
				}
				for _, read := range []func() (map[string]string, error){
					func() (map[string]string, error) { return client.RelationGet(ctx, id, c.Unit()) },
					func() (map[string]string, error) { return client.RelationGetApp(ctx, id, c.Application()) },
					func() (map[string]string, error) { return client.StateGet(ctx) },
				} {
					values, err := read()
					require.NoError(t, err)
					assert.Equal(t, "b", values["a"])
					values["a"], values["spoilt"] = "d", "yes"
				}
			})
			data["a"] = "e"
			for _, values := range []map[string]string{r.peers.UnitData(r.unit), r.peers.AppData(), r.unit.State()} {
				assert.Equal(t, "b", values["a"])
				assert.NotContains(t, values, "spoilt")
			}
		}
	})
}
