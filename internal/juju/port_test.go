// SPDX-License-Identifier: Apache-2.0

package juju_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// ports runs commands in a hook of the unit, and returns what is open after it.
func (s *stage) ports(unit string, commands ...string) (opened string, err error) {
	s.t.Helper()
	before := s.play
	defer func() { s.play = before }()
	s.play = func(_ string, h *juju.Hook, _ *hookcmd.Client) error {
		for _, c := range commands {
			words := strings.Fields(c)
			if _, err := command(h, words[0], words[1:]...); err != nil {
				return err
			}
		}
		return nil
	}
	u := s.m.Unit(unit)
	_, outcome, err := s.m.Dispatch(s.t.Context(), u, events.UpdateStatus{})
	if outcome != juju.Succeeded {
		require.NoError(s.t, u.Resolve(true))
		s.settle()
	}
	var list []string
	for _, ports := range u.OpenedPorts() {
		list = append(list, ports.String())
	}
	return strings.Join(list, ", "), err
}

const threeEndpoints = "provides: {web: http, api: http}\nrequires: {db: mysql}"

// Contract 6.7: what the controller makes of endpoints.
func TestPortsOfEndpoints(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		hooks [][]string
		want  string
	}{
		"all takes over from some": {[][]string{{"open-port 80 --endpoints web,api"}, {"open-port 80"}}, "80/tcp (*)"},
		"some is part of all":      {[][]string{{"open-port 80"}, {"open-port 80 --endpoints web"}}, "80/tcp (*)"},
		"all and some at once":     {[][]string{{"open-port 80 --endpoints web", "open-port 80"}}, "80/tcp (*)"},
		"all is closed":            {[][]string{{"open-port 80 --endpoints web,api"}, {"close-port 80"}}, ""},
		"one of all is closed":     {[][]string{{"open-port 80"}, {"close-port 80 --endpoints web"}}, "80/tcp (api, db)"},
		"one of some is closed":    {[][]string{{"open-port 80 --endpoints web,api"}, {"close-port 80 --endpoints web"}}, "80/tcp (api)"},
		"not open":                 {[][]string{{"close-port 80"}}, ""},
		"opened and closed":        {[][]string{{"open-port 80", "close-port 80"}}, ""},
		"closed and opened":        {[][]string{{"open-port 80"}, {"close-port 80", "open-port 80"}}, "80/tcp (*)"},
		"sorted":                   {[][]string{{"open-port 90/udp", "open-port 100", "open-port 20-30", "open-port icmp"}}, "icmp (*), 20-30/tcp (*), 100/tcp (*), 90/udp (*)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, nil)
			s.deploy("app", threeEndpoints, "", 1)
			s.settle()
			var opened string
			for _, hook := range test.hooks {
				var err error
				opened, err = s.ports("app/0", hook...)
				require.NoError(t, err)
			}
			assert.Equal(t, test.want, opened)
		})
	}
}

func TestPortsAreRefusedAtTheFlush(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.deploy("app", threeEndpoints, "", 1)
	s.settle()
	opened, err := s.ports("app/0", "open-port 80", "open-port 81 --endpoints web,nosuch")
	assert.EqualError(t, err, `cannot apply changes: cannot change port 81/tcp: application "app" has no endpoint "nosuch"`)
	assert.Empty(t, opened)

	k8s := newStage(t, &juju.Options{CAAS: true})
	k8s.deploy("app", threeEndpoints, "", 2)
	k8s.settle()
	_, err = k8s.ports("app/0", "open-port icmp")
	assert.ErrorContains(t, err, "protocol icmp on caas models not supported")
	_, err = k8s.ports("app/0", "close-port 80-90")
	assert.ErrorContains(t, err, "port ranges are not supported for k8s applications, please specify a single port")
	for _, unit := range []string{"app/0", "app/1"} { // each has an address of its own
		_, err = k8s.ports(unit, "open-port 80")
		assert.NoError(t, err)
	}
}

// Units on one machine share its ports: a principal and its subordinates.
func TestPortsOfOneMachine(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	s.deploy("app", "provides: {info: machine}", "", 1)
	for _, name := range []string{"one", "two"} {
		s.deploy(name, "subordinate: true\nrequires: {host: {interface: machine, scope: container}}", "", 0)
		_, err := s.m.Relate(name, "host", "app", "info")
		require.NoError(t, err)
	}
	s.settle()
	opened, err := s.ports("one/0", "open-port 80-90")
	require.NoError(t, err)
	assert.Equal(t, "80-90/tcp (*)", opened)
	_, err = s.ports("two/0", "open-port 85")
	assert.ErrorContains(t, err, `cannot open 85/tcp (unit "two/0"): port range conflicts with 80-90/tcp (unit "one/0")`)
	assert.ErrorIs(t, err, hookcmd.ErrPortConflict)
	_, err = s.ports("app/0", "open-port 80-90")
	assert.ErrorContains(t, err, `cannot open 80-90/tcp (unit "app/0"): port range conflicts with 80-90/tcp (unit "one/0")`)
	_, err = s.ports("two/0", "close-port 80-90")
	assert.ErrorContains(t, err, `cannot close 80-90/tcp (unit "two/0"): port range conflicts with 80-90/tcp (unit "one/0")`)
	_, err = s.ports("two/0", "open-port 80-90/udp")
	assert.NoError(t, err)
	_, err = s.ports("one/0", "close-port 80-90")
	require.NoError(t, err)
	opened, err = s.ports("two/0", "open-port 85")
	assert.NoError(t, err)
	assert.Equal(t, "85/tcp (*), 80-90/udp (*)", opened)
	// A hook that fails opens nothing.
	s.in("one/0 update-status", func(h *juju.Hook, c *hookcmd.Client) error {
		require.NoError(t, c.OpenPort(t.Context(), hookcmd.PortRange{Protocol: "tcp", From: 100, To: 100}))
		return assert.AnError
	})
	u := s.m.Unit("one/0")
	_, _, err = s.m.Dispatch(t.Context(), u, events.UpdateStatus{})
	assert.ErrorIs(t, err, assert.AnError)
	assert.Empty(t, u.OpenedPorts())
}
