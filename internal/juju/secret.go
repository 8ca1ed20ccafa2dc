// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/charmsmith/charmsmith/internal/charmdir"
)

// secretStore is the secrets of a model.
type secretStore struct {
	made int                // IDs that were given out; some of them for nothing
	byID map[string]*Secret // those that exist
	list []*Secret          // the same, by creation
}

// Secret is a secret of a model: of an application, of a unit, or a user secret,
// which the operator of the model owns. The exported fields do not change.
type Secret struct {
	ID    string // without "secret:"
	model *Model

	app         *Application // the owner or, if unit is not nil, its application; nil: a user secret
	unit        *Unit        // the owner, if it is a unit
	label       string       // the owner's
	description string
	rotate      string    // policy; empty is never
	nextRotate  time.Time // zero: never
	revisions   []*secretRevision
	latest      int
	grants      []secretAccess
	consumers   []*secretConsumer
	gone        bool
}

// secretRevision is one content of a secret. Those that are removed are no
// longer in its secret's list.
type secretRevision struct {
	secret   *Secret
	number   int
	content  map[string]string // base64; never changed
	expire   time.Time         // zero: never
	obsolete bool              // it is not the latest, and nobody tracks it
}

// secretAccess is a grant: it lets an application or one of its units read a secret.
type secretAccess struct {
	rel  *Relation // with which the grant ends; nil of a user secret
	app  *Application
	unit *Unit // nil: all units of the application
}

// secretConsumer is a unit that has read a secret.
type secretConsumer struct {
	secret   *Secret
	unit     *Unit
	tracked  int    // the revision that it reads
	label    string // its own
	notified int    // the revision that the charm was last told of; 0: of none
}

func (m *Model) newSecretID() string {
	m.secrets.made++
	return fmt.Sprintf("d%018d0", m.secrets.made)
}

func (s *secretStore) add(secret *Secret) {
	if s.byID == nil {
		s.byID = make(map[string]*Secret)
	}
	s.byID[secret.ID] = secret
	s.list = append(s.list, secret)
}

func (s *secretStore) remove(secret *Secret) {
	secret.gone = true
	delete(s.byID, secret.ID)
	s.list = slices.DeleteFunc(s.list, func(x *Secret) bool { return x == secret })
}

const uuidPattern = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`

// secretPath has an ID of 12 bytes in base32hex, of which the last letter holds
// one bit only.
var secretPath = regexp.MustCompile(`^(?:` + uuidPattern + `/)?([0-9a-v]{19}[0g])$`)

// parseSecretURI returns the ID of "secret:ID", "ID", "secret://UUID/ID" or
// "secret:UUID/ID". IDs are unique in all models here, so the UUID is not needed.
func parseSecretURI(text string) (id string, err error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", err
	}
	if u.Scheme != "" && u.Scheme != "secret" {
		return "", fmt.Errorf("secret URI scheme %q not valid", u.Scheme)
	}
	path := u.Host + u.Path
	if path == "" {
		path = u.Opaque
	}
	match := secretPath.FindStringSubmatch(path)
	if match == nil {
		return "", fmt.Errorf("secret URI %q not valid", text)
	}
	return match[1], nil
}

// source returns the UUID of the model that the secret belongs to.
func (s *Secret) source() string {
	if s.app == nil {
		return s.model.opts.UUID
	}
	return s.app.modelUUID
}

// uriFor returns the URI by which a unit knows the secret.
func (s *Secret) uriFor(u *Unit) string {
	if source := s.source(); source != u.app.modelUUID {
		return "secret://" + source + "/" + s.ID
	}
	return "secret:" + s.ID
}

// labelFor returns the label by which a unit knows the secret: the owner's, also
// for the other units of an application that owns it, or the consumer's.
func (s *Secret) labelFor(u *Unit) string {
	if s.ours(u) {
		return s.label
	}
	if c := s.consumer(u); c != nil {
		return c.label
	}
	return ""
}

// ownedByApp reports whether an application owns the secret, not a unit.
func (s *Secret) ownedByApp() bool { return s.app != nil && s.unit == nil }

// ours reports whether the unit or its application owns the secret.
func (s *Secret) ours(u *Unit) bool { return s.unit == u || s.ownedByApp() && s.app == u.app }

// manages reports whether the unit may change the secret.
func (s *Secret) manages(u *Unit) bool { return s.ours(u) && (s.unit == u || u.isLeader()) }

// readable reports whether the unit may read the secret.
func (s *Secret) readable(u *Unit) bool {
	return s.ours(u) || slices.ContainsFunc(s.grants, func(g secretAccess) bool {
		return g.unit == u || g.unit == nil && g.app == u.app
	})
}

func (s *Secret) revision(number int) *secretRevision {
	for _, r := range s.revisions {
		if r.number == number {
			return r
		}
	}
	return nil
}

// stands reports whether the revision was not removed.
func (r *secretRevision) stands() bool { return !r.secret.gone && r.secret.revision(r.number) == r }

func (s *Secret) consumer(u *Unit) *secretConsumer {
	for _, c := range s.consumers {
		if c.unit == u {
			return c
		}
	}
	return nil
}

// subject returns whom a grant is for, as the owner knows them.
func (g secretAccess) subject(owner *Application) string {
	if g.rel != nil && owner != nil {
		if e := g.rel.End(owner.Name); e != nil && e.other.App == g.app {
			if g.unit != nil {
				return e.unitName(g.unit)
			}
			return e.remoteName()
		}
	}
	if g.unit != nil {
		return g.unit.Name
	}
	return g.app.Name
}

// tagOf returns Juju's tag of a unit or application.
func tagOf(name string) string {
	if app, number, isUnit := strings.Cut(name, "/"); isUnit {
		return "unit-" + app + "-" + number
	}
	return "application-" + name
}

// tag returns Juju's tag of the relation, the requirer first.
func (r *Relation) tag() string {
	if r.ends[0].isPeer() {
		return "relation-" + r.ends[0].App.Name + "." + r.ends[0].Endpoint.Name
	}
	requirer := r.ends[0]
	if requirer.Endpoint.Role != charmdir.RoleRequirer {
		requirer = r.ends[1]
	}
	provider := requirer.other
	return "relation-" + requirer.App.Name + "." + requirer.Endpoint.Name + "#" + provider.App.Name + "." + provider.Endpoint.Name
}

// checksum returns what Juju tells contents apart by.
func checksum(content map[string]string) string {
	text, _ := json.Marshal(content) // strings never fail
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func encodeContent(plain map[string]string) map[string]string {
	content := make(map[string]string, len(plain))
	for key, value := range plain {
		content[key] = base64.StdEncoding.EncodeToString([]byte(value))
	}
	return content
}

// decodeContent fails if a charm gave something as base64 that is none.
func decodeContent(content map[string]string) (map[string]string, error) {
	plain := make(map[string]string, len(content))
	for key, value := range content {
		decoded, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			return nil, err
		}
		plain[key] = string(decoded)
	}
	return plain, nil
}

// rotations are the policies that rotate, the most frequent first.
var rotations = []string{"hourly", "daily", "weekly", "monthly", "quarterly", "yearly"}

func validRotation(policy string) bool {
	return policy == "never" || slices.Contains(rotations, policy)
}

// rotatesSooner reports whether a policy rotates more often than another.
func rotatesSooner(policy, than string) bool {
	p, q := slices.Index(rotations, policy), slices.Index(rotations, than)
	return p >= 0 && (q < 0 || p < q)
}

// nextRotation returns when a policy rotates after it did so at last; zero:
// never.
func nextRotation(policy string, last time.Time) time.Time {
	switch policy {
	case "hourly":
		return last.Add(time.Hour)
	case "daily":
		return last.AddDate(0, 0, 1)
	case "weekly":
		return last.AddDate(0, 0, 7)
	case "monthly":
		return last.AddDate(0, 1, 0)
	case "quarterly":
		return last.AddDate(0, 3, 0)
	case "yearly":
		return last.AddDate(1, 0, 0)
	}
	return time.Time{}
}

// redactSecrets returns the arguments of a hook command without the values of
// secrets.
func redactSecrets(command string, args []string) []string {
	if command != "secret-add" && command != "secret-set" {
		return args
	}
	redacted := slices.Clone(args)
	for i, arg := range redacted {
		if key, _, ok := strings.Cut(arg, "="); ok && !strings.HasPrefix(arg, "-") {
			redacted[i] = key + "=[redacted]"
		}
	}
	return redacted
}
