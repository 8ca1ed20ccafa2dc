// SPDX-License-Identifier: Apache-2.0

package juju

// charmValue returns an option's value as charms see it: an agent has it from
// JSON, which makes a float of every number.
func charmValue(value any) any {
	if i, ok := value.(int64); ok {
		return float64(i)
	}
	return value
}

func configGet(c *call) error {
	all := c.flags.Bool("a", "all")
	c.output()
	args, err := c.parse(1)
	if err != nil {
		return err
	}
	key := first(args)
	switch {
	case *all && key != "":
		return usage("cannot use argument --all together with key %q", key)
	case key != "":
		return c.print(charmValue(c.h.options()[key]))
	}
	values := make(map[string]any)
	for name, value := range c.h.options() {
		if value != nil || *all {
			values[name] = charmValue(value)
		}
	}
	return c.print(values)
}
