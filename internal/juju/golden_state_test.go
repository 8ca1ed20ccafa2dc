// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/golden"
)

// goldenState is a recorded state of a model, seen from one unit.
type goldenState struct {
	Model struct {
		Name, UUID, Type string
		JujuVersion      string   `json:"juju_version"`
		APIAddresses     []string `json:"api_addresses"`
		CloudAPIVersion  string   `json:"cloud_api_version"`
		SLA              string
		LegacyProxy      goldenProxy `json:"legacy_proxy"`
		JujuProxy        goldenProxy `json:"juju_proxy"`
		CharmTracing     struct {
			HTTP, GRPC string
			CACert     string `json:"ca_cert"`
		} `json:"charm_tracing"`
	}
	Unit struct {
		Name, Machine                                   string
		AvailabilityZone                                string `json:"availability_zone"`
		Principal                                       string
		PrivateAddress                                  string `json:"private_address"`
		PublicAddress                                   string `json:"public_address"`
		WorkloadVersion                                 string `json:"workload_version"`
		Status                                          goldenStatus
		Life                                            string
		Installed, Started, Stopped, Removed, StatusSet bool
	}
	App struct {
		Status *goldenStatus
		Units  map[string]goldenStatus
	}
	Leader         bool
	Config         map[string]any // numbers are json.Number
	Relations      []goldenRelation
	Secrets        []goldenSecret
	NextSecret     int `json:"next_secret"`
	Storage        []goldenStorage
	Ports          map[string][]string
	OtherPorts     map[string]map[string][]string `json:"other_ports"`
	CharmState     map[string]string              `json:"charm_state"`
	Networks       map[string]goldenNetwork
	GoalState      *goldenGoalState `json:"goal_state"`
	PlannedUnits   int              `json:"planned_units"`
	Resources      map[string]goldenResource
	CloudSpec      *hookcmd.CloudSpec `json:"cloud_spec"`
	Trust          bool
	LeaderSettings map[string]string `json:"leader_settings"`
	PodSpec        string            `json:"pod_spec"`
	RawK8sSpec     string            `json:"raw_k8s_spec"`
}

type goldenProxy struct {
	HTTP, HTTPS, FTP string
	NoProxy          string `json:"no_proxy"`
}

type goldenStatus struct {
	Status, Message string
	Data            map[string]any
}

type goldenRelation struct {
	ID                  int
	Endpoint, Interface string
	Role                charmdir.Role
	Scope               string
	RemoteApp           string `json:"remote_app"`
	RemoteEndpoint      string `json:"remote_endpoint"`
	RemoteModelUUID     string `json:"remote_model_uuid"`
	Life                string
	Suspended           bool
	LocalUnitData       map[string]string            `json:"local_unit_data"`
	LocalAppData        map[string]string            `json:"local_app_data"`
	RemoteUnitsData     map[string]map[string]string `json:"remote_units_data"`
	RemoteAppData       map[string]string            `json:"remote_app_data"`
	Members             *[]string                    // nil: it depends on the event
	ChangedPending      string                       `json:"changed_pending"`
}

type goldenSecret struct {
	ID, Owner, Label, Description, Rotate string
	Expire                                *time.Time
	NextRotate                            *time.Time `json:"next_rotate"`
	Revisions                             map[string]map[string]string
	Base64Keys                            []string `json:"base64_keys"`
	Latest                                int
	ConsumerRevision                      int    `json:"consumer_revision"`
	ConsumerLabel                         string `json:"consumer_label"`
	Access                                []struct{ Target, Scope, Role string }
	Granted                               bool
}

type goldenStorage struct {
	ID, Kind, Location string
	Attached           bool
	NotProvisioned     bool `json:"not_provisioned"`
}

type goldenNetwork struct {
	Interfaces []struct {
		Name, MAC string
		Addresses []struct{ Value, CIDR, Hostname string }
	}
	IngressAddresses []string `json:"ingress_addresses"`
	EgressSubnets    []string `json:"egress_subnets"`
	Error            string
}

type goldenGoalState struct {
	Units     map[string]goldenGoal
	Relations map[string]map[string]goldenGoal
}

type goldenGoal struct {
	Status string
	Since  *time.Time
}

type goldenResource struct{ Type, Path, Content string }

// world is a model made of a recorded state, seen from one of its units.
type world struct {
	t       testing.TB
	version string // of the recordings, "4" or "3.6"
	model   *Model
	unit    *Unit
	app     *Application
	state   goldenState
	event   golden.Event
	raw     map[string]any // the state, with numbers as json.Number
	members map[int]*membership
	hook    *Hook   // that ran
	action  *Action // that it is of
	outcome Outcome
}

type noExecutor struct{}

func (noExecutor) Execute(context.Context, *Hook) Exit { return Exit{} }

// load makes a model of a recorded state. Of c only the event, the metadata and
// the actions count.
func load(t testing.TB, recorded json.RawMessage, version string, c golden.Case) *world {
	t.Helper()
	w := &world{t: t, version: version, event: c.Event, members: make(map[int]*membership)}
	w.must(decode(golden.State(recorded), &w.state))
	w.must(decode(golden.State(recorded), &w.raw))
	s := &w.state
	if s.Model.APIAddresses == nil {
		s.Model.APIAddresses = []string{"10.0.0.1:17070", "10.0.0.2:17070"} // as the recorder had it
	}
	juju := map[string]string{"4": "4.1-beta2", "3.6": "3.6.26"}[version]
	p := s.Model
	w.model = New(&Options{
		Name: p.Name, UUID: p.UUID, Version: cmp.Or(p.JujuVersion, juju), CAAS: p.Type == "caas",
		APIAddresses: p.APIAddresses, Proxies: Proxies(p.JujuProxy), LegacyProxy: Proxies(p.LegacyProxy),
		Tracing: Tracing(p.CharmTracing), CloudAPI: p.CloudAPIVersion, Cloud: s.CloudSpec,
		TextOnly: true, RecordCalls: true,
	})
	w.model.nextRel = 1000
	w.loadApplication(c)
	w.loadUnit()
	slices.SortFunc(s.Relations, func(a, b goldenRelation) int { return a.ID - b.ID })
	for i := range s.Relations {
		w.loadRelation(&s.Relations[i])
	}
	for _, u := range w.app.units {
		if status, ok := s.App.Units[u.Name]; ok {
			u.workload = status.status()
		} else if u != w.unit {
			u.life = Dead // of the application, though still in the relation
			w.app.alive--
		}
	}
	w.loadSecrets()
	w.loadMisc()
	return w
}

// decode keeps numbers as they are written.
func decode(data []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(to)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("cannot load the recorded state: %v", err)
	}
}

func (s goldenStatus) status() Status {
	return Status{Status: s.Status, Message: s.Message, Data: s.Data}
}

func (w *world) loadApplication(c golden.Case) {
	name, _, _ := strings.Cut(w.state.Unit.Name, "/")
	app, err := w.model.Deploy(Deployment{Name: name, Charm: &charmdir.Charm{Name: name}, Executor: noExecutor{}, Trust: w.state.Trust})
	w.must(err)
	w.app = app
	app.charm = w.charm(name, c)
	app.principal = w.state.Unit.Principal == ""
	app.config = make(map[string]any)
	for key, value := range w.state.Config {
		app.config[key], err = app.charm.Options[key].Parse(plain(value))
		w.must(err)
	}
	if s := w.state.App.Status; s != nil {
		app.status = s.status()
	}
	app.resources = make(map[string]Resource)
	for key, r := range w.state.Resources {
		app.resources[key] = Resource{Type: cmp.Or(r.Type, "file"), Path: r.Path, Content: []byte(r.Content)}
	}
	app.networks = make(map[string]Network)
	for key, n := range w.state.Networks {
		app.networks[key] = n.network()
	}
}

// charm returns a charm that fits the state and the case.
func (w *world) charm(name string, c golden.Case) *charmdir.Charm {
	charm := &charmdir.Charm{Name: name}
	if c.Metadata != "" || c.Actions != "" {
		files := charmdir.Files{Metadata: []byte(cmp.Or(c.Metadata, "name: "+name+"\nsummary: x\ndescription: x\n"))}
		if c.Actions != "" {
			files.Actions = []byte(c.Actions)
		}
		var err error
		charm, err = charmdir.Parse(files)
		w.must(err)
	}
	charm.Subordinate = w.state.Unit.Principal != ""
	charm.Endpoints = make(map[string]charmdir.Endpoint)
	for _, r := range w.state.Relations {
		charm.Endpoints[r.Endpoint] = r.endpoint()
	}
	for binding := range w.state.Networks {
		if _, ok := charm.Endpoints[binding]; binding != "" && !ok && !strings.Contains(binding, ":") {
			charm.ExtraBindings = append(charm.ExtraBindings, binding)
		}
	}
	slices.Sort(charm.ExtraBindings)
	charm.Options = make(map[string]charmdir.Option)
	for key, value := range w.state.Config {
		charm.Options[key] = charmdir.Option{Name: key, Type: optionType(value)}
	}
	charm.Storage = make(map[string]charmdir.Storage)
	for _, s := range w.state.Storage {
		kind, _, _ := strings.Cut(s.ID, "/")
		charm.Storage[kind] = charmdir.Storage{Name: kind, Type: s.Kind, CountMax: -1}
	}
	charm.Resources = make(map[string]charmdir.Resource)
	for key, r := range w.state.Resources {
		charm.Resources[key] = charmdir.Resource{Name: key, Type: cmp.Or(r.Type, "file"), Filename: r.Path}
	}
	if w.event.Workload != "" {
		charm.Containers = map[string]charmdir.Container{w.event.Workload: {Name: w.event.Workload}}
	}
	if w.event.Action != "" && c.Actions == "" {
		charm.Actions = map[string]charmdir.Action{w.event.Action: {
			Name:   w.event.Action,
			Schema: map[string]any{"type": "object", "properties": map[string]any{}, "additionalProperties": true},
		}}
	}
	return charm
}

// optionType is the type of an option that has the value.
func optionType(value any) string {
	switch value := value.(type) {
	case bool:
		return "boolean"
	case json.Number:
		if strings.ContainsAny(string(value), ".eE") {
			return "float"
		}
		return "int"
	}
	return "string"
}

// plain returns a number as Go's, other values as they are.
func plain(value any) any {
	n, ok := value.(json.Number)
	if !ok {
		return value
	}
	if i, err := n.Int64(); err == nil {
		return i
	}
	f, _ := n.Float64()
	return f
}

func (n goldenNetwork) network() Network {
	network := Network{IngressAddresses: n.IngressAddresses, EgressSubnets: n.EgressSubnets, Err: n.Error}
	for _, i := range n.Interfaces {
		to := Interface{Name: i.Name, MAC: i.MAC}
		for _, a := range i.Addresses {
			to.Addresses = append(to.Addresses, InterfaceAddress(a))
		}
		network.Interfaces = append(network.Interfaces, to)
	}
	return network
}

func (r goldenRelation) endpoint() charmdir.Endpoint {
	return charmdir.Endpoint{Name: r.Endpoint, Role: r.Role, Interface: r.Interface, Scope: cmp.Or(r.Scope, charmdir.ScopeGlobal)}
}

// remoteApp returns an application without a charm, new if need be.
func (w *world) remoteApp(name, modelUUID string) *Application {
	if a := w.model.application(name); a != nil {
		return a
	}
	a, err := w.model.Deploy(Deployment{Name: name, ModelUUID: modelUUID})
	w.must(err)
	return a
}

// remoteUnit returns a unit without an agent, new if need be.
func (w *world) remoteUnit(name string) *Unit {
	if u := w.model.unit(name); u != nil {
		return u
	}
	app, number, _ := strings.Cut(name, "/")
	return w.addUnit(w.model.application(app), number, nil)
}

func (w *world) addUnit(a *Application, number string, principal *Unit) *Unit {
	n, err := strconv.Atoi(number)
	w.must(err)
	next, executor := a.nextUnit, a.Executor
	a.nextUnit = n
	if a == w.app && w.unit != nil {
		a.Executor = nil // which makes it a unit without an agent
	}
	u := a.addUnits(1, principal)[0]
	a.nextUnit, a.Executor = max(next, n+1), executor
	return u
}
