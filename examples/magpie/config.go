// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/hostile"
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
		option("status", rule(o.Status == "quiet" || o.Status == "checks", `must be "quiet" or "checks"`)),
		option("ping_tries", within(o.PingTries, 1, 1000)),
		option("ping_interval", rule(o.PingInterval >= 0.001 && o.PingInterval <= 60, "must be from 0.001 to 60")),
		option("ping_timeout", within(o.PingTimeout, 1, 60)),
		option("required_mtu", checkMTU(o.RequiredMTU)),
		option("dns_server", checkServer(o.DNSServer)),
		option("dns_tries", within(o.DNSTries, 1, 10)),
		option("dns_time", within(o.DNSTime, 1, 60)),
		option("min_speed", speedErr),
		option("iperf_duration", within(o.IperfDuration, 1, 600)),
		option("iperf_listen_cidr", networkErr),
		option("iperf_port", rule(o.IperfPort > 0, "must be from 1 to 65535")),
		option("metrics_port", rule(o.MetricsPort > 0 && o.MetricsPort != o.IperfPort, "must be from 1 to 65535, and not iperf_port")),
	)
}

// option names the option whose rule an error is about.
func option(name string, err error) error {
	if err == nil {
		return nil
	}
	return &charm.ConfigError{Option: name, Err: err}
}

// param names the action's parameter whose rule an error is about.
func param(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("parameter %q: %w", name, err)
}

// rule returns an error with the text of a rule that does not hold.
func rule(holds bool, text string) error {
	if holds {
		return nil
	}
	return errors.New(text)
}

func within(value, least, most int) error {
	return rule(least <= value && value <= most, fmt.Sprintf("must be from %d to %d", least, most))
}

func checkMTU(mtu int) error {
	return rule(mtu == 0 || 576 <= mtu && mtu <= math.MaxUint16, "must be 0, or from 576 to 65535")
}

// checkServer checks the address of a DNS server; empty is none.
func checkServer(server string) error {
	if server == "" {
		return nil
	}
	ip, err := netip.ParseAddr(server)
	if err != nil {
		withPort, err := netip.ParseAddrPort(server)
		if err != nil {
			return errors.New("must be an IP address, or one with a port")
		}
		ip = withPort.Addr()
	}
	if err := hostile.CheckZone(ip); err != nil {
		return fmt.Errorf("must be an address that this machine can reach: %w", err)
	}
	return nil
}

// parseNetwork returns a network; the zero value for an empty text.
func parseNetwork(cidr string) (netip.Prefix, error) {
	if cidr == "" {
		return netip.Prefix{}, nil
	}
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		return netip.Prefix{}, errors.New("must be a network, like 10.0.0.0/24 or fd00::/64")
	}
	return prefix.Masked(), nil
}

// seconds returns a number of seconds as a duration.
func seconds[N int | float64](n N) time.Duration {
	return time.Duration(float64(n) * float64(time.Second))
}
