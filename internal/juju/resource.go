// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"fmt"
	"os"
	"path/filepath"
)

// Resource is what an application's resource holds.
type Resource struct {
	Type    string // "file" or "oci-image"
	Path    string // where resource-get says it is; if that is no absolute path, below the agent's directory
	Content []byte // of a file that has no absolute path
}

// resource returns the path of a resource's file. Juju downloads it first; here
// it is written if the model has directories of its own.
func (h *Hook) resource(name string) (string, error) {
	r, ok := h.unit.app.resources[name]
	if !ok {
		return "", fmt.Errorf("could not download resource: HTTP request failed: resource %q not found", name)
	}
	if filepath.IsAbs(r.Path) {
		return r.Path, nil
	}
	file := filepath.Base(r.Path)
	if r.Type == "oci-image" { // one file for all of them
		file = "content.yaml"
	} else if declared := h.unit.app.charm.Resources[name].Filename; declared != "" {
		file = filepath.Base(declared)
	}
	file = filepath.Join(h.unit.paths().AgentDir, "resources", file)
	if h.model.opts.Paths == nil {
		return file, nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return "", fmt.Errorf("could not download resource: %w", err)
	}
	if err := os.WriteFile(file, r.Content, 0o600); err != nil {
		return "", fmt.Errorf("could not download resource: %w", err)
	}
	return file, nil
}
