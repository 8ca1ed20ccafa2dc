// SPDX-License-Identifier: Apache-2.0

package events

import "strings"

// Suffixes of the hooks whose name begins with that of an endpoint, a storage
// or a container.
const (
	relationCreated      = "-relation-created"
	relationJoined       = "-relation-joined"
	relationChanged      = "-relation-changed"
	relationDeparted     = "-relation-departed"
	relationBroken       = "-relation-broken"
	storageAttached      = "-storage-attached"
	storageDetaching     = "-storage-detaching"
	pebbleReady          = "-pebble-ready"
	pebbleCustomNotice   = "-pebble-custom-notice"
	pebbleCheckFailed    = "-pebble-check-failed"
	pebbleCheckRecovered = "-pebble-check-recovered"
)

// variables are those of the environment that describe the event. A missing
// variable is empty: no rule tells the two apart.
type variables struct {
	unit         string // JUJU_UNIT_NAME
	app          string // of unit
	dispatchPath string // JUJU_DISPATCH_PATH
	hookName     string // JUJU_HOOK_NAME

	relation      string // JUJU_RELATION
	relationID    string // JUJU_RELATION_ID
	remoteApp     string // JUJU_REMOTE_APP
	remoteUnit    string // JUJU_REMOTE_UNIT
	departingUnit string // JUJU_DEPARTING_UNIT

	storageID       string // JUJU_STORAGE_ID
	storageKind     string // JUJU_STORAGE_KIND
	storageLocation string // JUJU_STORAGE_LOCATION

	secretID       string // JUJU_SECRET_ID
	secretLabel    string // JUJU_SECRET_LABEL
	secretRevision string // JUJU_SECRET_REVISION

	workload   string // JUJU_WORKLOAD_NAME
	noticeID   string // JUJU_NOTICE_ID
	noticeType string // JUJU_NOTICE_TYPE
	noticeKey  string // JUJU_NOTICE_KEY
	check      string // JUJU_PEBBLE_CHECK_NAME

	actionName string // JUJU_ACTION_NAME
	actionID   string // JUJU_ACTION_UUID

	targetBase   string // JUJU_TARGET_BASE
	targetSeries string // JUJU_TARGET_SERIES
}

// readVariables takes the last of several settings of one variable, as os/exec does.
func readVariables(env []string) variables {
	var v variables
	for _, kv := range env {
		key, value, ok := strings.Cut(kv, "=")
		if !ok || !strings.HasPrefix(key, "JUJU_") {
			continue
		}
		switch key {
		case "JUJU_UNIT_NAME":
			v.unit = value
		case "JUJU_DISPATCH_PATH":
			v.dispatchPath = value
		case "JUJU_HOOK_NAME":
			v.hookName = value
		case "JUJU_RELATION":
			v.relation = value
		case "JUJU_RELATION_ID":
			v.relationID = value
		case "JUJU_REMOTE_APP":
			v.remoteApp = value
		case "JUJU_REMOTE_UNIT":
			v.remoteUnit = value
		case "JUJU_DEPARTING_UNIT":
			v.departingUnit = value
		case "JUJU_STORAGE_ID":
			v.storageID = value
		case "JUJU_STORAGE_KIND":
			v.storageKind = value
		case "JUJU_STORAGE_LOCATION":
			v.storageLocation = value
		case "JUJU_SECRET_ID":
			v.secretID = value
		case "JUJU_SECRET_LABEL":
			v.secretLabel = value
		case "JUJU_SECRET_REVISION":
			v.secretRevision = value
		case "JUJU_WORKLOAD_NAME":
			v.workload = value
		case "JUJU_NOTICE_ID":
			v.noticeID = value
		case "JUJU_NOTICE_TYPE":
			v.noticeType = value
		case "JUJU_NOTICE_KEY":
			v.noticeKey = value
		case "JUJU_PEBBLE_CHECK_NAME":
			v.check = value
		case "JUJU_ACTION_NAME":
			v.actionName = value
		case "JUJU_ACTION_UUID":
			v.actionID = value
		case "JUJU_TARGET_BASE":
			v.targetBase = value
		case "JUJU_TARGET_SERIES":
			v.targetSeries = value
		}
	}
	return v
}
