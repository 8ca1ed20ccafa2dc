// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"errors"
	"fmt"
	"strings"
)

// SecretURI names a secret. The zero SecretURI names none.
//
// One secret can be written in several ways: by its ID, which no two secrets have
// in common, and with or without the model that it belongs to. Equal compares the
// IDs only, so it is right for all of them. The == of Go is right for what Juju
// itself prints, and what this package returns; but another charm may have put the
// model into a databag, without which Juju does not find the secret of another
// model, so that is kept. For the key of a map take ID.
type SecretURI struct {
	id    string
	model string // UUID; empty: this one, or not told
}

// secretScheme is what Juju writes before IDs.
const secretScheme = "secret:"

// ParseSecretURI reads "secret:ID", "ID", "secret://MODEL/ID", "secret:MODEL/ID" or
// what Juju takes like these, where ID is 20 digits and letters from a to v, and
// MODEL a UUID, all in lower case. The error says what is wrong without showing the
// text, which may be a password in the wrong place.
func ParseSecretURI(text string) (SecretURI, error) {
	id, hasScheme := strings.CutPrefix(text, secretScheme)
	if hasScheme {
		id = strings.TrimPrefix(id, "//")
	}
	model, rest, hasModel := strings.Cut(id, "/")
	if hasModel {
		id = rest
	} else {
		model = ""
	}
	if isSecretID(id) && isUUID(model) == hasModel {
		return SecretURI{id, model}, nil
	}
	wrong := "it is empty"
	switch {
	case text == "":
	case hasModel && !isUUID(model):
		wrong = "what is before the slash is not the UUID of a model"
	case len(id) != 20:
		wrong = fmt.Sprintf("its ID has %d bytes instead of 20", len(id))
	default:
		wrong = "its ID is not one of Juju's"
	}
	return SecretURI{}, fmt.Errorf(`cannot read secret URI of %d bytes: %s; it must be "secret:ID" or "secret://MODEL/ID", where ID is 20 digits and letters from a to v and MODEL is a UUID, in lower case`, len(text), wrong)
}

// isSecretID reports whether a text is 12 bytes in Juju's base 32, whose last
// letter holds one bit.
func isSecretID(id string) bool {
	if len(id) != 20 || id[19] != '0' && id[19] != 'g' {
		return false
	}
	for i := range len(id) {
		if c := id[i]; (c < '0' || c > '9') && (c < 'a' || c > 'v') {
			return false
		}
	}
	return true
}

// isUUID reports whether a text is a UUID as Juju writes it.
func isUUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i := range len(text) {
		switch c := text[i]; i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}

// ID returns the 20 letters and digits that tell the secret from all others.
func (u SecretURI) ID() string { return u.id }

// Model returns the UUID of the model that the secret belongs to, if it was told;
// empty otherwise.
func (u SecretURI) Model() string { return u.model }

// WithModel returns the URI with the UUID of a model, which an application in
// another model needs to find the secret: what a charm puts into the databag of a
// relation that may be to another model is
//
//	uri, err := uri.WithModel(c.Environment().ModelUUID)
//
// An empty UUID leaves the model out; the zero SecretURI stays zero. What is not a
// UUID in lower case, as Juju writes it, is an error, for nobody could read the URI.
func (u SecretURI) WithModel(uuid string) (SecretURI, error) {
	if uuid != "" && !isUUID(uuid) {
		return SecretURI{}, fmt.Errorf("cannot put a model into secret URI %q: %q is not a UUID in lower case", u, uuid)
	}
	if u.IsZero() {
		return u, nil
	}
	return SecretURI{u.id, uuid}, nil
}

// Equal reports whether both name the same secret, in whatever form.
func (u SecretURI) Equal(other SecretURI) bool { return u.id == other.id }

// IsZero reports whether the URI names no secret.
func (u SecretURI) IsZero() bool { return u.id == "" }

// String returns "secret:ID" or "secret://MODEL/ID", which are what hook commands
// take; of the zero SecretURI nothing.
func (u SecretURI) String() string {
	switch {
	case u.id == "":
		return ""
	case u.model == "":
		return secretScheme + u.id
	}
	return secretScheme + "//" + u.model + "/" + u.id
}

// MarshalText returns what String does. It makes SecretURI a string in JSON.
func (u SecretURI) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads a URI as [ParseSecretURI] does; no text is the zero
// SecretURI.
func (u *SecretURI) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*u = SecretURI{}
		return nil
	}
	parsed, err := ParseSecretURI(string(text))
	if err != nil {
		return err
	}
	*u = parsed
	return nil
}

var errZeroSecret = errors.New("cannot use a secret: the SecretURI is zero")
