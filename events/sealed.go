// SPDX-License-Identifier: Apache-2.0

package events

// The unexported methods close the set of events and keep the families apart.

func (Install) event()               {}
func (Start) event()                 {}
func (Stop) event()                  {}
func (Remove) event()                {}
func (ConfigChanged) event()         {}
func (UpdateStatus) event()          {}
func (UpgradeCharm) event()          {}
func (LeaderElected) event()         {}
func (LeaderSettingsChanged) event() {}
func (PreSeriesUpgrade) event()      {}
func (PostSeriesUpgrade) event()     {}
func (Unknown) event()               {}
func (PeerCreated) event()           {}
func (PeerJoined) event()            {}
func (PeerChanged) event()           {}
func (PeerDeparted) event()          {}
func (RelationCreated) event()       {}
func (RelationJoined) event()        {}
func (RelationChanged) event()       {}
func (RelationDeparted) event()      {}
func (RelationBroken) event()        {}
func (StorageAttached) event()       {}
func (StorageDetaching) event()      {}
func (SecretChanged) event()         {}
func (SecretRotate) event()          {}
func (SecretExpired) event()         {}
func (SecretRemove) event()          {}
func (PebbleReady) event()           {}
func (PebbleCustomNotice) event()    {}
func (PebbleCheckFailed) event()     {}
func (PebbleCheckRecovered) event()  {}
func (Action) event()                {}

func (Install) hook()               {}
func (Start) hook()                 {}
func (Stop) hook()                  {}
func (Remove) hook()                {}
func (ConfigChanged) hook()         {}
func (UpdateStatus) hook()          {}
func (UpgradeCharm) hook()          {}
func (LeaderElected) hook()         {}
func (LeaderSettingsChanged) hook() {}
func (PreSeriesUpgrade) hook()      {}
func (PostSeriesUpgrade) hook()     {}
func (Unknown) hook()               {}
func (PeerCreated) hook()           {}
func (PeerJoined) hook()            {}
func (PeerChanged) hook()           {}
func (PeerDeparted) hook()          {}
func (RelationCreated) hook()       {}
func (RelationJoined) hook()        {}
func (RelationChanged) hook()       {}
func (RelationDeparted) hook()      {}
func (RelationBroken) hook()        {}
func (StorageAttached) hook()       {}
func (StorageDetaching) hook()      {}
func (SecretChanged) hook()         {}
func (SecretRotate) hook()          {}
func (SecretExpired) hook()         {}
func (SecretRemove) hook()          {}
func (PebbleReady) hook()           {}
func (PebbleCustomNotice) hook()    {}
func (PebbleCheckFailed) hook()     {}
func (PebbleCheckRecovered) hook()  {}

func (PeerCreated) peer()  {}
func (PeerJoined) peer()   {}
func (PeerChanged) peer()  {}
func (PeerDeparted) peer() {}
