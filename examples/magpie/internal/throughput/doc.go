// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Package throughput measures how much TCP moves between two units.
//
//	// on one unit
//	l, err := net.Listen("tcp", "10.0.0.2:5001")
//	…
//	err = throughput.Serve(ctx, []net.Listener{l}, nil)
//
//	// on another
//	runs, err := throughput.Measure(ctx, []throughput.Target{{Node: "magpie/1", Host: "10.0.0.2", Port: 5001}}, nil)
//
// A figure counts what the server received in the time that the server took, never
// what the client wrote into a buffer. What a server receives is dropped without a
// copy: it takes no memory, however many clients there are, and the figure is that
// of the network rather than of the memory behind it. That needs Linux, and so does
// the package.
//
// # Protocol
//
// Each stream of a run is a TCP connection. Numbers are big-endian.
//
//  1. The client opens with 28 bytes: "MAGPIEtp", the version (4 bytes, now 1)
//     and the ID of the run (16 bytes, the same for all streams of a run).
//  2. The server answers with 16 bytes: "MAGPIEsv", a code (4 bytes) and a number
//     (4 bytes). Code 0 is yes, with the version. The others refuse and end the
//     connection: 1, it has as many streams as it takes (the number); 2, it
//     speaks another version (the number). To another opening it says nothing.
//  3. The client sends what it likes and then shuts down its side.
//  4. The server says in 24 bytes what it received: "MAGPIEok", the bytes and the
//     nanoseconds from the first of them to the end (8 bytes each).
package throughput
