// SPDX-License-Identifier: Apache-2.0

package charmdir

func (c *Charm) readActions(o *object) {
	for name, value := range o.fields {
		if value == nil { // as good as an empty map
			o.fields[name] = map[string]any{}
		}
	}
	for name, at := range o.items("action") {
		checkName(at, "name", name, actionName)
		c.checkReserved(at, "", name)
		action := Action{
			Name:           name,
			Description:    "No description",
			Parallel:       at.flagOnly("parallel"),
			ExecutionGroup: at.text("execution-group"),
		}
		if at.has("description") {
			action.Description = at.text("description")
		}
		if at.has("params") && at.has("properties") {
			at.failf("params are the properties of its schema; it must have one of them, not both")
		}
		action.Schema = map[string]any{
			"type":       "object",
			"title":      name,
			"properties": map[string]any{},
		}
		for key, value := range at.fields {
			switch key {
			case "parallel", "execution-group":
			case "params":
				action.Schema["properties"] = at.object("params", "").fields
			default:
				action.Schema[key] = value
			}
		}
		action.Schema["description"] = action.Description
		checkReferences(at, "", action.Schema)
		checkSchema(at, "", action.Schema)
		put(&c.Actions, name, action)
	}
}

// flagOnly is flag without strings.
func (o *object) flagOnly(key string) bool {
	value, ok := o.fields[key]
	flag, isBool := value.(bool)
	if ok && !isBool {
		o.failf("%s must be true or false, not %s", key, describe(value))
	}
	return flag
}
