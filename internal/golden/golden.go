// SPDX-License-Identifier: Apache-2.0

// Package golden gives tests the recordings of what Juju's own unit agent
// passed to charms and answered to hook commands. testdata/4 was recorded on
// Juju 4.1-beta2, testdata/3.6 on 3.6.26 and holds only what differs there: a
// case of 4 holds for 3.6 too unless one of the same name stands in 3.6.
//
// Placeholders such as ${CHARM_DIR} and ${HEX32} stand for what differed from
// run to run.
package golden

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
)

//go:embed testdata
var files embed.FS

// Versions are the recorded versions of Juju.
var Versions = []string{"4", "3.6"}

// Dispatch is the recording of one start of a charm.
type Dispatch struct {
	Version string // of Juju, see Versions
	Name    string
	State   json.RawMessage   // see [State]
	Event   Event             // that the charm was started for
	Result  string            // "ok", or why the charm was not started
	Error   string            // of a result that is not "ok"
	Env     map[string]string // the complete environment; nil if the charm was not started
}

// Event is what a charm was started for. Fields that the kind has no use for
// are zero.
type Event struct {
	Kind           string         // "install", "relation-joined", "action"
	RelationID     int            `json:"relation_id"`
	RemoteUnit     string         `json:"remote_unit"`
	RemoteApp      string         `json:"remote_app"`
	DepartingUnit  string         `json:"departing_unit"` // default RemoteUnit
	StorageID      string         `json:"storage_id"`
	Secret         string         // ID or URI
	SecretRevision int            `json:"secret_revision"`
	SecretLabel    string         `json:"secret_label"`
	Workload       string         // container
	NoticeID       string         `json:"notice_id"`
	NoticeType     string         `json:"notice_type"`
	NoticeKey      string         `json:"notice_key"`
	Check          string         // of Pebble
	Action         string         // its name
	ActionID       string         `json:"action_id"` // default "1"
	Params         map[string]any // of the action
	Commands       string         // of juju-exec
	BaseTarget     string         `json:"base_target"` // of pre-series-upgrade
	Strict         bool           // the unit that joins is a member
}

// Case is the recording of hook commands that ran in one hook.
type Case struct {
	Version   string // of Juju, see Versions
	Name      string
	File      string          // the name of its file, "config-get.json"
	State     json.RawMessage // see [State]
	Event     Event           // whose hook it is
	Metadata  string          // of the charm, metadata.yaml; empty: it is as the state needs it
	Actions   string          // of the charm, actions.yaml; empty: the event's action takes any parameters
	FromFake  bool            `json:"from_fake"` // a stand-in answered, not Juju: no evidence
	Unordered bool            // Juju prints these in random order
	Calls     []Call
	Exit      int    // the charm's exit code
	Result    string // "ok", "failed", "skipped", "prepare-failed", "requeue-reboot", ...
	Error     string // of a result that is not "ok"

	Commit         []json.RawMessage // what was sent to the controller
	StateAfter     json.RawMessage   `json:"state_after"`     // nil if it is StateUnchanged
	StateUnchanged bool              `json:"state_unchanged"` // it is as it was
	Log            []LogLine         // what juju-log and its like logged
}

// LogLine is a line of a unit's log.
type LogLine struct{ Module, Level, Message string }

// Call is the recording of one hook command.
type Call struct {
	Argv      []string
	Stdin     *string
	Stdout    string
	StdoutB64 []byte `json:"stdout_b64"` // instead of Stdout, if that is not text
	Stderr    string
	Code      int
	Files     map[string]string // that lie in the charm's directory, by name
}

// Dispatches returns the recorded dispatches of all versions.
func Dispatches() []Dispatch {
	var all []Dispatch
	each("env", func(version, _ string, data []byte) error {
		d := Dispatch{Version: version}
		err := json.Unmarshal(data, &d)
		all = append(all, d)
		return err
	})
	return all
}

// Cases returns the recorded hook commands of all versions.
func Cases() []Case {
	var all []Case
	each("tools", func(version, name string, data []byte) error {
		var file struct{ Cases []Case }
		err := json.Unmarshal(data, &file)
		for _, c := range file.Cases {
			c.Version, c.File = version, name
			all = append(all, c)
		}
		return err
	})
	return all
}

// State returns the world that a recording began with, given its State: the
// state itself, or the name of one.
func State(recorded json.RawMessage) json.RawMessage {
	var name string
	if json.Unmarshal(recorded, &name) != nil {
		return recorded
	}
	for _, version := range Versions {
		if data, err := files.ReadFile(path.Join("testdata", version, "states", name+".json")); err == nil {
			return data
		}
	}
	panic(fmt.Sprintf("there is no state %q among the recordings", name))
}

func each(folder string, read func(version, name string, data []byte) error) {
	for _, version := range Versions {
		dir := path.Join("testdata", version, folder)
		entries, err := fs.ReadDir(files, dir)
		if err != nil {
			panic(err)
		}
		for _, entry := range entries {
			name := path.Join(dir, entry.Name())
			data, err := files.ReadFile(name)
			if err == nil {
				err = read(version, entry.Name(), data)
			}
			if err != nil {
				panic(fmt.Sprintf("cannot read recording %s: %v", name, err))
			}
		}
	}
}
