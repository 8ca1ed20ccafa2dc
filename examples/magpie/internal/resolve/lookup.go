// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/hostile"
)

// maxCNAMEs is how many CNAMEs are followed from a name.
const maxCNAMEs = 8

var (
	errNoName = errors.New("the server knows no such name (NXDOMAIN)")
	errNoData = errors.New("the name has no such record")
)

// names returns the names of an address, sorted, at most 32, and also them with
// an error.
func (c *client) names(ctx context.Context, ip netip.Addr) ([]string, error) {
	wrap := func(err error) error { return fmt.Errorf("cannot look up the names of %v: %w", ip, err) }
	question, err := dns.ReverseAddr(ip.String())
	if err != nil {
		return nil, wrap(err)
	}
	records, err := c.lookup(ctx, question, dns.TypePTR)
	if err != nil {
		return nil, wrap(err)
	}
	names, err := namesIn(records)
	if err != nil {
		err = wrap(err)
	}
	return names, err
}

// addresses returns the addresses of a host name, IPv4 first, sorted, at most
// 64, and also them with an error. That a name has addresses of one family only
// is no error.
func (c *client) addresses(ctx context.Context, name string) ([]netip.Addr, error) {
	type answer struct {
		records []dns.RR
		err     error
	}
	types := []uint16{dns.TypeA, dns.TypeAAAA}
	answers := inParallel(types, func(qtype uint16) answer {
		records, err := c.lookup(ctx, dns.Fqdn(name), qtype)
		return answer{records, err}
	})
	var records []dns.RR
	var errs, missing []error
	for _, a := range answers {
		records = append(records, a.records...)
		if errors.Is(a.err, errNoName) || errors.Is(a.err, errNoData) {
			missing = append(missing, a.err)
		} else if a.err != nil {
			errs = append(errs, a.err)
		}
	}
	ips, err := addressesIn(records)
	if err != nil {
		errs = append(errs, err)
	}
	if len(missing) == len(types) { // if it has no A, that it has no AAAA says nothing new
		if errors.Is(missing[0], errNoName) {
			errs = append(errs, missing[0])
		} else {
			errs = append(errs, errors.New("the name has no A and no AAAA record"))
		}
	}
	if len(errs) > 0 {
		return ips, fmt.Errorf("cannot look up the addresses of %s: %s", hostile.Quote(name), text(errs))
	}
	return ips, nil
}

// lookup returns the records of a type that a name has, or the name that it
// stands for has.
func (c *client) lookup(ctx context.Context, name string, qtype uint16) ([]dns.RR, error) {
	chain := newChain(name)
	for {
		asked := chain.name()
		answer, err := c.ask(ctx, asked, qtype)
		if err != nil {
			return nil, err
		}
		if err := chain.follow(answer); err != nil {
			return nil, err
		}
		if records := ownedBy(chain.name(), qtype, answer); len(records) > 0 {
			return records, nil
		}
		if chain.name() == asked {
			return nil, errNoData
		}
	}
}

// chain are the names that a name stands for, one for the other. The first is
// the name itself.
type chain []string

func newChain(name string) *chain { return &chain{dns.CanonicalName(name)} }

// name returns the last name.
func (c *chain) name() string { return (*c)[len(*c)-1] }

// follow adds what the CNAMEs of an answer say of the last name.
func (c *chain) follow(answer []dns.RR) error {
	for {
		records := ownedBy(c.name(), dns.TypeCNAME, answer)
		if len(records) == 0 {
			return nil
		}
		next := dns.CanonicalName(records[0].(*dns.CNAME).Target)
		if slices.Contains(*c, next) {
			return fmt.Errorf("the CNAMEs of %s are a loop", hostile.Quote((*c)[0]))
		}
		if len(*c) > maxCNAMEs {
			return fmt.Errorf("there are more than %d CNAMEs from %s on", maxCNAMEs, hostile.Quote((*c)[0]))
		}
		*c = append(*c, next)
	}
}

// ownedBy returns the records of a type that an answer has of a name.
func ownedBy(name string, rrtype uint16, answer []dns.RR) []dns.RR {
	var records []dns.RR
	for _, rr := range answer {
		h := rr.Header()
		if h.Class == dns.ClassINET && h.Rrtype == rrtype && dns.CanonicalName(h.Name) == name {
			records = append(records, rr)
		}
	}
	return records
}

// namesIn returns the host names that records of PTR have. The first other name
// is in the error.
func namesIn(records []dns.RR) ([]string, error) {
	var names []string
	var errs []error
	for _, rr := range records {
		ptr, ok := rr.(*dns.PTR)
		if !ok {
			continue
		}
		name, ok := hostName(ptr.Ptr)
		switch {
		case !ok && len(errs) == 0:
			errs = append(errs, fmt.Errorf("the answer %s is not a host name", hostile.Quote(ptr.Ptr)))
		case ok && !slices.Contains(names, name):
			if len(names) == maxNames {
				errs = append(errs, errTooManyNames)
				slices.Sort(names)
				return names, joined(errs)
			}
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, joined(errs)
}

// addressesIn returns the addresses that records of A and AAAA have.
func addressesIn(records []dns.RR) ([]netip.Addr, error) {
	var ips []netip.Addr
	var err error
	for _, rr := range records {
		var ip netip.Addr
		switch rr := rr.(type) {
		case *dns.A:
			ip, _ = netip.AddrFromSlice(rr.A)
		case *dns.AAAA:
			ip, _ = netip.AddrFromSlice(rr.AAAA)
		}
		// An IPv4 address in an AAAA is compared like others, as programs
		// that get it connect to it.
		if ip = ip.Unmap(); !ip.IsValid() || slices.Contains(ips, ip) {
			continue
		}
		if len(ips) == maxAddresses {
			err = fmt.Errorf("there are more than %d addresses; the others are left out", maxAddresses)
			break
		}
		ips = append(ips, ip)
	}
	slices.SortFunc(ips, netip.Addr.Compare)
	return ips, err
}

// joined returns errors as one with a text in one line.
func joined(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return errors.New(text(errs))
}
