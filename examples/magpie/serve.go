// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/charmsmith/charmsmith/examples/magpie/internal/daemon"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/metrics"
	"github.com/charmsmith/charmsmith/examples/magpie/internal/throughput"
)

// resultsFile is where hooks and actions leave what the metrics tell.
const resultsFile = "results.json"

// serveArgs returns the arguments of the process that serves at these addresses.
func serveArgs(dir string, listen, metrics []string) []string {
	return []string{"serve", "-dir", dir, "-listen", strings.Join(listen, ","), "-metrics", strings.Join(metrics, ",")}
}

// serve is the process that goes on between hooks: the throughput server, and the
// metrics. It says that it is ready when it listens at all of its addresses; where it
// cannot listen at one, it serves nothing, and the last it says is why.
func serve(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	dir := flags.String("dir", "", "the directory of the process")
	listen := flags.String("listen", "", "the addresses of the throughput server, with commas between them")
	scrape := flags.String("metrics", "", "the addresses of the metrics, with commas between them")
	if err := flags.Parse(args); err != nil {
		return err
	}
	for _, f := range []string{"dir", "listen", "metrics"} {
		if flags.Lookup(f).Value.String() == "" {
			return fmt.Errorf("cannot serve: -%s is missing; hooks give it", f)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	held, err := daemon.Hold(*dir)
	if err != nil {
		return err
	}
	servers, err := listenAll(ctx, *listen, "iperf_port")
	if err != nil {
		return err
	}
	scraped, err := listenAll(ctx, *scrape, "metrics_port")
	if err != nil {
		return err
	}
	if err := held.Ready(); err != nil {
		return err
	}
	handler := metrics.Handler(filepath.Join(*dir, resultsFile), &metrics.Options{Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	ended := make(chan error)
	parts := 1
	go func() { ended <- throughput.Serve(ctx, servers, nil) }()
	for _, listener := range scraped {
		parts++
		go func() { ended <- metrics.Serve(ctx, listener, handler) }()
	}
	var errs []error
	for range parts { // one that ends ends the others
		errs = append(errs, <-ended)
		stop()
	}
	return errors.Join(errs...)
}

// listenAll listens at all addresses of a list, whose ports are from an option.
func listenAll(ctx context.Context, addresses, option string) ([]net.Listener, error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false) // it is TCP that is measured
	var all []net.Listener
	for address := range strings.SplitSeq(addresses, ",") {
		l, err := config.Listen(ctx, "tcp", address)
		if err != nil {
			for _, l := range all {
				_ = l.Close() // nobody was served
			}
			host, port, _ := net.SplitHostPort(address)
			switch {
			case errors.Is(err, syscall.EADDRINUSE):
				return nil, fmt.Errorf("port %s is in use at %s: set the option %s", port, host, option)
			case errors.Is(err, syscall.EADDRNOTAVAIL):
				return nil, fmt.Errorf("this machine has no address %s", host)
			}
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}
