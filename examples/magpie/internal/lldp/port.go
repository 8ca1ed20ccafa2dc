// SPDX-License-Identifier: Apache-2.0

package lldp

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// PortCheck is the result of [Report.CheckPorts].
type PortCheck struct {
	// PortDescription is "ok", "failed: eno1: sw-a port 7, …", or why
	// nothing was checked.
	PortDescription string `json:"port description"`
	// Ports are the wrong ports with their descriptions, by name; empty,
	// never nil.
	Ports []Port `json:"ports"`
}

// Port is a port of this machine, and how its switch describes it.
type Port struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// Failed reports whether a port has a wrong description. Where nothing could be
// checked, nothing failed.
func (c PortCheck) Failed() bool { return len(c.Ports) > 0 }

// CheckPorts checks that the switches describe the ports by the name of this
// machine: it is good practice that a port's description names what is plugged
// in. A description is right if it has the host name, or its first label, as a
// word of its own, in any case: node1 is not in "node10". One of several
// neighbours is enough. A port without neighbour or description is not wrong.
func (r Report) CheckPorts(ports []string, hostname string) PortCheck {
	check := PortCheck{Ports: []Port{}}
	host := strings.ToLower(strings.TrimSuffix(hostname, "."))
	label, _, _ := strings.Cut(host, ".")
	switch {
	case r.Problem != "":
		check.PortDescription = r.Problem
		return check
	case label == "":
		check.PortDescription = "cannot check port descriptions: the host name is unknown"
		return check
	}
	// An escaped tab must not look like a letter before the name.
	blanks := strings.NewReplacer(`\\`, `\`, `\t`, " ", `\n`, " ", `\r`, " ")
	var wrong []string
	for _, port := range slices.Compact(slices.Sorted(slices.Values(ports))) {
		var descriptions []string
		right := false
		for _, n := range r.Neighbours {
			if n.Interface == clean(port) && n.PortDescription != "" {
				descriptions = append(descriptions, n.PortDescription)
				right = right || hasWord(strings.ToLower(blanks.Replace(n.PortDescription)), label)
			}
		}
		if len(descriptions) == 0 || right {
			continue
		}
		const shown = 8
		if len(descriptions) > shown {
			descriptions = append(descriptions[:shown], "…")
		}
		p := Port{Name: clean(port), Description: strings.Join(descriptions, ", ")}
		check.Ports = append(check.Ports, p)
		wrong = append(wrong, p.Name+": "+p.Description)
	}
	check.PortDescription = "ok"
	if len(wrong) > 0 {
		check.PortDescription = "failed: " + strings.Join(wrong, ", ")
	}
	return check
}

// hasWord reports whether a word stands in the text with neither a letter nor a
// digit at its sides.
func hasWord(text, word string) bool {
	part := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(word)
		before, _ := utf8.DecodeLastRuneInString(text[:start])
		after, _ := utf8.DecodeRuneInString(text[end:])
		if !part(before) && !part(after) {
			return true
		}
		_, size := utf8.DecodeRuneInString(text[start:])
		from = start + size
	}
}
