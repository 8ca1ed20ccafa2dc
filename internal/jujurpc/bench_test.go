// SPDX-License-Identifier: Apache-2.0

package jujurpc_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkServer compares the server with net/rpc's, and BenchmarkClient the
// client, by a dispatch that makes a number of calls over one connection.
func BenchmarkServer(b *testing.B) {
	for name, serve := range map[string]func(b *testing.B) (address string){
		"jujurpc": func(b *testing.B) string { return serve(b, echo) },
		"net-rpc": func(b *testing.B) string { return serveNetRPC(b, echo) },
	} {
		b.Run(name, func(b *testing.B) {
			address := serve(b)
			b.Run("calls=1", func(b *testing.B) { benchmark(b, address, 1, dialOurs) })
			b.Run("calls=50", func(b *testing.B) { benchmark(b, address, 50, dialOurs) })
		})
	}
}

func BenchmarkClient(b *testing.B) {
	for name, dial := range map[string]func(address string) (caller, error){"jujurpc": dialOurs, "net-rpc": dialNetRPC} {
		b.Run(name, func(b *testing.B) {
			address := serve(b, echo)
			b.Run("calls=1", func(b *testing.B) { benchmark(b, address, 1, dial) })
			b.Run("calls=50", func(b *testing.B) { benchmark(b, address, 50, dial) })
		})
	}
}

func benchmark(b *testing.B, address string, calls int, dial func(address string) (caller, error)) {
	b.ReportAllocs()
	want := request("relation-get", "--format=json", "-r", "magpie:1", "-", "magpie/1")
	for b.Loop() {
		client, err := dial(address)
		require.NoError(b, err)
		for range calls {
			_, err := client.Run(want)
			require.NoError(b, err)
		}
		require.NoError(b, client.Close())
	}
}
