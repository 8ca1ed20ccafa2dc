// SPDX-License-Identifier: Apache-2.0

package lldp

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"time"
)

const (
	maxOutput = 4 << 20
	maxStderr = 4 << 10

	// runTime is more than lldpcli needs, which asks a socket of this machine.
	runTime = 10 * time.Second
)

var errLongOutput = errors.New("its output is too long")

// Options are what [Read] may be told.
type Options struct {
	// Program is the path of lldpcli. Empty: it is looked for on PATH.
	Program string
	// Run runs a program, without a shell, and returns its output. If there
	// is no such program, the error is [exec.ErrNotFound] or
	// [fs.ErrNotExist]. Nil runs it for real, for at most 10 seconds, and
	// keeps at most 4 MiB.
	Run func(ctx context.Context, name string, args ...string) ([]byte, error)
}

// Read asks lldpd for the neighbours. It never fails: without neighbours,
// [Report.Problem] may say why. opts may be nil.
func Read(ctx context.Context, opts *Options) Report {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Run == nil {
		o.Run = execute
	}
	// json0 has the same structure for one neighbour as for many. The VLANs
	// are among the details only.
	output, err := o.Run(ctx, cmp.Or(o.Program, "lldpcli"), "-f", "json0", "show", "neighbors", "details")
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return Report{Neighbours: []Neighbour{}, Problem: notInstalled}
	case err != nil:
		return Report{Neighbours: []Neighbour{}, Problem: "cannot ask lldpd: " + clean(err.Error())}
	}
	report, err := Parse(output)
	if err != nil {
		return Report{Neighbours: []Neighbour{}, Problem: clean(err.Error())}
	}
	return report
}

// execute is the default of Options.Run.
func execute(ctx context.Context, name string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, runTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second
	stdout, stderr := &bounded{limit: maxOutput}, &bounded{limit: maxStderr}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case stdout.cut:
		return nil, errLongOutput
	case err != nil:
		if said := strings.TrimSpace(stderr.kept.String()); said != "" {
			return nil, fmt.Errorf("%w: %s", err, said)
		}
		return nil, err
	}
	return stdout.kept.Bytes(), nil
}

// bounded keeps the first bytes that are written to it.
type bounded struct {
	kept  bytes.Buffer // not embedded: its ReadFrom has no bound
	limit int
	cut   bool
}

// Write takes all and keeps what fits: a program is not killed for its output.
func (b *bounded) Write(p []byte) (int, error) {
	keep := p
	if room := b.limit - b.kept.Len(); len(keep) > room {
		keep, b.cut = keep[:room], true
	}
	b.kept.Write(keep)
	return len(p), nil
}
