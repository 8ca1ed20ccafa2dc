// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/charmsmith/charmsmith/internal/charmdir"
	"github.com/charmsmith/charmsmith/internal/charmsource"
	"github.com/charmsmith/charmsmith/internal/juju"
)

// verbs are the commands of script lines: those of the juju client, and some of
// the desk's own.
func verbs() []*verb {
	units := func(l *Line, f *pflag.FlagSet) { f.IntVarP(&l.units, "num-units", "n", 1, "") }
	return []*verb{
		{name: "deploy", usage: "DIR [NAME] [-n N] [--config K=V]...", help: "deploy a charm directory, a .charm file or a bundle", args: [2]int{1, 2},
			flags: func(l *Line, f *pflag.FlagSet) { units(l, f); f.StringArrayVar(&l.config, "config", nil, "") }, do: (*Desk).deployLine},
		{name: "add-unit", usage: "APP [-n N]", help: "add units to an application", args: [2]int{1, 1}, flags: units, do: (*Desk).addUnit},
		{name: "remove-unit", usage: "UNIT...", help: "remove units", args: [2]int{1, -1}, do: (*Desk).removeUnit},
		{name: "remove-application", usage: "APP...", help: "remove applications with their units and relations", args: [2]int{1, -1}, do: (*Desk).removeApplication},
		{name: "config", usage: "APP [K=V]...", help: "set options of an application, or show them", args: [2]int{1, -1}, do: (*Desk).configure},
		{name: "integrate", usage: "APP[:ENDPOINT] APP[:ENDPOINT]", help: "relate two applications", args: [2]int{2, 2}, do: (*Desk).integrate},
		{name: "remove-relation", usage: "APP[:ENDPOINT] APP[:ENDPOINT]", help: "remove a relation", args: [2]int{2, 2}, do: (*Desk).removeRelation},
		{name: "run", usage: "UNIT|APP/leader ACTION [K=V]...", help: "run an action and print its results", args: [2]int{2, -1}, waits: true, do: (*Desk).runAction},
		{name: "exec", usage: "UNIT -- COMMAND...", help: "run a command on a unit, in a hook's environment", args: [2]int{1, 1}, rest: true, waits: true, do: (*Desk).exec},
		{name: "refresh", usage: "APP", help: "give an application its charm's present version", args: [2]int{1, 1}, do: (*Desk).refresh},
		{name: "status", help: "show applications, units and relations", waits: true, do: (*Desk).status},
		{name: "show-unit", usage: "UNIT", help: "show a unit with its relations and databags", args: [2]int{1, 1}, waits: true, do: (*Desk).showUnit},
		{name: "debug-log", usage: "[UNIT]", help: "show the log", args: [2]int{0, 1}, do: (*Desk).debugLog},
		{name: "secrets", help: "list the secrets", do: (*Desk).listSecrets},
		{name: "set-leader", usage: "UNIT", help: "make a unit the leader", args: [2]int{1, 1}, do: (*Desk).setLeader},
		{name: "update-status", usage: "[APP]", help: "send update-status, without waiting for it to be due", args: [2]int{0, 1}, do: (*Desk).updateStatus},
		{name: "kill-agent", usage: "UNIT", help: "kill a unit's agent and the hook it runs; another unit leads, if it did", args: [2]int{1, 1}, do: (*Desk).killAgent},
		{name: "resolve", usage: "UNIT [--no-retry]", help: "run a failed hook again, or skip it", args: [2]int{1, 1},
			flags: func(l *Line, f *pflag.FlagSet) { f.BoolVar(&l.noRetry, "no-retry", false, "") }, do: (*Desk).resolve},
		{name: "settle", help: "wait until nothing is left to do", waits: true, do: func(*Desk, context.Context, *Line) error { return nil }},
		{name: "expect", usage: "UNIT|APP STATUS [MESSAGE-REGEX]", help: "fail unless a status is this", args: [2]int{2, 3}, waits: true, check: checkExpect, do: (*Desk).expect},
	}
}

func verbOf(name string) *verb {
	all := verbs()
	if i := slices.IndexFunc(all, func(v *verb) bool { return v.name == name }); i >= 0 {
		return all[i]
	}
	return nil
}

// VerbNames returns the names of all commands, in the order of Help.
func VerbNames() []string {
	var names []string
	for _, v := range verbs() {
		names = append(names, v.name)
	}
	return names
}

// Help returns a line for each command.
func Help() string {
	var text strings.Builder
	for _, v := range verbs() {
		fmt.Fprintf(&text, "  %-52s %s\n", v.synopsis(), v.help)
	}
	return text.String()
}

func (d *Desk) deployLine(ctx context.Context, l *Line) error {
	path := l.args[0]
	if charmsource.IsBundle(path) {
		return d.DeployBundle(ctx, path)
	}
	dep := Deployment{Path: path, Units: l.units, NoPrincipal: !l.unitsGiven}
	if len(l.args) > 1 {
		dep.Name = l.args[1]
	}
	var err error
	if dep.Config, err = Pairs(l.config); err != nil {
		return err
	}
	return d.Deploy(ctx, dep)
}

// Pairs reads "key=value" arguments. An error is a *UsageError.
func Pairs(args []string) (map[string]string, error) {
	pairs := make(map[string]string, len(args))
	for _, arg := range args {
		key, value, err := pair(arg)
		if err != nil {
			return nil, err
		}
		pairs[key] = value
	}
	return pairs, nil
}

func pair(arg string) (key, value string, err error) {
	key, value, ok := strings.Cut(arg, "=")
	if !ok || key == "" {
		return "", "", usage("cannot read %q: it is not KEY=VALUE", arg)
	}
	return key, value, nil
}

// application returns the application of that name.
func (d *Desk) application(name string) (*juju.Application, error) {
	if a := d.model.Application(name); a != nil {
		return a, nil
	}
	var names []string
	for _, a := range d.model.Applications() {
		names = append(names, a.Name)
	}
	return nil, usage("there is no application %q%s", name, insteadOf(names))
}

// unit returns the unit of that name, "app/0" or "app/leader".
func (d *Desk) unit(name string) (*juju.Unit, error) {
	app, number, ok := strings.Cut(name, "/")
	if !ok {
		return nil, usage("%q is not the name of a unit: those are like \"app/0\", or \"app/leader\"; there are %s", name, list(d.unitNames()))
	}
	a, err := d.application(app)
	if err != nil {
		return nil, err
	}
	if number == "leader" {
		if u := a.Leader(); u != nil {
			return u, nil
		}
		return nil, usage("application %q has no leader", app)
	}
	var names []string
	for _, u := range a.Units() {
		if u.Name == name {
			return u, nil
		}
		names = append(names, u.Name)
	}
	return nil, usage("there is no unit %q%s", name, insteadOf(names))
}

func (d *Desk) unitNames() []string {
	var names []string
	for _, a := range d.model.Applications() {
		for _, u := range a.Units() {
			names = append(names, u.Name)
		}
	}
	return names
}

// instead ends a sentence about a name that is not there with those that are.
func instead[T any](there map[string]T) string { return insteadOf(slices.Sorted(maps.Keys(there))) }

func insteadOf(names []string) string {
	if len(names) == 0 {
		return ", nor any other"
	}
	return ", but " + list(names)
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// wrong makes an error of the model that of a line.
func wrong(err error) error {
	if err != nil {
		return &UsageError{err}
	}
	return nil
}

func (d *Desk) addUnit(_ context.Context, l *Line) error {
	a, err := d.application(l.args[0])
	if err != nil {
		return err
	}
	if l.units < 1 {
		return usage("cannot add %d units to %q", l.units, a.Name)
	}
	_, err = a.AddUnits(l.units)
	return wrong(err)
}

func (d *Desk) removeUnit(_ context.Context, l *Line) error {
	units := make([]*juju.Unit, len(l.args))
	for i, name := range l.args {
		var err error
		if units[i], err = d.unit(name); err != nil {
			return err
		}
	}
	for _, u := range units {
		if err := u.Remove(); err != nil {
			return wrong(err)
		}
	}
	return nil
}

func (d *Desk) removeApplication(_ context.Context, l *Line) error {
	for _, name := range l.args {
		a, err := d.application(name)
		if err != nil {
			return err
		}
		if err := a.Remove(); err != nil {
			return wrong(err)
		}
	}
	return nil
}

func (d *Desk) configure(_ context.Context, l *Line) error {
	a, err := d.application(l.args[0])
	if err != nil {
		return err
	}
	if len(l.args) == 1 {
		return d.showConfig(a)
	}
	pairs, err := Pairs(l.args[1:])
	if err != nil {
		return err
	}
	if err := checkOptions(a.Name, a.Charm(), pairs); err != nil {
		return err
	}
	values := make(map[string]any, len(pairs))
	for option, value := range pairs {
		values[option] = value
	}
	return wrong(a.SetConfig(values))
}

// checkOptions refuses options that an application's charm does not have.
func checkOptions(app string, charm *charmdir.Charm, values map[string]string) error {
	if charm == nil {
		return nil // the model refuses all
	}
	for _, option := range slices.Sorted(maps.Keys(values)) {
		if _, ok := charm.Options[option]; !ok {
			return usage("cannot set config of %q: its charm has no option %q%s", app, option, instead(charm.Options))
		}
	}
	return nil
}

func (d *Desk) integrate(_ context.Context, l *Line) error { return d.relate(l.args[0], l.args[1]) }

func (d *Desk) removeRelation(_ context.Context, l *Line) error {
	var found []*juju.Relation
	var names []string
	for _, r := range d.model.Relations() {
		ends := r.Ends()
		if len(ends) != 2 {
			continue
		}
		names = append(names, ends[0].App.Name+":"+ends[0].Endpoint.Name+" "+ends[1].App.Name+":"+ends[1].Endpoint.Name)
		if isEnd(ends[0], l.args[0]) && isEnd(ends[1], l.args[1]) || isEnd(ends[0], l.args[1]) && isEnd(ends[1], l.args[0]) {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 0:
		return usage("there is no relation of %s and %s%s", l.args[0], l.args[1], insteadOf(names))
	case 1:
		return wrong(found[0].Remove())
	}
	return usage("%s and %s have %d relations; name the endpoints", l.args[0], l.args[1], len(found))
}

// isEnd reports whether "app" or "app:endpoint" means an end of a relation.
func isEnd(e *juju.End, name string) bool {
	app, endpoint, given := strings.Cut(name, ":")
	return e.App.Name == app && (!given || e.Endpoint.Name == endpoint)
}

func (d *Desk) refresh(ctx context.Context, l *Line) error {
	a, err := d.application(l.args[0])
	if err != nil {
		return err
	}
	app := d.apps[a.Name]
	if app == nil {
		return usage("cannot refresh application %q: it has no charm of yours", a.Name)
	}
	charm, executor, err := d.stage(ctx, a.Name, app)
	if err != nil {
		return err
	}
	return wrong(a.Refresh(charm, executor))
}

func (d *Desk) setLeader(_ context.Context, l *Line) error {
	u, err := d.unit(l.args[0])
	if err != nil {
		return err
	}
	return wrong(u.SetLeader())
}

func (d *Desk) updateStatus(_ context.Context, l *Line) error {
	if len(l.args) == 0 {
		for _, a := range d.model.Applications() {
			a.UpdateStatus()
		}
		return nil
	}
	a, err := d.application(l.args[0])
	if err != nil {
		return err
	}
	a.UpdateStatus()
	return nil
}

func (d *Desk) killAgent(_ context.Context, l *Line) error {
	u, err := d.unit(l.args[0])
	if err != nil {
		return err
	}
	return wrong(u.KillAgent())
}

func (d *Desk) resolve(_ context.Context, l *Line) error {
	u, err := d.unit(l.args[0])
	if err != nil {
		return err
	}
	return wrong(u.Resolve(l.noRetry))
}

func (d *Desk) debugLog(_ context.Context, l *Line) error {
	unit := ""
	if len(l.args) > 0 {
		u, err := d.unit(l.args[0])
		if err != nil {
			return err
		}
		unit = u.Name
	}
	return d.log.copy(d.opts.Out, unit)
}
