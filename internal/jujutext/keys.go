// SPDX-License-Identifier: Apache-2.0

package jujutext

import (
	"cmp"
	"maps"
	"slices"
	"unicode"
)

// sortedKeys returns the keys in the order in which yaml.v2 prints them. That
// order has circles ("8e" < "9" < "87" < "8e"), where yaml.v2, and so Juju,
// prints keys in random order; here it is the same one every time.
func sortedKeys[T any](m map[string]T) []string {
	keys := slices.Sorted(maps.Keys(m))
	slices.SortStableFunc(keys, compareKeys)
	return keys
}

// compareKeys compares as yaml.v2 does: numbers within keys by their value,
// other characters by code point, and letters after what is none.
func compareKeys(a, b string) int {
	x, y := []rune(a), []rune(b)
	i := 0
	for i < len(x) && i < len(y) && x[i] == y[i] {
		i++
	}
	if i == len(x) || i == len(y) {
		return cmp.Compare(len(x), len(y))
	}
	xLetter, yLetter := unicode.IsLetter(x[i]), unicode.IsLetter(y[i])
	switch {
	case xLetter && yLetter:
		return cmp.Compare(x[i], y[i])
	case xLetter:
		return 1
	case yLetter:
		return -1
	}
	// A zero counts as a digit of the number only if that began before it.
	var begun int64
	if (x[i] == '0' || y[i] == '0') && endsInNumber(x[:i]) {
		begun = 1
	}
	xNumber, xDigits := number(begun, x[i:])
	yNumber, yDigits := number(begun, y[i:])
	return cmp.Or(cmp.Compare(xNumber, yNumber), cmp.Compare(xDigits, yDigits), cmp.Compare(x[i], y[i]))
}

// endsInNumber reports whether the digits at the end are not all zeros.
func endsInNumber(text []rune) bool {
	for _, c := range slices.Backward(text) {
		if !unicode.IsDigit(c) {
			return false
		}
		if c != '0' {
			return true
		}
	}
	return false
}

// number returns the digits at the beginning of text as a number, put behind
// those of begun, and how many there are.
func number(begun int64, text []rune) (value int64, digits int) {
	for value = begun; digits < len(text) && unicode.IsDigit(text[digits]); digits++ {
		value = value*10 + int64(text[digits]-'0')
	}
	return value, digits
}
