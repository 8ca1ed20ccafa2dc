// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

const defaultMaxAge = time.Hour

// Options are the optional settings of Handler.
type Options struct {
	// MaxAge is for how long after its time a run is served; 0 means an hour.
	// A run whose time is as far in the future is not served either.
	MaxAge time.Duration

	// Logger is told when the file cannot be read, once per cause; nil means
	// that nobody is.
	Logger *slog.Logger
}

// Handler serves the results in a file at "/metrics", in the text format 0.0.4
// of Prometheus, and a page that says so at "/". It reads the file for each
// request. If the file is damaged, magpie_metrics_file_errors is all there is,
// and 1. Nil options are the defaults. A handler may be used concurrently.
func Handler(path string, opts *Options) http.Handler {
	var o Options
	if opts != nil {
		o = *opts
	}
	e := &exporter{path: path, maxAge: cmp.Or(max(o.MaxAge, 0), defaultMaxAge), logger: cmp.Or(o.Logger, slog.New(slog.DiscardHandler))}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", e.serveMetrics)
	mux.HandleFunc("GET /{$}", serveRoot)
	return mux
}

type exporter struct {
	path   string
	maxAge time.Duration
	logger *slog.Logger

	mu   sync.Mutex // held while the file is read: one copy of it in memory is enough
	last string     // the error of the last request
}

func (e *exporter) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	text := e.exposition()
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text)
}

func (e *exporter) exposition() []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	runs, err := load(e.path)
	fileErrors, cause := 0, ""
	if err != nil {
		fileErrors, cause = 1, err.Error()
	}
	if cause != e.last && cause != "" {
		e.logger.Error("metrics are missing", "error", cause)
	}
	e.last = cause
	return expose(runs, fileErrors, time.Now(), e.maxAge)
}

func serveRoot(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, "<!DOCTYPE html><title>magpie</title><p>Results of the network checks: <a href=\"/metrics\">metrics</a>.\n")
}

const (
	maxConnections = 64
	maxHeader      = 8 << 10
	headerTimeout  = 5 * time.Second
	requestTimeout = 10 * time.Second
	idleTimeout    = 2 * time.Minute // longer than the usual time between two scrapes
	closeTimeout   = 2 * time.Second
)

// Serve serves HTTP until ctx ends, which is no error, and closes the listener.
// It has at most 64 connections at the same time; a client that takes longer
// than 10 s for a request or a reply is cut off.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      requestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(netutil.LimitListener(listener, maxConnections)) }()
	select {
	case err := <-ended:
		return fmt.Errorf("cannot serve metrics: %w", err)
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if err := server.Shutdown(closing); err != nil {
		err = errors.Join(err, server.Close())
		if !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("cannot stop serving metrics: %w", err)
		}
	}
	<-ended
	return nil
}
