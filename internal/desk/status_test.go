// SPDX-License-Identifier: Apache-2.0

package desk_test

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/desk"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// related is two applications that are related, one with peers and a unit in
// error, the other blocked.
func related(t *testing.T) *scene {
	t.Helper()
	s := newScene(t, juju.Options{Seed: 7}, map[string][]string{
		"mysql/0 start":              {"application-version-set|8.0.36", "open-port|3306/tcp", "open-port|53/udp", "open-port|8000-8010/tcp", "status-set|active|primary"},
		"mysql/0 db-relation-joined": {"relation-set|host=127.1.0.1", "relation-set|--app|name=wp"},
		"mysql/1 start":              {"fail"},
		"wordpress/0 start":          {"status-set|blocked|needs a domain"},
		"wordpress/1 start":          {"status-set|waiting|for wordpress/0"},
	})
	s.deploy("mysql", "provides: {db: mysql}\npeers: {cluster: mysql-peers}", "", 3, nil)
	s.deploy("wordpress", "requires: {database: mysql}", "", 2, nil)
	s.relate("wordpress", "database", "mysql", "db")
	return s
}

func TestStatusOfRelatedApplications(t *testing.T) {
	t.Parallel()
	assert.Equal(t, `
Model  Type  Version  Seed  Hooks  Timestamp
desk   iaas  4.1.0    7     50     00:00:00Z

App        Version  Status   Scale  Charm      Message
mysql      8.0.36   error    3      mysql      hook failed: "start"
wordpress           blocked  2      wordpress  needs a domain

Unit          Workload  Agent  Machine  Address   Ports                      Message
mysql/0*      active    idle   0        10.1.0.4  3306,8000-8010/tcp 53/udp  primary
mysql/1       error     idle   1        10.1.0.5                             hook failed: "start"
mysql/2       unknown   idle   2        10.1.0.6
wordpress/0*  blocked   idle   3        10.1.0.7                             needs a domain
wordpress/1   waiting   idle   4        10.1.0.8                             for wordpress/0

Integration provider  Requirer            Interface    Type     Message
mysql:cluster         mysql:cluster       mysql-peers  peer
mysql:db              wordpress:database  mysql        regular
`, "\n"+related(t).print("status", desk.Options{}))
}

func TestStatusOfPods(t *testing.T) {
	t.Parallel()
	s := newScene(t, juju.Options{Version: "3.6.26", CAAS: true}, map[string][]string{"start": {"open-port|80/tcp", "status-set|active"}})
	s.deploy("web", "containers: {web: {}}", "", 2, nil)
	assert.Equal(t, `
Model  Type  Version  Seed  Hooks  Timestamp
desk   caas  3.6.26   0     10     00:00:00Z

App  Version  Status  Scale  Charm  Message
web           active  2      web

Unit    Workload  Agent  Address   Ports   Message
web/0*  active    idle   10.1.0.4  80/tcp
web/1   active    idle   10.1.0.5  80/tcp
`, "\n"+s.print("status", desk.Options{}))
}

func TestStatusOfWhatIsBeingRemoved(t *testing.T) {
	t.Parallel()
	s := newScene(t, juju.Options{}, map[string][]string{
		"app/0 start":                     {"application-version-set|2.1", "status-set|active"},
		"app/1 logging-relation-departed": {"fail"},
		"log/1 start":                     {"status-set|maintenance|collecting"},
		"log/0 other-relation-broken":     {"fail"},
		"sink/0 input-relation-broken":    {"fail"},
	})
	s.deploy("app", "provides: {logging: logs}\nrequires: {data: data}", "", 2, nil)
	s.deploy("log", "subordinate: true\nrequires: {host: {interface: logs, scope: container}}\nprovides: {other: lines}", "", 0, nil)
	s.deploy("sink", "requires: {input: lines}\nprovides: {data: data}", "", 1, nil)
	s.relate("log", "host", "app", "logging")
	input := s.relate("sink", "input", "log", "other")
	require.NoError(t, s.relate("app", "data", "sink", "data").Suspend(true))
	s.settle()
	require.NoError(t, input.Remove())
	require.NoError(t, s.m.Unit("app/1").Remove())
	s.settle()
	assert.Equal(t, `
Model  Type  Version  Seed  Hooks  Timestamp
desk   iaas  4.1.0    0     68     00:00:00Z

App   Version  Status  Scale  Charm  Message
app   2.1      error   2      app    hook failed: "logging-relation-departed"
log            error   2      log    hook failed: "other-relation-broken"
sink           error   1      sink   hook failed: "input-relation-broken"

Unit      Workload     Agent  Machine  Address   Ports  Message
app/0*    active       idle   0        10.1.0.4
  log/1   maintenance  idle            10.1.0.4         collecting
app/1     error        idle   1        10.1.0.5         being removed; hook failed: "logging-relation-departed"
  log/0*  error        idle            10.1.0.5         being removed; hook failed: "other-relation-broken"
sink/0*   error        idle   2        10.1.0.6         hook failed: "input-relation-broken"

Integration provider  Requirer    Interface  Type         Message
app:logging           log:host    logs       subordinate
log:other             sink:input  lines      regular      being removed
sink:data             app:data    data       regular      suspended
`, "\n"+s.print("status", desk.Options{}))

	require.NoError(t, s.m.Application("app").Remove())
	assert.Contains(t, s.print("status", desk.Options{}), `error   1      app    being removed; hook failed: "logging-relation-departed"`)
}

func TestStatusWhileAHookRuns(t *testing.T) {
	t.Parallel()
	var got bytes.Buffer
	s := newScene(t, juju.Options{}, nil)
	s.during = func(string) {
		if got.Len() == 0 {
			assert.NoError(t, desk.Over(s.m, nil, desk.Options{}).WriteStatus(&got))
		}
	}
	s.deploy("app", "", "", 2, nil)
	assert.Equal(t, `Model  Type  Version  Seed  Hooks  Timestamp
desk   iaas  4.1.0    0     0      00:00:00Z

App  Version  Status   Scale  Charm  Message
app           waiting  1/2    app    waiting for machine

Unit    Workload     Agent       Machine  Address   Ports  Message
app/0*  maintenance  executing   0        10.1.0.4         (install) installing charm software
app/1   waiting      allocating  1        10.1.0.5         waiting for machine
`, got.String())
}

func TestStatusOfNothing(t *testing.T) {
	t.Parallel()
	s := newScene(t, juju.Options{}, nil)
	assert.Equal(t, `
Model  Type  Version  Seed  Hooks  Timestamp
desk   iaas  4.1.0    0     0      00:00:00Z

Model "desk" is empty.
`, "\n"+s.print("status", desk.Options{}))
	s = newScene(t, juju.Options{}, nil)
	s.deploy("app", "", "", 0, nil)
	assert.Equal(t, `
Model  Type  Version  Seed  Hooks  Timestamp
desk   iaas  4.1.0    0     0      00:00:00Z

App  Version  Status   Scale  Charm  Message
app           unknown  0      app
`, "\n"+s.print("status", desk.Options{}))
}

func TestStatusOfHostileTexts(t *testing.T) {
	t.Parallel()
	s := newScene(t, juju.Options{}, map[string][]string{
		"app/0 start": {"application-version-set| \x1b]0;owned\x07 \n", "status-set|active|\n two\nlines\r\x1b[31mred\u202eder\xff"},
		"app/1 start": {"open-port|80/tcp", "status-set|active|" + strings.Repeat("大", 5000)},
		"app/2 start": {"status-set|active|e" + strings.Repeat("\u0301", 5000)},
	})
	s.deploy("app", "", "", 3, nil)
	assert.Equal(t, `
App  Version         Status  Scale  Charm  Message
app  \x1b]0;owned\a  active  3      app    two\nlines\r\x1b[31mred\u202eder\xff

Unit    Workload  Agent  Machine  Address   Ports   Message
app/0*  active    idle   0        10.1.0.4          two\nlines\r\x1b[31mred\u202eder\xff
app/1   active    idle   1        10.1.0.5  80/tcp  `+strings.Repeat("大", 99)+`…
app/2   active    idle   2        10.1.0.6          e`+strings.Repeat("\u0301", 3)+strings.Repeat(`\u0301`, 33)+`…
`, s.print("status", desk.Options{})[len("Model  Type  Version  Seed  Hooks  Timestamp\ndesk   iaas  4.1.0    0     10     00:00:00Z\n"):])
}

func TestStatusInColors(t *testing.T) {
	t.Parallel()
	s := related(t)
	colored := s.print("status", desk.Options{Color: true})
	plain := s.print("status", desk.Options{})
	assert.Equal(t, plain, regexp.MustCompile("\x1b\\[[0-9]+m").ReplaceAllString(colored, ""))
	for _, text := range []string{
		"mysql/0\x1b[32m*\x1b[0m      \x1b[32mactive\x1b[0m    \x1b[32midle\x1b[0m",
		"\x1b[31merror\x1b[0m", "\x1b[31mblocked\x1b[0m", "\x1b[33mwaiting\x1b[0m",
	} {
		assert.Contains(t, colored, text)
	}
	assert.NotContains(t, plain, "\x1b")
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk is full") }

func TestStatusThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	s := newScene(t, juju.Options{}, nil)
	assert.EqualError(t, s.desk(desk.Options{}).WriteStatus(brokenWriter{}), "cannot print the status: disk is full")
}
