// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/internal/juju"
)

func describe(ev events.Event) string {
	if ev == nil {
		return "an event"
	}
	return fmt.Sprintf("%T (%s)", ev, ev.Name())
}

// checkEvent refuses what Juju would not send as things are, as far as the model
// does not do that itself.
func (s *subject) checkEvent(m *juju.Model, ev events.Event) error {
	switch ev := ev.(type) {
	case nil:
		return errors.New("the event is nil")
	case events.PeerJoined:
		return checkUnit(ev.Unit)
	case events.RelationJoined:
		return checkUnit(ev.Unit)
	case events.PeerDeparted:
		if ev.Synthetic {
			return errors.New("it has Synthetic, which is for events that the SDK makes itself")
		}
		return s.checkDeparted(m, ev.ID, ev.Unit, ev.DepartingUnit, ev.Self)
	case events.RelationDeparted:
		return s.checkDeparted(m, ev.ID, ev.Unit, ev.DepartingUnit, ev.Self)
	case events.RelationBroken:
		if e := s.end(ev.ID); e != nil && e.Other() != e && e.Relation().Life() == juju.Alive && s.unit.Life() == juju.Alive {
			return fmt.Errorf("relation %s:%d is not being removed", ev.Endpoint, ev.ID)
		}
	case events.StorageEvent:
		if name, _, _ := strings.Cut(ev.Ref().ID, "/"); name != ev.Ref().Storage {
			return fmt.Errorf("%q is no instance of storage %q", ev.Ref().ID, ev.Ref().Storage)
		}
	}
	return nil
}

func checkUnit(unit string) error {
	if unit == "" {
		return errors.New("its Unit is empty")
	}
	return nil
}

func (s *subject) checkDeparted(m *juju.Model, id int, unit, departing string, self bool) error {
	if err := checkUnit(unit); err != nil {
		return err
	}
	leaves := s.unit.Life() != juju.Alive
	switch who := s.unit.Name; {
	case self && !leaves:
		return fmt.Errorf("it has Self, but unit %s is not being removed", who)
	case self && departing != "" && departing != who:
		return fmt.Errorf("it has Self, but DepartingUnit is %s", departing)
	case !self && departing != "" && departing != unit:
		return fmt.Errorf("its DepartingUnit is %s, but Unit is %s; they differ only with Self", departing, unit)
	}
	e, u := s.end(id), m.Unit(unit)
	if e != nil && u != nil && u.Application() == e.Other().App && e.Other().In(u) && !leaves && e.Relation().Life() == juju.Alive {
		return fmt.Errorf("unit %q is still in the relation", unit)
	}
	return nil
}

// instead says what to do instead of sending an event that cannot be: in a
// Harness or, if not, in Run.
func instead(ev events.Event, harness bool) string {
	inHarness, inState := "", ""
	switch ev.(type) {
	case events.PeerJoined, events.RelationJoined:
		inHarness = "Relation.Join has a unit join, and sends it"
		inState = "a unit that joins is in Units of its relation in State.Relations"
	case events.PeerChanged, events.RelationChanged:
		inHarness = "Relation.Join, Update and UpdateApp change what others have written, and send it"
		inState = "State.Relations has who is in which relation, and what they have written"
	case events.PeerDeparted, events.RelationDeparted:
		inHarness = "Relation.Depart and Relation.Break have others leave, Harness.Remove the unit itself, and send it"
		inState = "a unit that departs is still in Units of its relation in State.Relations"
	case events.RelationCreated, events.PeerCreated:
		inHarness = "Harness.Relate makes a relation, and sends it; those of peers exist"
		inState = "State.Relations has which relations there are"
	case events.RelationBroken:
		inHarness = "Relation.Break removes a relation, and sends it"
		inState = "State.Relations has the relation that breaks, without units"
	case events.StorageEvent:
		inHarness = "Harness.AddStorage, DetachStorage and AttachStorage send it; Harness.Storage tells what there is"
		inState = "State.Storage has the unit's instances"
	case events.SecretChanged:
		inHarness = "once the charm has read a secret, Secret.SetContent sends it"
		inState = "State.Secrets has the secrets; one that the unit has read has Tracked"
	case events.SecretEvent:
		inHarness = "Harness.Advance and Secret.ReadBy send what is due of the secrets that the charm has added"
		inState = "State.Secrets has the secrets, with their Owner; those of an application are for State.Leader"
	case events.WorkloadEvent:
		inHarness = "declare it in charmcraft.yaml"
		inState = inHarness
	case events.LeaderElected:
		inHarness = "Harness.SetLeader makes it the leader, and sends it"
		inState = "set State.Leader"
	case events.LeaderSettingsChanged, events.PreSeriesUpgrade, events.PostSeriesUpgrade:
		inHarness = `set Options.JujuVersion to a version of Juju that does, "3.6.0"`
		inState = `set State.JujuVersion to a version of Juju that does, "3.6.0"`
	case events.Action:
		inHarness = "use Harness.RunAction"
	}
	text := inState
	if harness {
		text = inHarness
	}
	if text == "" {
		return ""
	}
	return "; " + text
}
