// SPDX-License-Identifier: Apache-2.0

//go:build linux

package link_test

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/link"
)

func newMachine(tree fstest.MapFS) *link.Machine { return link.New(sysfs{tree}, nil) }

func TestInterfaces(t *testing.T) {
	t.Parallel()
	nics, err := newMachine(machine()).Interfaces()
	require.NoError(t, err)
	var names []string
	for _, n := range nics {
		names = append(names, n.Name)
	}
	assert.Equal(t, []string{"bond0", "bond0.100", "eno1", "eno2", "lo"}, names, "sorted, and bonding_masters is none")

	_, err = newMachine(fstest.MapFS{}).Interfaces()
	require.ErrorIs(t, err, fs.ErrNotExist)
	assert.ErrorContains(t, err, "cannot list network interfaces: ")
}

func TestInterface(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		tree                 fstest.MapFS
		nic                  string
		mac, operstate, json string
		mtu                  int
		speed                link.Speed
		down                 bool
	}{
		"a NIC of hardware": {tree: machine(), nic: "eno1", mac: "aa:bb:cc:00:00:01", operstate: "up", mtu: 9000, speed: 10000},
		"a bond":            {tree: machine(), nic: "bond0", mac: "aa:bb:cc:00:00:01", operstate: "up", mtu: 9000, speed: 20000},
		"unknown is not down": {
			tree: virtualMachine(), nic: "ens3", mac: "02:fc:00:00:00:01", operstate: "unknown", mtu: 1450,
		},
		"a loopback has no MAC and no speed": {tree: virtualMachine(), nic: "lo", operstate: "unknown", mtu: 65536},
		"disabled": {
			tree: with(machine(), map[string]string{
				slaveFile("flags"): "0x1002\n", slaveFile("operstate"): "unknown\n", slaveFile("carrier"): einval + "\n", slaveFile("speed"): einval + "\n",
			}),
			nic: "eno2", mac: "aa:bb:cc:00:00:01", operstate: "unknown", mtu: 9000, down: true,
		},
		"without cable": {
			tree: with(machine(), map[string]string{slaveFile("operstate"): "unknown\n", slaveFile("carrier"): "0\n", slaveFile("speed"): "4294967295\n"}),
			nic:  "eno2", mac: "aa:bb:cc:00:00:01", operstate: "unknown", mtu: 9000, down: true,
		},
		"down by its state": {
			tree: with(machine(), map[string]string{slaveFile("operstate"): "lowerlayerdown\n", slaveFile("speed"): ""}),
			nic:  "eno2", mac: "aa:bb:cc:00:00:01", operstate: "lowerlayerdown", mtu: 9000, down: true,
		},
		"nothing is known": {tree: fstest.MapFS{"sys/class/net/odd0/dev_id": {}}, nic: "odd0"},
		"not numbers, not text": {
			tree: files(map[string]string{
				"sys/class/net/x/mtu": "-5", "sys/class/net/x/speed": "1e9", "sys/class/net/x/address": "zz:" + strings.Repeat("a", 9000),
				"sys/class/net/x/operstate": "up\x1b[2J", "sys/class/net/x/carrier": "maybe", "sys/class/net/x/flags": "0xfffffffff",
			}),
			nic: "x",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := newMachine(test.tree).Interface(test.nic)
			require.NoError(t, err)
			assert.Equal(t, test.nic, got.Name)
			assert.Equal(t, test.mac, got.MAC)
			assert.Equal(t, test.mtu, got.MTU)
			assert.Equal(t, test.operstate, got.OperState)
			assert.Equal(t, test.speed, got.Speed)
			assert.Equal(t, test.down, got.Down())
		})
	}
}

func TestCarrier(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{"1\n": "up", "0\n": "down", einval + "\n": "", "": ""} {
		got, err := newMachine(with(machine(), map[string]string{slaveFile("carrier"): content})).Interface("eno2")
		require.NoError(t, err)
		assert.Equal(t, want, got.Carrier, "carrier of %q", content)
	}
}

func TestNoInterface(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", ".", "..", "bonding_masters", "../../devices", "a/b", "a:b", "nic\n", "n\x1b[2J", "\xff", strings.Repeat("n", 16)} {
		tree := with(machine(), map[string]string{"sys/class/net/" + name + "/mtu": "1500"})
		_, err := newMachine(tree).Interface(name)
		assert.ErrorIs(t, err, fs.ErrNotExist, "interface %q", name)
	}
}

func TestInterfaceIsGone(t *testing.T) {
	t.Parallel()
	_, err := newMachine(machine()).Interface("eth9")
	require.ErrorIs(t, err, fs.ErrNotExist)
	assert.ErrorContains(t, err, `cannot read network interface "eth9": `)
}

func TestSpeed(t *testing.T) {
	t.Parallel()
	for speed, want := range map[link.Speed]string{0: "-1", -7: "-1", 25000: "25000"} {
		text, err := json.Marshal(speed)
		require.NoError(t, err)
		assert.Equal(t, want, string(text))
	}
}

func TestPorts(t *testing.T) {
	t.Parallel()
	hypervisor := map[string]string{}
	loopbackNIC(hypervisor)
	up := []string{"operstate=up", "carrier=1", "flags=0x1003"}
	for _, name := range []string{"enp1s0", "veth12ab", "vnet0", "br0", "br1", "tap0", "ib0", "bond1"} {
		nic(hypervisor, name, "virtual", up...)
	}
	nic(hypervisor, "enp2s0", "virtual", "operstate=down", "carrier=0", "flags=0x1003")
	hypervisor["sys/devices/virtual/net/br0/uevent"] = "DEVTYPE=bridge\nINTERFACE=br0\n"
	hypervisor["sys/devices/virtual/net/br1/bridge/bridge_id"] = "8000.525400000001\n"
	hypervisor["sys/devices/virtual/net/bond1/bonding/mode"] = "active-backup 1\n"
	hypervisor["sys/devices/virtual/net/tap0/tun_flags"] = "0x1002\n"
	hypervisor["sys/devices/virtual/net/ib0/type"] = "32\n"
	for name, test := range map[string]struct {
		tree fstest.MapFS
		want []string
	}{
		"machine":         {machine(), []string{"eno1", "eno2"}},
		"virtual machine": {virtualMachine(), []string{"ens3"}},
		"container":       {container(), []string{"eth0"}},
		"hypervisor":      {files(hypervisor), []string{"enp1s0"}},
	} {
		got, err := newMachine(test.tree).Ports()
		require.NoError(t, err, name)
		assert.Equal(t, test.want, got, name)
	}
	_, err := newMachine(fstest.MapFS{}).Ports()
	assert.Error(t, err)
}

func TestThisMachine(t *testing.T) {
	t.Parallel()
	nics, err := link.New(nil, nil).Interfaces()
	if err != nil {
		t.Skipf("/sys cannot be read (%v): run the test where it is mounted", err)
	}
	for _, n := range nics {
		assert.NotEmpty(t, n.Name)
		assert.Positive(t, n.MTU, "MTU of %s", n.Name)
	}
}

func TestCheckMTU(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		local, required int
		ok              bool
	}{
		{1500, 0, true}, {0, 0, true}, {1500, -1, true},
		{1500, 1500, true}, {1512, 1500, true}, {1513, 1500, false}, {1499, 1500, false},
		{9000, 1500, false}, {9000, 9000, true}, {0, 1500, false},
	} {
		got := link.CheckMTU(test.local, test.required)
		assert.Equal(t, link.MTU{Local: test.local, Required: test.required, OK: test.ok}, got)
	}
	text, err := json.Marshal(link.CheckMTU(1500, 9000))
	require.NoError(t, err)
	assert.JSONEq(t, `{"local mtu": 1500, "required": 9000, "ok": false}`, string(text))
}

func FuzzAttributes(f *testing.F) {
	f.Add("1500\n", "0x1003\n", "aa:bb:cc:00:00:01\n", "802.3ad 4\n", "eno1 eno2\n", "63\n")
	f.Add("-1", "", "00:00:00:00:00:00", "4", "../.. \x00", "256")
	f.Fuzz(func(t *testing.T, number, flags, mac, mode, slaves, state string) {
		m := link.New(with(machine(), map[string]string{
			slaveFile("mtu"): number, slaveFile("speed"): number, slaveFile("carrier"): number, slaveFile("operstate"): mode,
			slaveFile("flags"): flags, slaveFile("address"): mac,
			slaveFile("bonding_slave/mii_status"): mode, slaveFile("bonding_slave/ad_aggregator_id"): number,
			slaveFile("bonding_slave/ad_actor_oper_port_state"): state,
			"sys/devices/virtual/net/bond0/bonding/mode":        mode,
			"sys/devices/virtual/net/bond0/bonding/slaves":      slaves,
			"sys/class/net/bonding_masters":                     "bond0 " + slaves,
		}), nil)
		got, err := m.Interface("eno2")
		if err != nil {
			t.Fatal(err)
		}
		assert.GreaterOrEqual(t, got.MTU, 0)
		assert.GreaterOrEqual(t, int(got.Speed), 0)
		assert.LessOrEqual(t, len(got.MAC), 96)
		text, err := json.Marshal(m.Bonds("AUTO", nil))
		require.NoError(t, err)
		assert.True(t, json.Valid(text))
		for _, r := range string(text) {
			assert.GreaterOrEqual(t, r, ' ')
		}
	})
}
