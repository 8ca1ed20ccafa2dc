// SPDX-License-Identifier: Apache-2.0

// Package yamltest holds what package hookcmd writes for hook commands to the
// YAML readers that Juju uses. It is a module of its own so that the SDK does
// not depend on them.
package yamltest
