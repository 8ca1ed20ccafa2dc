// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// DeployOptions of [Model.DeployCharm]. A nil *DeployOptions and zero fields mean
// the defaults.
type DeployOptions struct {
	// Metadata is the text of the charm's charmcraft.yaml. Default: what Dir has.
	Metadata string
	// Dir is the charm's directory, with a charmcraft.yaml or a metadata.yaml.
	// Default: the nearest such directory at or above the current one, which for
	// a test is the package's.
	Dir    string
	Config map[string]any // of the charm's options, those that differ from their defaults
	Trust  bool           // as of juju deploy --trust
	// Model is the UUID of another model, which offers the application here.
	Model string
	// Resources are the paths that resource-get tells, by name.
	Resources map[string]string
}

// Deploy deploys n units of a charm as an application of the name given. Its
// metadata is found as [DeployOptions] says.
func (m *Model) Deploy(name string, register func(*charm.Charm), n int) *Application {
	m.t.Helper()
	return m.DeployCharm(name, register, n, nil)
}

// DeployCharm is [Model.Deploy] with options.
func (m *Model) DeployCharm(name string, register func(*charm.Charm), n int, opts *DeployOptions) *Application {
	m.t.Helper()
	var o DeployOptions
	if opts != nil {
		o = *opts
	}
	if register == nil {
		m.fatal(fmt.Errorf("cannot deploy %q: register is nil; give what charm.Main is given", name))
	}
	meta, err := m.charms.load(o.Metadata, o.Dir)
	if err != nil {
		m.fatal(fmt.Errorf("cannot deploy %q: %w", name, err))
	}
	resources, err := resourcesOf(meta, o.Resources)
	switch {
	case err != nil:
		m.fatal(fmt.Errorf("cannot deploy %q: DeployOptions.Resources: %w", name, err))
	case checkOptions(meta, o.Config) != nil:
		m.fatal(fmt.Errorf("cannot deploy %q: DeployOptions.Config: %w", name, checkOptions(meta, o.Config)))
	case len(meta.Containers) > 0 && !m.opts.Kubernetes:
		m.fatal(fmt.Errorf("cannot deploy %q: a charm with containers needs a model on Kubernetes; set ModelOptions.Kubernetes", name))
	case n < 0:
		m.fatal(fmt.Errorf("cannot deploy %q: it cannot have %d units", name, n))
	}
	a, err := m.juju.Deploy(juju.Deployment{
		Name: name, Charm: meta, Executor: newExecutor(register, meta), Units: n, Config: o.Config, Trust: o.Trust, ModelUUID: o.Model, Resources: resources,
	})
	m.fatal(err)
	return &Application{model: m, app: a}
}

// charms keeps metadata that was read, for the many models of an Explore.
type charms struct {
	mu   sync.Mutex
	read map[[2]string]*charmdir.Charm
}

func (c *charms) load(text, dir string) (*charmdir.Charm, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := [2]string{text, dir}
	if meta := c.read[key]; meta != nil {
		return meta, nil
	}
	meta, err := readCharm(text, dir)
	if err != nil {
		return nil, err
	}
	if c.read == nil {
		c.read = make(map[[2]string]*charmdir.Charm)
	}
	c.read[key] = meta
	return meta, nil
}

func readCharm(text, dir string) (*charmdir.Charm, error) {
	if text != "" && dir != "" {
		return nil, errors.New("both Metadata and Dir are set; set one of them")
	}
	if text != "" {
		return charmdir.Parse(charmdir.Files{Charmcraft: []byte(text)})
	}
	if dir == "" {
		found, err := charmdir.Find(".")
		if err != nil {
			return nil, fmt.Errorf("%w; set Dir or Metadata", err)
		}
		dir = found
	}
	return charmdir.ReadDir(dir)
}
