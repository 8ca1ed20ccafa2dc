// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Paths are where things of a unit's agent are, and what its own PATH is.
type Paths struct {
	CharmDir  string // the charm's working directory
	AgentDir  string // has the socket and the resources
	ToolsDir  string // has the hook commands
	AgentPath string // of the agent's process, which the charm's PATH ends with

	Socket     string // the agent's socket; default agent.socket in AgentDir
	Containers string // has a directory for each container, with its Pebble's socket; default Juju's own, of which no variable tells
}

// juju's paths of a machine.
func defaultPaths(unit string) Paths {
	tag := "unit-" + strings.Replace(unit, "/", "-", 1)
	return Paths{
		CharmDir: "/var/lib/juju/agents/" + tag + "/charm", AgentDir: "/var/lib/juju/agents/" + tag,
		ToolsDir: "/var/lib/juju/tools/" + tag, AgentPath: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin",
	}
}

func (u *Unit) paths() Paths {
	if f := u.app.model.opts.Paths; f != nil {
		return f(u.Name)
	}
	return defaultPaths(u.Name)
}

// Environ returns the complete environment of the charm's process, as "KEY=value"
// in no particular order: Juju's charms inherit nothing. The caller owns the slice.
func (h *Hook) Environ() []string { return h.AppendEnviron(nil) }

// AppendEnviron is Environ in a slice that the caller has.
func (h *Hook) AppendEnviron(env []string) []string {
	h.model.mu.Lock()
	defer h.model.mu.Unlock()
	u := h.unit
	if u.environ == nil {
		u.environ = u.constantEnviron()
	}
	env = slices.Grow(env, len(u.environ)+8)
	return h.appendEvent(append(append(env, u.environ...), h.contextVariable()))
}

// constantEnviron returns what is the same for all hooks of a unit.
func (u *Unit) constantEnviron() []string {
	m, p := u.app.model, u.paths()
	if m.environ == nil {
		m.environ = m.constantEnviron()
	}
	principal := ""
	if u.principal != nil {
		principal = u.principal.Name
	}
	machine, zone := u.machine, u.zone
	if m.opts.CAAS {
		machine, zone = "", ""
	}
	env := make([]string, 0, len(m.environ)+11)
	if m.opts.CAAS && p.Containers != "" {
		env = append(env, "CHARMSMITH_CONTAINERS="+p.Containers)
	}
	// What a charm reads in every hook comes last, where it looks first.
	return append(append(env, m.environ...),
		"CHARM_DIR="+p.CharmDir, "JUJU_CHARM_DIR="+p.CharmDir,
		"JUJU_AGENT_SOCKET_ADDRESS="+cmp.Or(p.Socket, p.AgentDir+"/agent.socket"), "PATH="+p.ToolsDir+":"+p.AgentPath,
		"JUJU_MACHINE_ID="+machine, "JUJU_AVAILABILITY_ZONE="+zone, "JUJU_PRINCIPAL_UNIT="+principal,
		"JUJU_MODEL_UUID="+u.app.modelUUID, "JUJU_UNIT_NAME="+u.Name)
}

// constantEnviron returns what is the same for all hooks of a model.
func (m *Model) constantEnviron() []string {
	o := &m.opts
	env := []string{
		"JUJU_AGENT_SOCKET_NETWORK=unix",
		"JUJU_MODEL_NAME=" + o.Name,
		"JUJU_API_ADDRESSES=" + strings.Join(o.APIAddresses, " "), "JUJU_VERSION=" + o.Version,
		"CLOUD_API_VERSION=" + o.CloudAPI,
		"JUJU_CHARM_HTTP_PROXY=" + o.Proxies.HTTP, "JUJU_CHARM_HTTPS_PROXY=" + o.Proxies.HTTPS,
		"JUJU_CHARM_FTP_PROXY=" + o.Proxies.FTP, "JUJU_CHARM_NO_PROXY=" + o.Proxies.NoProxy,
	}
	if m.is36 {
		sla := o.SLA
		if sla == "" {
			sla = "unsupported"
		}
		env = append(env, "JUJU_SLA="+sla)
	} else {
		env = append(env, "JUJU_CHARM_TRACE_CONFIG_HTTP="+o.Tracing.HTTP, "JUJU_CHARM_TRACE_CONFIG_GRPC="+o.Tracing.GRPC,
			"JUJU_CHARM_TRACE_CONFIG_CA_CERT="+o.Tracing.CACert)
	}
	return o.appendHost(o.LegacyProxy.appendTo(env))
}

// hostDefaults are the variables that depend on the agent's host.
var hostDefaults = [...][2]string{
	{"LANG", "C.UTF-8"},
	{"TERM", "tmux-256color"},
	{"DEBIAN_FRONTEND", "noninteractive"},
	{"APT_LISTCHANGES_FRONTEND", "none"},
}

// kubernetesVariables are copied from the agent's own process.
var kubernetesVariables = [...]string{
	"KUBERNETES_PORT", "KUBERNETES_PORT_443_TCP", "KUBERNETES_PORT_443_TCP_ADDR", "KUBERNETES_PORT_443_TCP_PORT",
	"KUBERNETES_PORT_443_TCP_PROTO", "KUBERNETES_SERVICE", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT",
	"KUBERNETES_SERVICE_PORT_HTTPS",
}

func (o *Options) appendHost(env []string) []string {
	for _, d := range hostDefaults {
		value, ok := o.Environment[d[0]]
		if !ok {
			value = d[1]
		}
		if value != "" {
			env = append(env, d[0]+"="+value)
		}
	}
	if !o.CAAS {
		return env
	}
	for _, name := range kubernetesVariables {
		if value := o.Environment[name]; value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// appendTo adds the variables of a model's legacy proxies, but for empty ones.
func (p Proxies) appendTo(env []string) []string {
	if p.NoProxy != "" { // which Juju sorts, without doubles
		hosts := strings.Split(p.NoProxy, ",")
		slices.Sort(hosts)
		p.NoProxy = strings.Join(slices.Compact(hosts), ",")
	}
	for _, v := range [...][2]string{{"http_proxy", p.HTTP}, {"https_proxy", p.HTTPS}, {"ftp_proxy", p.FTP}, {"no_proxy", p.NoProxy}} {
		if v[1] != "" {
			env = append(env, v[0]+"="+v[1], strings.ToUpper(v[0])+"="+v[1])
		}
	}
	return env
}

// appendEvent adds the variables of the hook's event.
func (h *Hook) appendEvent(env []string) []string {
	i := &h.info
	switch i.kind {
	case action:
		a := i.action
		return append(env, "JUJU_HOOK_NAME=", "JUJU_DISPATCH_PATH=actions/"+a.Name,
			"JUJU_ACTION_NAME="+a.Name, "JUJU_ACTION_UUID="+a.ID, "JUJU_ACTION_TAG=action-"+a.ID)
	case runCommands:
		env = append(env, "JUJU_HOOK_NAME=")
		if i.member != nil {
			return i.appendRelation(env, h.unit)
		}
		return env
	}
	if i.kind.isRelation() {
		return i.appendRelation(env, h.unit)
	}
	if name := simpleNames[i.kind]; name != nil {
		env = append(env, name...)
	} else {
		env = appendName(env, i.name())
	}
	switch {
	case i.kind.isStorage():
		if s := i.storage; s.provisioned {
			env = append(env, "JUJU_STORAGE_ID="+s.ID, "JUJU_STORAGE_LOCATION="+s.Location, "JUJU_STORAGE_KIND="+s.Kind)
		}
	case i.kind.isSecret():
		env = append(env, "JUJU_SECRET_ID="+i.secret.uriFor(h.unit), "JUJU_SECRET_LABEL="+i.secret.labelFor(h.unit))
		if i.kind == secretRemove || i.kind == secretExpired {
			env = append(env, "JUJU_SECRET_REVISION="+strconv.Itoa(i.revision))
		}
	case i.kind.isWorkload():
		return i.workload.appendTo(env)
	case i.kind == preSeriesUpgrade:
		env = append(env, "JUJU_TARGET_BASE="+i.target, "JUJU_TARGET_SERIES="+seriesOf(i.target))
	}
	return env
}

func appendName(env []string, name string) []string {
	return append(env, hookVariable+name, "JUJU_DISPATCH_PATH=hooks/"+name)
}

const hookVariable = "JUJU_HOOK_NAME="

// simpleNames are the variables with the names of the hooks that have only one.
var simpleNames = func() (names [rebootStart + 1][]string) {
	for _, kind := range []hookKind{install, start, rebootStart, stop, remove, configChanged, updateStatus, upgradeCharm, leaderElected} {
		names[kind] = appendName(nil, kind.String())
	}
	return names
}()

// hookName returns the variables with the name of a relation's hook.
func (e *End) hookName(kind hookKind) []string {
	name := &e.environ.names[kind-relationCreated]
	if *name == nil {
		*name = appendName(nil, e.Endpoint.Name+"-"+kind.String())
	}
	return *name
}

// endEnviron is what the hooks of a relation have in common, made once.
type endEnviron struct {
	names [relationBroken - relationCreated + 1][]string // by kind: the two variables with the hook's name
	ref   []string
}

func (i *hookInfo) appendRelation(env []string, u *Unit) []string {
	e := i.member.end
	if e.environ.ref == nil {
		e.environ.ref = []string{"JUJU_RELATION=" + e.Endpoint.Name, "JUJU_RELATION_ID=" + e.name(), "JUJU_REMOTE_APP=" + e.remoteName()}
	}
	if i.kind == runCommands { // juju-exec is given a unit only
		env = append(env, e.environ.ref[0], e.environ.ref[1], "JUJU_REMOTE_APP=")
	} else {
		env = append(append(env, e.environ.ref...), e.hookName(i.kind)...)
	}
	env = append(env, i.remoteEnviron())
	if i.kind == relationDeparted {
		env = append(env, "JUJU_DEPARTING_UNIT="+i.departing(u))
	}
	return env
}

// remoteEnviron returns the variable with the remote unit.
func (i *hookInfo) remoteEnviron() string {
	remote := i.remoteUnit()
	switch {
	case remote == nil:
		return "JUJU_REMOTE_UNIT="
	case i.member.end.alias != "":
		return "JUJU_REMOTE_UNIT=" + i.member.end.unitName(remote)
	case remote.asRemote == "":
		remote.asRemote = "JUJU_REMOTE_UNIT=" + remote.Name
	}
	return remote.asRemote
}

func (w *Workload) appendTo(env []string) []string {
	env = append(env, "JUJU_WORKLOAD_NAME="+w.Container)
	switch w.kind {
	case pebbleCustomNotice:
		env = append(env, "JUJU_NOTICE_ID="+w.NoticeID, "JUJU_NOTICE_TYPE="+w.NoticeType, "JUJU_NOTICE_KEY="+w.NoticeKey)
	case pebbleCheckFailed, pebbleCheckRecovered:
		env = append(env, "JUJU_PEBBLE_CHECK_NAME="+w.Check)
	}
	return env
}
