// SPDX-License-Identifier: Apache-2.0

//go:build linux

package link_test

import (
	"encoding/json"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/link"
)

const bondDir = "sys/devices/virtual/net/bond0/"

func TestBond(t *testing.T) {
	t.Parallel()
	change := func(contents map[string]string) fstest.MapFS { return with(machine(), contents) }
	for name, test := range map[string]struct {
		tree fstest.MapFS
		opts *link.BondOptions
		want []string
		mode string
	}{
		"without problem":  {tree: machine()},
		"missing":          {tree: virtualMachine(), want: []string{"missing"}, mode: "none"},
		"not a bond":       {tree: change(map[string]string{bondDir + "bonding/mode": "", bondDir + "bonding/slaves": "", bondDir + "bonding/ad_aggregator": ""}), want: []string{"not a bond"}, mode: "none"},
		"down":             {tree: change(map[string]string{bondDir + "operstate": "down\n"}), want: []string{"down"}},
		"unknown is up":    {tree: change(map[string]string{bondDir + "operstate": "unknown\n", slaveFile("operstate"): "unknown\n"})},
		"no slaves":        {tree: change(map[string]string{bondDir + "bonding/slaves": "\n"}), want: []string{"no slaves"}},
		"slave down":       {tree: change(map[string]string{slaveFile("bonding_slave/mii_status"): "down\n"}), want: []string{"eno2 down"}},
		"slave going back": {tree: change(map[string]string{slaveFile("bonding_slave/mii_status"): "going back\n"}), want: []string{"eno2 going back"}},
		"slave down that is not monitored": {
			tree: change(map[string]string{slaveFile("bonding_slave/mii_status"): "up\n", slaveFile("carrier"): "0\n"}),
			want: []string{"eno2 down"},
		},
		"slave missing": {
			tree: change(map[string]string{bondDir + "bonding/slaves": "eno1 eno3 ../../x\n"}),
			want: []string{"eno3 missing", "aggregator ID of eno3 unknown", "LACP port state of eno3 unknown"},
		},
		"other VLANs": {
			tree: machine(), opts: &link.BondOptions{VLANs: map[string]string{"eno1": "10", "eno2": "20", "eno9": "30"}},
			want: []string{"VLAN mismatch: eno1 has 10, eno2 has 20"},
		},
		"same VLANs": {tree: machine(), opts: &link.BondOptions{VLANs: map[string]string{"eno1": "10", "eno2": "10"}}},
		"VLANs of one slave are unknown": {
			tree: machine(), opts: &link.BondOptions{VLANs: map[string]string{"eno1": "10"}},
		},
		"a slave without VLANs between others is not forgotten": {
			tree: change(map[string]string{bondDir + "bonding/slaves": "eno1 lo eno2\n", bondDir + "bonding/mode": "balance-rr 0\n"}),
			opts: &link.BondOptions{VLANs: map[string]string{"eno1": "10", "eno2": "20"}},
			want: []string{"VLAN mismatch: eno1 has 10, eno2 has 20"}, mode: "balance-rr",
		},
		"other aggregator": {
			tree: change(map[string]string{slaveFile("bonding_slave/ad_aggregator_id"): "2\n"}),
			want: []string{"aggregator ID mismatch: eno2 has 2, the bond 1"},
		},
		"not aggregated": {
			tree: change(map[string]string{slaveFile("bonding_slave/ad_aggregator_id"): "N/A\n", slaveFile("bonding_slave/ad_partner_oper_port_state"): ""}),
			want: []string{"aggregator ID of eno2 unknown", "LACP port state of eno2 unknown"},
		},
		"other port state": {
			tree: change(map[string]string{slaveFile("bonding_slave/ad_partner_oper_port_state"): "60\n"}),
			want: []string{"LACP port state mismatch: eno2 has 63, its partner 60 (LACP activity, LACP timeout)"},
		},
		"other port state and passive": {
			tree: change(map[string]string{slaveFile("bonding_slave/ad_partner_oper_port_state"): "60\n"}),
			opts: &link.BondOptions{PassiveLACP: true},
			want: []string{"LACP port state mismatch: eno2 has 63, its partner 60 (LACP timeout)"},
		},
		"passive": {
			tree: change(map[string]string{slaveFile("bonding_slave/ad_partner_oper_port_state"): "62\n"}),
			opts: &link.BondOptions{PassiveLACP: true},
		},
		"passive, but not told so": {
			tree: change(map[string]string{slaveFile("bonding_slave/ad_partner_oper_port_state"): "62\n"}),
			want: []string{"LACP port state mismatch: eno2 has 63, its partner 62 (LACP activity)"},
		},
		"LACP is not looked at in other modes": {
			tree: change(map[string]string{bondDir + "bonding/mode": "active-backup 1\n", slaveFile("bonding_slave/ad_aggregator_id"): "2\n"}),
			mode: "active-backup",
		},
		"a mode by its number": {tree: change(map[string]string{bondDir + "bonding/mode": "6\n"}), mode: "balance-alb"},
		"a mode yet unknown":   {tree: change(map[string]string{bondDir + "bonding/mode": "9 9\n"}), mode: "9"},
		"all at once": {
			tree: change(map[string]string{
				bondDir + "operstate": "down\n", slaveFile("operstate"): "down\n", slaveFile("bonding_slave/ad_aggregator_id"): "2\n",
			}),
			want: []string{"down", "eno2 down", "aggregator ID mismatch: eno2 has 2, the bond 1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := newMachine(test.tree).Bonds("bond0", test.opts)
			require.Contains(t, got.Bonds, "bond0")
			bond := got.Bonds["bond0"]
			assert.ElementsMatch(t, test.want, bond.Problems)
			assert.Equal(t, len(test.want) == 0, bond.OK)
			assert.Equal(t, bond.OK, bond.Error == "")
			switch test.mode {
			case "":
				assert.Equal(t, "802.3ad", bond.Mode)
			case "none":
				assert.Empty(t, bond.Mode)
			default:
				assert.Equal(t, test.mode, bond.Mode)
			}
		})
	}
}

func TestBondsOfList(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		tree fstest.MapFS
		list string
		want []string
	}{
		"all":                     {machine(), "AUTO", []string{"bond0"}},
		"all, in lower case":      {machine(), " auto ", []string{"bond0"}},
		"all, several":            {with(machine(), map[string]string{"sys/class/net/bonding_masters": "bond0 bond1\n"}), "AUTO", []string{"bond0", "bond1"}},
		"no bonding":              {virtualMachine(), "AUTO", nil},
		"bonding without bond":    {with(machine(), map[string]string{"sys/class/net/bonding_masters": "\n"}), "AUTO", nil},
		"nothing":                 {machine(), "", nil},
		"with commas":             {machine(), "bond0,bond7", []string{"bond0", "bond7"}},
		"with spaces and repeats": {machine(), " bond0 , bond7 bond0,,", []string{"bond0", "bond7"}},
		"not of this directory":   {machine(), "../../../etc", []string{"../../../etc"}},
	} {
		got := newMachine(test.tree).Bonds(test.list, nil)
		assert.Equal(t, len(test.want) > 0, got.Checked, name)
		assert.NotNil(t, got.Bonds, name)
		assert.Len(t, got.Bonds, len(test.want), name)
		for _, bond := range test.want {
			assert.Contains(t, got.Bonds, bond, name)
			assert.Equal(t, bond == "bond0", got.Bonds[bond].OK, name)
		}
	}
}

// TestBondsIsAlwaysAnObject is number 14 of the published charm's bugs.
func TestBondsIsAlwaysAnObject(t *testing.T) {
	t.Parallel()
	for want, result := range map[string]link.Bonds{
		`{"checked": false, "bonds": {}}`: newMachine(container()).Bonds("AUTO", nil),
		`{"checked": true, "bonds": {"bond9": {"ok": false, "error": "missing", "problems": ["missing"], "mode": "", "slaves": []}}}`: newMachine(container()).Bonds("bond9", nil),
		`{"checked": true, "bonds": {"bond0": {"ok": true, "error": "", "problems": [], "mode": "802.3ad", "slaves": [
			{"name": "eno1", "state": "up", "down": false}, {"name": "eno2", "state": "up", "down": false}]}}}`: newMachine(machine()).Bonds("AUTO", nil),
	} {
		text, err := json.Marshal(result)
		require.NoError(t, err)
		assert.JSONEq(t, want, string(text))
	}
}
