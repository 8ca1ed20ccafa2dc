// SPDX-License-Identifier: Apache-2.0

//go:build linux

package link_test

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"strings"
	"syscall"
	"testing/fstest"
)

// files returns a tree of files with these contents. A content that begins
// "-> " is a symbolic link.
func files(contents map[string]string) fstest.MapFS {
	tree := fstest.MapFS{}
	for name, content := range contents {
		tree[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o444}
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			tree[name] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
		}
	}
	return tree
}

// with returns a copy of the tree with other contents; an empty one removes.
func with(tree fstest.MapFS, contents map[string]string) fstest.MapFS {
	changed := maps.Clone(tree)
	maps.Copy(changed, files(contents))
	for name, content := range contents {
		if content == "" {
			delete(changed, name)
		}
	}
	return changed
}

// nic adds an interface: attributes as "name=value" with \n added.
func nic(contents map[string]string, name, device string, attributes ...string) {
	dir := "sys/devices/" + device + "/net/" + name
	contents["sys/class/net/"+name] = "-> ../../devices/" + device + "/net/" + name
	contents[dir+"/uevent"] = "INTERFACE=" + name + "\nIFINDEX=9\n"
	contents[dir+"/type"] = "1\n"
	for _, attribute := range attributes {
		key, value, _ := strings.Cut(attribute, "=")
		contents[dir+"/"+key] = value + "\n"
	}
}

func loopbackNIC(contents map[string]string) {
	nic(contents, "lo", "virtual", "address=00:00:00:00:00:00", "mtu=65536", "operstate=unknown", "carrier=1",
		"flags=0x9", "type=772", "ifindex=1", "speed="+einval)
}

// host4 is an address as the kernel writes it in /proc/net/route: a number in
// the order of this processor's bytes.
func host4(address string) string {
	b := netip.MustParseAddr(address).As4()
	return fmt.Sprintf("%08X", binary.NativeEndian.Uint32(b[:]))
}

// route4 is a line of /proc/net/route.
func route4(nic, to, gateway string, flags, metric int) string {
	prefix := netip.MustParsePrefix(to)
	mask := netip.PrefixFrom(netip.MustParseAddr("255.255.255.255"), prefix.Bits()).Masked().Addr()
	return fmt.Sprintf("%s\t%s\t%s\t%04X\t0\t0\t%d\t%s\t0\t0\t0\n",
		nic, host4(prefix.Addr().String()), host4(gateway), flags, metric, host4(mask.String()))
}

const (
	routeHeader = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
	arpHeader   = "IP address       HW type     Flags       HW address            Mask     Device\n"

	fibLoopback = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
        |-- 127.255.255.255
           /32 link BROADCAST
`
)

// fibLocal is what /proc/net/fib_trie says of an address of the machine.
func fibLocal(address string) string {
	return "           |-- " + address + "\n              /32 host LOCAL\n"
}

// machine has two NICs in an 802.3ad bond and a VLAN on it: the bond is
// 10.0.0.5/24 with the default route, the VLAN 10.0.100.5/24.
func machine() fstest.MapFS {
	c := map[string]string{
		"sys/class/net/bonding_masters": "bond0\n",
		"proc/net/route": routeHeader +
			route4("bond0", "0.0.0.0/0", "10.0.0.1", 0x3, 0) +
			route4("bond0", "10.0.0.0/24", "0.0.0.0", 0x1, 0) +
			route4("bond0.100", "10.0.100.0/24", "0.0.0.0", 0x1, 400) +
			route4("bond0.100", "10.9.0.0/16", "10.0.100.1", 0x3, 0) +
			route4("*", "10.66.0.0/16", "0.0.0.0", 0x201, 0),
		"proc/net/fib_trie": fibLoopback + fibLocal("10.0.0.5") + fibLocal("10.0.100.5") +
			"Local:\n" + fibLocal("10.0.0.5") + fibLocal("10.0.100.5"),
		"proc/net/arp": arpHeader +
			"10.0.0.1         0x1         0x2         52:54:00:00:00:01     *        bond0\n" +
			"10.0.0.6         0x1         0x2         52:54:00:00:00:06     *        bond0\n" +
			"10.0.0.7         0x1         0x0         00:00:00:00:00:00     *        bond0\n" +
			"10.0.0.8         0x1         0x0         52:54:00:00:00:08     *        bond0\n" +
			"10.0.100.6       0x1         0x2         52:54:00:00:00:66     *        bond0\n" +
			"10.0.100.6       0x1         0x6         52:54:00:00:01:06     *        bond0.100\n",
	}
	loopbackNIC(c)
	for i, name := range []string{"eno1", "eno2"} {
		nic(c, name, fmt.Sprintf("pci0000:00/0000:01:00.%d", i), "address=AA:BB:CC:00:00:01", "mtu=9000", "operstate=up",
			"carrier=1", "flags=0x1803", "speed=10000", "bonding_slave/mii_status=up", "bonding_slave/state=active",
			"bonding_slave/ad_aggregator_id=1", "bonding_slave/ad_actor_oper_port_state=63", "bonding_slave/ad_partner_oper_port_state=63")
	}
	nic(c, "bond0", "virtual", "address=aa:bb:cc:00:00:01", "mtu=9000", "operstate=up", "carrier=1", "flags=0x1403",
		"speed=20000", "uevent=DEVTYPE=bond\nINTERFACE=bond0\nIFINDEX=4", "bonding/mode=802.3ad 4", "bonding/slaves=eno1 eno2", "bonding/ad_aggregator=1")
	nic(c, "bond0.100", "virtual", "address=aa:bb:cc:00:00:01", "mtu=1500", "operstate=up", "carrier=1", "flags=0x1003",
		"speed=20000", "uevent=DEVTYPE=vlan\nINTERFACE=bond0.100\nIFINDEX=5")
	return files(c)
}

// slaveFile is the path of an attribute of the machine's second NIC.
func slaveFile(name string) string {
	return "sys/devices/pci0000:00/0000:01:00.1/net/eno2/" + name
}

// virtualMachine has one virtio NIC, whose speed and state are unknown.
func virtualMachine() fstest.MapFS {
	c := map[string]string{
		"proc/net/route": routeHeader +
			route4("ens3", "0.0.0.0/0", "192.0.2.1", 0x3, 100) +
			route4("ens3", "192.0.2.0/24", "0.0.0.0", 0x1, 100),
		"proc/net/fib_trie": fibLoopback + fibLocal("192.0.2.2"),
		"proc/net/arp":      arpHeader + "192.0.2.1        0x1         0x2         02:fc:00:00:00:05     *        ens3\n",
	}
	loopbackNIC(c)
	nic(c, "ens3", "pci0000:00/0000:00:03.0/virtio2", "address=02:fc:00:00:00:01", "mtu=1450", "operstate=unknown",
		"carrier=1", "flags=0x1003", "speed=-1")
	return files(c)
}

// container has the loopback and one end of a veth pair, no default route, and
// little of /proc.
func container() fstest.MapFS {
	c := map[string]string{
		"proc/net/route": routeHeader + route4("eth0", "172.17.0.0/16", "0.0.0.0", 0x1, 0),
	}
	loopbackNIC(c)
	nic(c, "eth0", "virtual", "address=02:42:ac:11:00:02", "mtu=1500", "operstate=up", "carrier=1", "flags=0x1003", "speed=10000")
	return files(c)
}

// onlyIPv6 has one NIC and no IPv4 routes.
func onlyIPv6() fstest.MapFS {
	const (
		zero  = "00000000000000000000000000000000"
		count = " 00000001 00000000 "
	)
	c := map[string]string{
		"proc/net/route": routeHeader,
		"proc/net/ipv6_route": "" +
			"20010db8000000000000000000000000 40 " + zero + " 00 " + zero + " 00000100" + count + "00000001     eth0\n" +
			"20010db8000100000000000000000000 30 " + zero + " 00 fe800000000000000000000000000009 00000400" + count + "00000003     eth0\n" +
			"fe800000000000000000000000000000 40 " + zero + " 00 " + zero + " 00000100" + count + "00000001     eth0\n" +
			zero + " 00 " + zero + " 00 20010db8000000000000000000000001 00000400" + count + "00000003     eth0\n" +
			"00000000000000000000000000000001 80 " + zero + " 00 " + zero + " 00000000" + count + "80200001       lo\n" +
			"20010db8000000000000000000000002 80 " + zero + " 00 " + zero + " 00000000" + count + "80200001     eth0\n" +
			"fe8000000000000000fc00fffe000001 80 " + zero + " 00 " + zero + " 00000000" + count + "80200001     eth0\n" +
			"ff000000000000000000000000000000 08 " + zero + " 00 " + zero + " 00000100" + count + "00000001     eth0\n" +
			zero + " 00 " + zero + " 00 " + zero + " ffffffff" + count + "00200200       lo\n",
		"proc/net/if_inet6": "" +
			"00000000000000000000000000000001 01 80 10 80       lo\n" +
			"20010db8000000000000000000000002 04 40 00 80     eth0\n" +
			"20010db8000000000000000000000077 04 40 00 a0     eth0\n" +
			"fe8000000000000000fc00fffe000001 04 40 20 80     eth0\n",
		"proc/net/arp": arpHeader,
	}
	loopbackNIC(c)
	nic(c, "eth0", "pci0000:00/0000:00:03.0/virtio2", "address=02:fc:00:00:00:01", "mtu=1400", "operstate=up", "carrier=1",
		"flags=0x1003", "speed=-1", "ifindex=4")
	return files(c)
}

// einval is the content of a file whose reading fails as sysfs fails it.
const einval = "EINVAL"

// sysfs is a tree in which reading some files fails with EINVAL.
type sysfs struct{ fstest.MapFS }

func (s sysfs) Open(name string) (fs.File, error) {
	f, err := s.MapFS.Open(name)
	if content, readErr := s.MapFS.ReadFile(name); err == nil && readErr == nil && string(content) == einval+"\n" {
		return invalid{f}, nil
	}
	return f, err
}

func (s sysfs) ReadFile(name string) ([]byte, error) { return nil, fs.ErrInvalid }

type invalid struct{ fs.File }

func (invalid) Read([]byte) (int, error) { return 0, syscall.EINVAL }
