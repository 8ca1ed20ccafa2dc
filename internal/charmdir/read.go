// SPDX-License-Identifier: Apache-2.0

package charmdir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	charmcraftFile = "charmcraft.yaml"
	metadataFile   = "metadata.yaml"
	configFile     = "config.yaml"
	actionsFile    = "actions.yaml"
)

// Files is the text of the files with a charm's metadata. Nil means that there
// is no such file; an empty file is not nil.
type Files struct {
	Charmcraft []byte // charmcraft.yaml
	Metadata   []byte // metadata.yaml
	Config     []byte // config.yaml
	Actions    []byte // actions.yaml
}

// Parse returns the metadata of the charm with these files, of which
// charmcraft.yaml or metadata.yaml must be there.
func Parse(files Files) (*Charm, error) {
	return parse(files, func(name string) string { return name })
}

// Read returns the metadata of the charm in a directory, such as os.DirFS.
func Read(fsys fs.FS) (*Charm, error) {
	return read(fsys, func(name string) string { return name })
}

// ReadDir returns the metadata of the charm in dir. Its errors name the files
// with dir.
func ReadDir(dir string) (*Charm, error) {
	return read(os.DirFS(dir), func(name string) string { return filepath.Join(dir, name) })
}

// read reads the files that are there. called says how errors call a file.
func read(fsys fs.FS, called func(name string) string) (*Charm, error) {
	var files Files
	for _, file := range []struct {
		name string
		text *[]byte
	}{
		{charmcraftFile, &files.Charmcraft},
		{metadataFile, &files.Metadata},
		{configFile, &files.Config},
		{actionsFile, &files.Actions},
	} {
		text, err := readFile(fsys, file.name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("cannot read %s: %w", called(file.name), cause(err))
		}
		*file.text = text
	}
	return parse(files, called)
}

func readFile(fsys fs.FS, name string) ([]byte, error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxText+1)) // never nil without an error
}

// cause returns what is wrong with a file, without its name.
func cause(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}

func parse(files Files, called func(name string) string) (*Charm, error) {
	var charmcraft, metadata, config, actions *object
	for _, file := range []struct {
		name string
		text []byte
		root **object
	}{
		{charmcraftFile, files.Charmcraft, &charmcraft},
		{metadataFile, files.Metadata, &metadata},
		{configFile, files.Config, &config},
		{actionsFile, files.Actions, &actions},
	} {
		if file.text == nil {
			continue
		}
		root, err := parseText(called(file.name), file.name, file.text)
		if err != nil {
			return nil, err
		}
		*file.root = root
	}
	if charmcraft == nil && metadata == nil {
		return nil, fmt.Errorf("cannot read charm: no %s or %s: %w", called(charmcraftFile), called(metadataFile), fs.ErrNotExist)
	}

	c := &Charm{}
	if charmcraft != nil {
		checkCharmcraft(charmcraft, metadata != nil, config != nil, actions != nil)
		if metadata == nil {
			metadata = charmcraft
		}
		if config == nil && charmcraft.has("config") {
			config = charmcraft.object("config", "config.")
		}
		if actions == nil && charmcraft.has("actions") {
			actions = charmcraft.object("actions", "actions.")
		}
		if charmcraft.failed() {
			return nil, charmcraft.err()
		}
	}
	c.readMetadata(metadata)
	if metadata.failed() {
		return nil, metadata.err()
	}
	if config != nil {
		if c.readConfig(config); config.failed() {
			return nil, config.err()
		}
	}
	if actions != nil {
		if c.readActions(actions); actions.failed() {
			return nil, actions.err()
		}
	}
	return c, nil
}

// checkCharmcraft checks what is charmcraft's own, and that nothing is in two
// files, of which charmcraft would pack one.
func checkCharmcraft(o *object, metadata, config, actions bool) {
	o.oneOf("type", "", "charm")
	if metadata {
		for _, key := range metadataKeys {
			if o.has(key) {
				o.failf("%s must be in %s, with the rest of the metadata; or move all of it here", key, metadataFile)
			}
		}
	}
	if config && o.has("config") {
		o.failf("config is in %s too; keep one of them", configFile)
	}
	if actions && o.has("actions") {
		o.failf("actions is in %s too; keep one of them", actionsFile)
	}
}
