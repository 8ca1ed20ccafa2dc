// SPDX-License-Identifier: Apache-2.0

package charmotel

import (
	"cmp"
	"fmt"
	"path"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/charmsmith/charmsmith/charm"
)

// Options of [Trace]. A nil *Options and zero fields mean the defaults.
type Options struct {
	// Relation is the charm's endpoint of the interface "tracing", which it
	// requires. Default: none, only the controller's collector is used.
	Relation string
	// CACertFile is a file with certificates as PEM, which the certificate of the
	// relation's collector may be signed with, besides those of the system. The
	// charm writes it when it knows them; as long as it is not there, or empty, it
	// does not matter. Relative paths are in the charm's directory.
	CACertFile string
	// Charm is the charm's name, for the attribute "charm". Default: the last
	// element of the main package's path.
	Charm string
	// Timeout is how long the end of a dispatch waits for the collector. Default 2 s.
	Timeout time.Duration
	// Dir is where spans wait for the collector. It is made if it is not there, but
	// not the directory above it. Relative paths are in the charm's directory.
	// Default ".charmsmith-tracing".
	Dir string
	// MaxBytes and MaxAge limit what waits: the oldest spans are dropped.
	// Default 8 MiB and a day.
	MaxBytes int64
	MaxAge   time.Duration
	// LogTraceID logs the trace's ID at DEBUG in each dispatch, for tools such as
	// jhack, which costs one hook command.
	LogTraceID bool
}

const (
	defaultDir      = ".charmsmith-tracing"
	defaultTimeout  = 2 * time.Second
	defaultMaxBytes = 8 << 20
	defaultMaxAge   = 24 * time.Hour
)

// withDefaults returns a copy, with paths in the charm's directory.
func (o *Options) withDefaults(charmDir string) Options {
	var d Options
	if o != nil {
		d = *o
	}
	if d.Timeout < 0 || d.MaxBytes < 0 || d.MaxAge < 0 {
		panic(fmt.Sprintf("charmotel.Trace: a limit is negative: Timeout %v, MaxBytes %d, MaxAge %v", d.Timeout, d.MaxBytes, d.MaxAge))
	}
	d.Timeout = cmp.Or(d.Timeout, defaultTimeout)
	d.MaxBytes = cmp.Or(d.MaxBytes, defaultMaxBytes)
	d.MaxAge = cmp.Or(d.MaxAge, defaultMaxAge)
	d.Dir = inDir(charmDir, cmp.Or(d.Dir, defaultDir))
	if d.CACertFile != "" {
		d.CACertFile = inDir(charmDir, d.CACertFile)
	}
	return d
}

func inDir(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// Trace traces each dispatch of a charm. It is called once, in the function given
// to [charm.Main], before handlers are registered. Without a relation's endpoint,
// and on a controller without a collector, it does nothing. It panics if a limit
// of the options is negative.
func Trace(c *charm.Charm, opts *Options) {
	env := c.Environment()
	o := opts.withDefaults(env.Dir)
	if o.Relation == "" && env.Trace.CollectorHTTP == "" {
		return
	}
	t := &tracing{charm: c, env: env, opts: o, kept: spool{o.Dir, o.MaxBytes, o.MaxAge}}
	c.UseDispatch(t.aroundDispatch)
	c.Use(t.aroundHandler)
	c.ObserveHookCommands(t.hookCommand)
}

// describe returns the resource that the spans are of.
func describe(env charm.Environment, charmName string) *resource.Resource {
	main := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		main = info.Path
	}
	if charmName == "" && main != "" {
		charmName = path.Base(main)
	}
	_, number, _ := strings.Cut(env.Unit, "/")
	return resource.NewSchemaless(
		text("service.namespace", env.ModelUUID),
		text("service.namespace.name", env.ModelName),
		text("service.name", env.Application),
		text("service.instance.id", number),
		text("charm", charmName),
		text("charm_type", main),
		text("juju_model", env.ModelName),
		text("juju_model_uuid", env.ModelUUID),
		text("juju_application", env.Application),
		text("juju_unit", env.Unit),
	)
}

// text returns an attribute that protobuf can hold.
func text(key, value string) attribute.KeyValue {
	return attribute.String(key, valid(value))
}

func valid(s string) string { return strings.ToValidUTF8(s, "\ufffd") }
