// SPDX-License-Identifier: Apache-2.0

// Package jujurpc is Juju's RPC between a unit agent and hook commands, both
// sides of it.
//
//	listener, err := net.Listen("unix", address)
//	…
//	server := jujurpc.Serve(listener, func(request jujurpc.Request) (jujurpc.Response, error) {
//		return jujurpc.Response{Stdout: []byte("[]\n")}, nil
//	})
//	… // the dispatch
//	err = server.Close(ctx)
//
// On the wire it is net/rpc with encoding/gob: a header and a body each way,
// answered in any order and matched by a number, for the one method
// "Jujuc.Main". It does without package net/rpc, whose net/http every hook
// command's process would have to initialise.
//
// Neither side trusts the other: bytes that make no sense close the connection,
// and no message takes more than 64 MiB of them.
package jujurpc
