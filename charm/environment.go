// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"strconv"
	"strings"
)

// Environment is what Juju tells a charm about its surroundings, in the
// environment variables of each dispatch. What Juju does not tell is empty.
type Environment struct {
	Unit         string // "app/0"
	Application  string // "app"
	Dir          string // the charm's directory; Juju starts the charm in it
	ModelName    string
	ModelUUID    string
	JujuVersion  JujuVersion // of the unit agent
	Kubernetes   bool        // the model is on Kubernetes
	Machine      string      // "0", "0/lxd/1"; empty on Kubernetes
	Zone         string      // the availability zone
	Principal    string      // the unit that a subordinate belongs to
	APIAddresses []string    // of the controllers, "10.0.0.1:17070"
	Proxies      Proxies
	Trace        Trace
}

// Proxies are those that the model sets for charms. Juju does not apply them:
// the charm decides what they are for.
type Proxies struct {
	HTTP, HTTPS, FTP string
	NoProxy          string // comma-separated
}

// Trace identifies the agent's span that the dispatch belongs to, if the agent is
// tracing, and tells where charms are to send their spans, if the controller says
// so. Juju 4.
type Trace struct {
	TraceID, SpanID, Flags       string
	CollectorHTTP, CollectorGRPC string // OpenTelemetry endpoints
	CollectorCA                  string // the certificate authority of both, as PEM
}

func readEnvironment(env []string) Environment {
	var e Environment
	for _, kv := range env {
		key, value, _ := strings.Cut(kv, "=")
		switch key {
		case "JUJU_UNIT_NAME":
			e.Unit = value
			e.Application, _, _ = strings.Cut(value, "/")
		case "JUJU_CHARM_DIR":
			e.Dir = value
		case "JUJU_MODEL_NAME":
			e.ModelName = value
		case "JUJU_MODEL_UUID":
			e.ModelUUID = value
		case "JUJU_VERSION":
			e.JujuVersion = ParseJujuVersion(value)
		case "JUJU_MACHINE_ID":
			e.Machine, e.Kubernetes = value, value == ""
		case "JUJU_AVAILABILITY_ZONE":
			e.Zone = value
		case "JUJU_PRINCIPAL_UNIT":
			e.Principal = value
		case "JUJU_API_ADDRESSES":
			e.APIAddresses = strings.Fields(value)
		case "JUJU_CHARM_HTTP_PROXY":
			e.Proxies.HTTP = value
		case "JUJU_CHARM_HTTPS_PROXY":
			e.Proxies.HTTPS = value
		case "JUJU_CHARM_FTP_PROXY":
			e.Proxies.FTP = value
		case "JUJU_CHARM_NO_PROXY":
			e.Proxies.NoProxy = value
		case "JUJU_TRACE_ID":
			e.Trace.TraceID = value
		case "JUJU_SPAN_ID":
			e.Trace.SpanID = value
		case "JUJU_TRACE_FLAGS":
			e.Trace.Flags = value
		case "JUJU_CHARM_TRACE_CONFIG_HTTP":
			e.Trace.CollectorHTTP = value
		case "JUJU_CHARM_TRACE_CONFIG_GRPC":
			e.Trace.CollectorGRPC = value
		case "JUJU_CHARM_TRACE_CONFIG_CA_CERT":
			e.Trace.CollectorCA = value
		}
	}
	return e
}

// JujuVersion is a version of Juju, such as "3.6.26", "4.1-beta2" or, with a
// build, "3.6.26.1".
type JujuVersion struct {
	Major, Minor int
	Tag          string // "beta" of 4.1-beta2; empty for a release
	Patch        int    // 2 of 4.1-beta2, 26 of 3.6.26
	text         string
}

// ParseJujuVersion reads as much of a version as it understands; what it does
// not, such as a build, is left out.
func ParseJujuVersion(s string) JujuVersion {
	v := JujuVersion{text: s}
	rest := s
	v.Major, rest = leadingNumber(rest)
	rest, ok := strings.CutPrefix(rest, ".")
	if !ok {
		return v
	}
	v.Minor, rest = leadingNumber(rest)
	if tagged, ok := strings.CutPrefix(rest, "-"); ok {
		end := strings.IndexAny(tagged, "0123456789.")
		if end < 0 {
			end = len(tagged)
		}
		v.Tag, rest = tagged[:end], "."+tagged[end:]
	}
	if rest, ok := strings.CutPrefix(rest, "."); ok {
		v.Patch, _ = leadingNumber(rest)
	}
	return v
}

func leadingNumber(s string) (n int, rest string) {
	end := 0
	for end < len(s) && '0' <= s[end] && s[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(s[:end])
	if err != nil {
		return 0, s[end:]
	}
	return n, s[end:]
}

// String returns the version as Juju gave it.
func (v JujuVersion) String() string { return v.text }

// AtLeast reports whether v is the release major.minor.patch or later. A tagged
// version such as 4.1-beta2 comes before all releases of its minor version.
func (v JujuVersion) AtLeast(major, minor, patch int) bool {
	switch {
	case v.Major != major:
		return v.Major > major
	case v.Minor != minor:
		return v.Minor > minor
	case v.Tag != "":
		return false
	}
	return v.Patch >= patch
}
