// SPDX-License-Identifier: Apache-2.0

package charmdir_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/internal/charmdir"
)

type refusal struct {
	files charmdir.Files
	want  string // after "cannot read "
}

// inMetadata and its like are files with one mistake: in what is added to a
// good file, or all of one.
func inMetadata(text, want string) refusal {
	return refusal{charmdir.Files{Metadata: []byte(meta + text)}, "metadata.yaml: " + want}
}

func inCharmcraft(text, want string) refusal {
	return refusal{charmdir.Files{Charmcraft: []byte(text)}, "charmcraft.yaml: " + want}
}

func inConfig(text, want string) refusal {
	return refusal{charmdir.Files{Metadata: []byte(meta), Config: []byte(text)}, "config.yaml: " + want}
}

func inActions(text, want string) refusal {
	return refusal{charmdir.Files{Metadata: []byte(meta), Actions: []byte(text)}, "actions.yaml: " + want}
}

var refusals = []refusal{
	// Files.
	inCharmcraft("", "it is empty"),
	inCharmcraft("# nothing\n", "it is empty"),
	inCharmcraft("---\n", "it must be a map"),
	inCharmcraft("[]", "it must be a map"),
	inCharmcraft("a: [", "line 1: did not find expected node content"),
	inCharmcraft("a: *b", "unknown anchor 'b' referenced"),
	inCharmcraft(head+"---\n"+head, "it must have one YAML document, not several"),
	inCharmcraft(head+"---\n[", "line 6: did not find expected node content"),
	inCharmcraft(head+"name: y\n", `line 5: key "name" is there twice`),
	inCharmcraft(head+"name: y\nparts: {a: 1, a: 1}", `line 5: key "name" is there twice`),
	inCharmcraft(head+"peers:\n  p: i\n  p: i\n", `line 7: key "p" is there twice`),
	inCharmcraft(head+"5: 6\n", `line 5: key 5 must be a string: write "5" in quotes`),
	inCharmcraft(head+"peers: {on: i}\n", `line 5: key on must be a string: write "on" in quotes`),
	inCharmcraft(head+"peers: {[a]: i}\n", "line 5: a key must be a string"),
	inCharmcraft(head+"peers: !peers {}\nrequires: {a: !b c}\n", "line 6: tag !b is not supported"),
	inCharmcraft(head+"peers: {a: !!binary aGk=}\n", "line 5: tag !!binary is not supported"),
	inCharmcraft(head+"peers: {a: !!int x}\n", `line 5: "x" does not fit its tag !!int`),
	inCharmcraft(head+"peers: {<<: 5}\n", "line 5: << must have a map or a list of maps"),

	// charmcraft.yaml, and what is in two files.
	inCharmcraft(meta, `type is missing; it must be "charm"`),
	inCharmcraft(meta+"type: bundle\n", `type must be "charm", not "bundle"`),
	inCharmcraft("type: charm\n", "name is missing; it must be a string"),
	{charmdir.Files{Charmcraft: []byte(head), Metadata: []byte(meta)},
		"charmcraft.yaml: name must be in metadata.yaml, with the rest of the metadata; or move all of it here"},
	{charmdir.Files{Charmcraft: []byte("type: charm\npeers: {p: i}\n"), Metadata: []byte(meta)},
		"charmcraft.yaml: peers must be in metadata.yaml, with the rest of the metadata; or move all of it here"},
	{charmdir.Files{Charmcraft: []byte(head + "config: {options: {}}"), Config: []byte(options)},
		"charmcraft.yaml: config is in config.yaml too; keep one of them"},
	{charmdir.Files{Charmcraft: []byte(head + "actions: {}"), Actions: []byte(action)},
		"charmcraft.yaml: actions is in actions.yaml too; keep one of them"},
	inCharmcraft(head+"config: []\n", "config must be a map, not a list"),
	inCharmcraft(head+"config: {options: 5}\n", "config.options must be a map, not 5"),
	inCharmcraft(head+"config: {options: {a: 5}}\n", `config option "a" must be a map, not 5`),
	inCharmcraft(head+"actions: run\n", `actions must be a map, not "run"`),
	inCharmcraft(head+"actions: {run: fast}\n", `action "run" must be a map, not "fast"`),

	// Names and texts.
	{charmdir.Files{Metadata: []byte("name: x\ndescription: d\n")}, "metadata.yaml: summary is missing; it must be a string"},
	{charmdir.Files{Metadata: []byte("name: x\nsummary: s\n")}, "metadata.yaml: description is missing; it must be a string"},
	{charmdir.Files{Metadata: []byte("name: 5\nsummary: s\ndescription: d\n")}, "metadata.yaml: name must be a string, not 5"},
	{charmdir.Files{Metadata: []byte("name: ''\nsummary: s\ndescription: d\n")}, "metadata.yaml: name must not be empty"},
	{charmdir.Files{Metadata: []byte("name: Mini_1\nsummary: s\ndescription: d\n")},
		`metadata.yaml: name "Mini_1" must match ^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*$`},
	{charmdir.Files{Metadata: []byte("name: x-1\nsummary: s\ndescription: d\n")},
		`metadata.yaml: name "x-1" must match ^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*$`},
	{charmdir.Files{Metadata: []byte("name: x\nsummary:\ndescription: d\n")}, "metadata.yaml: summary must be a string, not nothing"},
	inMetadata("subordinate: 1\n", "subordinate must be true or false, not 1"),
	inMetadata("subordinate: maybe\n", `subordinate must be true or false, not "maybe"`),
	inMetadata("charm-user: admin\n", `charm-user must be "root", "sudoer" or "non-root", not "admin"`),
	inMetadata("terms: mit\n", `terms must be a list, not "mit"`),
	inMetadata("tags: [a, 1.5]\n", "tags must be a list of strings, without 1.5"),
	inMetadata("containers: {}\nseries: [jammy]\n", "series is of metadata version 1 and cannot be used with containers, of version 2"),
	inMetadata("assumes: []\nmin-juju-version: 3.0.0\n", "min-juju-version is of metadata version 1 and cannot be used with assumes, of version 2"),
	inMetadata("charm-user: root\ndeployment: {}\n", "deployment is of metadata version 1 and cannot be used with charm-user, of version 2"),

	// Assumptions.
	inMetadata("assumes: juju\n", `assumes must be a list, not "juju"`),
	inMetadata("assumes: [juju == 3]\n", assumes+`"juju == 3"`),
	inMetadata("assumes: [juju >= three]\n", assumes+`"juju >= three"`),
	inMetadata("assumes: [a]\n", assumes+`"a"`),
	inMetadata("assumes: [{some-of: [juju]}]\n", assumes+"a map"),
	inMetadata("assumes: [{any-of: [juju], all-of: [juju]}]\n", assumes+"a map"),
	inMetadata("assumes: [{any-of: [{all-of: [5]}]}]\n", assumes+"5"),

	// Endpoints.
	inMetadata("provides: [db]\n", "provides must be a map, not a list"),
	inMetadata("requires:\n", "requires must be a map, not nothing"),
	inMetadata("peers: {p: }\n", `endpoint "p": it must be a map or the name of an interface, not nothing`),
	inMetadata("peers: {P: i}\n", `endpoint "P": name "P" must match ^[a-z][a-z0-9]*([_-][a-z0-9]+)*$`),
	inMetadata("peers: {p: {}}\n", `endpoint "p": interface is missing; it must be a string`),
	inMetadata("peers: {p: ''}\n", `endpoint "p": interface must not be empty`),
	inMetadata("peers: {p: {interface: 5}}\n", `endpoint "p": interface must be a string, not 5`),
	inMetadata("provides: {p: {interface: i, limit: 1.5}}\n", `endpoint "p": limit must be an integer, not 1.5`),
	inMetadata("provides: {p: {interface: i, limit: many}}\n", `endpoint "p": limit must be an integer, not "many"`),
	inMetadata("provides: {p: {interface: i, limit: 9999999999}}\n", `endpoint "p": limit must be an integer, not 9999999999`),
	inMetadata("provides: {p: {interface: i, scope: local}}\n", `endpoint "p": scope must be "global" or "container", not "local"`),
	inMetadata("provides: {p: {interface: i, optional: 5}}\n", `endpoint "p": optional must be true or false, not 5`),
	inMetadata("provides: {a: i}\nrequires: {a: i}\n", `endpoint "a": it must be in provides or in requires, not in both`),
	inMetadata("requires: {a: i}\npeers: {a: i}\n", `endpoint "a": it must be in requires or in peers, not in both`),
	inMetadata("peers: {juju: i}\n", `endpoint "juju": "juju" is reserved: it must not be "juju" nor begin with "juju-"`),
	inMetadata("requires: {juju-info: juju-info}\n", `endpoint "juju-info": "juju-info" is reserved: it must not be "juju" nor begin with "juju-"`),
	inMetadata("provides: {p: juju-info}\n", `endpoint "p": interface "juju-info" is reserved: it must not be "juju" nor begin with "juju-"`),
	inMetadata("subordinate: true\nprovides: {p: {interface: i, scope: container}}\n", `a subordinate charm must have an endpoint in requires with scope "container"`),
	inMetadata("extra-bindings: {}\n", "extra-bindings must not be empty"),
	inMetadata("extra-bindings: [a]\n", "extra-bindings must be a map, not a list"),
	inMetadata("extra-bindings: {'': }\n", "extra-bindings must not have an empty name"),
	inMetadata("extra-bindings: {a: b}\n", `extra binding "a" must have no value, not "b"`),
	inMetadata("peers: {a: i}\nextra-bindings: {a: }\n", `extra binding "a" must not have the name of an endpoint`),

	// Storage and devices.
	inMetadata("storage: {data: filesystem}\n", `storage "data" must be a map, not "filesystem"`),
	inMetadata("storage: {data-1: {type: block}}\n", `storage "data-1": name "data-1" must match ^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*$`),
	inMetadata("storage: {data: {}}\n", `storage "data": type is missing; it must be "filesystem" or "block"`),
	inMetadata("storage: {data: {type: tape}}\n", `storage "data": type must be "filesystem" or "block", not "tape"`),
	inMetadata("storage: {data: {type: block, location: /srv}}\n", `storage "data": location must be of a storage of type "filesystem", not "block"`),
	inMetadata("storage: {data: {type: block, shared: 5}}\n", `storage "data": shared must be true or false, not 5`),
	inMetadata("storage: {data: {type: block, description: 5}}\n", `storage "data": description must be a string, not 5`),
	inMetadata("storage: {data: {type: block, properties: [fast]}}\n", `storage "data": properties must be a list of "transient", without "fast"`),
	inMetadata("storage: {data: {type: block, minimum-size: 5}}\n", `storage "data": minimum-size must be a string such as "512M", "1.5G" or "2T", not 5`),
	inMetadata("storage: {data: {type: block, minimum-size: 5K}}\n", `storage "data": minimum-size must be a string such as "512M", "1.5G" or "2T", not "5K"`),
	inMetadata("storage: {data: {type: block, minimum-size: 1.2.3}}\n", `storage "data": minimum-size must be a string such as "512M", "1.5G" or "2T", not "1.2.3"`),
	inMetadata("storage: {data: {type: block, minimum-size: 99999999999Y}}\n", `storage "data": minimum-size must be a string such as "512M", "1.5G" or "2T", not "99999999999Y"`),
	inMetadata("storage: {data: {type: block, multiple: 2}}\n", `storage "data": multiple must be a map, not 2`),
	inMetadata("storage: {data: {type: block, multiple: {}}}\n", `storage "data": multiple.range is missing; it must be a count or a range such as "0-3" or "1+"`),
	inMetadata("storage: {data: {type: block, multiple: {range: 0}}}\n", `storage "data": multiple.`+ranges+"0"),
	inMetadata("storage: {data: {type: block, multiple: {range: many}}}\n", `storage "data": multiple.`+ranges+`"many"`),
	inMetadata("storage: {data: {type: block, multiple: {range: 0-0}}}\n", `storage "data": multiple.`+ranges+`"0-0"`),
	inMetadata("storage: {data: {type: block, multiple: {range: 3-2}}}\n", `storage "data": multiple.`+ranges+`"3-2"`),
	inMetadata("storage: {data: {type: block, multiple: {range: 9999999999+}}}\n", `storage "data": multiple.`+ranges+`"9999999999+"`),
	inMetadata("devices: {gpu: {}}\n", `device "gpu": type is missing; it must be a string`),
	inMetadata("devices: {gpu: {type: gpu, countmin: -1}}\n", `device "gpu": countmin and countmax must not be negative`),
	inMetadata("devices: {gpu: {type: gpu, countmin: 2}}\n", `device "gpu": countmax 1 must not be below countmin 2; each is 1 if not given`),

	// Resources, containers and payloads.
	inMetadata("resources: {r: }\n", `resource "r" must be a map, not nothing`),
	inMetadata("resources: {'': {type: oci-image}}\n", `resource "": name must not be empty`),
	inMetadata("resources: {r: {type: snap}}\n", `resource "r": type must be "file" or "oci-image", not "snap"`),
	inMetadata("resources: {r: {type: file}}\n", `resource "r": filename is missing; it must be a string`),
	inMetadata("resources: {r: {filename: ''}}\n", `resource "r": filename must not be empty`),
	inMetadata("resources: {r: {filename: a/b}}\n", `resource "r": filename "a/b" must not have a slash`),
	inMetadata("containers: {c: []}\n", `container "c" must be a map, not a list`),
	inMetadata("containers: {c_d: {}}\n", `container "c_d": name "c_d" must match ^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`),
	inMetadata("containers: {c: {resource: r}}\n", `container "c": resource "r" must be one of the charm's resources`),
	inMetadata("containers: {c: {resource: r}}\nresources: {r: {filename: f}}\n", `container "c": resource "r" must be of type "oci-image", not "file"`),
	inMetadata("containers: {c: {uid: 1000}}\n", `container "c": uid 1000 is reserved: it must be below 1000 or above 9999`),
	inMetadata("containers: {c: {gid: 9999}}\n", `container "c": gid 9999 is reserved: it must be below 1000 or above 9999`),
	inMetadata("containers: {c: {uid: root}}\n", `container "c": uid must be an integer, not "root"`),
	inMetadata("containers: {c: {mounts: {}}}\n", `container "c": mounts must be a list, not a map`),
	inMetadata("containers: {c: {mounts: [s]}}\n", `container "c": mount 1 must be a map, not "s"`),
	inMetadata("containers: {c: {mounts: [{location: /a}]}}\n", `container "c": mount 1: storage is missing; it must be a string`),
	inMetadata("containers: {c: {mounts: [{storage: s, location: /a}]}}\n", `container "c": mount 1: storage "s" must be one of the charm's storage`),
	inMetadata("storage: {s: {type: block}}\ncontainers: {c: {mounts: [{storage: s, location: /a}, {storage: s}]}}\n", `container "c": mount 2: location is missing; it must be a string`),
	inMetadata("payloads: {p: {}}\n", `payload "p": type is missing; it must be a string`),
	inMetadata("payloads: {p_q: {type: kvm}}\n", `payload "p_q": class "p_q" must match ^[a-zA-Z]([a-zA-Z0-9-]*[a-zA-Z0-9])?$`),

	// Config.
	inConfig("", "it is empty"),
	inConfig("option: {}\n", "options is missing; it must be a map"),
	inConfig("options: [a]\n", "options must be a map, not a list"),
	inConfig("options: {'': {}}\n", `config option "": name must not be empty`),
	inConfig("options: {a: string}\n", `config option "a" must be a map, not "string"`),
	inConfig("options: {a: {type: number}}\n", `config option "a": type must be "string", "int", "float", "boolean" or "secret", not "number"`),
	inConfig("options: {a: {type: [int]}}\n", `config option "a": type must be "string", "int", "float", "boolean" or "secret", not a list`),
	inConfig("options: {a: {description: [d]}}\n", `config option "a": description must be a string, not a list`),
	inConfig("options: {a: {default: 5}}\n", `config option "a": default must be a string, not 5`),
	inConfig("options: {a: {default: no}}\n", `config option "a": default must be a string, not false; yes, no, on and off are booleans unless they are in quotes`),
	inConfig("options: {a: {type: int, default: 1.0}}\n", `config option "a": default must be an integer, not 1.0`),
	inConfig("options: {a: {type: int, default: 99999999999999999999}}\n", `config option "a": default must be an integer, not 1e+20`),
	inConfig("options: {a: {type: integer, default: x}}\n", `config option "a": default must be an integer, not "x"`),
	inConfig("options: {a: {type: float, default: '1.5'}}\n", `config option "a": default must be a finite number, not "1.5"`),
	inConfig("options: {a: {type: float, default: .inf}}\n", `config option "a": default must be a finite number, not +Inf`),
	inConfig("options: {a: {type: boolean, default: 1}}\n", `config option "a": default must be true or false, not 1`),
	inConfig("options: {a: {type: boolean, default: [1]}}\n", `config option "a": default must be true or false, not a list`),
	inConfig("options: {a: {type: secret, default: x}}\n", `config option "a": default must be a secret's URI, such as "secret:9m4e2mr0ui3e8a215n4g", or "", not "x"`),
	inConfig("options: {b: {default: 1}, a: {default: 2}}\n", `config option "a": default must be a string, not 2`),
}

const (
	assumes = `assumes must be a list of features such as "juju >= 3.6" or "k8s-api", and of maps of any-of or all-of to such a list, without `
	ranges  = `range must be a count ("2"), or a range such as "0-3" or "1+", whose end is not 0 nor below its start, not `
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	for i, row := range slices.Concat(refusals, actionRefusals) {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			c, err := charmdir.Parse(row.files)
			assert.EqualError(t, err, "cannot read "+row.want, "%s", strings.TrimPrefix(string(row.files.Metadata), meta))
			assert.Nil(t, c)
		})
	}
}
