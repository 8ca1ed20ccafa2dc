// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/events"
	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

// example stands for the *testing.T that a test has and an Example has not.
type example struct{ testing.TB }

func (example) Helper()                           {}
func (example) Cleanup(func())                    {}
func (example) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (example) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (example) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }

// The credential is there for charms that the operator trusts, and is not shown.
func ExampleCharm_CloudSpec() {
	register := func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.Start) error {
			cloud, err := c.CloudSpec(ctx)
			switch {
			case errors.Is(err, hookcmd.ErrPermission):
				return c.SetStatus(ctx, charm.Blocked("juju trust "+c.Application()))
			case err != nil:
				return err
			}
			fmt.Println(cloud.Type, cloud.Credential.Attributes)
			fmt.Println(cloud.Credential.Attributes["password"].Reveal())
			return nil
		})
	}
	state := charmtest.State{Metadata: storeMetadata, Cloud: &hookcmd.CloudSpec{
		Type: "openstack",
		Credential: hookcmd.CloudCredential{AuthType: "userpass", Attributes: map[string]hookcmd.SecretValue{
			"password": hookcmd.NewSecretValue("hunter2"),
		}},
	}}
	out, err := charmtest.Run(register, events.Start{}, state)
	fmt.Println(out.Status.Message, err)
	state.Trust = true
	_, err = charmtest.Run(register, events.Start{}, state)
	fmt.Println(err)
	// Output:
	// juju trust store <nil>
	// openstack map[password:[redacted]]
	// hunter2
	// <nil>
}

func ExampleCharm_SetWorkloadVersion() {
	register := func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.Hook) error { return c.SetWorkloadVersion(ctx, "16.3") })
		charm.On(c, func(ctx context.Context, _ events.Start) error { return c.SetWorkloadVersion(ctx, "16.3") })
	}
	out, err := charmtest.Run(register, events.Start{}, charmtest.State{Metadata: storeMetadata})
	fmt.Println(out.WorkloadVersion, out.Calls, err)
	// Output: 16.3 [application-version-set -- 16.3] <nil>
}

// After RebootNow the event comes again: something that a reboot changes, here a
// file that is gone by then, tells that it has been.
func ExampleCharm_RebootNow() {
	upgraded := false // in a charm, something on the machine
	register := func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, _ events.UpgradeCharm) error {
			if upgraded {
				fmt.Println("running with the new kernel")
				return nil
			}
			upgraded = true
			return c.RebootNow(ctx)
		})
	}
	h := charmtest.New(example{}, register, &charmtest.Options{Metadata: storeMetadata})
	err := h.Try(func() { h.Emit(events.UpgradeCharm{}) })
	var failure *charmtest.HookError
	fmt.Println(errors.As(err, &failure) && failure.Outcome == "reboot")
	h.Again()
	// Output:
	// true
	// running with the new kernel
}

// What an older Juju does not have is left out, by its version or by the error.
func ExampleJujuVersion_AtLeast() {
	ev := events.RelationCreated{RelationRef: events.RelationRef{Endpoint: "db", ID: 3, App: "mysql"}}
	register := func(c *charm.Charm) {
		charm.On(c, func(ctx context.Context, ev events.RelationCreated) error {
			version := c.Environment().JujuVersion
			if !version.AtLeast(3, 6, 2) {
				fmt.Println(version, "does not tell the remote model")
				return nil
			}
			uuid, err := c.Relation(ev).Model(ctx)
			if errors.Is(err, hookcmd.ErrNotSupported) { // the same, for a version that says otherwise
				return nil
			}
			fmt.Println(version, "tells it:", uuid == c.Environment().ModelUUID)
			return err
		})
	}
	for _, version := range []string{"3.6.1", "3.6.26", "4.1.0"} {
		_, err := charmtest.Run(register, ev, charmtest.State{
			Metadata: siteMetadata, JujuVersion: version, Relations: []charmtest.RelationState{{Endpoint: "db", ID: 3, App: "mysql"}},
		})
		if err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// 3.6.1 does not tell the remote model
	// 3.6.26 tells it: true
	// 4.1.0 tells it: true
}
