// SPDX-License-Identifier: Apache-2.0

//go:build linux

package daemon

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"syscall"
)

// program is the content of a program, and the file that had it. Whoever changes
// the content changes one of the others, too.
type program struct {
	Device   uint64 `json:"device"`
	Inode    uint64 `json:"inode"`
	Size     int64  `json:"size"`
	Modified int64  `json:"modified"` // nanoseconds since 1970
	Changed  int64  `json:"changed"`
	SHA256   string `json:"sha256"`
}

// identify returns what a program is. It reads its content if the file is not
// the known one.
func identify(path string, known program) (program, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if err != nil {
		return program{}, fmt.Errorf("cannot read program: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return program{}, fmt.Errorf("cannot read program: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() {
		return program{}, fmt.Errorf("cannot read program: %q is no file", path)
	}
	p := program{
		Device: uint64(stat.Dev), Inode: stat.Ino, Size: stat.Size,
		Modified: stat.Mtim.Nano(), Changed: stat.Ctim.Nano(), SHA256: known.SHA256,
	}
	if p == known && p.SHA256 != "" {
		return p, nil
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return program{}, fmt.Errorf("cannot read program: %w", err)
	}
	p.SHA256 = hex.EncodeToString(hash.Sum(nil))
	return p, nil
}
