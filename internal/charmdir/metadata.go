// SPDX-License-Identifier: Apache-2.0

package charmdir

import (
	"fmt"
	"slices"
	"strings"
)

// metadataKeys are the keys of charmcraft.yaml that go to metadata.yaml, and
// those of older metadata.yaml files.
var metadataKeys = []string{
	"name", "summary", "description", "subordinate",
	"provides", "requires", "peers", "extra-bindings",
	"storage", "devices", "containers", "resources", "payloads",
	"assumes", "charm-user", "terms", "tags", "categories",
	"series", "deployment", "min-juju-version",
}

// knownKeys are the keys of a file that we read; of another file, all.
var knownKeys = map[string][]string{
	charmcraftFile: append([]string{"type", "config", "actions"}, metadataKeys...),
	metadataFile:   metadataKeys,
	configFile:     {"options"},
}

func (c *Charm) readMetadata(o *object) {
	checkFormat(o)
	c.Name = o.filledText("name")
	checkName(o, "name", c.Name, charmName)
	c.Summary = o.presentText("summary")
	c.Description = o.presentText("description")
	c.Subordinate = o.flag("subordinate")
	if o.has("charm-user") {
		c.CharmUser = o.oneOf("charm-user", "", "root", "sudoer", "non-root")
	}
	for _, key := range []string{"terms", "tags", "categories", "series"} {
		for _, value := range o.list(key) {
			if _, ok := value.(string); !ok {
				o.failf("%s must be a list of strings, without %s", key, describe(value))
			}
		}
	}
	c.readAssumes(o)
	c.readEndpoints(o)
	c.readExtraBindings(o)
	c.readStorage(o)
	checkDevices(o)
	c.readResources(o)
	c.readContainers(o)
	c.readPayloads(o)
}

// checkFormat refuses keys of both formats of metadata, as Juju does.
func checkFormat(o *object) {
	for _, v2 := range []string{"assumes", "charm-user", "containers"} {
		for _, v1 := range []string{"deployment", "min-juju-version", "series"} {
			if o.has(v1) && o.has(v2) {
				o.failf("%s is of metadata version 1 and cannot be used with %s, of version 2", v1, v2)
			}
		}
	}
}

func (c *Charm) readEndpoints(o *object) {
	in := make(map[string]string) // of each endpoint: its section
	container := false
	for _, section := range []struct {
		key  string
		role Role
	}{
		{"provides", RoleProvider},
		{"requires", RoleRequirer},
		{"peers", RolePeer},
	} {
		for name, value := range o.object(section.key, "").sorted() {
			at := o.child(fmt.Sprintf("endpoint %q: ", name), nil)
			if other, ok := in[name]; ok {
				at.failf("it must be in %s or in %s, not in both", other, section.key)
			}
			in[name] = section.key
			e := readEndpoint(at, name, section.role, value)
			container = container || e.Role == RoleRequirer && e.Scope == ScopeContainer
			// Juju lets subordinates require juju-info by that name.
			if !(c.Subordinate && e.Role == RoleRequirer && e.Scope == ScopeContainer) {
				c.checkReserved(at, "", name)
			}
			if e.Role != RoleRequirer {
				c.checkReserved(at, "interface ", e.Interface)
			}
			put(&c.Endpoints, name, e)
		}
	}
	if c.Subordinate && !container {
		o.failf("a subordinate charm must have an endpoint in requires with scope %q", ScopeContainer)
	}
}

// readEndpoint reads the value of an endpoint: the name of its interface, or a
// map.
func readEndpoint(at *object, name string, role Role, value any) Endpoint {
	checkName(at, "name", name, endpointName)
	switch value := value.(type) {
	case string:
		at.fields = map[string]any{"interface": value}
	case map[string]any:
		at.fields = value
	default:
		at.failf("it must be a map or the name of an interface, not %s", describe(value))
	}
	e := Endpoint{
		Name:      name,
		Role:      role,
		Interface: at.filledText("interface"),
		Scope:     at.oneOf("scope", ScopeGlobal, ScopeGlobal, ScopeContainer),
		Optional:  at.flag("optional"),
	}
	if at.fields["limit"] != nil {
		e.Limit, _ = at.integer("limit")
	}
	return e
}

func (c *Charm) readExtraBindings(o *object) {
	if !o.has("extra-bindings") {
		return
	}
	bindings := o.object("extra-bindings", "")
	if len(bindings.fields) == 0 {
		o.failf("extra-bindings must not be empty")
	}
	for name, value := range bindings.sorted() {
		_, isEndpoint := c.Endpoints[name]
		switch {
		case name == "":
			o.failf("extra-bindings must not have an empty name")
		case value != nil:
			o.failf("extra binding %q must have no value, not %s", name, describe(value))
		case isEndpoint:
			o.failf("extra binding %q must not have the name of an endpoint", name)
		}
		c.ExtraBindings = append(c.ExtraBindings, name)
	}
	slices.Sort(c.ExtraBindings)
}

func (c *Charm) readPayloads(o *object) {
	for class, at := range o.object("payloads", "").items("payload") {
		checkName(at, "class", class, payloadName)
		put(&c.Payloads, class, Payload{Class: class, Type: at.filledText("type")})
	}
}

// checkReserved refuses the names that Juju keeps for itself and its charms.
func (c *Charm) checkReserved(at *object, what, name string) {
	if strings.HasPrefix(c.Name, "juju-") {
		return
	}
	if name == "juju" || strings.HasPrefix(name, "juju-") {
		at.failf(`%s%q is reserved: it must not be "juju" nor begin with "juju-"`, what, name)
	}
}

func put[T any](m *map[string]T, key string, value T) {
	if *m == nil {
		*m = make(map[string]T)
	}
	(*m)[key] = value
}
