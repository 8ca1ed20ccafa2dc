// SPDX-License-Identifier: Apache-2.0

package charmotel

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

// pause is how long a collector is left alone that did not answer in time: else
// each dispatch of a burst would wait for it.
const pause = 30 * time.Second

// errRefused is of a request that the collector will never take.
var errRefused = errors.New("the collector refuses spans, which are dropped")

// finish keeps the spans of this dispatch, sends all that wait, logs a failure
// that is new, and notes what the next dispatch has to know.
func (t *tracing) finish(ctx context.Context, to collector, failure error, known, before notes) {
	wasFailing := known.Failing
	encoded, err := t.ended.encode()
	if err != nil {
		failure = errors.Join(failure, fmt.Errorf("cannot encode spans: %w", err))
	}
	var keepErr error
	if len(encoded) > 0 {
		if keepErr = t.kept.add(encoded); keepErr == nil {
			encoded = nil // it waits with the others
		}
	}
	switch now := time.Now(); {
	case errors.Is(ctx.Err(), context.Canceled): // by SIGTERM, after which there is little time
		failure = nil
	case to.url == "":
		known.Failing, known.Until = failure != nil, 0
	case now.Unix() < known.Until:
		known.Failing = wasFailing || failure != nil
	default:
		sendErr, late := t.send(ctx, to, encoded)
		if sendErr != nil && keepErr != nil {
			sendErr = fmt.Errorf("%w; the spans of this dispatch are lost: cannot keep them: %w", sendErr, keepErr)
		}
		failure = errors.Join(failure, sendErr)
		known.Failing, known.Until = failure != nil, 0
		if late {
			known.Until = now.Add(pause).Unix()
		}
	}
	if failure != nil && !wasFailing {
		t.charm.Logger().Warn("cannot trace", "error", failure)
	}
	if known != before {
		_ = t.kept.note(known) // else the next dispatch finds it out by itself
	}
}

// send sends what waits, the oldest first, and then what could not wait. It is
// late if the collector took nothing in time.
func (t *tracing) send(ctx context.Context, to collector, unkept []byte) (err error, late bool) {
	client, err := newClient(to.ca)
	if err != nil {
		return err, false
	}
	defer client.CloseIdleConnections()
	waiting, err := t.kept.waiting()
	if err != nil && len(unkept) == 0 {
		return err, false
	}
	var refused error
	for i, r := range waiting {
		encoded, err := os.ReadFile(r.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = post(ctx, client, to.url, encoded)
		}
		if err != nil && !errors.Is(err, errRefused) {
			if i > 0 && isTimeout(err) {
				return refused, false // it is alive, the rest is for the next dispatch
			}
			return err, isTimeout(err)
		}
		if err != nil {
			refused = err
		}
		if err := os.Remove(r.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err, false
		}
	}
	if len(unkept) > 0 {
		if err := post(ctx, client, to.url, unkept); err != nil {
			return err, isTimeout(err)
		}
	}
	return refused, false
}

// post sends one request. Its errors have neither the URL nor what the collector
// answered.
func post(ctx context.Context, client *http.Client, to string, encoded []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(encoded))
	if err != nil {
		return errors.New("the collector's URL cannot be used")
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	resp, err := client.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be used again
	switch code := resp.StatusCode; {
	case code/100 == 2:
		return nil
	case code == http.StatusBadRequest, code == http.StatusRequestEntityTooLarge, code == http.StatusUnprocessableEntity:
		return fmt.Errorf("%w: %d %s", errRefused, code, http.StatusText(code))
	default: // may change
		return fmt.Errorf("the collector answered %d %s", code, http.StatusText(code))
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// newClient returns a client that trusts the system's authorities and those of ca.
func newClient(ca []byte) (*http.Client, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(bytes.TrimSpace(ca)) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(ca) {
			return nil, errors.New("there is no certificate in the PEM of the collector's certificate authority")
		}
		config.RootCAs = pool
	}
	return &http.Client{
		Transport:     &http.Transport{TLSClientConfig: config},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// readCACert returns what is in the file, nothing if it cannot be read.
func readCACert(path string) []byte {
	if path == "" {
		return nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return content
}
