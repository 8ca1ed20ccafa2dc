// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"
)

// maxInteger is up to where Juju, whose numbers are floating-point ones, keeps
// integers as they are.
const maxInteger = 1 << 53

// setNumber sets an integer or a float from JSON. The error is the rule that the
// JSON breaks.
func setNumber(target reflect.Value, text string) error {
	number, err := strconv.ParseFloat(text, 64)
	isHuge := errors.Is(err, strconv.ErrRange)
	if target.CanFloat() {
		switch {
		case err != nil && !isHuge:
			return errors.New("must be a number")
		case isHuge || target.OverflowFloat(number):
			return fmt.Errorf("must be a number that a %s can hold", target.Kind())
		}
		target.SetFloat(number)
		return nil
	}
	if err != nil && !isHuge || number != math.Trunc(number) {
		return errors.New("must be an integer")
	}
	integer, err := strconv.ParseInt(text, 10, 64)
	if err != nil && math.Abs(number) <= maxInteger {
		integer, err = int64(number), nil // "1e3"
	}
	if least, most := limits(target); err != nil || integer < least || integer > most {
		return fmt.Errorf("must be from %d to %d", least, most)
	}
	if target.CanUint() {
		target.SetUint(uint64(integer))
	} else {
		target.SetInt(integer)
	}
	return nil
}

// limits returns the least and the greatest number that an integer can be.
func limits(target reflect.Value) (least, most int64) {
	bits := target.Type().Bits()
	switch {
	case target.CanUint() && bits > 53:
		return 0, maxInteger
	case target.CanUint():
		return 0, 1<<bits - 1
	case bits > 53:
		return -maxInteger, maxInteger
	}
	return -1 << (bits - 1), 1<<(bits-1) - 1
}

// parseDuration returns a duration. The error is the rule that the text breaks.
func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, errors.New(`must be a duration, such as "90s" or "1h30m"`)
	}
	return d, nil
}
