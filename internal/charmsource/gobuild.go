// SPDX-License-Identifier: Apache-2.0

package charmsource

import (
	"bytes"
	"context"
	"fmt"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// hasGoMain reports whether a directory has a Go main package for this platform.
func hasGoMain(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	platform := build.Default
	platform.GOOS, platform.GOARCH = runtime.GOOS, runtime.GOARCH
	broken, other := false, false
	for _, entry := range entries {
		name := entry.Name()
		if !entry.Type().IsRegular() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		if ok, err := platform.MatchFile(dir, name); err == nil && !ok {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, parser.PackageClauseOnly)
		switch {
		case err != nil:
			broken = true
		case file.Name.Name == "main":
			return true
		default:
			other = true
		}
	}
	return broken && !other // the compiler says best what is wrong
}

// buildGo builds the main package in dir.
func buildGo(ctx context.Context, charm, dir, program string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("cannot build charm %q: %w", charm, err)
	}
	command, err := exec.LookPath("go")
	if err != nil {
		return fmt.Errorf("cannot build charm %q: go is not on PATH; install Go, or build %q yourself", charm, filepath.Join(dir, dispatchFile))
	}
	// Version control may be broken or slow, and says nothing to a run.
	cmd := exec.CommandContext(ctx, command, "build", "-trimpath", "-buildvcs=false", "-o", program, ".")
	cmd.Dir = dir
	scratch, err := os.MkdirTemp(filepath.Dir(program), ".go-build-") // for what go leaves when it is killed
	if err != nil {
		return fmt.Errorf("cannot build charm %q: %w", charm, err)
	}
	defer os.RemoveAll(scratch)
	cmd.Env = append(cmd.Environ(), "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH, "GOTMPDIR="+scratch)
	if os.Getenv("CGO_ENABLED") == "" {
		cmd.Env = append(cmd.Env, "CGO_ENABLED=0")
	}
	ownGroup(cmd)
	cmd.Cancel = func() error { return killGroup(cmd) }
	cmd.WaitDelay = 10 * time.Second
	output, err := cmd.CombinedOutput()
	if ctxErr := ctx.Err(); ctxErr != nil && err != nil {
		return fmt.Errorf("cannot build charm %q: %w", charm, ctxErr)
	}
	if err != nil {
		return fmt.Errorf("cannot build charm %q: go build in %q: %w\n%s", charm, dir, err, shortened(output))
	}
	if _, err := os.Lstat(program); err != nil { // such as with -n in GOFLAGS
		return fmt.Errorf("cannot build charm %q: go build in %q made no program; check GOFLAGS", charm, dir)
	}
	return nil
}

// shortened returns the output of a command without its last line end, and not
// more of it than anybody reads.
func shortened(output []byte) []byte {
	const most = 16 << 10
	output = bytes.TrimSpace(output)
	if len(output) > most {
		output = append(output[:most:most], "\n…"...)
	}
	return output
}
