// SPDX-License-Identifier: Apache-2.0

package charmdir

// Charm is the metadata of a charm. It is valid when it comes from [Parse],
// [Read] or [ReadDir]; its maps may be nil, and its readers must not write to
// it.
type Charm struct {
	Name        string
	Summary     string
	Description string
	Subordinate bool

	Endpoints     map[string]Endpoint  // of provides, requires and peers, by name
	ExtraBindings []string             // sorted
	Storage       map[string]Storage   // by name
	Containers    map[string]Container // by name
	Resources     map[string]Resource  // by name
	Payloads      map[string]Payload   // by class; Juju 3.6
	Options       map[string]Option    // of the charm's config, by name
	Actions       map[string]Action    // by name

	Assumes   []Assumption // all of which must hold
	CharmUser string       // "root", "sudoer", "non-root", or empty
}

// Role is the role of an application in the relations of an endpoint.
type Role string

// The roles of endpoints: of provides, of requires and of peers.
const (
	RoleProvider Role = "provider"
	RoleRequirer Role = "requirer"
	RolePeer     Role = "peer"
)

// The scopes of endpoints.
const (
	ScopeGlobal    = "global"
	ScopeContainer = "container" // with units on the same machine only
)

// Endpoint is an endpoint of a charm.
type Endpoint struct {
	Name      string
	Role      Role
	Interface string // never empty
	Scope     string // ScopeGlobal or ScopeContainer
	Limit     int    // of relations; 0 means none is given
	Optional  bool
}

// Storage is a storage that a charm declares.
type Storage struct {
	Name        string
	Type        string // "filesystem" or "block"
	Description string
	Shared      bool
	ReadOnly    bool
	CountMin    int      // 1 unless a range is given
	CountMax    int      // 1 unless a range is given; -1 means any number
	MinimumSize uint64   // in MiB; 0 means that none is given
	Location    string   // of a filesystem; may be empty
	Properties  []string // "transient", or none
}

// Container is a workload container of a charm.
type Container struct {
	Name     string
	Resource string // the oci-image; may be empty
	Mounts   []Mount
	UID, GID *int // nil if not given
}

// Mount is where a container sees a storage.
type Mount struct {
	Storage  string
	Location string
}

// Resource is a resource that a charm declares.
type Resource struct {
	Name        string
	Type        string // "file" or "oci-image"
	Filename    string // of a file: never empty, nor with a slash
	Description string
}

// Payload is a class of payloads that a charm may register.
type Payload struct {
	Class string
	Type  string
}

// Option is an option of a charm's config.
type Option struct {
	Name        string
	Type        string // "string", "int", "float", "boolean" or "secret"
	Default     any    // int64, float64, bool or string by the type; nil means none
	Description string
}

// Action is an action of a charm.
type Action struct {
	Name        string
	Description string // Juju's "No description" if none is given

	// Schema is the JSON schema (draft 4) of the action's parameters, as Juju
	// builds it: type "object", title, description and properties (which may be
	// empty) are always there; required, additionalProperties and other keys
	// only as the charm has them. Juju 4 adds additionalProperties false where it
	// is absent. Its values are map[string]any, []any, string, bool, int64,
	// float64 and nil.
	Schema map[string]any

	Parallel       bool
	ExecutionGroup string
}

// Assumption is what a charm assumes of the Juju that it is deployed on: one
// feature, or any or all of some other assumptions.
type Assumption struct {
	Feature    string // "juju", "k8s-api"; empty if AnyOf or AllOf is not nil
	Constraint string // ">=" or "<" the version; empty if any will do
	Version    string // as it is written
	AnyOf      []Assumption
	AllOf      []Assumption
}
