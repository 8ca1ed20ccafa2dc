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
	if err := checkMTU(in.RequiredMTU); err != nil {
		return out, param("required-mtu", err)
	}
	now := info{
		Primary: k.system.machine.Primary(), LLDP: k.ports(ctx), Bonds: k.bonds(ctx, in.Bonds, in.PassiveLACP),
		MTU: k.mtu(in.RequiredMTU), Hostname: k.system.hostname(ctx),
	}
	if nic, err := k.system.machine.Interface(now.Primary); err == nil {
		now.Speed = nic.Speed
	}
	var failed []string
	for _, part := range []struct{ name, failure string }{
		{"port description", portFailure(now.LLDP)},
		{"bonds", bondFailures(now.Bonds).String()},
		{"mtu", mtuFailure(now.MTU)},
		{"hostname", now.Hostname.Errors},
	} {
		if part.failure != "" {
			failed = append(failed, part.name+": "+part.failure)
		}
	}
	if len(failed) > 0 {
		err = errors.New(strings.Join(failed, "; "))
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

// What has failed of parts of the machine; empty if nothing has.

func portFailure(ports lldp.PortCheck) string {
	if !ports.Failed() {
		return ""
	}
	return strings.TrimPrefix(ports.PortDescription, "failed: ")
}

func mtuFailure(mtu link.MTU) string {
	if mtu.OK {
		return ""
	}
	return fmt.Sprintf("it is %d, and must be %d", mtu.Local, mtu.Required)
}

func bondFailures(bonds link.Bonds) failures {
	failed := make(failures)
	for name, bond := range bonds.Bonds {
		if !bond.OK {
			failed[name] = bond.Error
		}
	}
	return failed
}
