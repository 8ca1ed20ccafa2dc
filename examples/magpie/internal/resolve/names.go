// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"strconv"
	"strings"
)

const hostNameChars = "abcdefghijklmnopqrstuvwxyz0123456789-_"

// hostName returns a host name in lower case and without the dot at its end, or
// false if the text is none. An underscore is fine: many have one.
func hostName(text string) (string, bool) {
	name := strings.TrimSuffix(text, ".")
	if name == "" || len(name) > 253 {
		return "", false
	}
	name = strings.ToLower(name)
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || strings.Trim(label, hostNameChars) != "" {
			return "", false
		}
	}
	return name, true
}

// quoted returns what others wrote as a string of Go, and not all of it if it is long.
func quoted(text string) string {
	const limit = 200
	if len(text) > limit {
		return strconv.Quote(text[:limit]) + "…"
	}
	return strconv.Quote(text)
}
