// SPDX-License-Identifier: Apache-2.0

package jujutext

import (
	"bytes"
	"encoding/json"

	"gopkg.in/yaml.v2"
)

// ReadStrings reads a map of strings from YAML, of which JSON is a part, as
// relation-set --file, state-set --file and secret-add --file do.
//
// Scalars keep their text (1.50 is "1.50", true is "true"; !!binary is
// decoded), null is "". Of a key that is there twice the last one counts. No
// input is an empty map; the map is not nil. Lists, maps and what is no map at
// all are errors with the text that Juju prints after "ERROR "; what is no YAML
// is an error too, now and then with other words than Juju's older reader has.
// Only the first document counts.
//
// Input of any kind is safe: depth and the expansion of aliases are limited.
// How long it may be is for the caller to limit.
func ReadStrings(data []byte) (map[string]string, error) {
	if read, ok := readJSON(data); ok {
		return read, nil
	}
	read := make(map[string]string)
	if err := yaml.Unmarshal(data, read); err != nil {
		return nil, err
	}
	return read, nil
}

// readJSON reads what most programs send, several times as fast as YAML: an object
// of strings on one line in printable ASCII, for which JSON and YAML agree.
func readJSON(data []byte) (map[string]string, bool) {
	line := bytes.TrimSuffix(data, []byte("\n"))
	if !bytes.HasPrefix(line, []byte("{")) {
		return nil, false
	}
	// Juju's YAML knows no surrogates and not that escape.
	if bytes.Contains(line, []byte(`\u`)) || bytes.Contains(line, []byte(`\/`)) {
		return nil, false
	}
	for _, c := range line {
		if c < ' ' || c > '~' {
			return nil, false
		}
	}
	read := make(map[string]string)
	if json.Unmarshal(line, &read) != nil {
		return nil, false
	}
	for key := range read {
		if len(key) > 500 { // YAML gives up on a key of 1024 characters, escapes counted as written
			return nil, false
		}
	}
	return read, true
}
