// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"
)

// archive is a file with a copy of a directory. Its JSON is what is stored, and
// what the actions tell.
type archive struct {
	Name     string    `json:"name"`
	Dir      string    `json:"dir"`
	Note     string    `json:"note,omitempty"`
	Checksum string    `json:"checksum"` // HMAC-SHA256 of the file
	Made     time.Time `json:"made"`
}

// writeArchive copies a directory. If it fails, nothing is left.
func writeArchive(source, dir string, now time.Time) (a archive, err error) {
	now = now.UTC().Truncate(time.Second)
	file, err := os.CreateTemp(dir, now.Format("20060102T150405-*.tar.gz"))
	if err != nil {
		return archive{}, err
	}
	zip := gzip.NewWriter(file)
	out := tar.NewWriter(zip)
	if err := errors.Join(out.AddFS(os.DirFS(source)), out.Close(), zip.Close(), file.Sync(), file.Close()); err != nil {
		return archive{}, errors.Join(err, os.Remove(file.Name()))
	}
	return archive{Name: filepath.Base(file.Name()), Dir: dir, Made: now}, nil
}

// sum returns what the archive's checksum is now. The key may be empty.
func (a archive) sum(key []byte) (string, error) {
	file, err := os.Open(filepath.Join(a.Dir, a.Name))
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := hmac.New(sha256.New, key)
	_, err = io.Copy(sum, file)
	return hex.EncodeToString(sum.Sum(nil)), err
}

// remove removes the file, if it is there.
func (a archive) remove() error {
	err := os.Remove(filepath.Join(a.Dir, a.Name))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
