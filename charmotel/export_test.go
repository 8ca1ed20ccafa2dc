// SPDX-License-Identifier: Apache-2.0

package charmotel

// Receiver is what reads the databag of a provider of collectors, for a fuzz test:
// through a dispatch it would run a thousand times less often.
var Receiver = receiver
