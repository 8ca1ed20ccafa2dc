// SPDX-License-Identifier: Apache-2.0

package hookcmd

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

const redacted = "[redacted]"

// SecretValue is a text, or any bytes, that must not be shown: it prints as
// "[redacted]" under the verbs of fmt, in log/slog and as JSON, and shows nothing
// as an unexported field, where its methods do not count. The zero SecretValue
// is empty. Two of the same text are not ==; compare what Reveal returns.
type SecretValue struct{ text *string }

// NewSecretValue returns a SecretValue of a text.
func NewSecretValue(text string) SecretValue { return SecretValue{&text} }

// Reveal returns the text.
func (v SecretValue) Reveal() string {
	if v.text == nil {
		return ""
	}
	return *v.text
}

// String returns "[redacted]".
func (SecretValue) String() string { return redacted }

// Format writes "[redacted]".
func (SecretValue) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns "[redacted]".
func (SecretValue) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]".
func (SecretValue) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText takes the text.
func (v *SecretValue) UnmarshalText(text []byte) error {
	*v = NewSecretValue(string(text))
	return nil
}

// SecretLookup names a secret by one or both of its fields. With both, a
// consumer gives the secret of that ID the label.
type SecretLookup struct {
	ID    string // "secret:9m4e2mr0ui3e8a215n4g", also without "secret:", or with the model
	Label string
}

func (l SecretLookup) args() []string {
	var args []string
	if l.Label != "" {
		args = append(args, "--label="+l.Label)
	}
	if l.ID != "" {
		args = append(args, "--", l.ID)
	}
	return args
}

// SecretGetMode says which revision of a secret SecretGet returns.
type SecretGetMode string

// The revision that this unit tracks, which is the latest of the time it first
// read the secret; the latest one; or the latest one, to be tracked from now on.
const (
	SecretTracked SecretGetMode = ""
	SecretPeek    SecretGetMode = "--peek"
	SecretRefresh SecretGetMode = "--refresh"
)

// SecretGet returns the content of a secret, byte for byte. [ErrSecretNotFound],
// or [ErrPermission] if it was not granted to this unit.
//
// Juju prints values that are not UTF-8 lossily, which shows by U+FFFD in them:
// those are asked for again one by one. Of a secret that is known by a label
// only, and is not this unit's own, Juju gives them no other way: an error.
func (c *Client) SecretGet(ctx context.Context, secret SecretLookup, mode SecretGetMode) (map[string]SecretValue, error) {
	call := newCall("secret-get")
	if mode != SecretTracked {
		call.Args = append(call.Args, string(mode))
	}
	call.Args = append(call.Args, secret.args()...)
	var content map[string]SecretValue
	if answered, err := c.answer(ctx, call, &content); answered || err != nil {
		return content, err
	}
	stdout, err := c.runner.Run(ctx, call)
	if err != nil {
		return nil, err
	}
	if err := decode(call, stdout, &content); err != nil {
		return nil, err
	}
	id := secret.ID
	for key, value := range content {
		if !strings.ContainsRune(value.Reveal(), '\ufffd') {
			continue
		}
		if id == "" {
			info, err := c.SecretInfoGet(ctx, secret)
			var refusal *Error
			if errors.As(err, &refusal) && refusal.Code > 0 { // it is not ours
				return nil, misprinted(call, fmt.Errorf("the value of %q may not be text, and Juju passes such values only by the secret's ID", key))
			}
			if err != nil {
				return nil, err
			}
			id = info.ID
		}
		if content[key], err = c.secretBytes(ctx, id, key, mode); err != nil {
			return nil, err
		}
	}
	return content, nil
}

// secretBytes returns one value of a secret that SecretGet has just read.
func (c *Client) secretBytes(ctx context.Context, id, key string, mode SecretGetMode) (SecretValue, error) {
	call := newCall("secret-get")
	if mode == SecretPeek { // after --refresh, the latest revision is tracked
		call.Args = append(call.Args, string(mode))
	}
	call.Args = append(call.Args, "--", id, key+"#base64")
	encoded, err := read[string](ctx, c, call)
	if err != nil {
		return SecretValue{}, err
	}
	value, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return SecretValue{}, misprinted(call, errors.New("it printed a value that is not base64"))
	}
	return NewSecretValue(string(value)), nil
}

// SecretOwner says whose a new secret is.
type SecretOwner string

// The owners that a secret can have. Those of the application can be changed
// by the leader only, and read by all its units.
const (
	SecretOwnedByApplication SecretOwner = "application" // the default
	SecretOwnedByUnit        SecretOwner = "unit"
)

// SecretSettings are what a secret has beside its content. Zero fields leave
// the setting as it is; Juju has no way to clear one.
type SecretSettings struct {
	Owner       SecretOwner // of a new secret
	Label       string      // unique among the owner's secrets
	Description string
	Rotate      string    // "never", "hourly", "daily", "weekly", "monthly", "quarterly" or "yearly"
	Expire      time.Time // of the latest revision; whole seconds

	// ExpireIn is Expire as the time from the call on, by the clock of the unit's
	// agent, which need not be this process's. Not negative; one of the two only.
	ExpireIn time.Duration
}

// check returns why the settings cannot be sent.
func (s *SecretSettings) check() error {
	switch {
	case s == nil:
		return nil
	case s.ExpireIn < 0:
		return errors.New("ExpireIn is negative")
	case s.ExpireIn > 0 && !s.Expire.IsZero():
		return errors.New("both Expire and ExpireIn are set")
	}
	return nil
}

func (s *SecretSettings) args() []string {
	if s == nil {
		return nil
	}
	var args []string
	add := func(flag, value string) {
		if value != "" {
			args = append(args, "--"+flag+"="+value)
		}
	}
	add("owner", string(s.Owner))
	add("label", s.Label)
	add("description", s.Description)
	add("rotate", s.Rotate)
	if !s.Expire.IsZero() {
		add("expire", s.Expire.UTC().Format(time.RFC3339))
	}
	if s.ExpireIn != 0 {
		add("expire", s.ExpireIn.String())
	}
	return args
}

// SecretAdd creates a secret and returns its URI, "secret:ID", which is void if
// the hook fails. Keys have at least three characters: lower-case letters,
// digits and inner dashes, a letter first. Values can be any bytes.
// [ErrNotLeader] if the application is the owner and this unit is not the
// leader. A nil settings means defaults.
func (c *Client) SecretAdd(ctx context.Context, content map[string]SecretValue, settings *SecretSettings) (uri string, err error) {
	call := Call{Command: "secret-add", Args: settings.args(), Data: plain(content)}
	if len(content) == 0 {
		return "", wrap(call, errors.New("the content is empty"))
	}
	if err := settings.check(); err != nil {
		return "", wrap(call, err)
	}
	if answered, err := c.answer(ctx, call, &uri); answered || err != nil {
		return uri, err
	}
	err = c.withContent(call, content, func(file string) error {
		call.Args = append(call.Args, file)
		uri, err = c.runLine(ctx, call)
		return err
	})
	return uri, err
}

// SecretSet changes a secret if the hook succeeds. A content that is not empty
// replaces all of the old one, as a new revision.
func (c *Client) SecretSet(ctx context.Context, id string, content map[string]SecretValue, settings *SecretSettings) error {
	flags := settings.args()
	call := Call{Command: "secret-set", Args: slices.Concat(flags, []string{"--", id}), Data: plain(content)}
	if err := settings.check(); err != nil {
		return wrap(call, err)
	}
	if answered, err := c.answer(ctx, call, nil); answered || err != nil {
		return err
	}
	if len(content) == 0 {
		_, err := c.runner.Run(ctx, call)
		return err
	}
	return c.withContent(call, content, func(file string) error {
		call.Args = slices.Concat(flags, []string{file, "--", id})
		_, err := c.runner.Run(ctx, call)
		return err
	})
}

func plain(content map[string]SecretValue) map[string]string {
	data := make(map[string]string, len(content))
	for key, value := range content {
		data[key] = value.Reveal()
	}
	return data
}

// withContent runs do with the flag that names a file with content; the file is
// there for as long as do runs.
func (c *Client) withContent(call Call, content map[string]SecretValue, do func(flag string) error) error {
	encoded := make(map[string]string, len(content))
	for key, value := range content {
		encoded[key+"#base64"] = base64.StdEncoding.EncodeToString([]byte(value.Reveal()))
	}
	if c.opts.BeforeSecretFile != nil {
		c.opts.BeforeSecretFile()
	}
	path, err := writeTemp(c.opts.TempDir, encodeData(encoded))
	if err != nil {
		return wrap(call, fmt.Errorf("cannot write its input to a temporary file: %w", err))
	}
	defer os.Remove(path)
	return do("--file=" + path)
}

// SecretInfo is what the owner of a secret can know of it.
type SecretInfo struct {
	ID          string         `json:"-"`        // without "secret:"
	Revision    int            `json:"revision"` // the latest; not counting one of this hook
	Label       string         `json:"label"`
	Owner       SecretOwner    `json:"owner"`
	Description string         `json:"description"`
	Rotation    string         `json:"rotation"`
	Expiry      time.Time      `json:"expiry"`  // zero: never
	Rotates     time.Time      `json:"rotates"` // next; zero: never
	Access      []SecretAccess `json:"access"`  // not counting changes of this hook
}

// SecretAccess is a grant of a secret, in Juju's tags.
type SecretAccess struct {
	Target string `json:"target"` // "application-mysql" or "unit-mysql-0"
	Scope  string `json:"scope"`  // "relation-wordpress.db#mysql.server"
	Role   string `json:"role"`   // "view"
}

// SecretInfoGet returns what Juju knows of a secret that this unit owns or, on
// the leader, its application. If both fields of secret are set, the ID counts.
func (c *Client) SecretInfoGet(ctx context.Context, secret SecretLookup) (SecretInfo, error) {
	if secret.ID != "" {
		secret.Label = ""
	}
	call := newCall("secret-info-get", secret.args()...)
	return readAs(ctx, c, call, func(printed map[string]SecretInfo) (SecretInfo, error) {
		for id, info := range printed {
			info.ID = id
			return info, nil
		}
		return SecretInfo{}, misprinted(call, fmt.Errorf("%w: it printed none", ErrSecretNotFound))
	})
}

// SecretIDs returns the IDs, without "secret:", of the secrets that this unit
// owns and, on the leader, its application; in no order.
func (c *Client) SecretIDs(ctx context.Context) ([]string, error) {
	return read[[]string](ctx, c, newCall("secret-ids"))
}

// SecretGrant lets the remote application of a relation, or one of its units,
// read a secret, if the hook succeeds. Of several grants of one secret over one
// relation in one hook, Juju keeps the last only. [ErrUnitGrants] if single units have
// it granted, and now the application is to.
func (c *Client) SecretGrant(ctx context.Context, id string, rel RelationID, unit string) error {
	call := Call{Command: "secret-grant", Args: []string{"-r", rel.String()}}
	if unit != "" {
		call.Args = append(call.Args, "--unit="+unit)
	}
	call.Args = append(call.Args, "--", id)
	return c.write(ctx, call)
}

// SecretRevoke takes back what SecretGrant gave, in the same form.
func (c *Client) SecretRevoke(ctx context.Context, id string, rel RelationID, unit string) error {
	call := Call{Command: "secret-revoke", Args: []string{"-r", rel.String()}}
	if unit != "" {
		call.Args = append(call.Args, "--unit="+unit)
	}
	call.Args = append(call.Args, "--", id)
	return c.write(ctx, call)
}

// SecretRevokeApp takes a secret back from an application whatever relation it
// was granted over. Juju refuses that in hooks of a relation.
func (c *Client) SecretRevokeApp(ctx context.Context, id, app string) error {
	return c.write(ctx, Call{Command: "secret-revoke", Args: []string{"--app=" + app, "--", id}})
}

// SecretRemove removes one revision of a secret or, if revision is 0, the
// secret, if the hook succeeds.
func (c *Client) SecretRemove(ctx context.Context, id string, revision int) error {
	call := Call{Command: "secret-remove"}
	if revision > 0 {
		call.Args = append(call.Args, "--revision="+strconv.Itoa(revision))
	}
	call.Args = append(call.Args, "--", id)
	return c.write(ctx, call)
}
