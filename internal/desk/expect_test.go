// SPDX-License-Identifier: Apache-2.0

package desk_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/desk"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// do returns the error of a line.
func (s *scene) do(line string) error {
	s.t.Helper()
	l, err := desk.Parse(line)
	require.NoError(s.t, err)
	return s.desk(desk.Options{}).Do(s.t.Context(), l)
}

// An application without a message of its own has those of its units.
func TestExpectMessageOfApplication(t *testing.T) {
	t.Parallel()
	s := newScene(t, juju.Options{}, map[string][]string{
		"start":         {"status-set|active|2 peers"},
		"quiet/0 start": {"status-set|--application|active"},
		"loud/0 start":  {"status-set|--application|active|all 3 members"},
		"mixed/1 start": {"status-set|active|1 peer"},
		"worse/0 start": {"status-set|blocked|needs a domain"},
		"worse/1 start": {"status-set|blocked|needs a disk"},
		"other/0 start": {"status-set|--application|waiting"},
	})
	for _, name := range []string{"quiet", "loud", "unset", "other"} {
		s.deploy(name, "", "", 2, nil)
	}
	s.hooks["start"] = nil
	s.hooks["mixed/0 start"] = []string{"status-set|active|2 peers"}
	s.hooks["worse/2 start"] = []string{"status-set|active|fine"}
	s.deploy("mixed", "", "", 2, nil)
	s.deploy("worse", "", "", 3, nil)
	s.deploy("empty", "", "", 0, nil)
	for line, want := range map[string]string{
		`quiet active`:             "",
		`quiet active '2 peers'`:   "",
		`quiet active ^$`:          `expected quiet to be active with a message like "^$": it is active, with no message of its own, but has units with other messages: quiet/0 "2 peers", quiet/1 "2 peers"`,
		`unset active '2 peers'`:   "",
		`loud active '3 members'`:  "",
		`loud active '2 peers'`:    `expected loud to be active with a message like "2 peers", but it is active with the message "all 3 members"`,
		`mixed active '[12] peer'`: "",
		`mixed active '2 peers'`:   `expected mixed to be active with a message like "2 peers": it is active, with no message of its own, but has units with other messages: mixed/1 "1 peer"`,
		`worse blocked needs`:      "",
		`worse blocked domain`:     `expected worse to be blocked with a message like "domain": it is blocked, with no message of its own, but has units with other messages: worse/1 "needs a disk"`,
		`worse active fine`:        `expected worse/0 to be active, but it is blocked with the message "needs a domain"`,
		`worse waiting`:            `expected worse to be waiting, but it is blocked with the message "needs a domain"`,
		`other waiting`:            "",
		`other waiting peers`:      `expected other to be waiting with a message like "peers", but it is waiting`,
		`empty unknown`:            "",
		`empty unknown x`:          `expected empty to be unknown with a message like "x", but it is unknown`,
	} {
		err := s.do("expect " + line)
		if want == "" {
			assert.NoError(t, err, line)
			continue
		}
		var expect *desk.ExpectError
		require.ErrorAs(t, err, &expect, line)
		assert.EqualError(t, err, want, line)
	}
	s = newScene(t, juju.Options{}, map[string][]string{"start": {"status-set|active|ready"}})
	s.deploy("many", "", "", 12, nil)
	assert.ErrorContains(t, s.do("expect many active no"), `many/8 "ready", many/9 "ready", 2 more`)
}

// A line about what is not there says what is.
func TestLinesThatNameNothing(t *testing.T) {
	t.Parallel()
	s := newScene(t, juju.Options{}, nil)
	s.deploy("db", "provides: {db: mysql, backup: s3}", "", 1, nil)
	s.deploy("web", "requires: {store: mysql}", "options: {port: {type: int}, domain: {type: string}}", 2, nil)
	s.relate("web", "store", "db", "db")
	for line, want := range map[string]string{
		"config web prot=1":          `cannot set config of "web": its charm has no option "prot", but domain, port`,
		"config db prot=1":           `cannot set config of "db": its charm has no option "prot", nor any other`,
		"config wbe port=1":          `there is no application "wbe", but db, web`,
		"run web/0 relod":            `cannot run action "relod" on unit web/0: its charm has no such action, nor any other`,
		"run web relod":              `"web" is not the name of a unit: those are like "app/0", or "app/leader"; there are db/0, web/0, web/1`,
		"run web/2 reload":           `there is no unit "web/2", but web/0, web/1`,
		"integrate web mysql":        `there is no application "mysql", but db, web`,
		"integrate mysql web":        `there is no application "mysql", but db, web`,
		"remove-relation web db:dbs": `there is no relation of web and db:dbs, but web:store db:db`,
	} {
		var usage *desk.UsageError
		err := s.do(line)
		require.ErrorAs(t, err, &usage, line)
		assert.EqualError(t, err, want, line)
	}
	assert.ErrorContains(t, s.do("integrate web:stor db"), `"web" has no endpoint "stor", but store (requirer of mysql)`)
}
