// SPDX-License-Identifier: Apache-2.0

package charmdir

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

func (c *Charm) readStorage(o *object) {
	for name, at := range o.object("storage", "").items("storage") {
		checkName(at, "name", name, storageName)
		s := Storage{
			Name:        name,
			Type:        at.oneOf("type", "", "filesystem", "block"),
			Description: at.text("description"),
			Shared:      at.flag("shared"),
			ReadOnly:    at.flag("read-only"),
			CountMin:    1,
			CountMax:    1,
			MinimumSize: readSize(at, "minimum-size"),
			Location:    at.text("location"),
		}
		if at.has("multiple") {
			s.CountMin, s.CountMax = readRange(at.object("multiple", at.prefix+"multiple."))
		}
		if s.Location != "" && s.Type == "block" {
			at.failf(`location must be of a storage of type "filesystem", not "block"`)
		}
		for _, property := range at.list("properties") {
			if property != "transient" {
				at.failf(`properties must be a list of "transient", without %s`, describe(property))
				break
			}
			s.Properties = append(s.Properties, "transient")
		}
		put(&c.Storage, name, s)
	}
}

var countRange = regexp.MustCompile(`^([0-9]+)(?:[-+]|-([0-9]+))$`)

// readRange reads a range of counts: N, N-M, N+ or N-.
func readRange(at *object) (low, high int) {
	const form = `range must be a count ("2"), or a range such as "0-3" or "1+", whose end is not 0 nor below its start`
	value, ok := at.fields["range"]
	if !ok {
		at.failf(`range is missing; it must be a count or a range such as "0-3" or "1+"`)
		return 0, 0
	}
	if i, ok := toInteger(value); ok && 0 < i && i <= math.MaxInt32 {
		return int(i), int(i)
	}
	text, _ := value.(string)
	parts := countRange.FindStringSubmatch(text)
	if parts == nil {
		at.failf(form+", not %s", describe(value))
		return 0, 0
	}
	from, err := strconv.ParseInt(parts[1], 10, 32)
	to := int64(-1)
	if parts[2] != "" && err == nil {
		to, err = strconv.ParseInt(parts[2], 10, 32)
		if to == 0 || to < from {
			to = 0
		}
	}
	if err != nil || to == 0 {
		at.failf(form+", not %s", describe(value))
	}
	return int(from), int(to)
}

const sizeUnits = "MGTPEZY"

var size = regexp.MustCompile(`^([0-9.]+)(?:([` + sizeUnits + `])(?:i?B)?)?$`)

// readSize reads a size in MiB, rounded up.
func readSize(at *object, key string) uint64 {
	if !at.has(key) {
		return 0
	}
	text, _ := at.fields[key].(string)
	if parts := size.FindStringSubmatch(text); parts != nil {
		number, err := strconv.ParseFloat(parts[1], 64)
		number = math.Ceil(number * math.Pow(1024, float64(max(0, strings.Index(sizeUnits, parts[2])))))
		if err == nil && number < math.MaxInt64 {
			return uint64(number)
		}
	}
	at.failf(`%s must be a string such as "512M", "1.5G" or "2T", not %s`, key, describe(at.fields[key]))
	return 0
}

func checkDevices(o *object) {
	for _, at := range o.object("devices", "").items("device") {
		at.filledText("type")
		at.text("description")
		low, hasLow := at.integer("countmin")
		high, hasHigh := at.integer("countmax")
		if low < 0 || high < 0 {
			at.failf("countmin and countmax must not be negative")
		}
		if !hasLow {
			low = 1
		}
		if !hasHigh {
			high = 1
		}
		if low > high {
			at.failf("countmax %d must not be below countmin %d; each is 1 if not given", high, low)
		}
	}
}
