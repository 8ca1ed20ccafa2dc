// SPDX-License-Identifier: Apache-2.0

// Command empty does nothing: what remains is the start of a Go program.
package main

func main() {}
