// SPDX-License-Identifier: Apache-2.0

package hookcmd

import "strings"

// Agent tells a [Runner] how to reach the unit agent during one dispatch.
type Agent struct {
	Network   string   // of the socket: "unix", or "tcp" for pod-spec charms of Juju 3.6
	Address   string   // of the socket; a leading @ makes it an abstract one
	ContextID string   // of the dispatch; the agent refuses others
	Dir       string   // the charm's directory, absolute
	Env       []string // the dispatch's environment, for commands run as processes
}

// AgentFromEnviron reads the variables by which Juju describes the agent. Each
// entry of env has the form "KEY=value"; of several with the same key the last
// counts.
func AgentFromEnviron(env []string) Agent {
	agent := Agent{Env: env}
	for _, kv := range env {
		key, value, _ := strings.Cut(kv, "=")
		switch key {
		case "JUJU_AGENT_SOCKET_NETWORK":
			agent.Network = value
		case "JUJU_AGENT_SOCKET_ADDRESS":
			agent.Address = value
		case "JUJU_CONTEXT_ID":
			agent.ContextID = value
		case "JUJU_CHARM_DIR":
			agent.Dir = value
		}
	}
	return agent
}
