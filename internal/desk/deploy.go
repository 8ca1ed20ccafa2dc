// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/charmsource"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// Deployment says what to deploy. Zero fields mean the defaults.
type Deployment struct {
	Path   string // of a charm directory or .charm file
	Name   string // default the charm's
	Units  int    // of a subordinate: of the principal that it is given, if it is not 0
	Config map[string]string
	Trust  bool
	// NoPrincipal leaves a subordinate without units, until it is related.
	NoPrincipal bool
}

// Deploy deploys a charm. It builds what there is to build, and returns when the
// model has the application: its units' hooks then run.
func (d *Desk) Deploy(ctx context.Context, dep Deployment) error {
	source, err := charmsource.Open(dep.Path)
	if err != nil {
		return err
	}
	name := cmp.Or(dep.Name, source.Charm.Name)
	if d.apps[name] != nil && d.model.Application(name) != nil {
		return &UsageError{fmt.Errorf("cannot deploy %q: there is an application of that name", name)}
	}
	app := &deployed{source: source}
	charm, executor, err := d.stage(ctx, name, app)
	if err != nil {
		return err
	}
	if err := checkOptions(name, charm, dep.Config); err != nil {
		return err
	}
	config := make(map[string]any, len(dep.Config))
	for option, value := range dep.Config {
		config[option] = value
	}
	units := dep.Units
	if charm.Subordinate {
		units = 0
	}
	_, err = d.model.Deploy(juju.Deployment{Name: name, Charm: charm, Executor: executor, Units: units, Config: config, Trust: dep.Trust})
	if err != nil {
		return &UsageError{err}
	}
	d.apps[name] = app
	if charm.Subordinate && dep.Units > 0 && !dep.NoPrincipal {
		return d.deployPrincipal(name, charm, dep.Units)
	}
	return nil
}

// stage makes the files of an application's charm, as they are now.
func (d *Desk) stage(ctx context.Context, name string, app *deployed) (*charmdir.Charm, juju.Executor, error) {
	dir := filepath.Join(d.root, "charms", fmt.Sprintf("%s-%d", name, app.revision))
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, nil, err
	}
	charm, err := app.source.Stage(ctx, dir)
	if err != nil {
		return nil, nil, err
	}
	app.revision++
	for _, warning := range app.source.Warnings() {
		d.warn(name, warning)
	}
	return charm, d.host.Charm(dir), nil
}

// DeployBundle deploys the applications of a bundle, and relates them.
func (d *Desk) DeployBundle(ctx context.Context, file string) error {
	bundle, err := charmsource.ReadBundle(file)
	if err != nil {
		return err
	}
	for _, app := range bundle.Applications {
		config := make(map[string]string, len(app.Options))
		for option, value := range app.Options {
			config[option] = fmt.Sprint(value)
		}
		dep := Deployment{Path: app.Charm, Name: app.Name, Units: app.Units, Config: config, Trust: app.Trust, NoPrincipal: true}
		if err := d.Deploy(ctx, dep); err != nil {
			return err
		}
	}
	for _, ends := range bundle.Relations {
		if err := d.relate(ends[0], ends[1]); err != nil {
			return err
		}
	}
	return nil
}

func (d *Desk) relate(a, b string) error {
	app, endpoint, _ := strings.Cut(a, ":")
	other, otherEndpoint, _ := strings.Cut(b, ":")
	for _, name := range []string{app, other} {
		if _, err := d.application(name); err != nil {
			return err
		}
	}
	if _, err := d.model.Relate(app, endpoint, other, otherEndpoint); err != nil {
		return &UsageError{err}
	}
	return nil
}
