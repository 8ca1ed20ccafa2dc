// SPDX-License-Identifier: Apache-2.0

package hookcmd

import "context"

// StatusInfo is the status of a unit's or an application's workload.
type StatusInfo struct {
	Status  string         `json:"status"` // can be one that no charm sets: "unknown", "error", …
	Message string         `json:"message"`
	Data    map[string]any `json:"status-data"`
}

// AppStatusInfo is the status of an application and of its units.
type AppStatusInfo struct {
	StatusInfo
	Units map[string]StatusInfo `json:"units"`
}

// StatusGet returns this unit's status, as it was when it was read for the
// first time in this hook.
func (c *Client) StatusGet(ctx context.Context) (StatusInfo, error) {
	return read[StatusInfo](ctx, c, newCall("status-get", "--include-data"))
}

// StatusGetApp returns the application's status and that of its units.
// [ErrNotLeader] if this unit is not the leader.
func (c *Client) StatusGetApp(ctx context.Context) (AppStatusInfo, error) {
	type status struct {
		App AppStatusInfo `json:"application-status"`
	}
	call := newCall("status-get", "--include-data", "--application")
	return readAs(ctx, c, call, func(printed status) (AppStatusInfo, error) { return printed.App, nil })
}

// StatusSet sets this unit's status, at once and whether or not the hook
// succeeds. The status is "active", "blocked", "maintenance" or "waiting".
func (c *Client) StatusSet(ctx context.Context, status, message string) error {
	return c.write(ctx, Call{Command: "status-set", Args: []string{"--", status, message}})
}

// StatusSetApp sets the application's status, as StatusSet does the unit's.
// [ErrNotLeader] if this unit is not the leader.
func (c *Client) StatusSetApp(ctx context.Context, status, message string) error {
	return c.write(ctx, Call{Command: "status-set", Args: []string{"--application", "--", status, message}})
}

// ApplicationVersionSet sets the version of the workload that this unit shows,
// at once and whether or not the hook succeeds.
func (c *Client) ApplicationVersionSet(ctx context.Context, version string) error {
	return c.write(ctx, Call{Command: "application-version-set", Args: []string{"--", version}})
}

// LogLevel is a level of Juju's log.
type LogLevel string

// The levels of Juju's log.
const (
	LogTrace    LogLevel = "TRACE"
	LogDebug    LogLevel = "DEBUG"
	LogInfo     LogLevel = "INFO"
	LogWarning  LogLevel = "WARNING"
	LogError    LogLevel = "ERROR"
	LogCritical LogLevel = "CRITICAL"
)

// JujuLog writes a line to the unit's log, at once and whether or not the hook
// succeeds.
func (c *Client) JujuLog(ctx context.Context, level LogLevel, message string) error {
	return c.write(ctx, jujuLog(level, message))
}

// PostJujuLog is JujuLog without waiting for its end, if the Runner is a
// [Poster]. If the line cannot be written, done is called with the error, now
// or later; see Poster.
func (c *Client) PostJujuLog(ctx context.Context, level LogLevel, message string, done func(error)) {
	call := jujuLog(level, message)
	poster, ok := c.runner.(Poster)
	if !ok || c.answerer != nil {
		if err := c.write(ctx, call); err != nil {
			done(err)
		}
		return
	}
	err := poster.Post(ctx, call, func(err error) {
		if err != nil {
			done(err)
		}
	})
	if err != nil {
		done(err)
	}
}

func jujuLog(level LogLevel, message string) Call {
	return Call{Command: "juju-log", Args: []string{"--log-level", string(level), "--", message}}
}

// JujuReboot reboots the machine: when the hook has succeeded or, if now is
// set, at once, upon which the hook runs again from its start. Juju kills the
// process then; that JujuReboot returns means nothing.
func (c *Client) JujuReboot(ctx context.Context, now bool) error {
	call := Call{Command: "juju-reboot"}
	if now {
		call.Args = []string{"--now"}
	}
	return c.write(ctx, call)
}
