// SPDX-License-Identifier: Apache-2.0

package resolve_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/resolve"
)

func TestLocalHostname(t *testing.T) {
	t.Parallel()
	address := []netip.Addr{netip.MustParseAddr("10.0.0.2")}
	for name, row := range map[string]struct {
		hostname  string
		err       error
		addresses []netip.Addr
		lookupErr error
		want      string
	}{
		"good":         {hostname: "magpie-1", addresses: address, want: `{"hostname": "magpie-1", "errors": ""}`},
		"upper case":   {hostname: "Magpie_1.example", addresses: address, want: `{"hostname": "Magpie_1.example", "errors": ""}`},
		"no addresses": {hostname: "magpie-1", want: `{"hostname": "magpie-1", "errors": "cannot look up the host name \"magpie-1\": it has no addresses"}`},
		"no such host": {hostname: "magpie-1", lookupErr: &net.DNSError{IsNotFound: true}, want: `{"hostname": "magpie-1", "errors": "cannot look up the host name \"magpie-1\": no such host"}`},
		"no answer":    {hostname: "magpie-1", lookupErr: &net.DNSError{IsTimeout: true}, want: `{"hostname": "magpie-1", "errors": "cannot look up the host name \"magpie-1\": no DNS server answers in time"}`},
		"other error":  {hostname: "magpie-1", lookupErr: errors.New("cause"), want: `{"hostname": "magpie-1", "errors": "cannot look up the host name \"magpie-1\": cause"}`},
		"no name":      {err: errors.New("cause"), want: `{"hostname": "", "errors": "cannot read the host name of this machine: cause"}`},
		"odd name":     {hostname: "(none)\n", want: `{"hostname": "", "errors": "cannot look up the host name \"(none)\\n\": it is not a host name"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := resolve.LocalHostname(t.Context(), &resolve.HostnameOptions{
				Hostname: func() (string, error) { return row.hostname, row.err },
				Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
					assert.Equal(t, row.hostname, host)
					return row.addresses, row.lookupErr
				},
			})
			assert.JSONEq(t, row.want, asJSON(t, got))
			assert.Equal(t, got.Errors == "", got.OK())
		})
	}
}

func TestCancelledLookupOfTheLocalHostname(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	got := resolve.LocalHostname(ctx, &resolve.HostnameOptions{
		Hostname: func() (string, error) { return "magpie-1", nil },
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			cancel()
			return nil, &net.DNSError{Err: "operation was canceled"}
		},
	})
	assert.Equal(t, `cannot look up the host name "magpie-1": context canceled`, got.Errors)
}

// The system itself: localhost is in /etc/hosts, or known without it.
func TestLocalHostnameOfTheSystem(t *testing.T) {
	t.Parallel()
	got := resolve.LocalHostname(t.Context(), &resolve.HostnameOptions{Hostname: func() (string, error) { return "localhost", nil }})
	assert.Equal(t, resolve.Hostname{Hostname: "localhost"}, got)

	name, err := os.Hostname()
	require.NoError(t, err)
	got = resolve.LocalHostname(t.Context(), &resolve.HostnameOptions{
		Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
			assert.Equal(t, name, host)
			return []netip.Addr{netip.IPv6Loopback()}, nil
		},
	})
	assert.Equal(t, name, got.Hostname)
}
