// SPDX-License-Identifier: Apache-2.0

package events

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Environ returns the environment variables by which Juju describes ev to unit:
// JUJU_UNIT_NAME, JUJU_DISPATCH_PATH, JUJU_HOOK_NAME and those of the event's
// own family. It is the inverse of [Parse]. An event that Juju does not send to
// that unit is an error, as a PeerJoined of another application's unit.
func Environ(ev Event, unit string) ([]string, error) {
	if ev == nil {
		return nil, errors.New("cannot describe event: it is nil")
	}
	env := []string{"JUJU_UNIT_NAME=" + unit}
	if action, ok := ev.(Action); ok {
		env = append(env,
			"JUJU_DISPATCH_PATH=actions/"+action.Action,
			"JUJU_HOOK_NAME=",
			"JUJU_ACTION_NAME="+action.Action,
			"JUJU_ACTION_UUID="+action.ID,
			"JUJU_ACTION_TAG=action-"+action.ID)
	} else {
		env = append(env,
			"JUJU_DISPATCH_PATH=hooks/"+ev.Name(),
			"JUJU_HOOK_NAME="+ev.Name())
		env = appendOwn(env, ev)
	}
	back, err := Parse(env)
	if err != nil {
		return nil, fmt.Errorf("cannot describe %T to unit %q: %w", ev, unit, err)
	}
	if back != ev {
		return nil, fmt.Errorf("cannot describe %#v to unit %q: Juju's environment would mean %#v", ev, unit, back)
	}
	if err := checkUnits(ev, unit); err != nil {
		return nil, fmt.Errorf("cannot describe %#v to unit %q: %w", ev, unit, err)
	}
	return env, nil
}

// checkUnits checks what Parse believes without looking: which units an event
// can be about.
func checkUnits(ev Event, own string) error {
	var remote, departing string
	switch ev := ev.(type) {
	case PeerJoined:
		remote = ev.Unit
	case PeerChanged:
		remote = ev.Unit
	case PeerDeparted:
		remote, departing = ev.Unit, ev.DepartingUnit
	case RelationJoined:
		remote = ev.Unit
	case RelationChanged:
		remote = ev.Unit
	case RelationDeparted:
		remote, departing = ev.Unit, ev.DepartingUnit
	}
	if remote == "" {
		return nil
	}
	app := ev.(RelationEvent).Ref().App
	switch {
	case remote == own:
		return errors.New("a unit has no events about itself")
	case !strings.HasPrefix(remote, app+"/"):
		return fmt.Errorf("%q is no unit of %q", remote, app)
	case departing != "" && departing != own && departing != remote:
		return fmt.Errorf("the departing unit %q is neither of the two", departing)
	}
	return nil
}

// appendOwn appends the variables of the event's family.
func appendOwn(env []string, ev Event) []string {
	switch ev := ev.(type) {
	case PreSeriesUpgrade:
		return append(env, "JUJU_TARGET_BASE="+ev.TargetBase, "JUJU_TARGET_SERIES="+ev.TargetSeries)
	case PeerDeparted:
		return appendDeparted(env, ev.RelationRef, ev.Unit, ev.DepartingUnit)
	case RelationDeparted:
		return appendDeparted(env, ev.RelationRef, ev.Unit, ev.DepartingUnit)
	case PeerJoined:
		return appendRelation(env, ev.RelationRef, ev.Unit)
	case PeerChanged:
		return appendRelation(env, ev.RelationRef, ev.Unit)
	case RelationJoined:
		return appendRelation(env, ev.RelationRef, ev.Unit)
	case RelationChanged:
		return appendRelation(env, ev.RelationRef, ev.Unit)
	case RelationEvent: // created and broken have no unit
		return appendRelation(env, ev.Ref(), "")
	case StorageEvent:
		ref := ev.Ref()
		if ref.ID == "" {
			return env
		}
		return append(env, "JUJU_STORAGE_ID="+ref.ID, "JUJU_STORAGE_KIND="+ref.Kind, "JUJU_STORAGE_LOCATION="+ref.Location)
	case SecretExpired:
		return append(appendSecret(env, ev.SecretRef), "JUJU_SECRET_REVISION="+strconv.Itoa(ev.Revision))
	case SecretRemove:
		return append(appendSecret(env, ev.SecretRef), "JUJU_SECRET_REVISION="+strconv.Itoa(ev.Revision))
	case SecretEvent:
		return appendSecret(env, ev.Ref())
	case PebbleCustomNotice:
		return append(env, "JUJU_WORKLOAD_NAME="+ev.Container,
			"JUJU_NOTICE_ID="+ev.NoticeID, "JUJU_NOTICE_TYPE="+ev.NoticeType, "JUJU_NOTICE_KEY="+ev.NoticeKey)
	case PebbleCheckFailed:
		return append(env, "JUJU_WORKLOAD_NAME="+ev.Container, "JUJU_PEBBLE_CHECK_NAME="+ev.Check)
	case PebbleCheckRecovered:
		return append(env, "JUJU_WORKLOAD_NAME="+ev.Container, "JUJU_PEBBLE_CHECK_NAME="+ev.Check)
	case WorkloadEvent:
		return append(env, "JUJU_WORKLOAD_NAME="+ev.Ref().Container)
	}
	return env
}

func appendRelation(env []string, ref RelationRef, unit string) []string {
	return append(env,
		"JUJU_RELATION="+ref.Endpoint,
		"JUJU_RELATION_ID="+ref.Endpoint+":"+strconv.Itoa(ref.ID),
		"JUJU_REMOTE_UNIT="+unit,
		"JUJU_REMOTE_APP="+ref.App)
}

func appendDeparted(env []string, ref RelationRef, unit, departing string) []string {
	env = appendRelation(env, ref, unit)
	if departing != "" {
		env = append(env, "JUJU_DEPARTING_UNIT="+departing)
	}
	return env
}

func appendSecret(env []string, ref SecretRef) []string {
	return append(env, "JUJU_SECRET_ID="+ref.ID, "JUJU_SECRET_LABEL="+ref.Label)
}
