// SPDX-License-Identifier: Apache-2.0

package cosagent

// The codec, the hash and the reader of what agents write are tested on bytes that
// no charm makes.
var (
	StoreXZ       = storeXZ
	BLAKE2b4      = blake2b4
	ReadReceivers = readReceivers
	ReadRules     = readRules
	CheckRule     = Rule.check
	WithTopology  = withTopology
)
