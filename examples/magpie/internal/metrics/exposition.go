// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"strconv"
	"strings"
	"time"
)

// contentType is that of the text format of Prometheus.
const contentType = "text/plain; version=0.0.4; charset=utf-8"

// family is a metric with all its series.
type family struct {
	name, help string
	samples    []byte
}

// label is a label of a series. A name is a constant, a value any text.
type label struct{ name, value string }

var escapeValue = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// add adds the sample of a series. A label without value is left out, which is
// the same for Prometheus.
func (f *family) add(value float64, labels ...label) {
	f.samples = append(f.samples, f.name...)
	separator := byte('{')
	for _, l := range labels {
		if l.value == "" {
			continue
		}
		f.samples = append(f.samples, separator)
		f.samples = append(f.samples, l.name...)
		f.samples = append(f.samples, `="`...)
		f.samples = append(f.samples, escapeValue.Replace(l.value)...)
		f.samples = append(f.samples, '"')
		separator = ','
	}
	if separator == ',' {
		f.samples = append(f.samples, '}')
	}
	f.samples = append(f.samples, ' ')
	f.samples = strconv.AppendFloat(f.samples, value, 'g', -1, 64)
	f.samples = append(f.samples, '\n')
}

// expose returns the metrics of those runs that are no older than maxAge. A
// clock that was set back makes a run seem to be of the future: that is as bad.
func expose(runs []Run, fileErrors int, now time.Time, maxAge time.Duration) []byte {
	bandwidth := family{name: "magpie_iperf_bandwidth", help: "Throughput to a peer in the last measurement, in bits per second."}
	concurrency := family{name: "magpie_iperf_concurrency", help: "Connections at the same time in the last measurement."}
	ok := family{name: "magpie_check_ok", help: "Whether the last check of a peer has passed (1) or not (0)."}
	timestamp := family{name: "magpie_check_timestamp_seconds", help: "When a check was last run, in seconds since 1970."}
	errors := family{name: "magpie_metrics_file_errors", help: "Whether the results of the checks cannot be read (1) or can (0)."}
	for _, run := range runs {
		if age := now.Sub(run.Time); age > maxAge || age < -maxAge {
			continue
		}
		check, model, src, tag := label{"check", run.Check}, label{"model", run.Model}, label{"src", run.Unit}, label{"tag", run.Tag}
		timestamp.add(float64(run.Time.UnixMilli())/1000, check, model, src, tag)
		for _, peer := range run.Peers {
			dest := label{"dest", peer.Unit}
			value := 0.0
			if peer.OK {
				value = 1
			}
			ok.add(value, check, model, src, dest, tag)
			if t := peer.Throughput; t != nil {
				bandwidth.add(t.BitsPerSecond, model, src, dest, tag)
				concurrency.add(float64(t.Concurrency), model, src, dest, tag)
			}
		}
	}
	errors.add(float64(fileErrors))
	var text []byte
	for _, f := range []family{bandwidth, concurrency, ok, timestamp, errors} {
		if len(f.samples) == 0 {
			continue
		}
		text = append(text, "# HELP "+f.name+" "+f.help+"\n# TYPE "+f.name+" gauge\n"...)
		text = append(text, f.samples...)
	}
	return text
}
