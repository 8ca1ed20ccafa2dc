// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"context"

	"github.com/charmsmith/charmsmith/internal/juju"
)

// unitInfo is a unit as juju show-unit shows it, and its storage.
type unitInfo struct {
	Version       string                 `yaml:"workload-version,omitempty"`
	Machine       string                 `yaml:"machine,omitempty"`
	Ports         []string               `yaml:"opened-ports"`
	PublicAddress string                 `yaml:"public-address,omitempty"` // on a machine
	Charm         string                 `yaml:"charm,omitempty"`
	Leader        bool                   `yaml:"leader"`
	Life          string                 `yaml:"life"`
	Relations     []relationInfo         `yaml:"relation-info,omitempty"`
	Storage       map[string]storageInfo `yaml:"storage,omitempty"` // by ID
	Address       string                 `yaml:"address,omitempty"` // of a pod
}

// relationInfo is a relation as one of its units sees it: with the databag of
// the remote application.
type relationInfo struct {
	ID              int                `yaml:"relation-id"`
	Endpoint        string             `yaml:"endpoint"`
	RelatedEndpoint string             `yaml:"related-endpoint"`
	ApplicationData map[string]string  `yaml:"application-data"`
	Local           bagInfo            `yaml:"local-unit"`
	Related         map[string]bagInfo `yaml:"related-units,omitempty"` // by name
}

// bagInfo is a unit in a relation.
type bagInfo struct {
	InScope bool              `yaml:"in-scope"`
	Data    map[string]string `yaml:"data"`
}

type storageInfo struct {
	Kind     string `yaml:"kind"`
	Location string `yaml:"location"`
}

// showUnit prints a unit with its relations and storage as YAML.
func (d *Desk) showUnit(_ context.Context, l *Line) error {
	u, err := d.unit(l.args[0])
	if err != nil {
		return err
	}
	return d.printYAML(map[string]unitInfo{u.Name: infoOf(u)})
}

func infoOf(u *juju.Unit) unitInfo {
	app := u.Application()
	info := unitInfo{Version: u.WorkloadVersion(), Machine: u.Machine(), Leader: u.IsLeader(), Life: u.Life().String(), Ports: []string{}}
	if charm := app.Charm(); charm != nil {
		info.Charm = charm.Name
	}
	if app.Model().Options().CAAS {
		info.Address = u.Address()
	} else {
		info.PublicAddress = u.Address()
	}
	for _, p := range u.OpenedPorts() {
		text := p.PortRange.String()
		if p.Endpoints != nil {
			text = p.String()
		}
		info.Ports = append(info.Ports, text)
	}
	for _, e := range app.Ends() {
		info.Relations = append(info.Relations, relationOf(u, e))
	}
	for _, s := range u.Storage() {
		if info.Storage == nil {
			info.Storage = make(map[string]storageInfo)
		}
		info.Storage[s.ID] = storageInfo{s.Kind, s.Location}
	}
	return info
}

// relationOf returns a relation as a unit of that end sees it.
func relationOf(u *juju.Unit, e *juju.End) relationInfo {
	other := e.Other()
	info := relationInfo{
		ID: e.ID(), Endpoint: e.Endpoint.Name, RelatedEndpoint: other.Endpoint.Name,
		ApplicationData: other.AppData(), Local: bagOf(u, e),
	}
	for _, remote := range other.App.Units() {
		if remote == u || e.Scoped() && remote.Principal() != u && u.Principal() != remote {
			continue
		}
		if info.Related == nil {
			info.Related = make(map[string]bagInfo)
		}
		info.Related[remote.Name] = bagOf(remote, other)
	}
	return info
}

func bagOf(u *juju.Unit, e *juju.End) bagInfo { return bagInfo{e.In(u), e.UnitData(u)} }

// configInfo is an application's config as juju config shows it.
type configInfo struct {
	Application string                `yaml:"application"`
	Charm       string                `yaml:"charm,omitempty"`
	Settings    map[string]optionInfo `yaml:"settings"` // by name
}

type optionInfo struct {
	Default     any    `yaml:"default,omitempty"`
	Description string `yaml:"description,omitempty"`
	Source      string `yaml:"source"` // "user", "default" or "unset"
	Type        string `yaml:"type"`
	Value       any    `yaml:"value,omitempty"`
}

// showConfig prints the options of an application as YAML. As with Juju, a value
// that is the default's is not the user's.
func (d *Desk) showConfig(a *juju.Application) error {
	info := configInfo{Application: a.Name, Settings: make(map[string]optionInfo)}
	if charm := a.Charm(); charm != nil {
		info.Charm = charm.Name
		values := a.Config()
		for name, o := range charm.Options {
			option := optionInfo{Default: o.Default, Description: o.Description, Source: "user", Type: o.Type, Value: values[name]}
			switch option.Value {
			case nil:
				option.Source = "unset"
			case o.Default:
				option.Source = "default"
			}
			info.Settings[name] = option
		}
	}
	return d.printYAML(info)
}
