// SPDX-License-Identifier: Apache-2.0

//go:build linux

package throughput

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/hostile"
)

// MinSpeed is the least throughput that is good enough. The zero value is none:
// everything is.
type MinSpeed struct {
	value   uint32 // mbit/s, or percent of the link speed
	percent bool
}

// SpeedCheck tells whether a run was as fast as it had to be.
type SpeedCheck struct {
	OK      bool   `json:"ok"`
	Message string `json:"message"`
}

// ParseMinSpeed parses "800", which is mbit/s, or "80%", which is of the link
// speed. "0" and "0%" are the zero value.
func ParseMinSpeed(text string) (MinSpeed, error) {
	digits, percent := strings.CutSuffix(text, "%")
	value, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return MinSpeed{}, fmt.Errorf("%s is no speed: it must be mbit/s, such as \"800\", or a percentage of the link speed, such as \"80%%\"", hostile.Quote(text))
	}
	if value == 0 {
		return MinSpeed{}, nil
	}
	return MinSpeed{value: uint32(value), percent: percent}, nil
}

// Check compares a speed with m. Both speeds are mbit/s; a link speed that is not
// above zero is unknown, of which no percentage is reached. A percentage is
// rounded up to mbit/s.
func (m MinSpeed) Check(speed, linkSpeed int64) SpeedCheck {
	least := int64(m.value)
	switch {
	case least == 0:
		return SpeedCheck{OK: true, Message: "min-speed disabled"}
	case m.percent && linkSpeed <= 0:
		return SpeedCheck{Message: fmt.Sprintf("failed: %d%% of the link speed is not known, as the link speed is not", m.value)}
	case m.percent:
		least = percentage(least, linkSpeed)
	}
	if speed < least {
		return SpeedCheck{Message: fmt.Sprintf("failed: %d < %d mbit/s", speed, least)}
	}
	return SpeedCheck{OK: true, Message: fmt.Sprintf("%d >= %d mbit/s", speed, least)}
}

// percentage returns percent of n, rounded up, without a product that overflows
// before the result does.
func percentage(percent, n int64) int64 {
	const limit = 1 << 62
	whole, rest := n/100, n%100
	if whole > limit/percent-percent {
		return limit
	}
	return whole*percent + (rest*percent+99)/100
}
