// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/juju"
)

func (d *Desk) status(context.Context, *Line) error { return d.WriteStatus(d.opts.Out) }

// WriteStatus writes the model, its applications, units and relations, in tables
// like those of juju status. It may be called while hooks run.
func (d *Desk) WriteStatus(w io.Writer) error {
	apps := d.model.Applications()
	var text []byte
	for _, t := range []table{modelTable(d.model), applicationTable(apps), unitTable(d.model, apps), relationTable(d.model)} {
		text = t.append(text, d.opts.Color)
	}
	if len(apps) == 0 {
		text = fmt.Appendf(text, "\nModel %q is empty.\n", d.model.Options().Name)
	}
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("cannot print the status: %w", err)
	}
	return nil
}

func modelTable(m *juju.Model) table {
	opts := m.Options()
	return table{
		cells("Model", "Type", "Version", "Seed", "Hooks", "Timestamp"),
		cells(clean(opts.Name, nameWidth), modelType(opts.CAAS), opts.Version, strconv.FormatUint(opts.Seed, 10), strconv.Itoa(m.Steps()),
			m.Now().Format("15:04:05Z07:00")),
	}
}

func applicationTable(apps []*juju.Application) table {
	t := table{cells("App", "Version", "Status", "Scale", "Charm", "Message")}
	for _, a := range apps {
		status := applicationStatus(a)
		charm := ""
		if c := a.Charm(); c != nil {
			charm = clean(c.Name, nameWidth)
		}
		row := cells(a.Name, clean(version(a), versionWidth), "", scale(a), charm, clean(leaving(a.Life(), status.Message), messageWidth))
		row[2] = statusCell(status.Status)
		t = append(t, row)
	}
	return t
}

// version returns the version of an application's workload: its leader's, or
// that of another unit.
func version(a *juju.Application) string {
	units := a.Units()
	if leader := a.Leader(); leader != nil {
		units = slices.Insert(units, 0, leader)
	}
	for _, u := range units {
		if v := u.WorkloadVersion(); v != "" {
			return v
		}
	}
	return ""
}

// scale returns how many units there are, "3", or that some of them have not
// begun to run, "2/3".
func scale(a *juju.Application) string {
	units := a.Units()
	up := 0
	for _, u := range units {
		if status, _ := u.Agent(); status != "allocating" {
			up++
		}
	}
	if up == len(units) {
		return strconv.Itoa(up)
	}
	return fmt.Sprintf("%d/%d", up, len(units))
}

// leaving adds to a message that something is being removed.
func leaving(life juju.Life, message string) string {
	switch {
	case life == juju.Alive:
		return message
	case message == "":
		return "being removed"
	}
	return "being removed; " + message
}

func unitTable(m *juju.Model, apps []*juju.Application) table {
	t := table{cells("Unit", "Workload", "Agent", "Machine", "Address", "Ports", "Message")}
	subordinates := make(map[*juju.Unit][]*juju.Unit)
	var principals []*juju.Unit
	for _, a := range apps {
		for _, u := range a.Units() {
			if p := u.Principal(); p != nil {
				subordinates[p] = append(subordinates[p], u)
			} else {
				principals = append(principals, u)
			}
		}
	}
	for _, p := range principals {
		t = append(t, unitRow(p, ""))
		for _, u := range subordinates[p] {
			t = append(t, unitRow(u, "  "))
		}
	}
	if m.Options().CAAS {
		for i, row := range t {
			t[i] = slices.Delete(row, 3, 4) // a pod is on no machine
		}
	}
	return t
}

func unitRow(u *juju.Unit, indent string) []cell {
	workload := u.Workload()
	agent, hook := u.Agent()
	message := leaving(u.Life(), workload.Message)
	if hook != "" {
		message = "(" + hook + ") " + message
	}
	machine := u.Machine()
	if u.Principal() != nil {
		machine = "" // its principal's
	}
	row := cells("", "", "", machine, clean(u.Address(), nameWidth), clean(ports(u.OpenedPorts()), nameWidth), clean(message, messageWidth))
	row[0] = cell{{text: indent + u.Name}}
	if u.IsLeader() {
		row[0] = append(row[0], span{"*", green})
	}
	row[1], row[2] = statusCell(workload.Status), statusCell(agent)
	return row
}

// ports returns open ports as juju status shows them, "80,8000-8010/tcp 53/udp".
func ports(open []hookcmd.EndpointPorts) string {
	var b strings.Builder
	for i, p := range open {
		text := p.PortRange.String()
		if i+1 < len(open) && open[i+1].Protocol == p.Protocol {
			text = strings.TrimSuffix(text, "/"+p.Protocol) + ","
		} else if i+1 < len(open) {
			text += " "
		}
		b.WriteString(text)
	}
	return b.String()
}

func relationTable(m *juju.Model) table {
	t := table{cells("Integration provider", "Requirer", "Interface", "Type", "Message")}
	for _, r := range m.Relations() {
		t = append(t, relationRow(r))
	}
	slices.SortStableFunc(t[1:], func(a, b []cell) int {
		return cmp.Or(cmp.Compare(a[0][0].text, b[0][0].text), cmp.Compare(a[1][0].text, b[1][0].text))
	})
	return t
}

func relationRow(r *juju.Relation) []cell {
	provider := r.Ends()[0]
	requirer := provider.Other()
	if provider.Endpoint.Role == charmdir.RoleRequirer {
		provider, requirer = requirer, provider
	}
	kind := "regular"
	switch {
	case provider == requirer:
		kind = "peer"
	case provider.Scoped():
		kind = "subordinate"
	}
	row := cells(endName(provider), endName(requirer), clean(provider.Endpoint.Interface, nameWidth), kind, "")
	if status := r.Status(); r.Life() != juju.Alive {
		row[4] = cell{{text: "being removed"}}
	} else if status != "joined" {
		row[4] = statusCell(status)
	}
	return row
}

func endName(e *juju.End) string { return clean(e.App.Name+":"+e.Endpoint.Name, nameWidth) }
