// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/charmdir"
)

// loadMisc adds what the state has of ports, storage, goal state, leader
// settings, payloads and pod specs to the model. Applications, units and
// relations are there already, the event's hook is not.
func (w *world) loadMisc() {
	s := &w.state
	w.unit.ports = w.ports(s.Ports)
	for _, name := range slices.Sorted(maps.Keys(s.OtherPorts)) {
		app, _, _ := strings.Cut(name, "/")
		w.remoteApp(app, "")
		u := w.remoteUnit(name)
		u.machine, u.ports = w.unit.machine, w.ports(s.OtherPorts[name])
	}
	w.unit.storage = nil
	for _, storage := range s.Storage {
		w.unit.storage = append(w.unit.storage, &Storage{
			ID: storage.ID, Kind: storage.Kind, Location: storage.Location, provisioned: !storage.NotProvisioned, attached: storage.Attached,
		})
		_, number, _ := strings.Cut(storage.ID, "/")
		n, err := strconv.Atoi(number)
		w.must(err)
		w.model.nextStore = max(w.model.nextStore, n+1)
	}
	// The recorder's controller took whatever name it was given.
	charm := w.app.charm
	charm.ExtraBindings = append(charm.ExtraBindings, "nosuch")
	charm.Storage["nosuch"] = charmdir.Storage{Name: "nosuch", Type: "filesystem", CountMax: -1}
	if goal := s.GoalState; goal != nil {
		w.app.goal = &hookcmd.GoalState{Units: goals(goal.Units), Relations: make(map[string]map[string]hookcmd.GoalStatus)}
		for endpoint, remote := range goal.Relations {
			w.app.goal.Relations[endpoint] = goals(remote)
		}
	}
	w.app.planned = s.PlannedUnits
	w.app.leaderSettings = s.LeaderSettings
	w.app.podSpec, w.app.rawPodSpec = s.PodSpec, s.RawK8sSpec
}

func goals(recorded map[string]goldenGoal) map[string]hookcmd.GoalStatus {
	read := make(map[string]hookcmd.GoalStatus)
	for name, goal := range recorded {
		status := hookcmd.GoalStatus{Status: goal.Status}
		if goal.Since != nil {
			status.Since.Time = *goal.Since
		}
		read[name] = status
	}
	return read
}

func (w *world) ports(recorded map[string][]string) portSet {
	set := make(portSet)
	for endpoint, list := range recorded {
		for _, text := range list {
			ports, err := hookcmd.ParsePortRange(text)
			w.must(err)
			set.add(endpoint, ports)
		}
	}
	return set
}

// openForAll leaves out the endpoints of ports that are open for all: what the
// controller makes of both, which the recorder's did not.
func openForAll(ports map[string]any) {
	all, _ := ports[allEndpoints].([]any)
	for endpoint, list := range ports {
		if list, ok := list.([]any); ok && endpoint != allEndpoints {
			ports[endpoint] = slices.DeleteFunc(list, func(p any) bool { return slices.Contains(all, p) })
		}
	}
}

// dumpMisc adds "ports", "storage", "leader_settings", "pod_spec", "raw_k8s_spec"
// and "actions" to the state after the case.
func (w *world) dumpMisc(out map[string]any) {
	out["ports"] = w.unit.ports
	storage := []any{}
	for _, s := range w.unit.storage {
		location := s.Location
		if !s.provisioned {
			location = ""
		}
		storage = append(storage, map[string]any{
			"id": s.ID, "kind": s.Kind, "location": location, "attached": s.attached, "not_provisioned": !s.provisioned,
		})
	}
	out["storage"] = storage
	out["leader_settings"] = w.app.leaderSettings
	out["pod_spec"], out["raw_k8s_spec"] = w.app.podSpec, w.app.rawPodSpec
	if w.action != nil {
		status := w.action.Status
		if w.version == "3.6" && w.hook == nil && status == "failed" {
			status = "error" // as in 4, whose recording stands in for one of 3.6
		}
		out["actions"] = map[string]any{w.action.ID: map[string]any{
			"name": w.action.Name, "status": status, "results": w.action.Results, "message": w.action.Message, "log": w.action.Log,
		}}
	}
}

// storageInfo returns the info of a storage hook of w.event.
func (w *world) storageInfo(kind hookKind) (hookInfo, error) {
	return hookInfo{kind: kind, slot: -1, storage: w.unit.storageOf(w.event.StorageID)}, nil
}

// actionInfo returns the info of an action of w.event.
func (w *world) actionInfo() (hookInfo, error) {
	e := w.event
	w.action = &Action{ID: cmp.Or(e.ActionID, "1"), Name: e.Action, Params: e.Params, Status: "pending"}
	return hookInfo{kind: action, slot: -1, action: w.action}, nil
}
