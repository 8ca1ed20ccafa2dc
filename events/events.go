// SPDX-License-Identifier: Apache-2.0

package events

// Event is any event of a unit. Only the types of this package implement it.
type Event interface {
	// Name is Juju's name of the hook, such as "magpie-relation-joined", or the
	// name of the action.
	Name() string

	event()
}

// Hook is every event but [Action].
type Hook interface {
	Event
	hook()
}

// Install is the first event of a unit. Peer relations exist, but Juju lets
// nobody use them before their [PeerCreated].
type Install struct{}

// Start follows the first [ConfigChanged]. It is sent again after a reboot of
// the machine and, on Kubernetes, after each restart of the pod.
type Start struct{}

// Stop is sent before the unit is removed and, on Kubernetes, before its pod
// goes away, in which case the unit lives on in another pod.
type Stop struct{}

// Remove is the last event of a unit.
type Remove struct{}

// ConfigChanged is sent once after [Install], after every [UpgradeCharm], and
// whenever the charm's configuration, its trust or the unit's addresses change.
type ConfigChanged struct{}

// UpdateStatus is sent at regular times (every five minutes unless the model
// says otherwise) if nothing else is to be done.
type UpdateStatus struct{}

// UpgradeCharm is sent after new charm code or a new resource has been
// unpacked, and on Kubernetes after each restart of the pod.
type UpgradeCharm struct{}

// LeaderElected is sent when the unit becomes the leader of its application.
type LeaderElected struct{}

// LeaderSettingsChanged is sent to units that are not the leader when the
// leader's settings changed. Juju 3.6 and earlier.
type LeaderSettingsChanged struct{}

// PreSeriesUpgrade announces an upgrade of the machine's base. Juju 3.6 and earlier.
type PreSeriesUpgrade struct {
	TargetBase   string // "ubuntu@24.04/stable"; the channel's risk may be missing
	TargetSeries string // "noble"
}

// PostSeriesUpgrade ends an upgrade of the machine's base. Juju 3.6 and earlier.
type PostSeriesUpgrade struct{}

// Unknown is a hook that this package has no type for. Charms ignore it.
type Unknown struct {
	Hook string // the name Juju gave, "collect-metrics"
}

// Action is a request by the operator to run one of the charm's actions.
type Action struct {
	Action string // its name, "get-primary"
	ID     string // the task, "42"
}

func (Install) Name() string               { return "install" }
func (Start) Name() string                 { return "start" }
func (Stop) Name() string                  { return "stop" }
func (Remove) Name() string                { return "remove" }
func (ConfigChanged) Name() string         { return "config-changed" }
func (UpdateStatus) Name() string          { return "update-status" }
func (UpgradeCharm) Name() string          { return "upgrade-charm" }
func (LeaderElected) Name() string         { return "leader-elected" }
func (LeaderSettingsChanged) Name() string { return "leader-settings-changed" }
func (PreSeriesUpgrade) Name() string      { return "pre-series-upgrade" }
func (PostSeriesUpgrade) Name() string     { return "post-series-upgrade" }

// Name is the name Juju gave.
func (e Unknown) Name() string { return e.Hook }

// Name is the name of the action. An action may have the name of a hook.
func (e Action) Name() string { return e.Action }
