// SPDX-License-Identifier: Apache-2.0

package lldp

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// maxNeighbours is how many neighbours of a machine are kept: lldpd itself
// keeps 32 of an interface.
const maxNeighbours = 4096

// Parse reads the output of lldpcli show neighbors in the forms json0 and json.
//
// In json0 everything is a list of objects, and a text is an object with the
// key "value". In json a list of one is its element, a text is a text, and an
// object with a name is an object whose only key is that name.
//
// It fails only if the output is over 4 MiB, is not JSON, or has no key "lldp". What has not
// the expected type is left out.
func Parse(output []byte) (Report, error) {
	report := Report{Neighbours: []Neighbour{}}
	if len(output) > maxOutput {
		return report, fmt.Errorf("cannot read neighbours of lldpd: %w", errLongOutput)
	}
	var top map[string]any
	if err := json.Unmarshal(output, &top); err != nil {
		return report, fmt.Errorf("cannot read neighbours of lldpd: %v", err)
	}
	lldp, ok := top["lldp"]
	if !ok {
		return report, fmt.Errorf(`cannot read neighbours of lldpd: no key "lldp"`)
	}
	_, named := lldp.([]any)
	for _, element := range list(lldp) {
		for _, entry := range list(object(element)["interface"]) {
			for name, nic := range interfaces(entry, named) {
				if len(report.Neighbours) == maxNeighbours {
					return report, nil
				}
				report.Neighbours = append(report.Neighbours, neighbour(name, nic))
			}
		}
	}
	return report, nil
}

// interfaces yields the names of interfaces and what is said of them: of an
// entry that has its name inside, or of one whose keys are names.
func interfaces(entry any, named bool) func(yield func(string, map[string]any) bool) {
	return func(yield func(string, map[string]any) bool) {
		entry := object(entry)
		if named {
			if name := text(entry["name"]); name != "" {
				yield(name, entry)
			}
			return
		}
		for _, name := range slices.Sorted(maps.Keys(entry)) {
			for _, nic := range list(entry[name]) {
				if nic, ok := nic.(map[string]any); ok && !yield(clean(name), nic) {
					return
				}
			}
		}
	}
}

func neighbour(name string, nic map[string]any) Neighbour {
	port := object(nic["port"])
	return Neighbour{
		Interface:       name,
		Via:             text(nic["via"]),
		SystemName:      systemName(object(nic["chassis"])),
		PortID:          text(port["id"]),
		PortDescription: text(port["descr"]),
		VLANs:           vlans(nic["vlan"]),
	}
}

// systemName returns the name in a chassis, or the name under which it is. Each
// chassis has an ID, which tells the two apart even if a hostile one calls
// itself "id".
func systemName(chassis map[string]any) string {
	if len(chassis) == 1 {
		for name, inside := range chassis {
			if _, ok := object(inside)["id"]; ok {
				return clean(name)
			}
		}
	}
	return text(chassis["name"])
}

// vlans returns the VLANs sorted by ID, each once. One that is announced twice
// is native if it is so once.
func vlans(v any) []VLAN {
	const maxID = 4094
	byID := map[int]VLAN{}
	for _, element := range list(v) {
		element := object(element)
		id, err := strconv.Atoi(text(element["vlan-id"]))
		if err != nil || id < 1 || id > maxID {
			continue
		}
		native, _ := element["pvid"].(bool)
		vlan := VLAN{ID: id, Name: text(element["value"]), Native: native}
		if before, ok := byID[id]; ok {
			before.Native = before.Native || native
			vlan = before
		}
		byID[id] = vlan
	}
	sorted := make([]VLAN, 0, len(byID))
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		sorted = append(sorted, byID[id])
	}
	return sorted
}

// list returns the elements of a list; of anything else but nothing, itself as
// the only one.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// object returns an object, or the first of a list; else nil, in which nothing
// is found.
func object(v any) map[string]any {
	if l := list(v); len(l) > 0 {
		o, _ := l[0].(map[string]any)
		return o
	}
	return nil
}

// text returns a text, or the one in an object with the key "value", or that of
// the first of a list; cleaned.
func text(v any) string {
	if s, ok := v.(string); ok {
		return clean(s)
	}
	if l, ok := v.([]any); ok && len(l) > 0 {
		if s, ok := l[0].(string); ok {
			return clean(s)
		}
	}
	s, _ := object(v)["value"].(string)
	return clean(s)
}
