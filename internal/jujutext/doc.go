// SPDX-License-Identifier: Apache-2.0

// Package jujutext reads the arguments of hook commands and prints their
// results as Juju does, byte for byte: what a charm sees of relation-get,
// written in whatever language the charm is.
//
//	flags := jujutext.NewFlags("relation-get", args)
//	app, out := flags.Bool("app"), flags.Output()
//	positional, err := flags.Parse()
//	…
//	text, err := jujutext.Format(out.Format, bag)
//
// An error of [Flags.Parse] or [Unrecognized] is one of usage: Juju prints
// "ERROR " and its text, and exits with code 2. Nothing here touches files,
// the environment or global state; a value of this package is for one
// goroutine, different values may be used at once.
package jujutext
