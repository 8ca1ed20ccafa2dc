// SPDX-License-Identifier: Apache-2.0

package charmdir

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Packed returns the files of the charm as a packed charm has them: metadata.yaml,
// config.yaml and actions.yaml. Those that are there stay as they are, and share
// their text with files; the others are made of charmcraft.yaml, as charmcraft
// makes them. Config and Actions are nil if there is nothing for them, and
// Charmcraft always is.
//
// Of charmcraft.yaml, metadata.yaml gets the keys that [Parse] reads, title as
// display-name, and of links documentation as docs, contact as maintainers, and
// issues, source and website as they are. Keys keep their order, and scalars their
// style; aliases and merge keys are expanded, and comments are lost.
//
// What Parse reads from the result is what it reads from files. The error is that
// of Parse, or names the file that would have more text than Parse takes.
func Packed(files Files) (Files, error) {
	if _, err := Parse(files); err != nil {
		return Files{}, err
	}
	packed := files
	packed.Charmcraft = nil
	if files.Charmcraft == nil {
		return packed, nil
	}
	parts, err := split(files.Charmcraft)
	if err != nil {
		return Files{}, fmt.Errorf("cannot split %s: %w", charmcraftFile, err)
	}
	for _, file := range []struct {
		name string
		part *yaml.Node
		text *[]byte
	}{
		{metadataFile, parts.metadata, &packed.Metadata},
		{configFile, parts.config, &packed.Config},
		{actionsFile, parts.actions, &packed.Actions},
	} {
		if *file.text != nil || file.part == nil || len(file.part.Content) == 0 {
			continue
		}
		if *file.text, err = encode(file.part); err != nil {
			return Files{}, fmt.Errorf("cannot split %s: %s %w", charmcraftFile, file.name, err)
		}
	}
	return packed, nil
}

// parts are the maps of charmcraft.yaml that become files; nil means none.
type parts struct{ metadata, config, actions *yaml.Node }

func (p *parts) add(key string, value *yaml.Node) {
	if p.metadata == nil {
		p.metadata = &yaml.Node{Kind: yaml.MappingNode}
	}
	p.metadata.Content = append(p.metadata.Content, textNode(key), value)
}

func split(text []byte) (*parts, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, oneLine(err)
	}
	s := splitter{}
	keys, values, err := s.c.pairs(document.Content[0], 0)
	if err != nil {
		return nil, err
	}
	p := &parts{}
	for i, key := range keys {
		switch {
		case key == "title":
			if title, _ := linkNodes(values[i]); len(title) == 1 {
				p.add("display-name", title[0])
			}
			continue
		case key == "links":
			p.addLinks(values[i])
			continue
		case key != "config" && key != "actions" && !slices.Contains(metadataKeys, key):
			continue // it may have any form
		}
		value, err := s.clone(values[i])
		if err != nil {
			return nil, err
		}
		switch {
		case value.Kind == yaml.ScalarNode && value.ShortTag() == "!!null":
		case key == "config":
			// Juju takes a config.yaml without options for a mistake.
			for i := 0; i < len(value.Content); i += 2 {
				if value.Content[i].Value == "options" && value.Content[i+1].Kind == yaml.MappingNode {
					p.config = value
				}
			}
		case key == "actions":
			p.actions = value
		default:
			p.add(key, value)
		}
	}
	return p, nil
}

// addLinks adds the links that are strings or lists of them; Juju reads none.
func (p *parts) addLinks(links *yaml.Node) {
	c := converter{}
	links, _ = c.target(links)
	if links.Kind != yaml.MappingNode {
		return
	}
	keys, values, err := c.pairs(links, 0)
	if err != nil {
		return
	}
	for i, key := range keys {
		nodes, isList := linkNodes(values[i])
		if len(nodes) == 0 {
			continue
		}
		switch key {
		case "documentation":
			key = "docs"
		case "contact":
			key, isList = "maintainers", true
		case "issues", "source", "website":
		default:
			continue
		}
		if isList {
			p.add(key, &yaml.Node{Kind: yaml.SequenceNode, Content: nodes})
		} else {
			p.add(key, nodes[0])
		}
	}
}

// linkNodes returns the strings of a value that is one or a list of them, and
// whether it is a list.
func linkNodes(value *yaml.Node) (nodes []*yaml.Node, isList bool) {
	s := splitter{}
	value, _ = s.c.target(value)
	items := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		items = value.Content
	}
	for _, item := range items {
		item, err := s.c.target(item)
		if err != nil || item.Kind != yaml.ScalarNode || item.ShortTag() != "!!str" {
			return nil, false
		}
		clone, err := s.clone(item)
		if err != nil {
			return nil, false
		}
		nodes = append(nodes, clone)
	}
	return nodes, value.Kind == yaml.SequenceNode
}

// splitter copies what Parse has read, so that there are no cycles.
type splitter struct {
	c     converter
	bytes int // of the scalars so far
}

// clone returns a copy without anchors, aliases, merge keys, tags of maps and
// lists, and comments.
func (s *splitter) clone(node *yaml.Node) (*yaml.Node, error) {
	node, err := s.c.target(node)
	if err != nil {
		return nil, err
	}
	if s.bytes += len(node.Value); s.bytes > maxText {
		return nil, errTooLong
	}
	clone := &yaml.Node{Kind: node.Kind, Style: node.Style & yaml.FlowStyle}
	switch node.Kind {
	case yaml.MappingNode:
		keys, values, err := s.c.pairs(node, 0)
		if err != nil {
			return nil, err
		}
		for i, key := range keys {
			s.bytes += len(key)
			value, err := s.clone(values[i])
			if err != nil {
				return nil, err
			}
			clone.Content = append(clone.Content, textNode(key), value)
		}
	case yaml.SequenceNode:
		for _, item := range node.Content {
			item, err := s.clone(item)
			if err != nil {
				return nil, err
			}
			clone.Content = append(clone.Content, item)
		}
	default:
		return cloneScalar(node)
	}
	return clone, nil
}

// cloneScalar returns a scalar that is read as node is, wherever it stands.
func cloneScalar(node *yaml.Node) (*yaml.Node, error) {
	value, err := scalar(node)
	if err != nil {
		return nil, err
	}
	const plain = yaml.Style(0)
	clone := &yaml.Node{Kind: yaml.ScalarNode, Style: node.Style &^ yaml.TaggedStyle, Value: node.Value}
	switch value := value.(type) {
	case string:
		if clone.Style == plain {
			clone = plainOrQuoted(value)
		}
		for _, style := range []yaml.Style{yaml.LiteralStyle, yaml.DoubleQuotedStyle} {
			if strings.ContainsAny(value, lineEnds) && !survives(clone) {
				clone.Style = style
			}
		}
		return clone, nil
	case nil:
		clone.Value = "null" // nothing would be '' in a flow
	case bool:
		if node.Style != plain {
			clone.Value = strconv.FormatBool(value)
		}
	case int64:
		if node.Style != plain {
			clone.Value = strconv.FormatInt(value, 10)
		}
	case float64:
		if node.Style != plain {
			clone.Tag, clone.Value = "!!float", strconv.FormatFloat(value, 'g', -1, 64)
			if math.IsInf(value, 0) || math.IsNaN(value) {
				clone.Value = map[string]string{"+Inf": ".inf", "-Inf": "-.inf", "NaN": ".nan"}[clone.Value]
			}
		}
	}
	clone.Style = plain
	return clone, nil
}

// textNode returns a string as a key.
func textNode(text string) *yaml.Node { return plainOrQuoted(text) }

// plainOrQuoted returns a string, in quotes if it would mean something else
// without.
func plainOrQuoted(text string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	if value, err := scalar(node); err != nil || value != text || text == "<<" {
		node.Tag, node.Style = "!!str", yaml.DoubleQuotedStyle
	}
	return node
}

// survives reports whether the encoder keeps a string of several lines: it loses
// line ends of some folded and literal ones.
func survives(node *yaml.Node) bool {
	text, err := yaml.Marshal([]any{node, map[string]any{"in": node}})
	if err != nil {
		return false
	}
	var got []yaml.Node
	if yaml.Unmarshal(text, &got) != nil || len(got) != 2 || got[1].Kind != yaml.MappingNode {
		return false
	}
	return got[0].Value == node.Value && got[1].Content[1].Value == node.Value
}

// lineEnds are the line ends of YAML.
const lineEnds = "\n\r\u0085\u2028\u2029"

var errTooLong = errors.New("would have more than 1 MiB, with aliases expanded")

func encode(node *yaml.Node) ([]byte, error) {
	node.Style = 0 // a map of its own
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(node); err != nil {
		return nil, fmt.Errorf("cannot be written: %w", oneLine(err))
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("cannot be written: %w", oneLine(err))
	}
	if text.Len() > maxText {
		return nil, errTooLong
	}
	return text.Bytes(), nil
}
