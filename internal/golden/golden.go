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
	Result  string            // "ok", or why the charm was not started
	Env     map[string]string // the complete environment; nil if the charm was not started
}

// Case is the recording of hook commands that ran in one hook.
type Case struct {
	Version   string // of Juju, see Versions
	Name      string
	FromFake  bool `json:"from_fake"` // a stand-in answered, not Juju: no evidence
	Unordered bool // Juju prints these in random order
	Result    string
	Calls     []Call
}

// Call is the recording of one hook command.
type Call struct {
	Argv      []string
	Stdin     *string
	Stdout    string
	StdoutB64 []byte `json:"stdout_b64"` // instead of Stdout, if that is not text
	Stderr    string
	Code      int
}

// Dispatches returns the recorded dispatches of all versions.
func Dispatches() []Dispatch {
	var all []Dispatch
	each("env", func(version string, data []byte) error {
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
	each("tools", func(version string, data []byte) error {
		var file struct{ Cases []Case }
		err := json.Unmarshal(data, &file)
		for _, c := range file.Cases {
			c.Version = version
			all = append(all, c)
		}
		return err
	})
	return all
}

func each(folder string, read func(version string, data []byte) error) {
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
				err = read(version, data)
			}
			if err != nil {
				panic(fmt.Sprintf("cannot read recording %s: %v", name, err))
			}
		}
	}
}
