// SPDX-License-Identifier: Apache-2.0

// Package desk is a Juju on a desk: a model in memory (package juju) whose
// charms run as real processes (package process), told what to do by script
// lines, which are the juju client's own:
//
//	d, err := desk.New(&desk.Options{Out: os.Stdout})
//	…
//	defer d.Close()
//	err = d.Deploy(ctx, desk.Deployment{Path: "./mycharm", Units: 3})
//	…
//	line, err := desk.Parse("expect mycharm active")
//	…
//	err = d.Do(ctx, line)
//
// Hooks run in the background all the time, of several units at once. A hook
// that fails is retried a few times without waiting, and then waits in error for
// a "resolve".
package desk
