// SPDX-License-Identifier: Apache-2.0

package charm

// Registered is what a charm has registered for a name of its charmcraft.yaml.
type Registered struct {
	By   string // the function that has registered it: "OnRelation"
	Kind string // what has the name: "endpoint", "storage", "container" or "action"
	Name string
	// Peers and Others say of an endpoint whether it is for the events of peer
	// endpoints, of others, or of both.
	Peers, Others bool
}

// registered returns what the charm has registered, in order.
func (c *Charm) registered() []Registered {
	var all []Registered
	for i := range c.handlers {
		h := &c.handlers[i]
		kind := ""
		switch h.by {
		case "OnRelation":
			kind = "endpoint"
		case "OnStorage":
			kind = "storage"
		case "OnContainer":
			kind = "container"
		case "OnAction":
			kind = "action"
		default:
			continue
		}
		all = append(all, Registered{"charm." + h.by, kind, h.only, h.peers, h.others})
	}
	if c.watch != nil {
		all = append(all, c.watch.registered()...)
	}
	return all
}
