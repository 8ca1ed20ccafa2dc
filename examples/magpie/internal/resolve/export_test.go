// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"net/netip"

	"github.com/miekg/dns"
)

// Decode is what becomes of one packet of a server. It is exported for a fuzz
// test: by a real socket, each packet that is ignored would cost a time-out.
func Decode(packet []byte, question *dns.Msg) (names []string, ips []netip.Addr, err error) {
	answer, err := decode(packet, question)
	if err != nil {
		return nil, nil, err
	}
	chain := newChain(question.Question[0].Name)
	if err := chain.follow(answer.Answer); err != nil {
		return nil, nil, err
	}
	records := ownedBy(chain.name(), question.Question[0].Qtype, answer.Answer)
	names, err = namesIn(records)
	if err != nil {
		return names, nil, err
	}
	ips, err = addressesIn(records)
	return names, ips, err
}
