// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"github.com/charmsmith/charmsmith/internal/juju"
)

// listSecrets prints the secrets of the model, without their contents.
func (d *Desk) listSecrets(context.Context, *Line) error {
	secrets := d.model.Secrets()
	text := []byte("no secrets\n")
	if len(secrets) > 0 {
		text = secretTable(secrets).append(nil, d.opts.Color)
	}
	if _, err := d.opts.Out.Write(text); err != nil {
		return fmt.Errorf("cannot print the secrets: %w", err)
	}
	return nil
}

func secretTable(secrets []*juju.Secret) table {
	t := table{cells("ID", "Name", "Owner", "Rotation", "Revision")}
	for _, s := range secrets {
		info := s.Info()
		t = append(t, cells(info.ID, cmp.Or(clean(info.Label, nameWidth), "-"), cmp.Or(info.Owner, "<model>"), info.Rotate, strconv.Itoa(info.Latest)))
	}
	return t
}
