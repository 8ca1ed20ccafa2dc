// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// loadSecrets adds the secrets of the state (w.state.Secrets, w.state.NextSecret)
// to the model. Applications, units and relations are there already, the event's
// hook is not.
func (w *world) loadSecrets() {
	w.model.secrets.made = w.state.NextSecret
	for i := range w.state.Secrets {
		w.loadSecret(&w.state.Secrets[i])
	}
}

func (w *world) loadSecret(g *goldenSecret) {
	s := &Secret{ID: g.ID, model: w.model, label: g.Label, description: g.Description, rotate: g.Rotate, latest: g.Latest}
	kind, name, _ := strings.Cut(g.Owner, ":")
	if kind == "unit" {
		s.unit = w.unit
		if name != w.unit.Name {
			s.unit = w.remoteUnit(name)
		}
		s.app = s.unit.app
	} else {
		s.app = w.remoteApp(name, "")
	}
	for number, content := range g.Revisions {
		n, err := strconv.Atoi(number)
		w.must(err)
		encoded := encodeContent(content)
		for _, key := range g.Base64Keys {
			if value, ok := content[key]; ok {
				encoded[key] = value
			}
		}
		s.revisions = append(s.revisions, &secretRevision{secret: s, number: n, content: encoded})
	}
	slices.SortFunc(s.revisions, func(a, b *secretRevision) int { return a.number - b.number })
	if s.latest == 0 {
		s.latest = s.revisions[len(s.revisions)-1].number
	}
	if g.Expire != nil {
		s.revision(s.latest).setExpire(*g.Expire)
	}
	if g.NextRotate != nil {
		s.setNextRotate(*g.NextRotate)
	}
	if g.ConsumerRevision != 0 {
		s.consumers = append(s.consumers, &secretConsumer{secret: s, unit: w.unit, tracked: g.ConsumerRevision, label: g.ConsumerLabel})
	}
	if g.Granted {
		s.grants = append(s.grants, secretAccess{app: w.app})
	}
	for _, a := range g.Access {
		s.grants = append(s.grants, w.access(a.Target, a.Scope))
	}
	w.model.secrets.add(s)
}

// access returns the grant of Juju's tags.
func (w *world) access(target, scope string) secretAccess {
	for _, r := range w.model.relations {
		for _, e := range r.ends {
			if r.tag() != scope {
				continue
			}
			if target == tagOf(e.App.Name) {
				return secretAccess{rel: r, app: e.App}
			}
			for _, u := range e.App.units {
				if target == tagOf(u.Name) {
					return secretAccess{rel: r, app: e.App, unit: u}
				}
			}
		}
	}
	w.must(fmt.Errorf("there is no relation %q with %q", scope, target))
	return secretAccess{}
}

// dumpSecrets adds "secrets" and "next_secret" to the state after the case.
func (w *world) dumpSecrets(out map[string]any) {
	out["next_secret"] = w.model.secrets.made
	if w.model.secrets.made == 0 {
		delete(out, "next_secret")
	}
	secrets := []any{}
	for _, s := range w.model.secrets.list {
		secrets = append(secrets, w.dumpSecret(s))
	}
	out["secrets"] = secrets
}

func (w *world) dumpSecret(s *Secret) map[string]any {
	owner := "application:" + s.app.Name
	if s.unit != nil {
		owner = "unit:" + s.unit.Name
	}
	out := map[string]any{
		"id": s.ID, "owner": owner, "label": s.label, "description": s.description, "rotate": s.rotate, "latest": s.latest,
		"granted": !s.ours(w.unit) && s.readable(w.unit), "access": s.access(),
	}
	slices.SortFunc(out["access"].([]any), func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	revisions, raw := map[string]any{}, map[string]bool{}
	for _, r := range s.revisions {
		content := map[string]any{}
		for key, value := range r.content {
			content[key] = value
			if plain, err := decodeContent(map[string]string{key: value}); err == nil && isText(plain[key]) {
				content[key] = plain[key]
			} else {
				raw[key] = true
			}
		}
		revisions[strconv.Itoa(r.number)] = content
	}
	out["revisions"] = revisions
	keys := []string{}
	for key := range raw {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	out["base64_keys"] = keys
	for _, r := range s.revisions { // of which the recorder's stand-in keeps one time, whatever revision it is of
		if !r.expire.IsZero() {
			out["expire"] = r.expire.Format(time.RFC3339)
		}
	}
	// The recorder's stand-in keeps the next rotation, but sets none.
	for _, g := range w.state.Secrets {
		if g.ID == s.ID && g.NextRotate != nil {
			out["next_rotate"] = s.nextRotate.Format(time.RFC3339)
		}
	}
	if c := s.consumer(w.unit); c != nil {
		out["consumer_revision"], out["consumer_label"] = c.tracked, c.label
	}
	return out
}

func isText(s string) bool { return strings.ToValidUTF8(s, "") == s }

// secretInfo returns the info of a secret hook; see w.event.
func (w *world) secretInfo(kind hookKind) (hookInfo, error) {
	id, err := parseSecretURI(w.event.Secret)
	if err != nil {
		return hookInfo{}, err
	}
	s := w.model.secrets.byID[id]
	if s == nil {
		return hookInfo{}, fmt.Errorf("no secret %q", id)
	}
	return hookInfo{kind: kind, secret: s, revision: w.event.SecretRevision, version: uint32(s.latest), slot: -1}, nil
}
