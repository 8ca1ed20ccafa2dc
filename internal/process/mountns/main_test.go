// SPDX-License-Identifier: Apache-2.0

package mountns_test

import (
	"os"
	"testing"

	"github.com/charmsmith/charmsmith/internal/process/mountns"
)

// TestMain lets the test's program make mounts.
func TestMain(m *testing.M) {
	mountns.Help()
	os.Exit(m.Run())
}
