// SPDX-License-Identifier: Apache-2.0

package juju

import "strings"

// isApplicationName reports whether name is a valid application's name: parts
// of lower-case letters and digits between dashes, of which the first begins
// with a letter and each has one.
func isApplicationName(name string) bool {
	if name == "" || name[0] < 'a' || name[0] > 'z' {
		return false
	}
	letter := false
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z':
			letter = true
		case '0' <= c && c <= '9':
		case c == '-' && letter:
			letter = false
		default:
			return false
		}
	}
	return letter
}

// isUnitName reports whether name is a valid unit's name, "db/0".
func isUnitName(name string) bool {
	app, number, ok := strings.Cut(name, "/")
	if !ok || number == "" || number[0] == '0' && number != "0" {
		return false
	}
	for i := range len(number) {
		if number[i] < '0' || number[i] > '9' {
			return false
		}
	}
	return isApplicationName(app)
}
