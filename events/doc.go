// SPDX-License-Identifier: Apache-2.0

// Package events holds the events that Juju sends to a unit, as plain values.
//
// The unit agent starts the charm once per event and describes the event in
// environment variables. [Parse] turns them into one of the types below:
//
//	ev, err := events.Parse(os.Environ())
//	if err != nil {
//		return err
//	}
//	switch ev := ev.(type) {
//	case events.PeerJoined:
//		fmt.Println(ev.Unit, "joined", ev.Endpoint)
//	case events.Hook:
//		fmt.Println("hook", ev.Name())
//	}
//
// Events are comparable, hold no handles and do no I/O: a test builds them as
// struct literals and compares them with ==. [Environ] is the inverse of Parse.
//
// Related types share an interface, called a family: [RelationEvent] and, of
// those, [PeerEvent]; [StorageEvent]; [SecretEvent]; [WorkloadEvent]. All of
// them are a [Hook]; an [Action] is none. The set of types is closed: a hook
// that this version does not know is an [Unknown], because Juju adds hooks.
package events
