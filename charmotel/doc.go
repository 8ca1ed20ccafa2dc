// SPDX-License-Identifier: Apache-2.0

// Package charmotel traces a charm: it tells an OpenTelemetry collector what each
// dispatch did, and how long it took.
//
//	func register(c *charm.Charm) {
//		charmotel.Trace(c, &charmotel.Options{Relation: "tracing"})
//		charm.On(c, install)
//	}
//
// # Spans
//
// A dispatch is a trace, or part of the unit agent's if that is tracing and has
// sampled it. Its spans are the dispatch, named after the event as "db_relation_joined"
// or "backup_action"; in it each call of a handler, "EVENT: HANDLER"; in those
// each hook command by its name, but for juju-log. The context of a handler has
// the handler's span: a charm adds spans of its own with
//
//	tracer := trace.SpanFromContext(ctx).TracerProvider().Tracer("my-charm")
//	ctx, span := tracer.Start(ctx, "restart the workload")
//	defer span.End()
//
// The resource has the attributes that charms in Python have: service.namespace,
// service.namespace.name, service.name, service.instance.id, charm, charm_type
// (here the path of the main package), juju_model, juju_model_uuid,
// juju_application and juju_unit.
//
// # What is not told
//
// No span has arguments or answers of hook commands, nor the text of an error:
// they can be secrets. Errors are told by their Go types, the hook command, its
// exit code, and the condition, such as "not leader", if it is one of package
// hookcmd. That holds for the charm's own spans too: of what RecordError and
// SetStatus are given only the type and the code are sent. Their attributes are
// sent as they are.
//
// # Collectors
//
// The collector is the one of the tracing relation, if there is one that takes
// OTLP over HTTP; else the one that the controller tells its charms of, which
// Juju 4 can. Without either, nothing is traced. The collector of the relation is
// asked for when the relation changes, and kept in a file: other dispatches run no
// hook command for it.
//
// Spans are sent at the end of the dispatch, which is delayed by 2 seconds at
// most. They wait in the charm's directory until the collector has them: if it is
// away, or there is no relation yet, they are sent by later dispatches, the oldest
// first. That tracing does not work is logged as a warning, once until it works
// again; it never makes a dispatch fail. Proxies are not used.
package charmotel
