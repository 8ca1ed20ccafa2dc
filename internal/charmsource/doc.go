// SPDX-License-Identifier: Apache-2.0

// Package charmsource makes of a charm what Juju would unpack, so that it can be
// run:
//
//	source, err := charmsource.Open("./magpie") // or magpie_amd64.charm
//	…
//	charm, err := source.Stage(ctx, staged)
//	…
//	manifest, err := charmsource.Copy(ctx, staged, unitDir, nil) // for each unit
//
// A charm directory is taken as charmcraft would pack it: metadata.yaml,
// config.yaml and actions.yaml may be made of charmcraft.yaml, and the program may
// have to be built. Of these the first that is there is the charm's program:
//
//  1. dispatch, an executable in any language;
//  2. hooks, a directory with a file that has the name of a hook;
//  3. a Go main package in the directory itself, built with go build;
//  4. src/charm.py, which gets a dispatch that runs it.
//
// A .charm has one of the first two. A bundle ([ReadBundle]) names several charms.
//
// # What is copied
//
// Of a directory, all but version control (.git, .bzr, .hg, .svn), __pycache__,
// .tox, .venv, and in the directory itself charmcraft.yaml and .charm files; of a
// Go charm neither .go files, go.mod, go.sum, go.work, testdata, nor its vendor
// directory. Permission bits stay, as far as the umask allows and with what the
// owner needs to read a copy; so do modification times. Symlinks within the charm
// are copied as links; in place of one that leads out of it, what it leads to is
// copied, as charmcraft does. In a .charm such links are refused, as by Juju.
// Whatever else is no file or directory is refused.
//
// # Errors
//
// An error is of one line and names the path, the cause and mostly the fix; only
// what go build says of code that does not compile follows it on lines of its own.
package charmsource
