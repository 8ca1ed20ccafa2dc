// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// SecretValue is one value of a secret: any bytes, also such as are no text. It
// prints as "[redacted]" by fmt, in logs, as JSON and as YAML; Reveal returns what
// it is. A key that a secret does not have is the zero SecretValue, which is empty.
type SecretValue = hookcmd.SecretValue

// NewSecretValue returns the SecretValue of a text.
func NewSecretValue(text string) SecretValue { return hookcmd.NewSecretValue(text) }

// maxSecretContent is what a secret may have, in base64, and what Juju reads of
// the file that passes it.
const maxSecretContent = 1000 * 1000

// checkSecretContent checks what Juju would refuse.
func checkSecretContent(content map[string]SecretValue) error {
	if len(content) == 0 {
		return errors.New("the content is empty")
	}
	size := 2 // of the file, which is JSON
	for _, key := range slices.Sorted(maps.Keys(content)) {
		if !isSecretKey(key) {
			return fmt.Errorf("key %q is not valid: it is lower-case letters, digits and single inner dashes, a letter first and at least three in all", key)
		}
		size += (len(content[key].Reveal())+2)/3*4 + len(key) + len(`? "#base64" : "", `)
	}
	if size > maxSecretContent {
		return fmt.Errorf("the content has %d bytes in base64, with its keys, of at most %d", size, maxSecretContent)
	}
	return nil
}

// isSecretKey reports whether a key has the form that Juju requires. Dashes do not
// count as letters.
func isSecretKey(key string) bool {
	letters := 0
	for i := range len(key) {
		switch c := key[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9' && i > 0:
			letters++
		case c == '-' && i > 0 && key[i-1] != '-' && i < len(key)-1:
		default:
			return false
		}
	}
	return letters >= 3
}
