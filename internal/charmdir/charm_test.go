// SPDX-License-Identifier: Apache-2.0

package charmdir_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/charmdir"
)

const everything = `
name: big-charm2
type: charm
title: Big
summary: A summary
description: |
  A description
  of two lines.
base: ubuntu@24.04
platforms: {amd64: }
parts:
  anything: {!custom goes: [!x here], 5: x, 5: y}
subordinate: true
charm-user: non-root
terms: [mit]
assumes:
  - juju >= 3.6
  - k8s-api
  - any-of:
      - juju < 5
      - all-of: [pebble]
  - any-of: []
provides:
  db_1: postgres
  cos-agent: {interface: cos_agent, limit: 2, optional: true, unknown: 1}
requires:
  juju-info: {interface: juju-info, scope: container, limit: }
  data: {interface: data, limit: "3"}
peers:
  cluster: {interface: big-peers}
extra-bindings:
  public:
  admin:
storage:
  data:
    type: filesystem
    description: Data
    shared: true
    read-only: "true"
    location: /srv
    minimum-size: 1.5G
    multiple: {range: 1-}
    properties: [transient]
  swap: {type: block, multiple: {range: 2}}
  few: {type: block, multiple: {range: 0-3}, minimum-size: "100"}
  tmp: {type: filesystem}
devices:
  gpu: {type: gpu, countmin: 0, countmax: 2}
resources:
  image: {type: oci-image, description: An image, upstream-source: x}
  tarball: {filename: x.tgz}
containers:
  web:
    resource: image
    uid: 0
    gid: 10000
    mounts:
      - {storage: data, location: /data}
      - {storage: tmp, location: /tmp}
  side: {bases: [{name: ubuntu}]}
payloads:
  vm: {type: kvm}
config:
  options:
    name: {type: string, default: "", description: A name}
    nothing: {}
    count: {type: int, default: 3}
    large: {type: integer, default: 9007199254740993}
    ratio: {type: float, default: 1}
    half: {type: float, default: 0.5}
    debug: {type: boolean, default: no}
    token: {type: secret}
actions:
  ping:
    description: Ping the peers
    parallel: true
    execution-group: net
    additionalProperties: false
    required: [tries]
    params:
      tries: {type: integer, minimum: 1, default: 3}
      pause: {type: number, default: 0.5}
      list: {type: array, items: {type: string}, default: [a, null]}
  now:
`

func ptr[T any](v T) *T { return &v }

func TestParseEverything(t *testing.T) {
	t.Parallel()
	got, err := charmdir.Parse(charmdir.Files{Charmcraft: []byte(everything)})
	require.NoError(t, err)
	assert.Equal(t, &charmdir.Charm{
		Name:        "big-charm2",
		Summary:     "A summary",
		Description: "A description\nof two lines.\n",
		Subordinate: true,
		Endpoints: map[string]charmdir.Endpoint{
			"db_1":      {Name: "db_1", Role: charmdir.RoleProvider, Interface: "postgres", Scope: "global"},
			"cos-agent": {Name: "cos-agent", Role: charmdir.RoleProvider, Interface: "cos_agent", Scope: "global", Limit: 2, Optional: true},
			"juju-info": {Name: "juju-info", Role: charmdir.RoleRequirer, Interface: "juju-info", Scope: "container"},
			"data":      {Name: "data", Role: charmdir.RoleRequirer, Interface: "data", Scope: "global", Limit: 3},
			"cluster":   {Name: "cluster", Role: charmdir.RolePeer, Interface: "big-peers", Scope: "global"},
		},
		ExtraBindings: []string{"admin", "public"},
		Storage: map[string]charmdir.Storage{
			"data": {Name: "data", Type: "filesystem", Description: "Data", Shared: true, ReadOnly: true, CountMin: 1, CountMax: -1,
				MinimumSize: 1536, Location: "/srv", Properties: []string{"transient"}},
			"swap": {Name: "swap", Type: "block", CountMin: 2, CountMax: 2},
			"few":  {Name: "few", Type: "block", CountMin: 0, CountMax: 3, MinimumSize: 100},
			"tmp":  {Name: "tmp", Type: "filesystem", CountMin: 1, CountMax: 1},
		},
		Containers: map[string]charmdir.Container{
			"web": {Name: "web", Resource: "image", UID: ptr(0), GID: ptr(10000),
				Mounts: []charmdir.Mount{{Storage: "data", Location: "/data"}, {Storage: "tmp", Location: "/tmp"}}},
			"side": {Name: "side"},
		},
		Resources: map[string]charmdir.Resource{
			"image":   {Name: "image", Type: "oci-image", Description: "An image"},
			"tarball": {Name: "tarball", Type: "file", Filename: "x.tgz"},
		},
		Payloads: map[string]charmdir.Payload{"vm": {Class: "vm", Type: "kvm"}},
		Options: map[string]charmdir.Option{
			"name":    {Name: "name", Type: "string", Default: "", Description: "A name"},
			"nothing": {Name: "nothing", Type: "string"},
			"count":   {Name: "count", Type: "int", Default: int64(3)},
			"large":   {Name: "large", Type: "int", Default: int64(9007199254740993)},
			"ratio":   {Name: "ratio", Type: "float", Default: 1.0},
			"half":    {Name: "half", Type: "float", Default: 0.5},
			"debug":   {Name: "debug", Type: "boolean", Default: false},
			"token":   {Name: "token", Type: "secret"},
		},
		Actions: map[string]charmdir.Action{
			"ping": {Name: "ping", Description: "Ping the peers", Parallel: true, ExecutionGroup: "net", Schema: map[string]any{
				"type": "object", "title": "ping", "description": "Ping the peers",
				"additionalProperties": false,
				"required":             []any{"tries"},
				"properties": map[string]any{
					"tries": map[string]any{"type": "integer", "minimum": int64(1), "default": int64(3)},
					"pause": map[string]any{"type": "number", "default": 0.5},
					"list":  map[string]any{"type": "array", "items": map[string]any{"type": "string"}, "default": []any{"a", nil}},
				},
			}},
			"now": {Name: "now", Description: "No description", Schema: map[string]any{
				"type": "object", "title": "now", "description": "No description", "properties": map[string]any{},
			}},
		},
		Assumes: []charmdir.Assumption{
			{Feature: "juju", Constraint: ">=", Version: "3.6"},
			{Feature: "k8s-api"},
			{AnyOf: []charmdir.Assumption{
				{Feature: "juju", Constraint: "<", Version: "5"},
				{AllOf: []charmdir.Assumption{{Feature: "pebble"}}},
			}},
			{AnyOf: []charmdir.Assumption{}},
		},
		CharmUser: "non-root",
	}, got)
}

const (
	head     = "type: charm\n" + meta
	meta     = "name: x\nsummary: s\ndescription: d\n"
	options  = "options: {a: {type: int, default: 7}}\n"
	action   = "ping: {description: Ping}\n"
	peers    = "peers: {p: {interface: i}}\n"
	stranger = "[1, 2]"
)

func TestPlaces(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]fstest.MapFS{
		"charmcraft alone": {
			"charmcraft.yaml": {Data: []byte(head + peers + "config:\n  " + options + "actions:\n  " + action)},
			"manifest.yaml":   {Data: []byte(stranger)},
		},
		"charmcraft with the rest": {
			"charmcraft.yaml": {Data: []byte(head + peers + "config:\nactions:\n")},
			"config.yaml":     {Data: []byte(options)},
			"actions.yaml":    {Data: []byte(action)},
		},
		"charmcraft without metadata": {
			"charmcraft.yaml": {Data: []byte("type: charm\nbases: []\n")},
			"metadata.yaml":   {Data: []byte(meta + peers)},
			"config.yaml":     {Data: []byte(options)},
			"actions.yaml":    {Data: []byte(action)},
		},
		"packed": {
			"metadata.yaml": {Data: []byte(meta + peers)},
			"config.yaml":   {Data: []byte(options)},
			"actions.yaml":  {Data: []byte(action)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := charmdir.Read(files)
			require.NoError(t, err)
			assert.Equal(t, "x", c.Name)
			assert.Equal(t, map[string]charmdir.Endpoint{"p": {Name: "p", Role: charmdir.RolePeer, Interface: "i", Scope: "global"}}, c.Endpoints)
			assert.Equal(t, map[string]charmdir.Option{"a": {Name: "a", Type: "int", Default: int64(7)}}, c.Options)
			require.Contains(t, c.Actions, "ping")
			assert.Equal(t, "Ping", c.Actions["ping"].Description)
		})
	}
}

func TestNothingButMetadata(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]charmdir.Files{
		"charmcraft":            {Charmcraft: []byte(head)},
		"charmcraft, nothing":   {Charmcraft: []byte(head + "config:\nactions:\npeers:\nassumes:\n")},
		"charmcraft, empty":     {Charmcraft: []byte(head + "config: {}\nactions: {}\npeers: {}\nassumes: []\n")},
		"charmcraft, no option": {Charmcraft: []byte(head + "config: {options: }\n")},
		"packed":                {Metadata: []byte(meta)},
		"packed, empty":         {Metadata: []byte(meta), Config: []byte("options:\n"), Actions: []byte("")},
		"packed, null actions":  {Metadata: []byte(meta), Config: []byte("options: {}"), Actions: []byte("# none\n---\n")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := charmdir.Parse(files)
			require.NoError(t, err)
			assert.Equal(t, &charmdir.Charm{Name: "x", Summary: "s", Description: "d"}, c)
		})
	}
}

func TestNamesThatJujuTakes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"name: juju-x\nsummary: s\ndescription: d\nprovides: {juju-db: juju-db}\n", // a charm of Juju's own
		meta + "requires: {a: juju-info}\n",                                        // only provides and peers must not have such interfaces
		"name: x\nsummary: ''\ndescription: ''\n",
		meta + "subordinate: true\nrequires: {juju-info: {interface: juju-info, scope: container}}\n",
		meta + "maintainers: {5: !b c, on: 1, on: 1}\n", // nobody asks
		meta + "series: [jammy]\nmin-juju-version: 2.9.0\n",
		meta + "containers: {web: }\n", // charms in use have it
		meta + "assumes: [juju>=3.6-beta1, juju < 4.0.1.2, a1]\n",
	} {
		_, err := charmdir.Parse(charmdir.Files{Metadata: []byte(text)})
		assert.NoError(t, err, "%s", text)
	}
}
