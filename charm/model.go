// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// facts is what this dispatch has read of the model and told it, each once.
type facts struct {
	turn turn // for what follows

	answers    map[string]any // of hook commands; see once
	resources  resources
	ports      []EndpointPorts
	knowsPorts bool
	version    *string // of the workload, that was set; nil: none
}

// once returns what a hook command, with its arguments, has answered, after
// running it if it has not; an error is not kept. The answer is shared.
func once[T any](ctx context.Context, f *facts, command string, read func() (T, error)) (T, error) {
	var none T
	if err := f.turn.take(ctx); err != nil {
		return none, err
	}
	defer f.turn.give()
	if answer, ok := f.answers[command].(T); ok {
		return answer, nil
	}
	answer, err := read()
	if err != nil {
		return none, err
	}
	if f.answers == nil {
		f.answers = make(map[string]any)
	}
	f.answers[command] = answer
	return answer, nil
}

// CloudSpec returns the cloud that hosts the model, with the credential that Juju
// uses there, whose attributes print as "[redacted]". [hookcmd.ErrPermission]
// unless the operator trusts the charm ("juju trust"). Juju is asked once in a
// dispatch. What is returned is the caller's.
func (c *Charm) CloudSpec(ctx context.Context) (hookcmd.CloudSpec, error) {
	d := c.model()
	cloud, err := once(ctx, &d.facts, "credential-get", func() (hookcmd.CloudSpec, error) {
		return d.client.CredentialGet(ctx)
	})
	cloud.Credential.Attributes = maps.Clone(cloud.Credential.Attributes)
	cloud.CACertificates = slices.Clone(cloud.CACertificates)
	return cloud, err
}

// SetWorkloadVersion sets the version of the workload, which juju status shows.
// Juju shows it at once, and keeps it if the dispatch fails. A version that this
// dispatch has set last is not sent again. For the application juju status shows the
// version of one of its units.
func (c *Charm) SetWorkloadVersion(ctx context.Context, version string) error {
	d := c.model()
	if !utf8.ValidString(version) || strings.ContainsRune(version, 0) {
		return errors.New("cannot set workload version: it is not a text in UTF-8")
	}
	if err := d.facts.turn.take(ctx); err != nil {
		return err
	}
	defer d.facts.turn.give()
	if last := d.facts.version; last != nil && *last == version {
		return nil
	}
	if err := d.client.ApplicationVersionSet(ctx, version); err != nil {
		return err
	}
	d.facts.version = &version
	return nil
}

// Reboot has Juju reboot the machine when the dispatch has succeeded; if it fails
// there is no reboot. The start event follows. It fails in an action.
func (c *Charm) Reboot(ctx context.Context) error {
	d := c.model()
	if d.isAction() {
		return errRebootInAction
	}
	return d.client.JujuReboot(ctx, false)
}

// RebootNow has Juju kill the charm and reboot the machine, after which the event
// is sent again; nothing that this dispatch wrote is kept. It returns only with an
// error: Juju kills the process some time after the command, and RebootNow blocks
// until then. If ctx ends before that, it returns the cause, for the handler to
// return. It fails in an action, without rebooting.
//
// As the event comes again, the charm has to see by itself that the reboot has
// been: the state of the dispatch before it tells nothing.
func (c *Charm) RebootNow(ctx context.Context) error {
	d := c.model()
	if d.isAction() {
		return errRebootInAction
	}
	if err := d.client.JujuReboot(ctx, true); err != nil {
		return err
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

var errRebootInAction = errors.New("cannot reboot: Juju does not reboot in an action; a hook can")

// isAction reports whether the dispatch is an action.
func (d *dispatch) isAction() bool {
	if path := lookup(d.env, "JUJU_DISPATCH_PATH"); path != "" {
		return strings.HasPrefix(path, "actions/")
	}
	return lookup(d.env, "JUJU_ACTION_NAME") != ""
}
