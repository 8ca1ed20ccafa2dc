// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/charmsmith/charmsmith/hookcmd"
)

const (
	// maxLogText is what one juju-log is given; a process's argument has a limit.
	maxLogText = 64 << 10
	// logTimeout is how long one line may take before it goes to standard error.
	logTimeout = 2 * time.Second
)

// logHandler is a slog.Handler that writes to the unit's log.
type logHandler struct {
	to *jujuLog
	// attrs is a slog.TextHandler that formats attributes into to.line.
	attrs slog.Handler
}

// jujuLog is what all handlers of one logger share.
type jujuLog struct {
	client *hookcmd.Client
	stderr io.Writer

	mu   sync.Mutex // guards line, and the order of what is written
	line bytes.Buffer

	stderrMu sync.Mutex // guards stderr
}

func newLogger(client *hookcmd.Client, stderr io.Writer) *slog.Logger {
	to := &jujuLog{client: client, stderr: stderr}
	return slog.New(&logHandler{to: to, attrs: slog.NewTextHandler(&to.line, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			_, isLevel := a.Value.Any().(slog.Level)
			if len(groups) == 0 && (a.Key == slog.LevelKey && isLevel || a.Key == slog.MessageKey && a.Value.String() == "") {
				return slog.Attr{} // Juju's log has a level; the message is not an attribute
			}
			return a
		},
	})})
}

func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelDebug
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logHandler{h.to, h.attrs.WithAttrs(attrs)}
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{h.to, h.attrs.WithGroup(name)}
}

// Handle never fails: a line that Juju's log does not take goes to standard error.
func (h *logHandler) Handle(ctx context.Context, record slog.Record) error {
	to := h.to
	to.mu.Lock()
	defer to.mu.Unlock()
	to.line.Reset()
	attrs := slog.NewRecord(time.Time{}, record.Level, "", 0)
	record.Attrs(func(a slog.Attr) bool { attrs.AddAttrs(a); return true })
	if err := h.attrs.Handle(ctx, attrs); err != nil {
		return err
	}
	text := record.Message
	if extra := strings.TrimSuffix(to.line.String(), "\n"); extra != "" {
		text += " " + extra
	}
	to.write(jujuLevel(record.Level), text)
	return nil
}

// write posts text in parts that juju-log takes. The context of the caller does
// not matter: what a cancelled handler says is to be read, too.
func (l *jujuLog) write(level hookcmd.LogLevel, text string) {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd")
	for text != "" {
		part := text
		if len(part) > maxLogText {
			end := maxLogText
			for !utf8.RuneStart(text[end]) {
				end--
			}
			part = text[:end]
		}
		text = text[len(part):]
		ctx, cancel := context.WithTimeout(context.Background(), logTimeout)
		l.client.PostJujuLog(ctx, level, part, func(err error) {
			l.print("%s %s\n(juju-log: %v)\n", level, part, reason(err))
		})
		cancel()
	}
}

// reason leaves the command out of a hook command's error.
func reason(err error) error {
	var e *hookcmd.Error
	switch {
	case !errors.As(err, &e):
		return err
	case e.Stderr != "":
		return errors.New(e.Stderr)
	case e.Err != nil:
		return e.Err
	}
	return err
}

// print writes to standard error, which Juju logs as a warning.
func (l *jujuLog) print(format string, args ...any) {
	l.stderrMu.Lock()
	defer l.stderrMu.Unlock()
	fmt.Fprintf(l.stderr, format, args...)
}

func jujuLevel(level slog.Level) hookcmd.LogLevel {
	switch {
	case level < slog.LevelInfo:
		return hookcmd.LogDebug
	case level < slog.LevelWarn:
		return hookcmd.LogInfo
	case level < slog.LevelError:
		return hookcmd.LogWarning
	}
	return hookcmd.LogError
}
