// SPDX-License-Identifier: Apache-2.0

package charmsource

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"
)

// Bundle is a Juju bundle of local charms.
type Bundle struct {
	Applications []BundleApplication // in the order of the file
	Relations    [][2]string         // "app" or "app:endpoint"; both are of Applications
}

// BundleApplication is an application of a bundle.
type BundleApplication struct {
	Name  string
	Charm string // absolute path of a directory or a .charm file; it may not exist
	Units int    // num_units or scale; 0, as for Juju, if the file has neither

	// Options are strings, bools, int64s, float64s and nils, by the name of the
	// config option. Nil means none. What include-file:// and include-base64://
	// name is included.
	Options map[string]any

	// Resources are, by name, absolute paths of files, for values that begin with
	// "." or "/", and other strings, such as of images, as they are. Revisions are
	// left out. Nil means none.
	Resources map[string]string

	Trust bool
}

// IsBundle reports whether path is named as a YAML file, and is no directory.
func IsBundle(path string) bool {
	if ext := filepath.Ext(path); ext != ".yaml" && ext != ".yml" {
		return false
	}
	info, err := os.Stat(path)
	return err != nil || !info.IsDir()
}

// ReadBundle reads a bundle, whose charms must be local: paths that begin with "."
// or "/", or end in ".charm", from the bundle's directory. Keys that mean nothing
// without machines or a controller are ignored. Overlays, further documents in
// file, are refused.
func ReadBundle(file string) (*Bundle, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read bundle %q: %w", file, err)
	}
	bundle, err := readBundle(abs)
	if err != nil {
		return nil, fmt.Errorf("cannot read bundle %q: %w", abs, err)
	}
	return bundle, nil
}

var applicationName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*$`)

func readBundle(file string) (*Bundle, error) {
	text, err := readText(file)
	if err != nil {
		return nil, err
	}
	var root, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&root); errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty")
	} else if err != nil {
		return nil, oneLine(err)
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, errors.New("it has several YAML documents; overlays are not supported")
	} else if !errors.Is(err, io.EOF) {
		return nil, oneLine(err)
	}

	_, keys, err := inOrder(root.Content[0])
	if err != nil {
		return nil, fmt.Errorf("it %w", err)
	}
	list, relationList := keys["applications"], keys["relations"]
	names, applications, err := inOrder(&list)
	if err != nil {
		return nil, fmt.Errorf("applications %w", err)
	}
	if len(names) == 0 {
		err := "it has no applications"
		if base := filepath.Base(file); base == "charmcraft.yaml" || base == "metadata.yaml" {
			err += "; to run the charm, name its directory"
		}
		return nil, errors.New(err)
	}
	bundle := &Bundle{}
	for _, name := range names {
		if !applicationName.MatchString(name) {
			return nil, fmt.Errorf("application %q: name must match %s", name, applicationName)
		}
		application, err := readApplication(filepath.Dir(file), applications[name])
		if err != nil {
			return nil, fmt.Errorf("application %q: %w", name, err)
		}
		application.Name = name
		bundle.Applications = append(bundle.Applications, application)
	}
	if bundle.Relations, err = readRelations(&relationList, applications); err != nil {
		return nil, err
	}
	return bundle, nil
}

func readText(file string) ([]byte, error) {
	// A pipe has no end to wait for.
	if info, err := os.Stat(file); err != nil {
		return nil, cause(err)
	} else if !info.Mode().IsRegular() {
		return nil, errors.New("it must be a file")
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxText))
	if err != nil {
		return nil, cause(err)
	}
	if len(text) == maxText {
		return nil, errors.New("it has more than 1 MiB")
	}
	return text, nil
}

// inOrder returns the keys of a map, those that it merges last, and their values.
func inOrder(node *yaml.Node) (names []string, values map[string]yaml.Node, err error) {
	if node = target(node); node.IsZero() || node.ShortTag() == "!!null" {
		return nil, nil, nil
	}
	if node.Kind != yaml.MappingNode {
		return nil, nil, errors.New("must be a map")
	}
	if err := node.Decode(&values); err != nil {
		return nil, nil, fmt.Errorf("must be a good map: %w", oneLine(err))
	}
	left := make(map[string]bool, len(values))
	for name := range values {
		left[name] = true
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if name := target(node.Content[i]).Value; left[name] {
			names = append(names, name)
			delete(left, name)
		}
	}
	merged := len(names)
	for name := range left {
		names = append(names, name)
	}
	slices.Sort(names[merged:])
	return names, values, nil
}

// target returns what an alias stands for.
func target(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

func readApplication(dir string, node yaml.Node) (BundleApplication, error) {
	var content struct {
		Charm     string
		NumUnits  int `yaml:"num_units"`
		Scale     int
		Trust     bool
		Options   yaml.Node
		Resources yaml.Node
	}
	a := BundleApplication{}
	if target(&node).Kind != yaml.MappingNode {
		return a, errors.New(`it must be a map, such as {charm: ./magpie, num_units: 3}`)
	}
	if err := node.Decode(&content); err != nil {
		return a, oneLine(err)
	}
	switch charm := content.Charm; {
	case charm == "":
		return a, errors.New(`charm is missing; it must be the path of a local charm, such as "./magpie"`)
	case strings.HasPrefix(charm, ".") || filepath.IsAbs(charm) || strings.HasSuffix(charm, ".charm"):
		a.Charm = within(dir, charm)
	default:
		_, name, store := strings.Cut(charm, ":")
		if !store {
			name = charm
		}
		return a, fmt.Errorf(`charm must be the path of a local charm, such as "./%s", not %q`, filepath.Base(name), charm)
	}
	switch {
	case content.NumUnits < 0 || content.Scale < 0:
		return a, errors.New("num_units and scale must not be negative")
	case content.NumUnits > 0 && content.Scale > 0:
		return a, errors.New("it must have num_units or scale, not both")
	}
	a.Units = content.NumUnits + content.Scale
	a.Trust = content.Trust
	names, options, err := inOrder(&content.Options)
	if err != nil {
		return a, fmt.Errorf("options %w", err)
	}
	for _, name := range names {
		node := options[name]
		value, err := readOption(dir, &node)
		if err != nil {
			return a, fmt.Errorf("option %q %w", name, err)
		}
		if a.Options == nil {
			a.Options = make(map[string]any)
		}
		a.Options[name] = value
	}
	names, resources, err := inOrder(&content.Resources)
	if err != nil {
		return a, fmt.Errorf("resources %w", err)
	}
	for _, name := range names {
		node := resources[name]
		text, err := readResource(dir, &node)
		if err != nil {
			return a, fmt.Errorf("resource %q %w", name, err)
		}
		if text == "" {
			continue
		}
		if a.Resources == nil {
			a.Resources = make(map[string]string)
		}
		a.Resources[name] = text
	}
	return a, nil
}

func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// oneLine returns an error of the YAML parser, whose text may quote the file, in
// one line.
func oneLine(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if typeErr, ok := errors.AsType[*yaml.TypeError](err); ok && len(typeErr.Errors) > 0 {
		text = typeErr.Errors[0]
	}
	return errors.New(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text))
}
