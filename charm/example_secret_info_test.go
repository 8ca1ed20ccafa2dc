// SPDX-License-Identifier: Apache-2.0

package charm_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/charmsmith/charmsmith/charm"
)

// What Juju knows of a secret, for those who own it.
func ExampleSecret_Info() {
	_, err := runDatabase(func(ctx context.Context, root *charm.Secret) error {
		info, err := root.Info(ctx)
		if err != nil {
			return err
		}
		fmt.Println(info.URI, info.Label, info.Revision, info.Owner, info.GrantedTo)
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output: secret:9m4e2mr0ui3e8a215n4g root 2 application [shop]
}

// A value shows itself where it is asked to, and nowhere else.
func ExampleNewSecretValue() {
	password := charm.NewSecretValue("hunter2")
	asJSON, err := json.Marshal(map[string]charm.SecretValue{"password": password})
	fmt.Printf("%v %q %#v %s %v\n", password, password, password, asJSON, err)
	fmt.Println(password.Reveal())
	// Output:
	// [redacted] [redacted] [redacted] {"password":"[redacted]"} <nil>
	// hunter2
}
