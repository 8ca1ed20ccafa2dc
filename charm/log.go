// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
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
	to   *jujuLog
	with []func(slog.Handler) slog.Handler // what WithAttrs and WithGroup add
}

// jujuLog is what all loggers of one dispatch share.
type jujuLog struct {
	client *hookcmd.Client

	mu sync.Mutex // keeps the parts of a line together

	stderrMu sync.Mutex
	stderr   io.Writer
}

func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelDebug
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.and(func(text slog.Handler) slog.Handler { return text.WithAttrs(attrs) })
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	return h.and(func(text slog.Handler) slog.Handler { return text.WithGroup(name) })
}

func (h *logHandler) and(with func(slog.Handler) slog.Handler) *logHandler {
	return &logHandler{h.to, append(slices.Clip(h.with), with)}
}

// Handle never fails: a line that Juju's log does not take goes to standard
// error. It holds no lock while it formats: values may log themselves.
func (h *logHandler) Handle(ctx context.Context, record slog.Record) error {
	attrs := slog.NewRecord(time.Time{}, record.Level, "", 0)
	record.Attrs(func(a slog.Attr) bool { attrs.AddAttrs(a); return true })
	var line bytes.Buffer
	var text slog.Handler = slog.NewTextHandler(&line, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: attrsOnly})
	for _, with := range h.with {
		text = with(text)
	}
	if err := text.Handle(ctx, attrs); err != nil {
		return err
	}
	message := record.Message
	if extra := strings.TrimSuffix(line.String(), "\n"); extra != "" {
		message += " " + extra
	}
	h.to.write(jujuLevel(record.Level), message)
	return nil
}

// attrsOnly leaves out what Juju's log has anyway, and the message, which is
// written before the attributes.
func attrsOnly(groups []string, a slog.Attr) slog.Attr {
	_, isLevel := a.Value.Any().(slog.Level)
	if len(groups) == 0 && (a.Key == slog.LevelKey && isLevel || a.Key == slog.MessageKey && a.Value.String() == "") {
		return slog.Attr{}
	}
	return a
}

// write posts text in parts that juju-log takes. The context of the caller does
// not matter: what a cancelled handler says is to be read, too.
func (l *jujuLog) write(level hookcmd.LogLevel, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text = plainText(text)
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
