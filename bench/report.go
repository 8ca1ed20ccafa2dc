// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"time"
)

// What examples/hello is not to exceed, in bytes.
const (
	sizeAim = 3_000_000
	peakAim = 4_500_000
)

// report prints the table of one number of peers.
func report(w io.Writer, peers int, results map[*program]*result) {
	fmt.Fprintf(w, "## %d peers\n\n", peers)
	fmt.Fprintln(w, "| program | runs | median | p90 | to the floor | to its base | aim | processor | calls | size | peak memory |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|---|--:|--:|--:|--:|")
	for _, p := range compared {
		r := results[p]
		base, aim := "", ""
		if p.base != nil {
			ratio := ratio(r, results[p.base])
			base = fmt.Sprintf("%.3f×", ratio)
			aim = fmt.Sprintf("≤ %.2f× %s", p.aim, verdict(ratio <= p.aim))
		}
		fmt.Fprintf(w, "| %s | %d | %s | %s | %.2f× | %s | %s | %s | %d | %s | %s |\n",
			p.name, len(r.walls), milliseconds(quantile(r.walls, 0.5)), milliseconds(quantile(r.walls, 0.9)),
			ratio(r, results[floor]), base, aim, milliseconds(quantile(r.cpus, 0.5)),
			r.calls, megabytes(p.size), megabytes(quantile(r.peaks, 0.5)))
	}
	fmt.Fprintln(w)
}

// reportHello prints what examples/hello takes.
func reportHello(w io.Writer, peers int, peak int64) {
	fmt.Fprintf(w, "- hello, static and stripped: %s, aim ≤ %s %s\n",
		megabytes(hello.size), megabytes(int64(sizeAim)), verdict(hello.size <= sizeAim))
	fmt.Fprintf(w, "- hello, peak memory with %d peers: %s, aim ≤ %s %s\n",
		peers, megabytes(peak), megabytes(int64(peakAim)), verdict(peak <= peakAim))
}

// ratio compares medians.
func ratio(r, base *result) float64 {
	return float64(quantile(r.walls, 0.5)) / float64(quantile(base.walls, 0.5))
}

func verdict(ok bool) string {
	if ok {
		return "(met)"
	}
	return "(MISSED)"
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}

// megabytes are millions of bytes.
func megabytes(n int64) string { return fmt.Sprintf("%.2f MB", float64(n)/1e6) }
