// SPDX-License-Identifier: Apache-2.0

// Package metrics keeps the results of a unit's checks where a scraper finds
// them. A hook or an action records what a check has found:
//
//	err := metrics.Record(path, metrics.Run{
//		Check: metrics.Iperf, Tag: "default", Model: "network", Unit: "magpie/0", Time: time.Now(),
//		Peers: []metrics.Peer{{Unit: "magpie/1", OK: true, Throughput: &metrics.Throughput{BitsPerSecond: 9.4e9, Concurrency: 8}}},
//	})
//
// and a process that runs all the time serves the file, at any time:
//
//	listener, err := net.Listen("tcp", "10.0.0.2:8088")
//	…
//	err = metrics.Serve(ctx, listener, metrics.Handler(path, nil))
//
// so that a result is seen however seldom a scraper looks, and however short
// the action was.
//
// # The metrics
//
// All are gauges. The labels src and dest are the names of units.
//
//	magpie_iperf_bandwidth{model,src,dest,tag}           bits per second
//	magpie_iperf_concurrency{model,src,dest,tag}         connections at the same time
//	magpie_check_ok{check,model,src,dest,tag}            1 if the check of that peer has passed, else 0
//	magpie_check_timestamp_seconds{check,model,src,tag}  when the check was last run
//	magpie_metrics_file_errors                           1 if the file cannot be read, else 0
//
// The first four are those of the last run of each check and tag: a run replaces
// all that the one before has left, and [Forget] removes peers that are gone. A run is served
// for an hour, unless [Options] say otherwise: nobody shall take a measurement of
// yesterday for the bandwidth of today.
//
// The package also has the Grafana dashboard and the Prometheus alert rules that
// belong to these metrics.
package metrics
