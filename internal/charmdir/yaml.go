// SPDX-License-Identifier: Apache-2.0

package charmdir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

const (
	maxText   = 1 << 20 // bytes of a file
	maxValues = 100_000 // of a file, aliases expanded
	maxDepth  = 100
)

// parseText returns the top of a file, with the keys that we read. Parts that
// only others read may have any form.
func parseText(called, name string, text []byte) (*object, error) {
	fields, err := decode(name, text)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", called, err)
	}
	return &object{r: &reader{file: called}, fields: fields}, nil
}

// decode returns the values of a file: map[string]any, []any, string, bool,
// int64, float64 and nil.
func decode(name string, text []byte) (map[string]any, error) {
	if len(text) > maxText {
		return nil, errors.New("it has more than 1 MiB")
	}
	if !utf8.Valid(text) {
		return nil, errors.New("it must be UTF-8")
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var root, second yaml.Node
	if err := decoder.Decode(&root); errors.Is(err, io.EOF) {
		if name == actionsFile {
			return nil, nil // for Juju, no actions
		}
		return nil, errors.New("it is empty")
	} else if err != nil {
		return nil, oneLine(err)
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, errors.New("it must have one YAML document, not several")
	} else if !errors.Is(err, io.EOF) {
		return nil, oneLine(err)
	}

	c := converter{}
	node, err := c.target(root.Content[0])
	if err != nil {
		return nil, err
	}
	if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" && name == actionsFile {
		return nil, nil
	}
	if node.Kind != yaml.MappingNode {
		return nil, errors.New("it must be a map")
	}
	keys, values, err := c.pairs(node, 0)
	if err != nil {
		return nil, err
	}
	fields := make(map[string]any, len(keys))
	for i, key := range keys {
		if known, ok := knownKeys[name]; ok && !slices.Contains(known, key) {
			continue
		}
		value, err := c.value(values[i], 1)
		if err != nil {
			return nil, err
		}
		// Charmcraft packs no key without a value.
		if value != nil || name != charmcraftFile {
			fields[key] = value
		}
	}
	return fields, nil
}

// oneLine returns an error of the YAML parser, whose text may quote the file.
func oneLine(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	return errors.New(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text))
}

// converter makes values of nodes, and counts them: with aliases, a short text
// can mean more values than there is memory.
type converter struct{ values int }

// target returns the node that an alias stands for.
func (c *converter) target(node *yaml.Node) (*yaml.Node, error) {
	if c.values++; c.values > maxValues {
		return nil, fmt.Errorf("it has more than %d values, with aliases expanded", maxValues)
	}
	if node.Kind == yaml.AliasNode {
		return node.Alias, nil
	}
	return node, nil
}

func (c *converter) value(node *yaml.Node, depth int) (any, error) {
	node, err := c.target(node)
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("line %d: it is nested deeper than %d levels", node.Line, maxDepth)
	}
	switch node.Kind {
	case yaml.MappingNode:
		keys, values, err := c.pairs(node, depth)
		if err != nil {
			return nil, err
		}
		m := make(map[string]any, len(keys))
		for i, key := range keys {
			if m[key], err = c.value(values[i], depth+1); err != nil {
				return nil, err
			}
		}
		return m, nil
	case yaml.SequenceNode:
		list := make([]any, len(node.Content))
		for i, item := range node.Content {
			if list[i], err = c.value(item, depth+1); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return scalar(node)
}

// pairs returns the keys of a map, which are different strings, and their
// values, with those of its merge key (<<) last.
func (c *converter) pairs(node *yaml.Node, depth int) (keys []string, values []*yaml.Node, err error) {
	if depth > maxDepth {
		return nil, nil, fmt.Errorf("line %d: it is nested deeper than %d levels", node.Line, maxDepth)
	}
	seen := make(map[string]bool, len(node.Content)/2)
	var merged []*yaml.Node
	for i := 0; i < len(node.Content); i += 2 {
		keyNode, err := c.target(node.Content[i])
		if err != nil {
			return nil, nil, err
		}
		if keyNode.Kind == yaml.ScalarNode && keyNode.ShortTag() == "!!merge" {
			if merged, err = c.merge(merged, node.Content[i+1]); err != nil {
				return nil, nil, err
			}
			continue
		}
		var key any
		if keyNode.Kind == yaml.ScalarNode {
			if key, err = scalar(keyNode); err != nil {
				return nil, nil, err
			}
		}
		name, ok := key.(string)
		if !ok && keyNode.Kind == yaml.ScalarNode {
			return nil, nil, fmt.Errorf("line %d: key %s must be a string: write %q in quotes", keyNode.Line, keyNode.Value, keyNode.Value)
		} else if !ok {
			return nil, nil, fmt.Errorf("line %d: a key must be a string", keyNode.Line)
		}
		if seen[name] {
			return nil, nil, fmt.Errorf("line %d: key %q is there twice", keyNode.Line, name)
		}
		seen[name] = true
		keys = append(keys, name)
		values = append(values, node.Content[i+1])
	}
	for _, from := range merged {
		fromKeys, fromValues, err := c.pairs(from, depth+1)
		if err != nil {
			return nil, nil, err
		}
		for i, key := range fromKeys {
			if !seen[key] {
				seen[key] = true
				keys = append(keys, key)
				values = append(values, fromValues[i])
			}
		}
	}
	return keys, values, nil
}

// merge adds the maps that a merge key has: one, or a list.
func (c *converter) merge(merged []*yaml.Node, from *yaml.Node) ([]*yaml.Node, error) {
	from, err := c.target(from)
	if err != nil {
		return nil, err
	}
	nodes := []*yaml.Node{from}
	if from.Kind == yaml.SequenceNode {
		nodes = from.Content
	}
	for _, node := range nodes {
		if node, err = c.target(node); err != nil {
			return nil, err
		}
		if node.Kind != yaml.MappingNode {
			return nil, fmt.Errorf("line %d: << must have a map or a list of maps", node.Line)
		}
		merged = append(merged, node)
	}
	return merged, nil
}

func scalar(node *yaml.Node) (any, error) {
	switch node.ShortTag() {
	case "!!str":
		const notPlain = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle | yaml.TaggedStyle
		if node.Style&notPlain == 0 {
			switch node.Value {
			case "yes", "Yes", "YES", "on", "On", "ON":
				return true, nil
			case "no", "No", "NO", "off", "Off", "OFF":
				return false, nil
			}
		}
		return node.Value, nil
	case "!!timestamp", "!!merge":
		return node.Value, nil
	case "!!null":
		return nil, nil
	case "!!bool":
		return decoded[bool](node)
	case "!!int":
		if i, err := decoded[int64](node); err == nil {
			return i, nil
		}
		return decoded[float64](node)
	case "!!float":
		return decoded[float64](node)
	}
	return nil, fmt.Errorf("line %d: tag %s is not supported", node.Line, node.ShortTag())
}

func decoded[T any](node *yaml.Node) (any, error) {
	var value T
	if err := node.Decode(&value); err != nil {
		return nil, fmt.Errorf("line %d: %q does not fit its tag %s", node.Line, node.Value, node.ShortTag())
	}
	return value, nil
}
