// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"strings"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/hostile"
)

// hostName returns a host name in lower case and without the dot at its end, or
// false if the text is none.
func hostName(text string) (string, bool) {
	if !hostile.IsHostName(text) {
		return "", false
	}
	return strings.ToLower(strings.TrimSuffix(text, ".")), true
}
