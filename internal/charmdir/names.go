// SPDX-License-Identifier: Apache-2.0

package charmdir

import "regexp"

// The names that Juju takes.
var (
	charmName     = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*$`)
	storageName   = charmName
	endpointName  = regexp.MustCompile(`^[a-z][a-z0-9]*([_-][a-z0-9]+)*$`)
	actionName    = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	containerName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`) // of Kubernetes
	payloadName   = regexp.MustCompile(`^[a-zA-Z]([a-zA-Z0-9-]*[a-zA-Z0-9])?$`)
)

func checkName(at *object, what, name string, allowed *regexp.Regexp) {
	if !allowed.MatchString(name) {
		at.failf("%s %s must match %s", what, describe(name), allowed)
	}
}
