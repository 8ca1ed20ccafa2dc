// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"strings"

	"github.com/charmsmith/charmsmith/events"
)

// hookKind is the kind of a hook, or of what runs like one.
type hookKind uint8

const (
	noHook hookKind = iota
	install
	start
	stop
	remove
	configChanged
	updateStatus
	upgradeCharm
	leaderElected
	leaderSettingsChanged // 3.6
	preSeriesUpgrade      // 3.6
	postSeriesUpgrade     // 3.6
	relationCreated
	relationJoined
	relationChanged
	relationDeparted
	relationBroken
	storageAttached
	storageDetaching
	secretChanged
	secretRotate
	secretExpired
	secretRemove
	pebbleReady
	pebbleCustomNotice
	pebbleCheckFailed
	pebbleCheckRecovered
	action
	runCommands // juju-exec
	rebootStart // the start after the machine's reboot
)

var kindNames = [...]string{
	install: "install", start: "start", stop: "stop", remove: "remove", configChanged: "config-changed",
	updateStatus: "update-status", upgradeCharm: "upgrade-charm", leaderElected: "leader-elected",
	leaderSettingsChanged: "leader-settings-changed", preSeriesUpgrade: "pre-series-upgrade", postSeriesUpgrade: "post-series-upgrade",
	relationCreated: "relation-created", relationJoined: "relation-joined", relationChanged: "relation-changed",
	relationDeparted: "relation-departed", relationBroken: "relation-broken",
	storageAttached: "storage-attached", storageDetaching: "storage-detaching",
	secretChanged: "secret-changed", secretRotate: "secret-rotate", secretExpired: "secret-expired", secretRemove: "secret-remove",
	pebbleReady: "pebble-ready", pebbleCustomNotice: "pebble-custom-notice",
	pebbleCheckFailed: "pebble-check-failed", pebbleCheckRecovered: "pebble-check-recovered",
	action: "action", runCommands: "run-commands", rebootStart: "start",
}

func (k hookKind) String() string { return kindNames[k] }

func (k hookKind) isRelation() bool { return relationCreated <= k && k <= relationBroken }
func (k hookKind) isStorage() bool  { return k == storageAttached || k == storageDetaching }
func (k hookKind) isSecret() bool   { return secretChanged <= k && k <= secretRemove }
func (k hookKind) isWorkload() bool { return pebbleReady <= k && k <= pebbleCheckRecovered }

// hookInfo says which hook runs; a hook that failed runs again with the same.
type hookInfo struct {
	kind     hookKind
	member   *membership // of relation hooks, and of juju-exec in a relation
	slot     int32       // of the remote unit; -1: none
	version  uint32      // of the databag that joined and changed are about, of the config or of the leader's settings
	storage  *Storage
	secret   *Secret
	revision int
	workload *Workload
	action   *Action
	commands *Commands
	target   string // base of pre-series-upgrade
}

// remoteUnit returns the unit that a relation hook is about, or nil.
func (i hookInfo) remoteUnit() *Unit {
	if i.member == nil || i.slot < 0 {
		return nil
	}
	return i.member.remoteApp().units[i.slot]
}

// name returns the hook's name, "db-relation-joined"; empty for an action and
// for commands.
func (i hookInfo) name() string {
	switch {
	case i.kind.isRelation():
		return i.member.end.hookName(i.kind)[0][len(hookVariable):]
	case i.kind.isStorage():
		return i.storage.name() + "-" + i.kind.String()
	case i.kind.isWorkload():
		return i.workload.Container + "-" + i.kind.String()
	case i.kind == action || i.kind == runCommands:
		return ""
	}
	return i.kind.String()
}

// departing returns whom JUJU_DEPARTING_UNIT names.
func (i hookInfo) departing(u *Unit) string {
	if u.life != Alive || u.app.dying {
		return u.Name
	}
	return i.member.end.unitName(i.remoteUnit())
}

// event returns the event as a charm sees it; nil for commands of juju-exec.
func (i hookInfo) event(u *Unit) events.Event {
	switch i.kind {
	case install:
		return events.Install{}
	case start, rebootStart:
		return events.Start{}
	case stop:
		return events.Stop{}
	case remove:
		return events.Remove{}
	case configChanged:
		return events.ConfigChanged{}
	case updateStatus:
		return events.UpdateStatus{}
	case upgradeCharm:
		return events.UpgradeCharm{}
	case leaderElected:
		return events.LeaderElected{}
	case leaderSettingsChanged:
		return events.LeaderSettingsChanged{}
	case preSeriesUpgrade:
		series := seriesOf(i.target)
		return events.PreSeriesUpgrade{TargetBase: i.target, TargetSeries: series}
	case postSeriesUpgrade:
		return events.PostSeriesUpgrade{}
	case action:
		return events.Action{Action: i.action.Name, ID: i.action.ID}
	}
	switch {
	case i.kind.isRelation():
		return i.relationEvent(u)
	case i.kind.isStorage():
		return i.storageEvent()
	case i.kind.isSecret():
		return i.secretEvent(u)
	case i.kind.isWorkload():
		return i.workloadEvent()
	}
	return nil
}

func (i hookInfo) relationEvent(u *Unit) events.Event {
	end := i.member.end
	ref := events.RelationRef{Endpoint: end.Endpoint.Name, ID: end.rel.ID, App: end.remoteName()}
	unit := ""
	if remote := i.remoteUnit(); remote != nil {
		unit = end.unitName(remote)
	}
	if end.isPeer() {
		switch i.kind {
		case relationCreated:
			return events.PeerCreated{RelationRef: ref}
		case relationJoined:
			return events.PeerJoined{RelationRef: ref, Unit: unit}
		case relationChanged:
			return events.PeerChanged{RelationRef: ref, Unit: unit}
		case relationDeparted:
			departing := i.departing(u)
			return events.PeerDeparted{RelationRef: ref, Unit: unit, DepartingUnit: departing, Self: departing == u.Name}
		}
	}
	switch i.kind {
	case relationCreated:
		return events.RelationCreated{RelationRef: ref}
	case relationJoined:
		return events.RelationJoined{RelationRef: ref, Unit: unit}
	case relationChanged:
		return events.RelationChanged{RelationRef: ref, Unit: unit}
	case relationDeparted:
		departing := i.departing(u)
		return events.RelationDeparted{RelationRef: ref, Unit: unit, DepartingUnit: departing, Self: departing == u.Name}
	default:
		return events.RelationBroken{RelationRef: ref}
	}
}

func (i hookInfo) storageEvent() events.Event {
	ref := events.StorageRef{Storage: i.storage.name(), ID: i.storage.ID, Kind: i.storage.Kind, Location: i.storage.Location}
	if i.kind == storageAttached {
		return events.StorageAttached{StorageRef: ref}
	}
	return events.StorageDetaching{StorageRef: ref}
}

func (i hookInfo) secretEvent(u *Unit) events.Event {
	ref := events.SecretRef{ID: i.secret.uriFor(u), Label: i.secret.labelFor(u)}
	switch i.kind {
	case secretChanged:
		return events.SecretChanged{SecretRef: ref}
	case secretRotate:
		return events.SecretRotate{SecretRef: ref}
	case secretExpired:
		return events.SecretExpired{SecretRef: ref, Revision: i.revision}
	default:
		return events.SecretRemove{SecretRef: ref, Revision: i.revision}
	}
}

func (i hookInfo) workloadEvent() events.Event {
	w := i.workload
	ref := events.WorkloadRef{Container: w.Container}
	switch i.kind {
	case pebbleReady:
		return events.PebbleReady{WorkloadRef: ref}
	case pebbleCustomNotice:
		return events.PebbleCustomNotice{WorkloadRef: ref, NoticeID: w.NoticeID, NoticeType: w.NoticeType, NoticeKey: w.NoticeKey}
	case pebbleCheckFailed:
		return events.PebbleCheckFailed{WorkloadRef: ref, Check: w.Check}
	default:
		return events.PebbleCheckRecovered{WorkloadRef: ref, Check: w.Check}
	}
}

// seriesOf returns the series of an Ubuntu base, "jammy" of "ubuntu@22.04/stable".
func seriesOf(base string) string {
	os, rest, _ := strings.Cut(base, "@")
	channel, _, _ := strings.Cut(rest, "/")
	if os == "ubuntu" {
		switch channel {
		case "20.04":
			return "focal"
		case "22.04":
			return "jammy"
		case "24.04":
			return "noble"
		}
	}
	return os + strings.ReplaceAll(channel, ".", "")
}
