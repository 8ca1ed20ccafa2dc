// SPDX-License-Identifier: Apache-2.0

package process

// ParseStat reads /proc/PID/stat; it is for fuzzing, as programs name themselves.
func ParseStat(data []byte) (parent, group, session int, dead bool, start uint64, ok bool) {
	s, ok := parseStat(data)
	return s.parent, s.group, s.session, s.dead, uint64(s.processAge), ok
}
