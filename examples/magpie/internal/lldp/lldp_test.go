// SPDX-License-Identifier: Apache-2.0

package lldp_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/lldp"
)

// TestMain lets the test binary pose as lldpcli: under that name it does what
// the files beside it say.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "lldpcli" {
		os.Exit(m.Run())
	}
	beside := func(name string) []byte {
		content, _ := os.ReadFile(filepath.Join(filepath.Dir(os.Args[0]), name))
		return content
	}
	if strings.Join(os.Args[1:], " ") != "-f json0 show neighbors details" {
		os.Exit(64)
	}
	for range max(1, len(beside("times"))) {
		os.Stdout.Write(beside("stdout"))
	}
	os.Stderr.Write(beside("stderr"))
	if beside("wait") != nil {
		os.WriteFile(filepath.Join(filepath.Dir(os.Args[0]), "started"), nil, 0o600)
		time.Sleep(time.Hour) // until it is killed
	}
	if beside("fail") != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// pose returns the path of an lldpcli that does what the files say.
func pose(t *testing.T, files map[string]string) string {
	dir := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	program := filepath.Join(dir, "lldpcli")
	require.NoError(t, os.Symlink(self, program))
	for name, content := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	return program
}

const (
	empty0 = `{"lldp": [{}]}`

	two0 = `{"lldp": [{"interface": [
		{"name": "eno1", "via": "LLDP", "rid": "1", "age": "0 day, 00:01:02",
			"chassis": [{"id": [{"type": "mac", "value": "00:1c:73:00:00:01"}], "name": [{"value": "sw-a"}], "descr": [{"value": "Switch"}],
				"capability": [{"type": "Bridge", "enabled": true}, {"type": "Router", "enabled": false}]}],
			"port": [{"id": [{"type": "ifname", "value": "Ethernet7"}], "descr": [{"value": "node1 eno1"}], "ttl": [{"value": "120"}]}],
			"vlan": [{"vlan-id": "20", "pvid": false, "value": "storage"}, {"vlan-id": "10", "pvid": true}]},
		{"name": "eno2", "via": "LLDP",
			"chassis": [{"id": [{"type": "mac", "value": "00:1c:73:00:00:02"}]}],
			"port": [{"id": [{"type": "local", "value": "7"}]}]}
	]}]}`

	one = `{"lldp": {"interface": {"eno1": {"via": "LLDP", "rid": "1",
		"chassis": {"sw-a": {"id": {"type": "mac", "value": "00:1c:73:00:00:01"}, "descr": "Switch"}},
		"port": {"id": {"type": "ifname", "value": "Ethernet7"}, "descr": "node1 eno1", "ttl": "120"},
		"vlan": {"vlan-id": "10", "pvid": true}}}}}`

	two = `{"lldp": {"interface": [
		{"eno1": {"via": "LLDP",
			"chassis": {"sw-a": {"id": {"type": "mac", "value": "00:1c:73:00:00:01"}}},
			"port": {"id": {"type": "ifname", "value": "Ethernet7"}, "descr": "node1 eno1"},
			"vlan": [{"vlan-id": "20", "pvid": false, "value": "storage"}, {"vlan-id": "10", "pvid": true}]}},
		{"eno2": {"via": "LLDP", "chassis": {"id": {"type": "mac", "value": "00:1c:73:00:00:02"}}, "port": {"id": {"type": "local", "value": "7"}}}}
	]}}`
)

// TestParse is number 9 of the published charm's bugs: the form of the output
// depends on the number of neighbours.
func TestParse(t *testing.T) {
	t.Parallel()
	first := lldp.Neighbour{
		Interface: "eno1", Via: "LLDP", SystemName: "sw-a", PortID: "Ethernet7", PortDescription: "node1 eno1",
		VLANs: []lldp.VLAN{{ID: 10, Native: true}, {ID: 20, Name: "storage"}},
	}
	second := lldp.Neighbour{Interface: "eno2", Via: "LLDP", PortID: "7", VLANs: []lldp.VLAN{}}
	single := first
	single.VLANs = []lldp.VLAN{{ID: 10, Native: true}}
	for name, test := range map[string]struct {
		output string
		want   []lldp.Neighbour
	}{
		"json0, none": {empty0, []lldp.Neighbour{}},
		"json0, two":  {two0, []lldp.Neighbour{first, second}},
		"json, none":  {`{"lldp": {}}`, []lldp.Neighbour{}},
		"json, one":   {one, []lldp.Neighbour{single}},
		"json, two":   {two, []lldp.Neighbour{first, second}},
		"several on one interface": {
			`{"lldp": {"interface": [{"eno2": {"port": {"id": {"value": "1"}}}}, {"eno2": {"port": {"id": {"value": "2"}}}}]}}`,
			[]lldp.Neighbour{{Interface: "eno2", PortID: "1", VLANs: []lldp.VLAN{}}, {Interface: "eno2", PortID: "2", VLANs: []lldp.VLAN{}}},
		},
		"a switch that calls itself id": {
			`{"lldp": {"interface": {"eno2": {"chassis": {"id": {"id": {"type": "mac", "value": "x"}}}}}}}`,
			[]lldp.Neighbour{{Interface: "eno2", SystemName: "id", VLANs: []lldp.VLAN{}}},
		},
		"VLANs that are none, or twice": {
			`{"lldp": [{"interface": [{"name": "eno2", "vlan": [{"vlan-id": "0"}, {"vlan-id": "4095"}, {"vlan-id": "x"}, {"vlan-id": 5}, 7, [],
				{"vlan-id": "6", "value": "a"}, {"vlan-id": "6", "value": "b", "pvid": true}]}]}]}`,
			[]lldp.Neighbour{{Interface: "eno2", VLANs: []lldp.VLAN{{ID: 6, Name: "a", Native: true}}}},
		},
		"other types": {
			`{"lldp": [{"interface": [7, null, "x", [], {}, {"name": 7}, {"name": "eno2", "via": {}, "chassis": "x", "port": [[]], "vlan": {"vlan-id": {"value": "9"}}}]}, 3]}`,
			[]lldp.Neighbour{{Interface: "eno2", VLANs: []lldp.VLAN{{ID: 9}}}},
		},
		"lldp is a text": {`{"lldp": "off"}`, []lldp.Neighbour{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := lldp.Parse([]byte(test.output))
			require.NoError(t, err)
			assert.Equal(t, lldp.Report{Neighbours: test.want}, got)
		})
	}
}

func TestParseFails(t *testing.T) {
	t.Parallel()
	for _, output := range []string{"", "null", "{}", "[]", "not JSON\x1b", `{"lldp": `, strings.Repeat("[", 100000)} {
		got, err := lldp.Parse([]byte(output))
		require.ErrorContains(t, err, "cannot read neighbours of lldpd: ")
		assert.Equal(t, lldp.Report{Neighbours: []lldp.Neighbour{}}, got)
	}
}

func TestParseTooLong(t *testing.T) {
	t.Parallel()
	_, err := lldp.Parse([]byte(two0 + strings.Repeat(" ", 4<<20)))
	assert.EqualError(t, err, "cannot read neighbours of lldpd: its output is too long")
}

func TestHostileText(t *testing.T) {
	t.Parallel()
	output, err := json.Marshal(map[string]any{"lldp": []any{map[string]any{"interface": []any{map[string]any{
		"name":    "eno1",
		"chassis": []any{map[string]any{"name": []any{map[string]string{"value": "sw\x1b]0;x\a\u202e\u0085 ü\\n"}}}},
		"port":    []any{map[string]any{"id": []any{map[string]string{"value": "a\nb\x00"}}, "descr": []any{map[string]string{"value": strings.Repeat("é", 1<<20)}}}},
	}}}}})
	require.NoError(t, err)
	got, err := lldp.Parse(output)
	require.NoError(t, err)
	require.Len(t, got.Neighbours, 1)
	n := got.Neighbours[0]
	assert.Equal(t, `sw\x1b]0;x\a\u202e\u0085 ü\\n`, n.SystemName)
	assert.Equal(t, `a\nb\x00`, n.PortID)
	assert.Equal(t, strings.Repeat("é", 255)+"…", n.PortDescription)
}

func TestTooManyNeighbours(t *testing.T) {
	t.Parallel()
	got, err := lldp.Parse([]byte(`{"lldp": [{"interface": [{"name": "a"}` + strings.Repeat(`,{"name": "b"}`, 10000) + `]}]}`))
	require.NoError(t, err)
	assert.Len(t, got.Neighbours, 4096)
}

func TestVLANs(t *testing.T) {
	t.Parallel()
	got, err := lldp.Parse([]byte(two0))
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"eno1": "10 (native), 20"}, got.VLANs(), "eno2 announces none")

	together := lldp.Report{Neighbours: []lldp.Neighbour{
		{Interface: "a", VLANs: []lldp.VLAN{{ID: 20}, {ID: 100}}}, {Interface: "a", VLANs: []lldp.VLAN{{ID: 20, Native: true, Name: "x"}}},
		{Interface: "b", VLANs: []lldp.VLAN{{ID: 100}, {ID: 20, Native: true}}},
	}}
	assert.Equal(t, map[string]string{"a": "20 (native), 100", "b": "20 (native), 100"}, together.VLANs())
	assert.Empty(t, lldp.Report{}.VLANs())
}

func TestRead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		output, problem string
		err             error
		neighbours      int
	}{
		"two":           {output: two0, neighbours: 2},
		"not installed": {err: &exec.Error{Name: "lldpcli", Err: exec.ErrNotFound}, problem: "lldpd is not installed"},
		"not running":   {err: errors.New("exit status 1: unable to connect to socket\x1b[2J"), problem: `cannot ask lldpd: exit status 1: unable to connect to socket\x1b[2J`},
		"not JSON":      {output: "oops", problem: "cannot read neighbours of lldpd: invalid character 'o' looking for beginning of value"},
	} {
		got := lldp.Read(t.Context(), &lldp.Options{Run: func(_ context.Context, program string, args ...string) ([]byte, error) {
			assert.Equal(t, "lldpcli", program)
			assert.Equal(t, []string{"-f", "json0", "show", "neighbors", "details"}, args)
			return []byte(test.output), test.err
		}})
		assert.Equal(t, test.problem, got.Problem, name)
		assert.NotNil(t, got.Neighbours, name)
		assert.Len(t, got.Neighbours, test.neighbours, name)
	}
}

func TestReadRunsLldpcli(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files      map[string]string
		problem    string
		neighbours int
	}{
		"it answers":   {files: map[string]string{"stdout": two0, "stderr": "warning"}, neighbours: 2},
		"it fails":     {files: map[string]string{"stderr": "no socket\n", "fail": "1"}, problem: "cannot ask lldpd: exit status 1: no socket"},
		"it is silent": {files: map[string]string{"fail": "1"}, problem: "cannot ask lldpd: exit status 1"},
		"it does not end": {files: map[string]string{"stdout": strings.Repeat(" ", 1<<20), "times": "12345"},
			problem: "cannot ask lldpd: its output is too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := lldp.Read(t.Context(), &lldp.Options{Program: pose(t, test.files)})
			assert.Equal(t, test.problem, got.Problem)
			assert.Len(t, got.Neighbours, test.neighbours)
		})
	}
	t.Run("there is none", func(t *testing.T) {
		t.Parallel()
		got := lldp.Read(t.Context(), &lldp.Options{Program: filepath.Join(t.TempDir(), "lldpcli")})
		assert.Equal(t, "lldpd is not installed", got.Problem)
	})
	t.Run("it is given up with the context", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		program := pose(t, map[string]string{"wait": "1"})
		read := make(chan lldp.Report)
		go func() { read <- lldp.Read(ctx, &lldp.Options{Program: program}) }()
		require.Eventually(t, func() bool {
			_, err := os.Stat(filepath.Join(filepath.Dir(program), "started"))
			return err == nil
		}, 9*time.Second, 5*time.Millisecond)
		cancel()
		assert.Equal(t, "cannot ask lldpd: context canceled", (<-read).Problem)
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{empty0, two0, one, two, `{"lldp": {"interface": {"": {"chassis": {"\u0000": {"id": 1}}}}}}`} {
		f.Add([]byte(seed), "node1")
	}
	f.Fuzz(func(t *testing.T, output []byte, hostname string) {
		report, err := lldp.Parse(output)
		if err != nil {
			assert.Empty(t, report.Neighbours)
			return
		}
		var ports []string
		for _, n := range report.Neighbours {
			ports = append(ports, n.Interface)
			for _, text := range []string{n.Interface, n.Via, n.SystemName, n.PortID, n.PortDescription} {
				assert.True(t, utf8.ValidString(text))
				assert.LessOrEqual(t, utf8.RuneCountInString(text), 256*10)
				assert.NotContains(t, text, "\x1b")
				assert.NotContains(t, text, "\n")
			}
			for _, vlan := range n.VLANs {
				assert.Contains(t, report.VLANs(), n.Interface, "VLAN %d", vlan.ID)
			}
		}
		check := report.CheckPorts(ports, hostname)
		assert.NotEmpty(t, check.PortDescription)
		assert.Equal(t, check.Failed(), strings.HasPrefix(check.PortDescription, "failed: "))
	})
}
