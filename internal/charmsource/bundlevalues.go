// SPDX-License-Identifier: Apache-2.0

package charmsource

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"
)

// readOption returns the value of a config option as Juju reads it: plain yes, no,
// on and off are booleans.
func readOption(dir string, node *yaml.Node) (any, error) {
	node = target(node)
	if node.Kind != yaml.ScalarNode {
		return nil, errors.New("must be a string, a number or a boolean")
	}
	switch node.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!bool":
		return decoded[bool](node)
	case "!!int":
		return decoded[int64](node)
	case "!!float":
		return decoded[float64](node)
	case "!!str", "!!timestamp", "!!merge":
	default:
		return nil, fmt.Errorf("has tag %s, which is not supported", node.ShortTag())
	}
	if node.Style == 0 {
		switch node.Value {
		case "yes", "Yes", "YES", "on", "On", "ON":
			return true, nil
		case "no", "No", "NO", "off", "Off", "OFF":
			return false, nil
		}
	}
	return include(dir, node.Value)
}

// readResource returns a path or an image, and "" for a revision.
func readResource(dir string, node *yaml.Node) (string, error) {
	node = target(node)
	switch {
	case node.Kind == yaml.ScalarNode && node.ShortTag() == "!!int":
		return "", nil
	case node.Kind != yaml.ScalarNode || node.ShortTag() != "!!str" || node.Value == "":
		return "", errors.New("must be a revision, a path or an image")
	case strings.HasPrefix(node.Value, ".") || filepath.IsAbs(node.Value):
		return within(dir, node.Value), nil
	}
	return node.Value, nil
}

func decoded[T any](node *yaml.Node) (any, error) {
	var value T
	if err := node.Decode(&value); err != nil {
		return nil, fmt.Errorf("has %q, which does not fit its tag %s", node.Value, node.ShortTag())
	}
	return value, nil
}

// include returns a string, or the file that it names.
func include(dir, value string) (string, error) {
	file, isText := strings.CutPrefix(value, "include-file://")
	if !isText {
		var isBase64 bool
		if file, isBase64 = strings.CutPrefix(value, "include-base64://"); !isBase64 {
			return value, nil
		}
	}
	text, err := readText(within(dir, file))
	if err != nil {
		return "", fmt.Errorf("includes %q: %w", within(dir, file), err)
	}
	if isText {
		return string(text), nil
	}
	return base64.StdEncoding.EncodeToString(text), nil
}

// readRelations reads pairs of endpoints. As in old bundles, each side may be a
// list, of which every one is related to every one of the other.
func readRelations(node *yaml.Node, applications map[string]yaml.Node) ([][2]string, error) {
	if node.IsZero() || target(node).ShortTag() == "!!null" {
		return nil, nil
	}
	var content [][]yaml.Node
	if err := node.Decode(&content); err != nil {
		return nil, fmt.Errorf("relations must be a list of pairs: %w", oneLine(err))
	}
	var relations [][2]string
	for i, pair := range content {
		if len(pair) != 2 {
			return nil, fmt.Errorf(`relation %d must be a pair, such as [web, "db:sql"], not a list of %d`, i+1, len(pair))
		}
		var sides [2][]string
		for side := range sides {
			endpoints, err := readEndpoints(&pair[side], applications)
			if err != nil {
				return nil, fmt.Errorf("relation %d: %w", i+1, err)
			}
			sides[side] = endpoints
		}
		for _, a := range sides[0] {
			for _, b := range sides[1] {
				if len(relations) == maxRelations {
					return nil, fmt.Errorf("it has more than %d relations", maxRelations)
				}
				relations = append(relations, [2]string{a, b})
			}
		}
	}
	return relations, nil
}

const maxRelations = 10_000

func readEndpoints(node *yaml.Node, applications map[string]yaml.Node) ([]string, error) {
	var endpoints []string
	if target(node).Kind != yaml.SequenceNode {
		endpoints = []string{""}
		if err := node.Decode(&endpoints[0]); err != nil {
			return nil, fmt.Errorf(`each side must be an application or "application:endpoint": %w`, oneLine(err))
		}
	} else if err := node.Decode(&endpoints); err != nil {
		return nil, fmt.Errorf(`each side must be an application or "application:endpoint": %w`, oneLine(err))
	}
	for _, text := range endpoints {
		application, endpoint, ok := strings.Cut(text, ":")
		if _, known := applications[application]; !known {
			return nil, fmt.Errorf("%q is of no application of the bundle", text)
		}
		if ok && endpoint == "" {
			return nil, fmt.Errorf("%q names no endpoint after its colon", text)
		}
	}
	return endpoints, nil
}
