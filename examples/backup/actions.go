// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
)

type backupParams struct {
	Note *string `json:"note"` // nil: none
	Keep *int    `json:"keep"` // nil: as configured
}

type backupResult struct {
	Archive archive  `json:"archive"` // "archive.name", "archive.checksum", …
	Removed []string `json:"removed,omitempty"`
}

// backup makes an archive, and removes those that are too many.
func (k *keeper) backup(ctx context.Context, in backupParams) (out backupResult, err error) {
	o, key, err := k.load(ctx)
	if err != nil {
		return out, err
	}
	dir, err := k.dir(ctx)
	if err != nil {
		return out, err
	}
	if dir == "" {
		return out, errors.New("there is no storage yet")
	}
	kept, err := k.archives.Get(ctx)
	if err != nil {
		return out, err
	}
	if err := k.ActionLog(ctx, "reading "+o.Source); err != nil {
		return out, err
	}
	made, err := writeArchive(o.Source, dir, k.Now())
	if err != nil {
		return out, err
	}
	if in.Note != nil {
		made.Note = *in.Note
	}
	if in.Keep != nil {
		o.Keep = *in.Keep
	}
	if made.Checksum, err = made.sum(key); err != nil {
		return out, err
	}
	kept = append(kept, made)
	for len(kept) > o.Keep {
		if err := kept[0].remove(); err != nil {
			return out, err
		}
		out.Removed = append(out.Removed, kept[0].Name)
		kept = kept[1:]
	}
	out.Archive = made
	return out, k.archives.Set(ctx, kept)
}

type verifyResult struct {
	Intact  int      `json:"intact"`
	Changed []string `json:"changed,omitempty"`
}

// verify fails if an archive is not what was written; which, the results say
// nevertheless.
func (k *keeper) verify(ctx context.Context, _ struct{}) (out verifyResult, err error) {
	_, key, err := k.load(ctx)
	if err != nil {
		return out, err
	}
	kept, err := k.archives.Get(ctx)
	if err != nil {
		return out, err
	}
	for _, a := range kept {
		if sum, err := a.sum(key); err != nil || sum != a.Checksum {
			out.Changed = append(out.Changed, a.Name)
			continue
		}
		out.Intact++
	}
	if len(out.Changed) > 0 {
		err = errors.New("archives are gone, were changed, or are signed with another key")
	}
	return out, err
}
