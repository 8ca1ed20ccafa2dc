// SPDX-License-Identifier: Apache-2.0

package cosagent_test

import (
	"bytes"
	"embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"hash/crc64"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/interfaces/cosagent"
	"github.com/charmsmith/charmsmith/testing/charmtest"
)

//go:embed testdata/charm/src
var embedded embed.FS

// files is the directory of a charm.
var files = func() fs.FS {
	dir, err := fs.Sub(embedded, "testdata/charm")
	if err != nil {
		panic(err)
	}
	return dir
}()

const metadata = `
name: webapp
type: charm
summary: A web application.
description: It is observed.
base: ubuntu@24.04
platforms: {amd64: }
provides:
  cos-agent: {interface: cos_agent, limit: 1}
  second-agent: {interface: cos_agent, scope: container}
  website: {interface: http}
config:
  options:
    port: {type: int, default: 9100}
actions:
  republish:
    description: Publish again.
`

const modelUUID = "f2c1b2a6-e006-42eb-8cf1-7cf4b19f0b1a"

// newHarness returns a unit of the application "web-app".
func newHarness(t *testing.T, opts *charmtest.Options, register func(c *charm.Charm)) *charmtest.Harness {
	t.Helper()
	o := charmtest.Options{}
	if opts != nil {
		o = *opts
	}
	if o.Unit == "" {
		o.Unit = "web-app/3"
	}
	o.Metadata, o.ModelName, o.ModelUUID = metadata, "prod", modelUUID
	return charmtest.New(t, register, &o)
}

func newHarnessOf(t *testing.T, unit string, register func(c *charm.Charm)) *charmtest.Harness {
	t.Helper()
	return newHarness(t, &charmtest.Options{Unit: unit}, register)
}

// with registers the library with options.
func with(opts *cosagent.Options) func(c *charm.Charm) {
	return func(c *charm.Charm) { cosagent.New(c, "cos-agent", opts) }
}

// wire is the value of the key "config".
type wire struct {
	Metrics    rules            `json:"metrics_alert_rules"`
	Logs       rules            `json:"log_alert_rules"`
	Dashboards []string         `json:"dashboards"`
	Jobs       []map[string]any `json:"metrics_scrape_jobs"`
	LogSlots   []string         `json:"log_slots"`
	Protocols  []string         `json:"tracing_protocols"`
}

type rules struct {
	Groups []cosagent.RuleGroup `json:"groups"`
}

// published returns what a unit with options tells its agent.
func published(t *testing.T, opts *cosagent.Options) wire {
	t.Helper()
	h := newHarness(t, nil, with(opts))
	return decode(t, h.Relate("cos-agent", "grafana-agent").Local())
}

func decode(t *testing.T, databag map[string]string) wire {
	t.Helper()
	var w wire
	require.NoError(t, json.Unmarshal([]byte(databag["config"]), &w), "config is %q", databag["config"])
	return w
}

// failure returns what a unit with options fails with when it is related.
func failure(t *testing.T, opts *cosagent.Options) error {
	t.Helper()
	h := newHarness(t, nil, with(opts))
	err := h.Try(func() { h.Relate("cos-agent", "grafana-agent") })
	require.Error(t, err)
	return err
}

// dashboard decodes one of wire's.
func dashboard(t *testing.T, encoded string) map[string]any {
	t.Helper()
	stream, err := base64.StdEncoding.DecodeString(encoded)
	require.NoError(t, err)
	content, err := readStored(stream)
	require.NoError(t, err)
	d := json.NewDecoder(bytes.NewReader(content))
	d.UseNumber()
	var value map[string]any
	require.NoError(t, d.Decode(&value))
	return value
}

// readStored reads an xz stream of one block that is not compressed. It takes the
// stream apart from both ends, as the format describes it, and checks every byte.
func readStored(s []byte) ([]byte, error) {
	if len(s) < 12+12+4+8+8+12 || len(s)%4 != 0 {
		return nil, errors.New("the length is wrong")
	}
	flags := []byte{0, 4}
	header, footer := s[:12], s[len(s)-12:]
	if string(header[:6]) != "\xfd7zXZ\x00" || !bytes.Equal(header[6:8], flags) || crc32.ChecksumIEEE(header[6:8]) != binary.LittleEndian.Uint32(header[8:]) {
		return nil, errors.New("the stream's header is wrong")
	}
	if string(footer[10:]) != "YZ" || !bytes.Equal(footer[8:10], flags) || crc32.ChecksumIEEE(footer[4:10]) != binary.LittleEndian.Uint32(footer) {
		return nil, errors.New("the stream's footer is wrong")
	}
	size := 4 * (int(binary.LittleEndian.Uint32(footer[4:])) + 1)
	if size > len(s)-24 {
		return nil, errors.New("the index is too long")
	}
	body, index := s[12:len(s)-12-size], s[len(s)-12-size:len(s)-12]

	if crc32.ChecksumIEEE(index[:size-4]) != binary.LittleEndian.Uint32(index[size-4:]) || index[0] != 0 || index[1] != 1 {
		return nil, errors.New("the index is wrong")
	}
	unpadded, n := binary.Uvarint(index[2:])
	uncompressed, m := binary.Uvarint(index[2+n:])
	if n <= 0 || m <= 0 || !isPadding(index[2+n+m:size-4]) {
		return nil, errors.New("the index's record is wrong")
	}
	if len(body) < 12 || !bytes.Equal(body[:8], []byte{2, 0, 0x21, 1, 8, 0, 0, 0}) || crc32.ChecksumIEEE(body[:8]) != binary.LittleEndian.Uint32(body[8:]) {
		return nil, errors.New("the block's header is wrong")
	}

	data, rest, control := []byte{}, body[12:], byte(1)
	for len(rest) > 0 && rest[0] != 0 {
		if rest[0] != control || len(rest) < 3 {
			return nil, errors.New("a chunk is wrong")
		}
		length := int(binary.BigEndian.Uint16(rest[1:])) + 1
		if len(rest) < 3+length {
			return nil, errors.New("a chunk is too long")
		}
		data, rest, control = append(data, rest[3:3+length]...), rest[3+length:], 2
	}
	if len(rest) < 9 || !isPadding(rest[1:len(rest)-8]) {
		return nil, errors.New("the block's end is wrong")
	}
	check := rest[len(rest)-8:]
	padding := len(rest) - 9
	switch {
	case binary.LittleEndian.Uint64(check) != crc64.Checksum(data, crc64.MakeTable(crc64.ECMA)):
		return nil, errors.New("the check is wrong")
	case unpadded != uint64(len(body)-padding) || uncompressed != uint64(len(data)):
		return nil, errors.New("the index does not describe the block")
	}
	return data, nil
}

func isPadding(b []byte) bool { return len(b) < 4 && len(bytes.Trim(b, "\x00")) == 0 }
