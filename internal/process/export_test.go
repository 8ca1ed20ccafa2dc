// SPDX-License-Identifier: Apache-2.0

package process

import "syscall"

// What follows is for fuzzing: it reads what others wrote, and is reached
// otherwise only through processes.

// Lines returns the lines that the log has of output which comes in parts.
func Lines(parts ...[]byte) (lines []string, dropped int64) {
	s := stream{log: func(line string) { lines = append(lines, line) }}
	for _, part := range parts {
		s.add(part)
	}
	s.flush()
	return lines, s.dropped()
}

// Excerpt returns the beginning and the end of output which comes in parts.
func Excerpt(parts ...[]byte) []byte {
	s := stream{ends: true}
	for _, part := range parts {
		s.add(part)
	}
	return s.excerpt()
}

// ExplainFile says why a program that begins so does not start.
func ExplainFile(errno syscall.Errno, data []byte) string { return explainFile(errno, data) }
