// SPDX-License-Identifier: Apache-2.0

package events

// Suffixes of the hooks whose name begins with that of an endpoint, a storage
// or a container.
const (
	relationCreated      = "-relation-created"
	relationJoined       = "-relation-joined"
	relationChanged      = "-relation-changed"
	relationDeparted     = "-relation-departed"
	relationBroken       = "-relation-broken"
	storageAttached      = "-storage-attached"
	storageDetaching     = "-storage-detaching"
	pebbleReady          = "-pebble-ready"
	pebbleCustomNotice   = "-pebble-custom-notice"
	pebbleCheckFailed    = "-pebble-check-failed"
	pebbleCheckRecovered = "-pebble-check-recovered"
)

// variables are an environment, of which a few describe the event. They are
// looked up one by one, which for so few costs less than to read all.
type variables []string

// get returns the last of several settings of one variable, as os/exec does. A
// missing variable is empty: no rule tells the two apart.
func (v variables) get(key string) string {
	for i := len(v) - 1; i >= 0; i-- {
		if kv := v[i]; len(kv) > len(key) && kv[len(key)] == '=' && kv[:len(key)] == key {
			return kv[len(key)+1:]
		}
	}
	return ""
}
