// SPDX-License-Identifier: Apache-2.0

package hookcmd_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/hookcmd"
)

func TestParsePortRange(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text   string
		want   hookcmd.PortRange
		string string // if it is not text
	}{
		{text: "80/tcp", want: hookcmd.PortRange{Protocol: "tcp", From: 80, To: 80}},
		{text: "53/udp", want: hookcmd.PortRange{Protocol: "udp", From: 53, To: 53}},
		{text: "8000-8010/udp", want: hookcmd.PortRange{Protocol: "udp", From: 8000, To: 8010}},
		{text: "0-65535/tcp", want: hookcmd.PortRange{Protocol: "tcp", From: 0, To: 65535}},
		{text: "icmp", want: hookcmd.PortRange{Protocol: "icmp"}},
		{text: "ICMP", want: hookcmd.PortRange{Protocol: "icmp"}, string: "icmp"},
		{text: "80", want: hookcmd.PortRange{Protocol: "tcp", From: 80, To: 80}, string: "80/tcp"},
		{text: "1-2", want: hookcmd.PortRange{Protocol: "tcp", From: 1, To: 2}, string: "1-2/tcp"},
		{text: "81/UDP", want: hookcmd.PortRange{Protocol: "udp", From: 81, To: 81}, string: "81/udp"},
		{text: "81-81/tcp", want: hookcmd.PortRange{Protocol: "tcp", From: 81, To: 81}, string: "81/tcp"},
		{text: "0/tcp", want: hookcmd.PortRange{Protocol: "tcp"}},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			t.Parallel()
			got, err := hookcmd.ParsePortRange(test.text)
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
			text := test.string
			if text == "" {
				text = test.text
			}
			assert.Equal(t, text, got.String())
			requireRoundTrip(t, got, `"`+text+`"`)
			requireRoundTrip(t, map[hookcmd.PortRange]int{got: 1}, `{"`+text+`":1}`)
		})
	}
}

// requireRoundTrip checks that value is encoded as want, and want decoded as value.
func requireRoundTrip[T any](t *testing.T, value T, want string) {
	t.Helper()
	encoded, err := json.Marshal(value)
	require.NoError(t, err)
	require.Equal(t, want, string(encoded))
	var decoded T
	require.NoError(t, json.Unmarshal(encoded, &decoded), "decode %s", encoded)
	assert.Equal(t, value, decoded)
}

func TestParsePortRangeMalformed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "/", "/tcp", "80/", "80/sctp", "80/tcp/udp", "abc", "abc/tcp", "-1", "-1/tcp", "1-/tcp", "-/tcp", "1-2-3/tcp",
		"1--2/tcp", "90-81/tcp", "65536/tcp", "1-65536/udp", "8/icmp", "0/icmp", "icmp/icmp", "/icmp", " 80/tcp",
		"80/tcp ", "80 /tcp", "0x50/tcp", "8_0/tcp", "80.0/tcp", "99999999999999999999/tcp", "80/tcp (*)", "８０/tcp",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := hookcmd.ParsePortRange(text)
			require.ErrorContains(t, err, "cannot parse port range")
			assert.Zero(t, got)
			var decoded hookcmd.PortRange
			require.Error(t, decoded.UnmarshalText([]byte(text)))
			assert.Zero(t, decoded)
		})
	}
}

func FuzzParsePortRange(f *testing.F) {
	for _, text := range []string{"80/tcp", "0-65535/UDP", "icmp", "ICMP", "7", "+1-+2", "1-2-3/tcp", "8/icmp", "", "-/", "００/tcp"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		t.Parallel()
		first, err := hookcmd.ParsePortRange(text)
		if err != nil {
			assert.Zero(t, first)
			return
		}
		second, err := hookcmd.ParsePortRange(first.String())
		require.NoError(t, err, "String of %q", text)
		assert.Equal(t, first, second)
	})
}

func TestParseRelationID(t *testing.T) {
	t.Parallel()
	tests := map[string]hookcmd.RelationID{
		"db:3":            {Endpoint: "db", ID: 3},
		"db:0":            {Endpoint: "db", ID: 0},
		"my_db-2:10":      {Endpoint: "my_db-2", ID: 10},
		"a:b:7":           {Endpoint: "a:b", ID: 7},
		"db:2147483647":   {Endpoint: "db", ID: 2147483647},
		"juju-info:12345": {Endpoint: "juju-info", ID: 12345},
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := hookcmd.ParseRelationID(text)
			require.NoError(t, err)
			assert.Equal(t, want, got)
			assert.Equal(t, text, got.String())
			requireRoundTrip(t, got, `"`+text+`"`)
			requireRoundTrip(t, map[hookcmd.RelationID]int{got: 1}, `{"`+text+`":1}`)
		})
	}
}

func TestParseRelationIDMalformed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", ":", "3", "db", "db:", ":3", "db:x", "db:-1", "db:+1", "db: 3", "db:3 ", "db:3.0", "db:0x3", "db:1_0",
		"db:2147483648", "db:99999999999999999999", "db:３",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := hookcmd.ParseRelationID(text)
			require.ErrorContains(t, err, "cannot parse relation ID")
			assert.Zero(t, got)
			require.Error(t, json.Unmarshal([]byte(`"`+text+`"`), &got))
			assert.Zero(t, got)
		})
	}
}

func FuzzParseRelationID(f *testing.F) {
	for _, text := range []string{"db:3", "a:b:7", "db:007", ":3", "db:-1", "db:2147483648", "", "::1", "\xff:1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		t.Parallel()
		first, err := hookcmd.ParseRelationID(text)
		if err != nil {
			assert.Zero(t, first)
			return
		}
		second, err := hookcmd.ParseRelationID(first.String())
		require.NoError(t, err, "String of %q", text)
		assert.Equal(t, first, second)
	})
}

func TestEndpointPortsJSON(t *testing.T) {
	t.Parallel()
	web := hookcmd.PortRange{Protocol: "tcp", From: 80, To: 80}
	tests := map[string]hookcmd.EndpointPorts{
		"80/tcp (*)":            {PortRange: web},
		"80/tcp (db)":           {PortRange: web, Endpoints: []string{"db"}},
		"80/tcp (db, website)":  {PortRange: web, Endpoints: []string{"db", "website"}},
		"icmp (*)":              {PortRange: hookcmd.PortRange{Protocol: "icmp"}},
		"1-2/udp (a-b, c_d, e)": {PortRange: hookcmd.PortRange{Protocol: "udp", From: 1, To: 2}, Endpoints: []string{"a-b", "c_d", "e"}},
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			requireRoundTrip(t, want, `"`+text+`"`)
		})
	}
	t.Run("empty endpoints", func(t *testing.T) {
		t.Parallel()
		text, err := hookcmd.EndpointPorts{PortRange: web, Endpoints: []string{}}.MarshalText()
		require.NoError(t, err)
		assert.Equal(t, "80/tcp (*)", string(text))
	})
	t.Run("endpoints are replaced", func(t *testing.T) {
		t.Parallel()
		ports := hookcmd.EndpointPorts{Endpoints: []string{"old"}}
		require.NoError(t, ports.UnmarshalText([]byte("80/tcp (*)")))
		assert.Equal(t, hookcmd.EndpointPorts{PortRange: web}, ports)
	})
}

func TestEndpointPortsMalformed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "80/tcp", "80/tcp(*)", " (*)", "(*)", "x (*)", "70000/tcp (*)", "80/sctp (db)", "80/tcp)"} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			var ports hookcmd.EndpointPorts
			assert.Error(t, ports.UnmarshalText([]byte(text)))
		})
	}
}

func TestGoalTimeJSON(t *testing.T) {
	t.Parallel()
	want := hookcmd.GoalTime{Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	for _, text := range []string{
		"2026-01-02 03:04:05Z", "2026-01-02T03:04:05Z", "2026-01-02 05:04:05+02:00", "2026-01-02T05:04:05+02:00",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			var fromText, fromJSON hookcmd.GoalTime
			require.NoError(t, fromText.UnmarshalText([]byte(text)))
			assert.True(t, want.Equal(fromText.Time), "text read as %v", fromText)
			require.NoError(t, json.Unmarshal([]byte(`"`+text+`"`), &fromJSON))
			assert.True(t, want.Equal(fromJSON.Time), "JSON read as %v", fromJSON)
		})
	}
	t.Run("round trip", func(t *testing.T) {
		t.Parallel()
		requireRoundTrip(t, want, `"2026-01-02 03:04:05Z"`)
	})
	t.Run("in UTC", func(t *testing.T) {
		t.Parallel()
		text, err := hookcmd.GoalTime{Time: want.In(time.FixedZone("", 3600))}.MarshalText()
		require.NoError(t, err)
		assert.Equal(t, "2026-01-02 03:04:05Z", string(text))
	})
	t.Run("empty", func(t *testing.T) {
		t.Parallel()
		got := want
		require.NoError(t, got.UnmarshalText(nil))
		assert.True(t, got.IsZero())
		got = want
		require.NoError(t, json.Unmarshal([]byte(`""`), &got))
		assert.True(t, got.IsZero())
	})
}

func TestGoalTimeMalformed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"x", "T", "2026-01-02", "2026-01-02 03:04:05", "2026-13-02 03:04:05Z", "2026-01-02 03:04:05Z "} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			var got hookcmd.GoalTime
			assert.ErrorContains(t, got.UnmarshalText([]byte(text)), "cannot parse time")
			assert.Error(t, json.Unmarshal([]byte(`"`+text+`"`), &got))
		})
	}
}
