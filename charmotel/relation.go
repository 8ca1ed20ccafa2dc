// SPDX-License-Identifier: Apache-2.0

package charmotel

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
)

// The protocol that is spoken, and the key of both sides of the interface
// "tracing": the requirer's value is a JSON list of protocols, the provider's one
// of receivers.
const (
	protocol     = "otlp_http"
	receiversKey = "receivers"
)

// collector is where spans are sent.
type collector struct {
	url string // empty: there is none
	ca  []byte // PEM, besides the system's
}

// request asks the collectors of the relation for a receiver, which is for the
// leader to do, in whatever event it may have to.
func (t *tracing) request(ctx context.Context, ev events.Event) error {
	if t.opts.Relation == "" {
		return nil
	}
	switch ev := ev.(type) {
	case events.RelationCreated:
		if ev.Endpoint != t.opts.Relation {
			return nil
		}
	case events.LeaderElected, events.UpgradeCharm:
	default:
		return nil
	}
	relations, err := t.charm.Relations(ctx, t.opts.Relation)
	if err != nil || len(relations) == 0 {
		return err
	}
	if leader, err := t.charm.IsLeader(ctx); err != nil || !leader {
		return err
	}
	for _, rel := range relations {
		// Not kept back with the charm's own writes: an error is not to fail those.
		id := hookcmd.RelationID{Endpoint: rel.Endpoint(), ID: rel.ID()}
		if err := t.charm.HookCommands().RelationSetApp(ctx, id, map[string]string{receiversKey: `["` + protocol + `"]`}); err != nil {
			return err
		}
	}
	return nil
}

// find returns the collector, the relation's before the controller's. Only when
// the relation's can have changed, or is not known, it is asked for.
func (t *tracing) find(ctx context.Context, ev events.Event, known *notes) (collector, error) {
	var relationErr error
	if t.opts.Relation != "" {
		if !known.Asked || t.changes(ev) {
			url, err := t.ask(ctx, ev)
			if relationErr = err; err == nil && known.URL != url {
				*known = notes{URL: url} // the rest is of another collector
			}
			known.Asked = known.Asked || err == nil
		}
		if known.URL != "" {
			return collector{known.URL, readCACert(t.opts.CACertFile)}, relationErr
		}
	}
	if t.env.Trace.CollectorHTTP == "" {
		return collector{}, relationErr
	}
	ca := t.env.Trace.CollectorCA
	url, err := endpoint(t.env.Trace.CollectorHTTP, ca != "")
	return collector{url, []byte(ca)}, errors.Join(relationErr, err)
}

// changes reports whether an event can change the relation's collector.
func (t *tracing) changes(ev events.Event) bool {
	switch ev := ev.(type) {
	case events.Start, events.UpgradeCharm:
		return true
	case events.RelationEvent:
		return ev.Ref().Endpoint == t.opts.Relation
	}
	return false
}

// ask returns the URL of the first collector that the relation has; empty if none.
func (t *tracing) ask(ctx context.Context, ev events.Event) (string, error) {
	if ev, ok := ev.(events.RelationEvent); ok {
		t.charm.Relation(ev) // it tells the application, which need not be asked for then
	}
	relations, err := t.charm.Relations(ctx, t.opts.Relation)
	if err != nil {
		return "", err
	}
	var errs []error
	for _, rel := range relations {
		text, err := rel.RemoteApp().Get(ctx, receiversKey)
		if err == nil && text != "" {
			text, err = receiver(text)
		}
		if err == nil && text != "" {
			return text, nil
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

// receiver returns the URL for spans of what a provider of collectors tells;
// empty if it has none for our protocol. Errors do not quote it.
func receiver(text string) (string, error) {
	var receivers []struct {
		Protocol struct {
			Name string `json:"name"`
		} `json:"protocol"`
		URL string `json:"url"`
	}
	if err := json.Unmarshal([]byte(text), &receivers); err != nil {
		return "", errors.New("cannot read the receivers of the tracing relation: not a JSON list as of the interface tracing")
	}
	for _, r := range receivers {
		if r.Protocol.Name == protocol {
			return endpoint(r.URL, false)
		}
	}
	return "", nil
}

// endpoint returns the URL for spans of a collector's URL, which some give without
// its scheme.
func endpoint(base string, secure bool) (string, error) {
	if !strings.Contains(base, "://") {
		scheme := "http://"
		if secure {
			scheme = "https://"
		}
		base = scheme + base
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", errors.New("cannot use the collector's URL: it must have the form http://HOST:PORT or https://HOST:PORT")
	}
	u.RawQuery, u.Fragment = "", ""
	if path := strings.TrimSuffix(u.Path, "/"); !strings.HasSuffix(path, "/v1/traces") {
		return u.JoinPath("v1", "traces").String(), nil
	}
	return u.String(), nil
}
