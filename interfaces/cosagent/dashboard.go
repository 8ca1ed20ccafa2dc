// SPDX-License-Identifier: Apache-2.0

package cosagent

import (
	"bytes"
	"crypto/sha3"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// dashboards returns the dashboards as they are sent.
func (f folder) dashboards(t topology) ([]string, error) {
	encoded := []string{}
	err := f.each([]string{".json"}, func(name, _ string, content []byte) error {
		dashboard, err := withOrigin(name, content, t)
		if err != nil {
			return fmt.Errorf("cannot use dashboard %q: %w", name, err)
		}
		encoded = append(encoded, base64.StdEncoding.EncodeToString(storeXZ(dashboard)))
		return nil
	})
	return encoded, err
}

// withOrigin returns a dashboard with a uid that no other file of any charm has, and
// with the charm as a tag. Everything else stays as it is.
func withOrigin(name string, content []byte, t topology) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(content))
	d.UseNumber()
	var dashboard map[string]any
	if err := d.Decode(&dashboard); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, errors.New("there is more than one JSON value")
	}
	if dashboard == nil {
		return nil, errors.New("it is null")
	}
	tags, err := tagsOf(dashboard)
	if err != nil {
		return nil, err
	}
	owner := t.application
	if t.charm != "" {
		owner = t.charm
		if !hasCharmTag(tags) {
			tags = append(tags, "charm: "+t.charm)
		}
	}
	dashboard["tags"] = tags
	dashboard["uid"] = dashboardUID(owner, name)
	return marshal(dashboard)
}

// dashboardUID is the published library's: 40 characters, the most that Grafana
// takes.
func dashboardUID(owner, path string) string {
	return hex.EncodeToString(sha3.SumSHAKE256([]byte(owner+"-"+path), 20))
}

func tagsOf(dashboard map[string]any) ([]any, error) {
	switch tags := dashboard["tags"].(type) {
	case nil:
		return []any{}, nil
	case []any:
		for _, tag := range tags {
			if _, ok := tag.(string); !ok {
				return nil, errors.New(`"tags" has something that is no string`)
			}
		}
		return tags, nil
	default:
		return nil, errors.New(`"tags" is no list`)
	}
}

func hasCharmTag(tags []any) bool {
	for _, tag := range tags {
		if strings.HasPrefix(tag.(string), "charm: ") {
			return true
		}
	}
	return false
}
