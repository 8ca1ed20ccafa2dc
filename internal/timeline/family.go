// SPDX-License-Identifier: Apache-2.0

package timeline

import "strings"

// style is one of the looks of a bar: its class in the style sheet, and what
// the legend says.
type style struct {
	class string
	text  string
}

// families returns the families of hooks in the order of the legend.
func families() []style {
	return []style{
		{"life", "lifecycle, config"},
		{"members", "relation: who is there"},
		{"data", "relation: data changed"},
		{"storage", "storage"},
		{"secret", "secret"},
		{"workload", "container"},
		{"asked", "action, juju-exec"},
	}
}

// family returns the class of a hook's family.
func family(hook string) string {
	if strings.HasPrefix(hook, "action ") || hook == "juju-exec" {
		return "asked"
	}
	if strings.HasPrefix(hook, "secret-") {
		return "secret"
	}
	for _, f := range []struct{ suffix, class string }{
		{"-relation-changed", "data"},
		{"-relation-created", "members"},
		{"-relation-joined", "members"},
		{"-relation-departed", "members"},
		{"-relation-broken", "members"},
		{"-storage-attached", "storage"},
		{"-storage-detaching", "storage"},
		{"-pebble-ready", "workload"},
		{"-pebble-custom-notice", "workload"},
		{"-pebble-check-failed", "workload"},
		{"-pebble-check-recovered", "workload"},
	} {
		if strings.HasSuffix(hook, f.suffix) {
			return f.class
		}
	}
	return "life"
}

// outcomes returns the results that are not success in the order of the
// legend.
func outcomes() []style {
	return []style{
		{"failed", "failed"},
		{"refused", "flush refused"},
		{"killed", "killed"},
		{"reboot", "reboot"},
		{"skipped", "skipped"},
		{"other", "unfinished"},
	}
}

// outcome returns the class of a result.
func outcome(result string) string {
	switch result {
	case "ok", "failed", "killed", "reboot", "skipped":
		return result
	case "flush refused":
		return "refused"
	}
	return "other"
}

// isProblem tells whether a bar of this outcome gets a mark that shows
// however short the hook was.
func isProblem(class string) bool {
	return class != "ok" && class != "skipped" && class != "other"
}

// captions returns what a bar may say of its hook, best first; the first that
// fits is taken.
func captions(e *Entry) []string {
	texts := []string{e.Hook}
	if e.Remote != "" {
		texts = []string{e.Hook + " " + e.Remote, e.Hook}
	}
	if name, ok := strings.CutPrefix(e.Hook, "action "); ok {
		return append(texts, name)
	}
	for _, infix := range []string{"-relation-", "-pebble-", "-storage-"} {
		if i := strings.LastIndex(e.Hook, infix); i > 0 {
			return append(texts, e.Hook[i+len(infix):])
		}
	}
	return texts
}
