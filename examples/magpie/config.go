// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/throughput"
)

// options are the charm's configuration; charmcraft.yaml describes them.
type options struct {
	Status             string
	CheckDNS           bool    `config:"check_dns"`
	CheckIperf         bool    `config:"check_iperf"`
	CheckLocalHostname bool    `config:"check_local_hostname"`
	CheckBonds         string  `config:"check_bonds"`
	CheckPorts         bool    `config:"check_port_description"`
	PingMesh           bool    `config:"ping_mesh_mode"`
	PingTries          int     `config:"ping_tries"`
	PingInterval       float64 `config:"ping_interval"` // seconds
	PingTimeout        int     `config:"ping_timeout"`  // seconds
	RequiredMTU        int     `config:"required_mtu"`
	DNSServer          string  `config:"dns_server"`
	DNSTries           int     `config:"dns_tries"`
	DNSTime            int     `config:"dns_time"` // seconds
	PassiveLACP        bool    `config:"lacp_passive_mode"`
	MinSpeed           string  `config:"min_speed"`
	IperfDuration      int     `config:"iperf_duration"` // seconds
	IperfListenCIDR    string  `config:"iperf_listen_cidr"`
	IperfPort          uint16  `config:"iperf_port"`
	MetricsPort        uint16  `config:"metrics_port"`
}

// Validate checks what the types do not.
func (o *options) Validate() error {
	_, speedErr := throughput.ParseMinSpeed(o.MinSpeed)
	_, networkErr := parseNetwork(o.IperfListenCIDR)
	return errors.Join(
		rule("status", o.Status == "quiet" || o.Status == "checks", `must be "quiet" or "checks"`),
		within("ping_tries", o.PingTries, 1, 1000),
		rule("ping_interval", o.PingInterval >= 0.001 && o.PingInterval <= 60, "must be from 0.001 to 60"),
		within("ping_timeout", o.PingTimeout, 1, 60),
		wrongMTU(o.RequiredMTU, "required_mtu"),
		wrongServer(o.DNSServer),
		within("dns_tries", o.DNSTries, 1, 10),
		within("dns_time", o.DNSTime, 1, 60),
		wrap("min_speed", speedErr),
		within("iperf_duration", o.IperfDuration, 1, 600),
		wrap("iperf_listen_cidr", networkErr),
		rule("iperf_port", o.IperfPort > 0, "must be from 1 to 65535"),
		rule("metrics_port", o.MetricsPort > 0 && o.MetricsPort != o.IperfPort, "must be from 1 to 65535, and not iperf_port"),
	)
}

func within(option string, value, least, most int) error {
	return rule(option, least <= value && value <= most, fmt.Sprintf("must be from %d to %d", least, most))
}

// rule returns an error about an option if a rule of it does not hold.
func rule(option string, holds bool, text string) error {
	if holds {
		return nil
	}
	return &charm.ConfigError{Option: option, Err: errors.New(text)}
}

func wrap(option string, err error) error {
	if err == nil {
		return nil
	}
	return &charm.ConfigError{Option: option, Err: err}
}

func wrongMTU(mtu int, option string) error {
	return rule(option, mtu == 0 || 576 <= mtu && mtu <= math.MaxUint16, "must be 0, or from 576 to 65535")
}

func wrongServer(server string) error {
	_, err := netip.ParseAddr(server)
	_, withPort := netip.ParseAddrPort(server)
	return rule("dns_server", server == "" || err == nil || withPort == nil, "must be an IP address, or one with a port")
}

// parseNetwork returns a network; the zero value for an empty text.
func parseNetwork(cidr string) (netip.Prefix, error) {
	if cidr == "" {
		return netip.Prefix{}, nil
	}
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("cannot read network %q: must be like 10.0.0.0/24 or fd00::/64", cidr)
	}
	return prefix.Masked(), nil
}

// seconds returns a number of seconds as a duration.
func seconds[N int | float64](n N) time.Duration {
	return time.Duration(float64(n) * float64(time.Second))
}
