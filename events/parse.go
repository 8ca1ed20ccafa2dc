// SPDX-License-Identifier: Apache-2.0

package events

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Parse returns the event that Juju's environment variables describe. Each
// entry of env has the form "KEY=value", as those of [os.Environ]; of several
// with the same key the last counts.
//
// JUJU_DISPATCH_PATH decides which event it is; where it is missing (Juju
// before 2.8), JUJU_HOOK_NAME and then JUJU_ACTION_NAME do. A hook that is not
// known is an [Unknown] and no error. A relation event is a Peer type if the
// remote application is the unit's own, which Juju never lets it be elsewhere.
// A remote application that is not given, as in juju-exec, is that of the
// remote unit.
//
// An error names the variable that is missing or malformed.
func Parse(env []string) (Event, error) {
	v := variables(env)
	own, err := applicationOf("JUJU_UNIT_NAME", v.get("JUJU_UNIT_NAME"))
	if err != nil {
		return nil, err
	}
	kind, name, err := v.dispatch()
	if err != nil {
		return nil, err
	}
	if kind == "actions" {
		id := v.get("JUJU_ACTION_UUID")
		if id == "" {
			return nil, missing("JUJU_ACTION_UUID")
		}
		return Action{Action: name, ID: id}, nil
	}
	return v.hook(name, own)
}

// LinkPath returns the dispatch path, "hooks/NAME", of a program that was
// started as .../hooks/NAME, and whether it was. Charms made before Juju 2.8
// consist of such links; argv0 is the first of [os.Args].
func LinkPath(argv0 string) (path string, ok bool) {
	dir, name, found := cutLast(argv0, "/")
	if !found || name == "" || dir != "hooks" && !strings.HasSuffix(dir, "/hooks") {
		return "", false
	}
	return "hooks/" + name, true
}

// dispatch tells which hook or action runs; kind is "hooks" or "actions".
func (v variables) dispatch() (kind, name string, err error) {
	if path := v.get("JUJU_DISPATCH_PATH"); path != "" {
		kind, name, _ = cutLast(path, "/")
		if kind != "hooks" && kind != "actions" || name == "" {
			return "", "", malformed("JUJU_DISPATCH_PATH", path, `must be "hooks/NAME" or "actions/NAME"`)
		}
		return kind, name, nil
	}
	if name := v.get("JUJU_HOOK_NAME"); name != "" {
		if strings.Contains(name, "/") {
			return "", "", malformed("JUJU_HOOK_NAME", name, "must be the name of a hook")
		}
		return "hooks", name, nil
	}
	if name := v.get("JUJU_ACTION_NAME"); name != "" {
		if strings.Contains(name, "/") {
			return "", "", malformed("JUJU_ACTION_NAME", name, "must be the name of an action")
		}
		return "actions", name, nil
	}
	return "", "", missing("JUJU_DISPATCH_PATH")
}

// hook returns the event of a hook of that name in a unit of the application own.
func (v variables) hook(name, own string) (Event, error) {
	switch name {
	case "install":
		return Install{}, nil
	case "start":
		return Start{}, nil
	case "stop":
		return Stop{}, nil
	case "remove":
		return Remove{}, nil
	case "config-changed":
		return ConfigChanged{}, nil
	case "update-status":
		return UpdateStatus{}, nil
	case "upgrade-charm":
		return UpgradeCharm{}, nil
	case "leader-elected":
		return LeaderElected{}, nil
	case "leader-settings-changed":
		return LeaderSettingsChanged{}, nil
	case "pre-series-upgrade":
		return PreSeriesUpgrade{TargetBase: v.get("JUJU_TARGET_BASE"), TargetSeries: v.get("JUJU_TARGET_SERIES")}, nil
	case "post-series-upgrade":
		return PostSeriesUpgrade{}, nil
	case "secret-changed", "secret-rotate", "secret-expired", "secret-remove":
		return v.secret(name)
	}
	for _, suffix := range []string{relationCreated, relationJoined, relationChanged, relationDeparted, relationBroken} {
		if endpoint, ok := cutSuffix(name, suffix); ok {
			return v.relationEvent(endpoint, suffix, own)
		}
	}
	for _, suffix := range []string{storageAttached, storageDetaching} {
		if storage, ok := cutSuffix(name, suffix); ok {
			return v.storage(storage, suffix)
		}
	}
	for _, suffix := range []string{pebbleReady, pebbleCustomNotice, pebbleCheckFailed, pebbleCheckRecovered} {
		if container, ok := cutSuffix(name, suffix); ok {
			return v.workloadEvent(container, suffix)
		}
	}
	return Unknown{Hook: name}, nil
}

func (v variables) relationEvent(endpoint, suffix, own string) (Event, error) {
	unit := v.get("JUJU_REMOTE_UNIT")
	ref, err := v.relationRef(endpoint, suffix, unit)
	if err != nil {
		return nil, err
	}
	if unit == "" && (suffix == relationJoined || suffix == relationDeparted) {
		return nil, missing("JUJU_REMOTE_UNIT")
	}
	peer := ref.App == own
	switch suffix {
	case relationCreated:
		if peer {
			return PeerCreated{ref}, nil
		}
		return RelationCreated{ref}, nil
	case relationJoined:
		if peer {
			return PeerJoined{ref, unit}, nil
		}
		return RelationJoined{ref, unit}, nil
	case relationChanged:
		if peer {
			return PeerChanged{ref, unit}, nil
		}
		return RelationChanged{ref, unit}, nil
	case relationDeparted:
		departing := v.get("JUJU_DEPARTING_UNIT")
		if departing != "" {
			if _, err := applicationOf("JUJU_DEPARTING_UNIT", departing); err != nil {
				return nil, err
			}
		}
		self := departing == v.get("JUJU_UNIT_NAME")
		if peer {
			return PeerDeparted{RelationRef: ref, Unit: unit, DepartingUnit: departing, Self: self}, nil
		}
		return RelationDeparted{RelationRef: ref, Unit: unit, DepartingUnit: departing, Self: self}, nil
	default:
		return RelationBroken{ref}, nil
	}
}

func (v variables) relationRef(endpoint, suffix, unit string) (RelationRef, error) {
	relation, relationID := v.get("JUJU_RELATION"), v.get("JUJU_RELATION_ID")
	if relation == "" {
		return RelationRef{}, missing("JUJU_RELATION")
	}
	if relation != endpoint {
		return RelationRef{}, malformed("JUJU_RELATION", relation, fmt.Sprintf("the hook is %q", endpoint+suffix))
	}
	if relationID == "" {
		return RelationRef{}, missing("JUJU_RELATION_ID")
	}
	prefix, number, prefixed := cutLast(relationID, ":")
	id, ok := parseNumber(number)
	if !ok || prefixed && prefix != endpoint {
		return RelationRef{}, malformed("JUJU_RELATION_ID", relationID, fmt.Sprintf(`must be "%s:NUMBER"`, endpoint))
	}
	ref := RelationRef{Endpoint: endpoint, ID: id, App: v.get("JUJU_REMOTE_APP")}
	if unit != "" {
		app, err := applicationOf("JUJU_REMOTE_UNIT", unit)
		if err != nil {
			return RelationRef{}, err
		}
		if ref.App == "" {
			ref.App = app
		}
	}
	if ref.App == "" && suffix != relationBroken {
		return RelationRef{}, missing("JUJU_REMOTE_APP")
	}
	if strings.Contains(ref.App, "/") {
		return RelationRef{}, malformed("JUJU_REMOTE_APP", ref.App, "must be an application's name")
	}
	return ref, nil
}

func (v variables) storage(storage, suffix string) (Event, error) {
	ref := StorageRef{Storage: storage}
	if ref.ID = v.get("JUJU_STORAGE_ID"); ref.ID != "" {
		ref.Kind, ref.Location = v.get("JUJU_STORAGE_KIND"), v.get("JUJU_STORAGE_LOCATION")
		name, number, _ := cutLast(ref.ID, "/")
		if _, ok := parseNumber(number); !ok || name != storage {
			return nil, malformed("JUJU_STORAGE_ID", ref.ID, fmt.Sprintf(`must be "%s/NUMBER"`, storage))
		}
	}
	if suffix == storageAttached {
		return StorageAttached{ref}, nil
	}
	return StorageDetaching{ref}, nil
}

func (v variables) secret(name string) (Event, error) {
	ref := SecretRef{ID: v.get("JUJU_SECRET_ID"), Label: v.get("JUJU_SECRET_LABEL")}
	if ref.ID == "" {
		return nil, missing("JUJU_SECRET_ID")
	}
	switch name {
	case "secret-changed":
		return SecretChanged{ref}, nil
	case "secret-rotate":
		return SecretRotate{ref}, nil
	}
	number := v.get("JUJU_SECRET_REVISION")
	if number == "" {
		return nil, missing("JUJU_SECRET_REVISION")
	}
	revision, ok := parseNumber(number)
	if !ok {
		return nil, malformed("JUJU_SECRET_REVISION", number, "must be a number")
	}
	if name == "secret-expired" {
		return SecretExpired{ref, revision}, nil
	}
	return SecretRemove{ref, revision}, nil
}

func (v variables) workloadEvent(container, suffix string) (Event, error) {
	workload := v.get("JUJU_WORKLOAD_NAME")
	if workload == "" {
		return nil, missing("JUJU_WORKLOAD_NAME")
	}
	if workload != container {
		return nil, malformed("JUJU_WORKLOAD_NAME", workload, fmt.Sprintf("the hook is %q", container+suffix))
	}
	ref := WorkloadRef{Container: container}
	switch suffix {
	case pebbleReady:
		return PebbleReady{ref}, nil
	case pebbleCustomNotice:
		for _, required := range []string{"JUJU_NOTICE_ID", "JUJU_NOTICE_TYPE", "JUJU_NOTICE_KEY"} {
			if v.get(required) == "" {
				return nil, missing(required)
			}
		}
		return PebbleCustomNotice{ref, v.get("JUJU_NOTICE_ID"), v.get("JUJU_NOTICE_TYPE"), v.get("JUJU_NOTICE_KEY")}, nil
	}
	check := v.get("JUJU_PEBBLE_CHECK_NAME")
	if check == "" {
		return nil, missing("JUJU_PEBBLE_CHECK_NAME")
	}
	if suffix == pebbleCheckFailed {
		return PebbleCheckFailed{ref, check}, nil
	}
	return PebbleCheckRecovered{ref, check}, nil
}

// applicationOf returns "mysql" of the unit "mysql/0", which the variable holds.
func applicationOf(variable, unit string) (string, error) {
	if unit == "" {
		return "", missing(variable)
	}
	app, number, found := strings.Cut(unit, "/")
	if _, ok := parseNumber(number); !found || !ok || app == "" {
		return "", malformed(variable, unit, `must be a unit's name, "APPLICATION/NUMBER"`)
	}
	return app, nil
}

// parseNumber reads a number as Juju writes it: no sign, no leading zeros.
func parseNumber(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err == nil && (s[0] != '0' || s == "0")
}

// cutLast cuts s around the last separator; without one, all of s is after it.
func cutLast(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+len(separator):], true
}

// cutSuffix is [strings.CutSuffix] for a name that must not be empty.
func cutSuffix(s, suffix string) (name string, ok bool) {
	name, ok = strings.CutSuffix(s, suffix)
	return name, ok && name != ""
}

func missing(variable string) error {
	return errors.New("cannot parse event: " + variable + " is not set")
}

func malformed(variable, value, rule string) error {
	return fmt.Errorf("cannot parse event: %s is %q: %s", variable, value, rule)
}
