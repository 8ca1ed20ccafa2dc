// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// failures are why checks have failed: causes by what was checked, units or bonds.
type failures map[string]string

// mostNamed is how many names a text has; the output of the actions has all.
const mostNamed = 5

// String tells the causes, each once, with those that have it:
//
//	magpie/1, magpie/3: connection refused; magpie/2: no answer within 10s; and 114 more
func (f failures) String() string {
	var causes []string // in the order of the names
	by := make(map[string][]string)
	for _, name := range slices.SortedFunc(maps.Keys(f), compareNames) {
		cause := f[name]
		if by[cause] == nil {
			causes = append(causes, cause)
		}
		by[cause] = append(by[cause], name)
	}
	var texts []string
	named := 0
	for _, cause := range causes {
		if named >= mostNamed {
			texts = append(texts, fmt.Sprintf("and %d more", len(f)-named))
			break
		}
		texts = append(texts, someOf(by[cause], mostNamed-named)+": "+cause)
		named += len(by[cause])
	}
	return strings.Join(texts, "; ")
}

// someOf returns the first of some names, and how many more there are.
func someOf(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// compareNames sorts magpie/2 before magpie/10.
func compareNames(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

var errNoPeers = errors.New("there are no peers to check")

// failed returns the error of an action that has checked n peers.
func (f failures) failed(n int) error {
	switch {
	case n == 0:
		return errNoPeers
	case len(f) == 0:
		return nil
	}
	return fmt.Errorf("%d of %d peers failed: %v", len(f), n, f)
}
