// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/link"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/lldp"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/resolve"
)

type infoParams struct {
	RequiredMTU int    `json:"required-mtu"`
	Bonds       string `json:"bonds-to-check"`
	PassiveLACP bool   `json:"lacp-passive-mode"`
}

// info is what the action info tells.
type info struct {
	Primary  string           `json:"primary iface"` // empty if there is no default route
	Speed    link.Speed       `json:"link speed"`    // in mbit/s, -1 if it is not known
	LLDP     lldp.PortCheck   `json:"lldp"`
	Bonds    link.Bonds       `json:"bonds"`
	MTU      link.MTU         `json:"mtu"` // of the primary interface
	Hostname resolve.Hostname `json:"hostname"`
}

// infoAction tells about this machine.
func (k *checker) infoAction(ctx context.Context, in infoParams) (out output, err error) {
	if err := wrongMTU(in.RequiredMTU, "required-mtu"); err != nil {
		return out, err
	}
	now := info{
		Primary: k.system.machine.Primary(), LLDP: k.ports(ctx), Bonds: k.bonds(ctx, in.Bonds, in.PassiveLACP),
		MTU: k.mtu(in.RequiredMTU), Hostname: k.system.hostname(ctx),
	}
	if nic, err := k.system.machine.Interface(now.Primary); err == nil {
		now.Speed = nic.Speed
	}
	var failures []string
	if now.LLDP.Failed() {
		failures = append(failures, "port description: "+strings.TrimPrefix(now.LLDP.PortDescription, "failed: "))
	}
	for _, failure := range bondFailures(now.Bonds) {
		failures = append(failures, "bond "+failure)
	}
	if !now.MTU.OK {
		failures = append(failures, fmt.Sprintf("the MTU is %d, and must be %d", now.MTU.Local, now.MTU.Required))
	}
	if !now.Hostname.OK() {
		failures = append(failures, "hostname: "+now.Hostname.Errors)
	}
	if len(failures) > 0 {
		err = errors.New(strings.Join(failures, "; "))
	}
	return outputOf(now), err
}

// mtu holds the primary interface's MTU against what is required.
func (k *checker) mtu(required int) link.MTU {
	local := 0
	if nic, err := k.system.machine.Interface(k.system.machine.Primary()); err == nil {
		local = nic.MTU
	}
	return link.CheckMTU(local, required)
}

func (k *checker) bonds(ctx context.Context, list string, passive bool) link.Bonds {
	return k.system.machine.Bonds(list, &link.BondOptions{VLANs: k.system.lldp(ctx).VLANs(), PassiveLACP: passive})
}

func (k *checker) ports(ctx context.Context) lldp.PortCheck {
	ports, err := k.system.machine.Ports()
	if err != nil {
		return lldp.PortCheck{PortDescription: "failed: " + err.Error(), Ports: []lldp.Port{}}
	}
	return k.system.lldp(ctx).CheckPorts(ports, k.system.hostname(ctx).Hostname)
}
