// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/relation"
)

// version is that of the archive server.
const version = "1.4"

// tokenLabel is the label of the secret that lets clients fetch archives.
const tokenLabel = "client-token"

// reconcile runs after every hook, and makes everything what it should be: no
// matter which events came before, or were lost with a leader.
func (k *keeper) reconcile(ctx context.Context, _ events.Hook) error {
	o, _, err := k.load(ctx)
	if err != nil {
		return charm.BlockOnConfigError(ctx, k.Charm, err)
	}
	if err := k.SetPorts(ctx, charm.TCP(int(o.Port))); err != nil {
		return err
	}
	token, err := k.token(ctx)
	if err != nil || token.IsZero() {
		return err
	}
	if err := k.configureServer(ctx, token); err != nil {
		return err
	}
	return k.tellClients(ctx, o, token)
}

// share is what the leader tells clients, and its peers.
type share struct {
	Token charm.SecretURI `databag:"token,string,omitempty"`
	Port  uint16          `databag:"port,omitempty"`
}

// token returns the URI of the token, which the leader makes; zero if it has not
// yet. The other units have it from the peers' databag, which tells them when.
func (k *keeper) token(ctx context.Context) (charm.SecretURI, error) {
	peers, err := k.Peers(ctx, "peers")
	if errors.Is(err, hookcmd.ErrRelationNotFound) {
		return charm.SecretURI{}, nil // in install
	}
	if err != nil {
		return charm.SecretURI{}, err
	}
	known, err := relation.Load[share](ctx, peers.LocalApp())
	if err != nil || !known.Token.IsZero() {
		return known.Token, err
	}
	if leader, err := k.IsLeader(ctx); err != nil || !leader {
		return charm.SecretURI{}, err
	}
	uri, err := k.AddSecret(ctx, newToken(), &charm.SecretOptions{Label: tokenLabel, Rotate: charm.RotateHourly})
	if err != nil {
		return charm.SecretURI{}, err
	}
	return uri, relation.Save(ctx, peers.LocalApp(), share{Token: uri})
}

func newToken() map[string]charm.SecretValue {
	return map[string]charm.SecretValue{"token": charm.NewSecretValue(rand.Text())}
}

// rotate gives the token another value, once an hour.
func (k *keeper) rotate(ctx context.Context, ev events.SecretRotate) error {
	return k.SecretOf(ev).SetContent(ctx, newToken())
}

// configureServer writes the token where the archive server looks for it.
func (k *keeper) configureServer(ctx context.Context, token charm.SecretURI) error {
	dir, err := k.dir(ctx)
	if err != nil || dir == "" {
		return err
	}
	content, err := k.Secret(token).Refresh(ctx)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte(content["token"].Reveal()), 0o600); err != nil {
		return err
	}
	return k.SetWorkloadVersion(ctx, version)
}

// tellClients lets the related applications have the token. A new leader does it
// again, as the one before may not have come to it.
func (k *keeper) tellClients(ctx context.Context, o options, token charm.SecretURI) error {
	clients, err := k.Relations(ctx, "clients")
	if err != nil || len(clients) == 0 {
		return err
	}
	if leader, err := k.IsLeader(ctx); err != nil || !leader {
		return err
	}
	for _, client := range clients {
		if err := k.Secret(token).Grant(ctx, client, nil); err != nil {
			return err
		}
		// A client in another model has to know that the token is of ours.
		full, err := token.WithModel(k.Environment().ModelUUID)
		if err != nil {
			return err
		}
		if err := relation.Save(ctx, client.LocalApp(), share{full, o.Port}); err != nil {
			return err
		}
	}
	return nil
}

// dir returns the directory that new archives go to; empty if there is no storage.
func (k *keeper) dir(ctx context.Context) (string, error) {
	instances, err := k.Storages(ctx, "archives")
	if err != nil || len(instances) == 0 || instances[len(instances)-1].Location == "" {
		return "", err
	}
	dir := filepath.Join(instances[len(instances)-1].Location, "archives")
	return dir, os.MkdirAll(dir, 0o700)
}

// detach forgets the archives that go away with their storage.
func (k *keeper) detach(ctx context.Context, ev events.StorageDetaching) error {
	kept, err := k.archives.Get(ctx)
	if err != nil {
		return err
	}
	return k.archives.Set(ctx, slices.DeleteFunc(kept, func(a archive) bool { return strings.HasPrefix(a.Dir, ev.Location+"/") }))
}

// status tells what the operator should know, at the end of every hook and action.
func (k *keeper) status(ctx context.Context, set *charm.StatusSet) error {
	o, _, err := k.load(ctx)
	if err != nil {
		return charm.BlockOnConfigError(ctx, k.Charm, err)
	}
	kept, err := k.archives.Get(ctx)
	if err != nil {
		return err
	}
	if len(kept) == 0 {
		set.Add(charm.Active("no archives"))
		return nil
	}
	last := kept[len(kept)-1]
	if o.MaxAge != nil && k.Now().Sub(last.Made) > *o.MaxAge {
		set.Add(charm.Blocked(fmt.Sprintf("the last archive is older than %s: run the action backup", *o.MaxAge)))
	}
	set.Add(charm.Active(fmt.Sprintf("archives: %d, the last: %s", len(kept), last.Name)))
	return nil
}
