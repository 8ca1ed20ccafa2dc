// SPDX-License-Identifier: Apache-2.0

//go:build linux

package daemon

// Find returns the number of the process of a directory, 0 if there is none. It is
// here for tests that look without starting one.
func Find(dir string) (int, error) {
	h, err := find(dir)
	return h.pid, err
}

// IsState reports whether a text is the state of a process. It is here for the
// fuzz test, which cannot start a process for each text.
func IsState(text []byte) bool { return parseState(text) != state{} }

// IsHolder reports whether a text says who holds a directory.
func IsHolder(text []byte) bool {
	_, ok := parseHolder(text)
	return ok
}
