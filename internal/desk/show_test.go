// SPDX-License-Identifier: Apache-2.0

package desk_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/charmsmith/charmsmith/internal/desk"
	"github.com/charmsmith/charmsmith/internal/juju"
)

func TestShowUnit(t *testing.T) {
	t.Parallel()
	s := related(t)
	assert.Equal(t, `mysql/0:
  workload-version: 8.0.36
  machine: "0"
  opened-ports:
    - 3306/tcp
    - 8000-8010/tcp
    - 53/udp
  public-address: 10.1.0.4
  charm: mysql
  leader: true
  life: alive
  relation-info:
    - relation-id: 0
      endpoint: cluster
      related-endpoint: cluster
      application-data: {}
      local-unit:
        in-scope: true
        data:
          egress-subnets: 10.1.0.4/32
          ingress-address: 10.1.0.4
      related-units:
        mysql/1:
          in-scope: true
          data:
            egress-subnets: 10.1.0.5/32
            ingress-address: 10.1.0.5
        mysql/2:
          in-scope: true
          data:
            egress-subnets: 10.1.0.6/32
            ingress-address: 10.1.0.6
    - relation-id: 1
      endpoint: db
      related-endpoint: database
      application-data: {}
      local-unit:
        in-scope: true
        data:
          egress-subnets: 10.1.0.4/32
          host: 127.1.0.1
          ingress-address: 10.1.0.4
      related-units:
        wordpress/0:
          in-scope: true
          data:
            egress-subnets: 10.1.0.7/32
            ingress-address: 10.1.0.7
        wordpress/1:
          in-scope: true
          data:
            egress-subnets: 10.1.0.8/32
            ingress-address: 10.1.0.8
`, s.print("show-unit mysql/leader", desk.Options{}))

	var shown map[string]struct {
		Relations []struct {
			AppData map[string]string `yaml:"application-data"`
			Related map[string]struct {
				InScope bool `yaml:"in-scope"`
				Data    map[string]string
			} `yaml:"related-units"`
		} `yaml:"relation-info"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(s.print("show-unit wordpress/1", desk.Options{})), &shown))
	relation := shown["wordpress/1"].Relations[0]
	assert.Equal(t, map[string]string{"name": "wp"}, relation.AppData, "the remote application's databag")
	assert.Equal(t, "127.1.0.1", relation.Related["mysql/0"].Data["host"])
	assert.False(t, relation.Related["mysql/1"].InScope, "it failed before it entered")
}

func TestShowUnitOfSubordinateAndPod(t *testing.T) {
	t.Parallel()
	s := newScene(t, juju.Options{}, map[string][]string{"app/0 start": {"open-port|--endpoints|logging|80/tcp"}})
	s.deploy("app", "provides: {logging: logs}", "", 2, nil)
	s.deploy("log", "subordinate: true\nrequires: {host: {interface: logs, scope: container}}", "", 0, nil)
	s.relate("log", "host", "app", "logging")
	for _, u := range s.m.Application("log").Units() {
		shown := s.print("show-unit "+u.Name, desk.Options{})
		for _, principal := range s.m.Application("app").Units() {
			if principal == u.Principal() {
				assert.Contains(t, shown, principal.Name+":")
			} else {
				assert.NotContains(t, shown, principal.Name+":", "on another machine")
			}
		}
	}
	assert.Contains(t, s.print("show-unit app/0", desk.Options{}), "  opened-ports:\n    - 80/tcp (logging)\n")

	s = newScene(t, juju.Options{CAAS: true}, nil)
	s.deploy("web", "storage: {data: {type: filesystem, location: /srv}}", "", 1, nil)
	assert.Equal(t, `web/0:
  opened-ports: []
  charm: web
  leader: true
  life: alive
  storage:
    data/0:
      kind: filesystem
      location: /srv
  address: 10.1.0.4
`, s.print("show-unit web/0", desk.Options{}))
}

func TestShowConfig(t *testing.T) {
	t.Parallel()
	s := newScene(t, juju.Options{}, nil)
	s.deploy("app", "", `
options:
  debug: {type: boolean, default: false, description: says more}
  domain: {type: string}
  port: {type: int, default: 80}
  ratio: {type: float, default: 0.5}
  title: {type: string, default: ""}
`, 1, map[string]any{"port": 8080, "ratio": 0.5})
	assert.Equal(t, `application: app
charm: app
settings:
  debug:
    default: false
    description: says more
    source: default
    type: boolean
    value: false
  domain:
    source: unset
    type: string
  port:
    default: 80
    source: user
    type: int
    value: 8080
  ratio:
    default: 0.5
    source: default
    type: float
    value: 0.5
  title:
    default: ""
    source: default
    type: string
    value: ""
`, s.print("config app", desk.Options{}))
	s.deploy("bare", "", "", 0, nil)
	assert.Equal(t, "application: bare\ncharm: bare\nsettings: {}\n", s.print("config bare", desk.Options{}))
}

func TestShowUnitThatIsNone(t *testing.T) {
	t.Parallel()
	s := newScene(t, juju.Options{}, nil)
	s.deploy("app", "", "", 1, nil)
	for line, want := range map[string]string{
		"show-unit app/7": `there is no unit "app/7"`,
		"show-unit app":   `"app" is not the name of a unit`,
		"config other":    `there is no application "other"`,
	} {
		l, err := desk.Parse(line)
		require.NoError(t, err)
		err = s.desk(desk.Options{Out: io.Discard}).Do(t.Context(), l)
		var usage *desk.UsageError
		require.ErrorAs(t, err, &usage, line)
		assert.ErrorContains(t, err, want)
	}
}
