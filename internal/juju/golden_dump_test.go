// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// dump returns the model's state as recordings have it.
func dump(w *world) map[string]any {
	out := maps.Clone(w.raw)
	for _, key := range []string{"model", "unit", "app", "leader", "config", "relations", "charm_state", "trust"} {
		delete(out, key)
	}
	w.dumpSecrets(out)
	w.dumpMisc(out)
	o := w.model.opts
	out["model"] = map[string]any{
		"name": o.Name, "uuid": o.UUID, "type": map[bool]string{true: "caas", false: "iaas"}[o.CAAS],
		"api_addresses": o.APIAddresses, "cloud_api_version": o.CloudAPI, "juju_version": w.state.Model.JujuVersion, "sla": w.state.Model.SLA,
		"legacy_proxy": dumpProxies(o.LegacyProxy), "juju_proxy": dumpProxies(o.Proxies),
		"charm_tracing": map[string]any{"http": o.Tracing.HTTP, "grpc": o.Tracing.GRPC, "ca_cert": o.Tracing.CACert},
	}
	u, a := w.unit, w.unit.agent
	principal := ""
	if u.principal != nil {
		principal = u.principal.Name
	}
	out["unit"] = map[string]any{
		"name": u.Name, "machine": u.machine, "availability_zone": u.zone, "principal": principal,
		"private_address": u.address, "public_address": u.public, "workload_version": u.version,
		"status": dumpStatus(u.workload), "status_set": u.workloadSet, "life": u.life.String(),
		"installed": a.installed, "started": a.started, "stopped": a.stopped,
		"removed": w.event.Kind == "remove" && w.hook != nil && w.outcome == Succeeded,
	}
	units := map[string]any{}
	for _, other := range w.app.liveUnits() {
		if other != u {
			units[other.Name] = dumpStatus(other.workload)
		}
	}
	out["app"] = map[string]any{"status": dumpStatus(w.app.status), "units": units}
	out["leader"] = u.isLeader()
	out["trust"] = w.app.trusted
	out["config"] = w.app.config
	out["charm_state"] = u.state
	relations := []any{}
	for _, r := range w.model.relations {
		if e := r.End(w.app.Name); e != nil {
			if m := e.units[u.slot].mem; m != nil && m.entered && !m.left {
				relations = append(relations, w.dumpRelation(m))
			}
		}
	}
	out["relations"] = relations
	if w.hook != nil && w.outcome == RebootNow {
		out["reboot"] = "requested"
	}
	if w.hook != nil {
		w.dumpSeries(out)
	}
	return out
}

// dumpSeries adds how far an upgrade of the machine's base is, of which the
// agent has a part only.
func (w *world) dumpSeries(out map[string]any) {
	switch a := w.unit.agent; {
	case w.event.Kind == "pre-series-upgrade" && a.seriesBase != "":
		out["upgrade_series_status"] = "prepare running"
	case w.event.Kind == "pre-series-upgrade":
		out["upgrade_series_status"] = "prepare completed"
	case w.event.Kind == "post-series-upgrade" && !a.seriesDone:
		out["upgrade_series_status"] = "completed"
	}
}

func dumpProxies(p Proxies) any {
	return map[string]any{"http": p.HTTP, "https": p.HTTPS, "ftp": p.FTP, "no_proxy": p.NoProxy}
}

func dumpStatus(s Status) any {
	return map[string]any{"status": s.Status, "message": s.Message, "data": s.Data}
}

func (w *world) dumpRelation(m *membership) any {
	e, remote := m.end, m.remote()
	out := map[string]any{
		"id": e.rel.ID, "endpoint": e.Endpoint.Name, "interface": e.Endpoint.Interface, "role": e.Endpoint.Role, "scope": e.Endpoint.Scope,
		"remote_app": remote.App.Name, "remote_endpoint": remote.Endpoint.Name,
		"life": e.rel.life.String(), "suspended": e.rel.suspended,
		"local_unit_data": e.units[w.unit.slot].bag.contents(), "local_app_data": e.app.contents(),
	}
	if remote.App.modelUUID != w.model.opts.UUID {
		out["remote_model_uuid"] = remote.App.modelUUID
	}
	if !e.isPeer() {
		out["remote_app_data"] = remote.app.contents()
	}
	members, data := []any{}, map[string]any{}
	for _, slot := range remote.App.byName {
		name := remote.App.units[slot].Name
		if remote.App.units[slot] == w.unit {
			continue
		}
		if b := remote.units[slot].bag; b != nil {
			data[name] = maps.Clone(b.contents())
		}
		if m.seen[slot] != 0 {
			members = append(members, name)
		}
	}
	out["members"], out["remote_units_data"] = members, data
	if m.afterJoin >= 0 {
		out["changed_pending"] = remote.App.units[m.afterJoin].Name
	}
	return out
}

// normal returns a state as lines, "unit.status.status = active", which equal
// states have in common: what says nothing, or the default, is left out. It goes
// through JSON, so that numbers are those that charms see.
func (w *world) normal(state any) []string {
	text, err := json.Marshal(state)
	w.must(err)
	var v map[string]any
	w.must(json.Unmarshal(text, &v))
	if relations, ok := v["relations"].([]any); ok {
		for _, r := range relations {
			w.normalRelation(r.(map[string]any))
		}
	}
	if secrets, ok := v["secrets"].([]any); ok {
		for _, s := range secrets {
			w.normalSecret(s.(map[string]any))
		}
		sortBy(secrets, "id")
	}
	if storage, ok := v["storage"].([]any); ok {
		sortBy(storage, "id")
	}
	for _, key := range []string{"ports", "other_ports"} {
		normalPorts(v[key])
	}
	if v["app"] == nil {
		v["app"] = map[string]any{"status": map[string]any{"status": "unknown"}}
	}
	if unit, _ := v["unit"].(map[string]any); unit["life"] == "alive" {
		delete(unit, "life")
	}
	model, _ := v["model"].(map[string]any)
	if model["api_addresses"] == nil {
		model["api_addresses"] = []any{"10.0.0.1:17070", "10.0.0.2:17070"}
	}
	for _, key := range []string{"charm_state", "config"} { // where an empty text is something
		m, _ := v[key].(map[string]any)
		for name, value := range m {
			if value == "" || value == false {
				m[name] = fmt.Sprintf("%T without more", value)
			}
		}
	}
	if relations, ok := v["relations"].([]any); ok {
		byID := make(map[string]any)
		for _, r := range relations {
			byID[fmt.Sprint(r.(map[string]any)["id"])] = r
		}
		v["relations"] = byID
	}
	lines := appendLines(nil, "", v)
	slices.Sort(lines)
	return lines
}

func sortBy(list []any, key string) {
	slices.SortFunc(list, func(a, b any) int {
		x, _ := json.Marshal(a.(map[string]any)[key])
		y, _ := json.Marshal(b.(map[string]any)[key])
		return strings.Compare(string(x), string(y))
	})
}

func (w *world) normalRelation(r map[string]any) {
	if r["life"] == nil || r["life"] == "" {
		r["life"] = "alive"
	}
	if r["scope"] == nil || r["scope"] == "" {
		r["scope"] = "global"
	}
	if r["role"] == "peer" {
		r["remote_app"], r["remote_endpoint"] = w.app.Name, r["endpoint"]
	}
	if r["remote_model_uuid"] == w.model.opts.UUID {
		delete(r, "remote_model_uuid")
	}
	data, _ := r["remote_units_data"].(map[string]any)
	if r["members"] == nil { // all that are in scope
		r["members"] = slices.Sorted(maps.Keys(data))
	}
	r["members"] = fmt.Sprint(r["members"])
	for name, bag := range data {
		if bag, ok := bag.(map[string]any); !ok || len(bag) == 0 {
			data[name] = "in scope with nothing"
		}
	}
}

// normalSecret adds what a recorded state leaves to be known of itself.
func (w *world) normalSecret(s map[string]any) {
	revisions, _ := s["revisions"].(map[string]any)
	if s["latest"] == nil || s["latest"] == 0.0 {
		latest := 0.0
		for number := range revisions {
			var n float64
			w.must(json.Unmarshal([]byte(number), &n))
			latest = max(latest, n)
		}
		s["latest"] = latest
	}
}

func normalPorts(v any) {
	ports, _ := v.(map[string]any)
	for _, list := range ports {
		switch list := list.(type) {
		case []any:
			slices.SortFunc(list, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
		case map[string]any:
			normalPorts(list)
		}
	}
	openForAll(ports)
}

// appendLines appends a line for each value that is not empty.
func appendLines(lines []string, path string, v any) []string {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			lines = appendLines(lines, path+"."+key, value)
		}
		return lines
	case []any:
		for i, value := range v {
			lines = appendLines(lines, path+"."+strconv.Itoa(i), value)
		}
		return lines
	}
	if v == nil || v == "" || v == false {
		return lines
	}
	return append(lines, fmt.Sprintf("%s = %#v", strings.TrimPrefix(path, "."), v))
}

// difference returns the lines that only one of them has.
func difference(want, got []string) []string {
	var all []string
	for _, line := range want {
		if _, ok := slices.BinarySearch(got, line); !ok {
			all = append(all, "missing: "+line)
		}
	}
	for _, line := range got {
		if _, ok := slices.BinarySearch(want, line); !ok {
			all = append(all, "too much: "+line)
		}
	}
	return all
}
