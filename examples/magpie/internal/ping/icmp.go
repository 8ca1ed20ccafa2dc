// SPDX-License-Identifier: Apache-2.0

package ping

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	probing "github.com/prometheus-community/pro-bing"
	"golang.org/x/net/icmp"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/hostile"
)

const (
	// minPayload is what pro-bing needs to know its packets again.
	minPayload = 24
	// smallPayload is the payload where no MTU is tested, as of ping.
	smallPayload = 56

	overhead4 = 20 + 8 // headers of IPv4 and ICMP
	overhead6 = 40 + 8 // headers of IPv6 and ICMPv6
	maxPacket = 65535
)

// payloadSize returns how many bytes behind the header of ICMP make an IP packet
// of so many bytes.
func payloadSize(to netip.Addr, mtu int) (int, error) {
	overhead := overhead4
	if to.Is6() {
		overhead = overhead6
	}
	switch least := overhead + minPayload; {
	case mtu == 0:
		return smallPayload, nil
	case mtu < least || mtu > maxPacket:
		return 0, fmt.Errorf("an MTU of %d bytes is not within %d and %d", mtu, least, maxPacket)
	}
	return mtu - overhead, nil
}

// icmpPinger is the Pinger of real packets.
type icmpPinger struct {
	raw4, raw6 func() (bool, error) // whether a raw socket is needed, found out once
}

func newICMP() *icmpPinger {
	return &icmpPinger{
		raw4: sync.OnceValues(func() (bool, error) { return needsRaw("udp4", "ip4:icmp") }),
		raw6: sync.OnceValues(func() (bool, error) { return needsRaw("udp6", "ip6:ipv6-icmp") }),
	}
}

// needsRaw reports whether ICMP needs the raw network, as of icmp.ListenPacket,
// because the process may not use the datagram one.
func needsRaw(datagram, raw string) (bool, error) {
	conn, err := icmp.ListenPacket(datagram, "")
	if err == nil {
		return false, conn.Close()
	}
	conn, rawErr := icmp.ListenPacket(raw, "")
	switch {
	case rawErr == nil:
		return true, conn.Close()
	case errors.Is(rawErr, syscall.EPERM), errors.Is(rawErr, syscall.EACCES):
		return false, ErrPermission
	}
	return false, rawErr
}

func (p *icmpPinger) Ping(ctx context.Context, e Echo) (Answers, error) {
	if err := reachable(ctx, e); err != nil {
		return Answers{}, err
	}
	needsRaw := p.raw4
	if e.To.Is6() {
		needsRaw = p.raw6
	}
	raw, err := needsRaw()
	if err != nil {
		return Answers{}, err
	}
	pinger := probing.New("")
	pinger.SetLogger(probing.NoopLogger{})
	pinger.SetPrivileged(raw)
	pinger.SetIPAddr(&net.IPAddr{IP: e.To.AsSlice(), Zone: e.To.Zone()})
	pinger.SetDoNotFragment(e.DontFragment)
	pinger.Size, pinger.Count, pinger.Interval = e.Size, e.Tries, e.Interval
	pinger.RecordTTLs = false

	// pro-bing goes on after any error but that of the first packet, and its
	// own Timeout begins with the first one.
	var sendErr error
	pinger.OnSendError = func(_ *probing.Packet, err error) {
		sendErr = err
		pinger.Stop()
	}
	var last *time.Timer
	sent := 0
	pinger.OnSend = func(*probing.Packet) {
		if sent++; sent == e.Tries {
			last = time.AfterFunc(e.Timeout, pinger.Stop)
		}
	}
	err = pinger.RunWithContext(ctx)
	if last != nil {
		last.Stop()
	}
	s := pinger.Statistics()
	answers := Answers{Sent: s.PacketsSent, RTTs: s.Rtts}
	switch {
	case sendErr != nil:
		return answers, sendErr
	case err != nil && s.PacketsRecv < e.Tries:
		return answers, err
	}
	return answers, nil
}

// reachable returns an error if the system knows no way to the address, or would
// send a broadcast, for which pro-bing would ask it. It sends nothing.
func reachable(ctx context.Context, e Echo) error {
	if err := hostile.CheckZone(e.To); err != nil {
		return err
	}
	const discard = 9
	dialer := net.Dialer{Control: noBroadcast}
	conn, err := dialer.DialContext(ctx, "udp", netip.AddrPortFrom(e.To, discard).String())
	if err != nil {
		return err
	}
	return conn.Close()
}

// noBroadcast takes back what package net allows every datagram socket.
func noBroadcast(_, _ string, conn syscall.RawConn) error {
	var err error
	if closed := conn.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_BROADCAST, 0)
	}); closed != nil {
		return closed
	}
	return err
}
