// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// verdict is how sure it is whose a process is.
type verdict uint8

const (
	foreign verdict = iota // not ours
	guessed
	known
)

// owner returns the unit that a process belongs to; nil if nobody knows.
func (p *processes) owner(pid int, stat processStat) (*unit, verdict) {
	for _, id := range []int{stat.group, stat.session} {
		if c := p.started[id]; c != nil {
			return c.unit, known
		}
		if u := p.groups[id]; u != nil {
			return u, known
		}
	}
	if h, ok := p.heirs[pid]; ok && h.age == stat.processAge {
		return h.unit, known
	}
	if u, verdict := p.ownerByEnviron(pid); verdict != guessed {
		return u, verdict
	}
	if u := p.ownerByDirectory(pid); u != nil {
		return u, known
	}
	// Who could have left it?
	candidates := make(map[*unit]bool)
	for u := range p.recent {
		candidates[u] = true
	}
	for _, c := range p.started {
		candidates[c.unit] = true
	}
	for _, o := range p.orphans {
		if o.unit != nil {
			candidates[o.unit] = true
		}
	}
	if len(candidates) == 1 {
		for u := range candidates {
			return u, guessed
		}
	}
	return nil, guessed
}

// ownerByEnviron returns the unit whose socket, or name, is in the environment of
// a process.
func (p *processes) ownerByEnviron(pid int) (*unit, verdict) {
	environ, _ := readEnviron(pid)
	if len(environ) == 0 {
		return nil, guessed
	}
	if bytes.Equal(environ, p.proc.environ) {
		return nil, foreign
	}
	var name string
	address := false
	for variable := range bytes.SplitSeq(environ, []byte{0}) {
		key, value, _ := bytes.Cut(variable, []byte{'='})
		switch string(key) {
		case "JUJU_AGENT_SOCKET_ADDRESS", "PEBBLE_SOCKET":
			address = true
			if u := p.host.unitAt(string(value)); u != nil {
				return u, known
			}
		case "JUJU_UNIT_NAME":
			name = string(value)
		}
	}
	if address { // another agent's
		return nil, foreign
	}
	if u := p.host.unitOf(name); u != nil {
		return u, known
	}
	return nil, guessed
}

// ownerByDirectory returns the unit in whose directory a process is, or nil.
func (p *processes) ownerByDirectory(pid int) *unit {
	dir, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/cwd")
	if err != nil {
		return nil
	}
	return p.host.unitIn(dir)
}

// unitAt returns the unit that has a socket, or nil.
func (h *Host) unitAt(socket string) *unit {
	below, ok := strings.CutPrefix(socket, h.sockets+"/")
	if !ok {
		return nil
	}
	number, _, _ := strings.Cut(below, "/")
	h.mu.Lock()
	defer h.mu.Unlock()
	if n, err := strconv.Atoi(number); err == nil && n >= 0 && n < len(h.numbered) {
		return h.numbered[n]
	}
	return nil
}

// unitIn returns the unit in whose directory a directory is, or nil. There is no
// symbolic link in its path.
func (h *Host) unitIn(dir string) *unit {
	root, err := filepath.EvalSymlinks(h.root)
	if err != nil {
		return nil
	}
	below, ok := strings.CutPrefix(dir, filepath.Join(root, "agents")+"/")
	if !ok {
		return nil
	}
	tag, _, _ := strings.Cut(below, "/")
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, u := range h.numbered {
		if filepath.Base(u.paths.AgentDir) == tag {
			return u
		}
	}
	return nil
}
