// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"errors"
	"fmt"

	"gopkg.in/yaml.v2"
)

// Pod specs are how charms of Juju 3.6 without a sidecar say what runs on
// Kubernetes. Here they are kept, and nothing comes of them.

func podSpecSet(c *call) error {
	resources := c.flags.String("k8s-resources")
	spec, err := c.readSpec("spec")
	if err != nil {
		return err
	}
	if *resources != "" {
		more, err := c.readYAML(*resources)
		if err != nil {
			return err
		}
		spec += "\n" + more
	}
	return c.setSpec(&c.h.more().podSpec, spec)
}

func rawPodSpecSet(c *call) error {
	spec, err := c.readSpec("raw spec")
	if err != nil {
		return err
	}
	return c.setSpec(&c.h.more().rawPodSpec, spec)
}

func (c *call) setSpec(to **string, spec string) error {
	if !c.h.isLeader() {
		return errNotLeader
	}
	*to = &spec
	return nil
}

// readSpec reads what --file names, or standard input.
func (c *call) readSpec(what string) (string, error) {
	file := c.flags.String("file")
	if _, err := c.parse(0); err != nil {
		return "", err
	}
	spec := ""
	if *file != "" && *file != "-" || c.request.StdinSet {
		if *file == "" {
			*file = "-"
		}
		var err error
		if spec, err = c.readYAML(*file); err != nil {
			return "", err
		}
	}
	if spec == "" {
		return "", fmt.Errorf("no k8s %s specified: pipe k8s %s to command, or specify a file with --file", what, what)
	}
	return spec, nil
}

func (c *call) readYAML(file string) (string, error) {
	data, err := c.readFile(file)
	if err != nil {
		return "", err
	}
	var any any
	return string(data), yaml.Unmarshal(data, &any)
}

func podSpecGet(c *call) error    { return c.printSpec(c.h.unit.app.podSpec) }
func rawPodSpecGet(c *call) error { return c.printSpec(c.h.unit.app.rawPodSpec) }

// printSpec prints a spec as it was set.
func (c *call) printSpec(spec string) error {
	if _, err := c.parse(0); err != nil {
		return err
	}
	c.stdout.WriteString(spec)
	return nil
}

// checkPodSpec does the checks that Juju leaves to the flush.
func (h *Hook) checkPodSpec() error {
	switch {
	case h.more().podSpec == nil && h.more().rawPodSpec == nil || !h.model.opts.CAAS:
		return nil
	case h.more().podSpec != nil && h.more().rawPodSpec != nil:
		return errors.New("either k8s-spec-set or k8s-raw-set can be run for each application, but not both")
	case !h.unit.isLeader():
		return errNotLeader
	}
	return nil
}

// commitPodSpec sets the application's pod spec; on machines there is none.
func (h *Hook) commitPodSpec() {
	if !h.model.opts.CAAS {
		return
	}
	if h.more().podSpec != nil {
		h.unit.app.podSpec = *h.more().podSpec
	}
	if h.more().rawPodSpec != nil {
		h.unit.app.rawPodSpec = *h.more().rawPodSpec
	}
}

// PodSpec returns what the leader set with k8s-spec-set, and with k8s-raw-set,
// which Juju 3.6 has.
func (a *Application) PodSpec() (spec, raw string) {
	a.model.mu.Lock()
	defer a.model.mu.Unlock()
	return a.podSpec, a.rawPodSpec
}
