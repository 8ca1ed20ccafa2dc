// SPDX-License-Identifier: Apache-2.0

package events

// RelationEvent is an event of a relation. The Relation types are events of
// endpoints that the charm provides or requires, the Peer types of endpoints
// among the units of the application.
type RelationEvent interface {
	Hook
	Ref() RelationRef
}

// PeerEvent is an event of a peer relation.
type PeerEvent interface {
	RelationEvent
	peer()
}

// RelationRef names the relation of a [RelationEvent].
type RelationRef struct {
	Endpoint string // as in charmcraft.yaml, "db"
	ID       int    // unique in the model
	App      string // the remote application; in a peer relation our own
}

// Ref returns r; it makes r reachable in every [RelationEvent].
func (r RelationRef) Ref() RelationRef { return r }

// PeerCreated is sent once for each peer endpoint, after [Install]; from then
// on the peer databags can be used.
type PeerCreated struct{ RelationRef }

// PeerJoined is sent once for each peer unit that appears. [PeerChanged] for
// the same unit follows.
type PeerJoined struct {
	RelationRef
	Unit string // the unit that joined
}

// PeerChanged is sent after a peer unit changed its databag or, with an empty
// Unit, after the leader changed the application's. An application's change
// can come before the first [PeerJoined].
type PeerChanged struct {
	RelationRef
	Unit string
}

// PeerDeparted is sent when a unit leaves, and to the unit that leaves, once
// for each peer that stays: look at Self before destroying anything. Juju
// sends no broken event for peer relations.
type PeerDeparted struct {
	RelationRef
	Unit          string // the peer that we no longer see
	DepartingUnit string // the unit that leaves; empty before Juju 2.8
	Self          bool   // DepartingUnit is this unit: we leave, Unit stays

	// Synthetic tells that charm.WatchPeers noticed the departure, not Juju.
	// Parse never sets it.
	Synthetic bool
}

// RelationCreated is sent once for each relation, before any other event of it.
type RelationCreated struct{ RelationRef }

// RelationJoined is sent once for each remote unit that appears.
// [RelationChanged] for the same unit follows.
type RelationJoined struct {
	RelationRef
	Unit string
}

// RelationChanged is sent after a remote unit changed its databag or, with an
// empty Unit, after its application's changed. An application's change can
// come before the first [RelationJoined].
type RelationChanged struct {
	RelationRef
	Unit string
}

// RelationDeparted is sent when a remote unit leaves the relation and, when our
// own unit leaves, once for each remote unit: look at Self before destroying
// anything.
type RelationDeparted struct {
	RelationRef
	Unit          string // the remote unit that we no longer see
	DepartingUnit string // the unit that leaves; empty before Juju 2.8
	Self          bool   // DepartingUnit is this unit: we leave, Unit stays
}

// RelationBroken is the last event of a relation. Our own databag and the
// remote application's can still be read.
type RelationBroken struct{ RelationRef }

func (e PeerCreated) Name() string      { return e.Endpoint + relationCreated }
func (e PeerJoined) Name() string       { return e.Endpoint + relationJoined }
func (e PeerChanged) Name() string      { return e.Endpoint + relationChanged }
func (e PeerDeparted) Name() string     { return e.Endpoint + relationDeparted }
func (e RelationCreated) Name() string  { return e.Endpoint + relationCreated }
func (e RelationJoined) Name() string   { return e.Endpoint + relationJoined }
func (e RelationChanged) Name() string  { return e.Endpoint + relationChanged }
func (e RelationDeparted) Name() string { return e.Endpoint + relationDeparted }
func (e RelationBroken) Name() string   { return e.Endpoint + relationBroken }

// StorageEvent is an event of a storage instance.
type StorageEvent interface {
	Hook
	Ref() StorageRef
}

// StorageRef names the storage instance of a [StorageEvent]. All but Storage
// are empty if the instance is not provisioned yet.
type StorageRef struct {
	Storage  string // as in charmcraft.yaml, "data"
	ID       string // "data/0"
	Kind     string // "filesystem" or "block"
	Location string // its mount point or device, "/srv/data"
}

// Ref returns s; it makes s reachable in every [StorageEvent].
func (s StorageRef) Ref() StorageRef { return s }

// StorageAttached is sent when a storage instance can be used.
type StorageAttached struct{ StorageRef }

// StorageDetaching is sent before a storage instance goes away.
type StorageDetaching struct{ StorageRef }

func (e StorageAttached) Name() string  { return e.Storage + storageAttached }
func (e StorageDetaching) Name() string { return e.Storage + storageDetaching }

// SecretEvent is an event of a secret.
type SecretEvent interface {
	Hook
	Ref() SecretRef
}

// SecretRef names the secret of a [SecretEvent].
type SecretRef struct {
	ID    string // its URI, "secret:9m4e2mr0ui3e8a215n4g"
	Label string // the label this unit gave it; may be empty
}

// Ref returns s; it makes s reachable in every [SecretEvent].
func (s SecretRef) Ref() SecretRef { return s }

// SecretChanged is sent to those who read a secret when it has a new revision.
type SecretChanged struct{ SecretRef }

// SecretRotate asks the owner of a secret for a new revision. Juju repeats it
// in five minutes if there is none.
type SecretRotate struct{ SecretRef }

// SecretExpired asks the owner of a secret to remove a revision. Juju repeats
// it in five minutes if the revision is still there.
type SecretExpired struct {
	SecretRef
	Revision int
}

// SecretRemove tells the owner of a secret that nobody uses a revision any more.
type SecretRemove struct {
	SecretRef
	Revision int
}

func (SecretChanged) Name() string { return "secret-changed" }
func (SecretRotate) Name() string  { return "secret-rotate" }
func (SecretExpired) Name() string { return "secret-expired" }
func (SecretRemove) Name() string  { return "secret-remove" }

// WorkloadEvent is an event of a workload container.
type WorkloadEvent interface {
	Hook
	Ref() WorkloadRef
}

// WorkloadRef names the container of a [WorkloadEvent].
type WorkloadRef struct {
	Container string // as in charmcraft.yaml, "web"
}

// Ref returns w; it makes w reachable in every [WorkloadEvent].
func (w WorkloadRef) Ref() WorkloadRef { return w }

// PebbleReady is sent when Pebble in the container can be reached: any time
// after [Install], also before [Start], and again after each restart.
type PebbleReady struct{ WorkloadRef }

// PebbleCustomNotice is sent for each custom notice that Pebble recorded.
type PebbleCustomNotice struct {
	WorkloadRef
	NoticeID   string
	NoticeType string // "custom"
	NoticeKey  string // "example.com/backup-done"
}

// PebbleCheckFailed is sent when a health check reached its failure threshold.
type PebbleCheckFailed struct {
	WorkloadRef
	Check string
}

// PebbleCheckRecovered is sent when a failed health check succeeds again.
type PebbleCheckRecovered struct {
	WorkloadRef
	Check string
}

func (e PebbleReady) Name() string          { return e.Container + pebbleReady }
func (e PebbleCustomNotice) Name() string   { return e.Container + pebbleCustomNotice }
func (e PebbleCheckFailed) Name() string    { return e.Container + pebbleCheckFailed }
func (e PebbleCheckRecovered) Name() string { return e.Container + pebbleCheckRecovered }
