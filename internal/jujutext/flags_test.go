// SPDX-License-Identifier: Apache-2.0

package jujutext_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/charmsmith/charmsmith/internal/golden"
	"github.com/charmsmith/charmsmith/internal/jujutext"
)

// anyNumber is a command's limit of arguments if it has none.
const anyNumber = 1000

func output(f *jujutext.Flags) { f.Output() }

func relation(f *jujutext.Flags) {
	f.Func(func(value string) error {
		id, err := strconv.Atoi(value[strings.LastIndex(value, ":")+1:])
		if err != nil {
			return errors.New("invalid relation id")
		}
		if id == 99 {
			return errors.New("relation not found")
		}
		return nil
	}, "r", "relation")
}

func storage(f *jujutext.Flags) {
	f.Func(func(value string) error {
		if !strings.Contains(value, "/") {
			return fmt.Errorf("invalid storage ID %q", value)
		}
		return nil
	}, "s")
}

func secret(f *jujutext.Flags) {
	for _, name := range []string{"owner", "label", "description", "rotate", "expire", "file"} {
		f.String(name)
	}
}

// flag declares flags of the kinds that the commands below have.
func flag(names ...string) func(*jujutext.Flags) {
	return func(f *jujutext.Flags) {
		for _, name := range names {
			if text, ok := strings.CutSuffix(name, "="); ok {
				f.String(text)
			} else {
				f.Bool(name)
			}
		}
	}
}

// commands are the flags of the recorded commands, and how many arguments they take.
var commands = map[string]struct {
	arguments int
	declare   []func(*jujutext.Flags)
}{
	"action-fail":             {1, nil},
	"action-get":              {1, []func(*jujutext.Flags){output}},
	"action-log":              {anyNumber, nil},
	"action-set":              {anyNumber, nil},
	"application-version-set": {1, nil},
	"close-port":              {1, []func(*jujutext.Flags){flag("format=", "endpoints=")}},
	"config-get":              {1, []func(*jujutext.Flags){output, func(f *jujutext.Flags) { f.Bool("a", "all") }}},
	"credential-get":          {0, []func(*jujutext.Flags){output}},
	"goal-state":              {0, []func(*jujutext.Flags){func(f *jujutext.Flags) { f.Output("yaml", "json") }}},
	"is-leader":               {0, []func(*jujutext.Flags){output}},
	"juju-log":                {anyNumber, []func(*jujutext.Flags){flag("debug", "format="), func(f *jujutext.Flags) { f.String("l", "log-level") }}},
	"juju-reboot":             {0, []func(*jujutext.Flags){flag("now")}},
	"leader-get":              {1, []func(*jujutext.Flags){output}},
	"leader-set":              {anyNumber, nil},
	"network-get":             {1, []func(*jujutext.Flags){output, relation, flag("bind-address", "ingress-address", "egress-subnets", "primary-address")}},
	"open-port":               {1, []func(*jujutext.Flags){flag("format=", "endpoints=")}},
	"opened-ports":            {0, []func(*jujutext.Flags){output, flag("endpoints")}},
	"relation-get":            {2, []func(*jujutext.Flags){output, relation, flag("app")}},
	"relation-ids":            {1, []func(*jujutext.Flags){output}},
	"relation-list":           {0, []func(*jujutext.Flags){output, relation, flag("app")}},
	"relation-model-get":      {0, []func(*jujutext.Flags){output, relation}},
	"relation-set":            {anyNumber, []func(*jujutext.Flags){relation, flag("app", "file=", "format=")}},
	"resource-get":            {1, nil},
	"secret-add":              {anyNumber, []func(*jujutext.Flags){secret}},
	"secret-get":              {2, []func(*jujutext.Flags){func(f *jujutext.Flags) { f.Output("yaml", "json") }, flag("label=", "peek", "refresh")}},
	"secret-grant":            {1, []func(*jujutext.Flags){relation, flag("unit=")}},
	"secret-ids":              {0, []func(*jujutext.Flags){output}},
	"secret-info-get":         {1, []func(*jujutext.Flags){func(f *jujutext.Flags) { f.Output("yaml", "json") }, flag("label=")}},
	"secret-remove":           {1, []func(*jujutext.Flags){func(f *jujutext.Flags) { f.Int("revision") }}},
	"secret-revoke":           {1, []func(*jujutext.Flags){relation, flag("app=", "unit=")}},
	"secret-set":              {anyNumber, []func(*jujutext.Flags){secret}},
	"state-delete":            {1, nil},
	"state-get":               {1, []func(*jujutext.Flags){output, flag("strict")}},
	"state-set":               {anyNumber, []func(*jujutext.Flags){flag("file=")}},
	"status-get":              {0, []func(*jujutext.Flags){output, flag("application", "include-data")}},
	"status-set":              {2, []func(*jujutext.Flags){flag("application")}},
	"storage-add":             {anyNumber, nil},
	"storage-get":             {1, []func(*jujutext.Flags){output, storage}},
	"storage-list":            {1, []func(*jujutext.Flags){output}},
	"unit-get":                {1, []func(*jujutext.Flags){output}},
}

func parse(argv []string) error {
	command := commands[argv[0]]
	flags := jujutext.NewFlags(argv[0], argv[1:])
	for _, declare := range command.declare {
		declare(flags)
	}
	positional, err := flags.Parse()
	if err != nil {
		return err
	}
	return jujutext.Unrecognized(positional, command.arguments)
}

func TestUsageIsJujus(t *testing.T) {
	t.Parallel()
	refused, accepted := make(map[string]int), 0
	evidence(func(c golden.Case, call golden.Call) {
		if _, ok := commands[call.Argv[0]]; !ok || call.Code == 127 {
			return
		}
		err := parse(call.Argv)
		for _, kind := range []string{"option provided", "invalid value", "unrecognized args"} {
			if strings.HasPrefix(call.Stderr, "ERROR "+kind) {
				assert.EqualError(t, err, strings.TrimSuffix(strings.TrimPrefix(call.Stderr, "ERROR "), "\n"), "%s %q", c.Name, call.Argv)
				refused[kind]++
				return
			}
		}
		// Commands check some things before they count their arguments.
		if err != nil && (call.Code == 0 || !strings.HasPrefix(err.Error(), "unrecognized")) {
			t.Errorf("%s: %q is refused: %v", c.Name, call.Argv, err)
		}
		accepted++
	})
	assert.GreaterOrEqual(t, refused["option provided"], 6, "recordings compared")
	assert.GreaterOrEqual(t, refused["invalid value"], 7, "recordings compared")
	assert.GreaterOrEqual(t, refused["unrecognized args"], 14, "recordings compared")
	assert.Greater(t, accepted, 300, "recordings compared")
}

// What is expected was found by giving the same to github.com/juju/gnuflag.
func TestParse(t *testing.T) {
	t.Parallel()
	rows := []struct {
		args string
		want string // the values, then the positional arguments; or the error
	}{
		{"", "false false 0 def [] smart  []"},
		{"x - y", `false false 0 def [] smart  ["x" "-" "y"]`},
		{"x -a y -b", `true true 0 def [] smart  ["x" "y"]`},
		{"x -a -- -b --", `true false 0 def [] smart  ["x" "-b" "--"]`},
		{"--all=True -b", `true true 0 def [] smart  []`},
		{"-a --all=false", `false false 0 def [] smart  []`},
		{"-abx q r", `true true 0 def ["q"] smart  ["r"]`},
		{"-abxq r", `true true 0 def ["q"] smart  ["r"]`},
		{"-abxq", `true false 0 def [] smart  []`}, // nothing follows
		{"-a--all y", "option provided but not defined: --"},
		{"-xa -x=b -x c --x d --x=e --x= --every=f --every -a", `false false 0 def ["a" "=b" "c" "d" "e" "" "f" "-a"] smart  []`},
		{"-n 5", "false false 5 def [] smart  []"},
		{"--num=0x10", "false false 16 def [] smart  []"},
		{"-s t", "false false 0 t [] smart  []"},
		{"-s=", "false false 0 = [] smart  []"},
		{"--string=", "false false 0  [] smart  []"},
		{"--format json -o f", `false false 0 def [] json f []`},
		{"--output=f --format=yaml --output g x", `false false 0 def [] yaml g ["x"]`},

		{"--bogus", "option provided but not defined: --bogus"},
		{"--bogus=1 --help", "option provided but not defined: --bogus"},
		{"-z", "option provided but not defined: -z"},
		{"-az", "true false 0 def [] smart  []"},
		{"-az x", "option provided but not defined: -z"},
		{"-1", "option provided but not defined: -1"},
		{"--z", "option provided but not defined: -z"},
		{"-üx", "option provided but not defined: --ü"},
		{"---", "option provided but not defined: --"},
		{"--=x", `empty option in argument "--=x"`},
		{"--format", "option needs an argument: --format"},
		{"a -o", "option needs an argument: -o"},
		{"--format=xml", `invalid value "xml" for option --format: unknown format "xml"`},
		{"--format=", `invalid value "" for option --format: unknown format ""`},
		{"-x bad", `invalid value "bad" for option -x: no good`},
		{"--every=bad", `invalid value "bad" for option --every: no good`},
		{"--all=x", `invalid value "x" for option --all: strconv.ParseBool: parsing "x": invalid syntax`},
		{"-a=true", `invalid value "=true" for option -a: strconv.ParseBool: parsing "=true": invalid syntax`},
		{"-n x", `invalid value "x" for option -n: strconv.ParseInt: parsing "x": invalid syntax`},
		{"--num 99999999999999999999", `invalid value "99999999999999999999" for option --num: strconv.ParseInt: parsing "99999999999999999999": value out of range`},
		{"-h", "help requested"},
		{"--help", "help requested"},
		{"x -a --help --bogus", "help requested"},
		{"-- --help", `false false 0 def [] smart  ["--help"]`},
		{"-x --help", `false false 0 def ["--help"] smart  []`},
	}
	for _, row := range rows {
		flags := jujutext.NewFlags("test", strings.Fields(row.args))
		all, b, n, s := flags.Bool("a", "all"), flags.Bool("b"), flags.Int("n", "num"), flags.String("s", "string")
		*s = "def"
		var every []string
		flags.Func(func(value string) error {
			if value == "bad" {
				return errors.New("no good")
			}
			every = append(every, value)
			return nil
		}, "x", "every")
		out := flags.Output()
		positional, err := flags.Parse()
		got := fmt.Sprintf("%v %v %v %v %q %s %s %q", *all, *b, *n, *s, every, out.Format, out.File, positional)
		if err != nil {
			got = err.Error()
			assert.Nil(t, positional, row.args)
		}
		assert.Equal(t, row.want, got, row.args)
	}
}

func TestParseKeepsCauses(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	flags := jujutext.NewFlags("test", []string{"-x", "1"})
	flags.Func(func(string) error { return cause }, "x")
	_, err := flags.Parse()
	assert.ErrorIs(t, err, cause)

	_, err = jujutext.NewFlags("test", []string{"--help"}).Parse()
	assert.ErrorIs(t, err, jujutext.ErrHelp)
}

func TestOutputFormats(t *testing.T) {
	t.Parallel()
	flags := jujutext.NewFlags("goal-state", []string{"--format=smart"})
	out := flags.Output("yaml", "json")
	assert.Equal(t, jujutext.Output{Format: "yaml"}, *out)
	_, err := flags.Parse()
	assert.EqualError(t, err, `invalid value "smart" for option --format: unknown format "smart"`)
}

func TestUsage(t *testing.T) {
	t.Parallel()
	flags := jujutext.NewFlags("relation-get", nil)
	flags.Bool("app")
	flags.String("r", "relation")
	flags.Int("n")
	flags.Output()
	assert.Equal(t, `usage: relation-get [option ...] [argument ...]
  --app
  -r, --relation VALUE
  -n NUMBER
  --format smart|yaml|json
  -o, --output FILE
`, flags.Usage())
}

func TestDeclaringTwicePanics(t *testing.T) {
	t.Parallel()
	flags := jujutext.NewFlags("juju-log", nil)
	flags.Output()
	assert.PanicsWithValue(t, "jujutext: option --format of juju-log is declared twice; remove one", func() { flags.String("f", "format") })
}

func TestUnrecognized(t *testing.T) {
	t.Parallel()
	assert.NoError(t, jujutext.Unrecognized(nil, 0))
	assert.NoError(t, jujutext.Unrecognized([]string{"a", "b"}, 2))
	assert.EqualError(t, jujutext.Unrecognized([]string{"a", "b", `c"`}, 1), `unrecognized args: ["b" "c\""]`)
}

func TestEveryRecordedCommandIsInTheTable(t *testing.T) {
	t.Parallel()
	known := slices.Collect(maps.Keys(commands))
	known = append(known, "k8s-spec-set", "k8s-raw-set", "k8s-spec-get", "k8s-raw-get", "pod-spec-set", "pod-spec-get",
		"payload-register", "payload-unregister", "payload-status-set") // 3.6 only, no error of flags recorded
	evidence(func(c golden.Case, call golden.Call) {
		assert.Contains(t, known, call.Argv[0], c.Name)
	})
}
