// SPDX-License-Identifier: Apache-2.0

package metrics

// Load returns the runs in a file. What is served does not tell their order, nor
// which of the rules a file breaks.
func Load(path string) ([]Run, error) { return load(path) }
