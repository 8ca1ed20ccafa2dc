// SPDX-License-Identifier: Apache-2.0

package charmsource_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/charmsource"
)

func TestStageArchive(t *testing.T) {
	t.Parallel()
	path := charmFile(t, zipped(t,
		file("metadata.yaml", meta), file("config.yaml", "options: {a: {}}\n"), file("actions.yaml", "ping: {}\n"),
		entry{"./", "", fs.ModeDir | 0o755}, program, file("charmcraft.yaml", "[not read"), file("main.go", goMain), file(".git/x", ""),
		entry{"empty/", "", fs.ModeDir | 0o700}, file("a/b/c.txt", "c"), entry{"a/", "", fs.ModeDir | 0o555}, entry{"a/none", "x", 0},
		entry{"a/link", "b/c.txt", fs.ModeSymlink | 0o777}, entry{"early", "a/b", fs.ModeSymlink | 0o777},
		entry{"hooks/install", script, 0o644}, entry{"a/exec", script, 0o750},
	))
	staged := stage(t, path)
	assert.Equal(t, []string{
		"+a/exec", "+dispatch", "+hooks/install", ".git/", ".git/x", "a/", "a/b/", "a/b/c.txt", "a/link -> b/c.txt", "a/none", "actions.yaml",
		"charmcraft.yaml", "config.yaml", "early -> a/b", "empty/", "hooks/", "main.go", "metadata.yaml",
	}, list(t, staged))
	assert.Equal(t, meta, read(t, filepath.Join(staged, "metadata.yaml")))
	assert.Equal(t, "c", read(t, filepath.Join(staged, "early/c.txt")))
	assert.Equal(t, "x", read(t, filepath.Join(staged, "a/none")), "the owner can read what has no mode")
	assert.Contains(t, run(t, staged), "ran ")
	for name, mode := range map[string]fs.FileMode{"a/exec": 0o750, "a/b/c.txt": 0o644, "a/none": 0o400} {
		info, err := os.Stat(filepath.Join(staged, name))
		require.NoError(t, err)
		assert.Equal(t, mode, info.Mode(), name)
		assert.Equal(t, modified, info.ModTime().UTC().Format(time.RFC3339), name)
	}
}

func TestArchiveWithHooks(t *testing.T) {
	t.Parallel()
	staged := stage(t, charmFile(t, zipped(t, file("metadata.yaml", meta), entry{"hooks/install", script, 0o755})))
	assert.Equal(t, []string{"+hooks/install", "hooks/", "metadata.yaml"}, list(t, staged))
}

func TestRefusedArchives(t *testing.T) {
	t.Parallel()
	good := []entry{file("metadata.yaml", meta), program}
	link := func(target string) []entry { return []entry{{"a/link", target, fs.ModeSymlink | 0o777}} }
	const onlyWithin = "; Juju takes relative ones within the charm only"
	for name, row := range map[string]struct {
		entries []entry
		want    string
	}{
		"no metadata":      {[]entry{program}, `cannot open charm "DIR": no metadata.yaml in it; pack the charm again, with no directory around its files`},
		"wrapped":          {[]entry{file("x/metadata.yaml", meta)}, `cannot open charm "DIR": no metadata.yaml in it; pack the charm again, with no directory around its files`},
		"bad metadata":     {[]entry{file("metadata.yaml", "name: X")}, `cannot open charm "DIR": cannot read metadata.yaml: name "X" must match ^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*$`},
		"linked metadata":  {[]entry{{"metadata.yaml", "other", fs.ModeSymlink}}, `cannot open charm "DIR": metadata.yaml must be a file`},
		"no program":       {[]entry{file("metadata.yaml", meta), file("src/charm.py", ""), file("main.go", goMain)}, `cannot run charm "x": it has no program: in "DIR" is no dispatch and no hooks; pack the charm again`},
		"not executable":   {[]entry{file("metadata.yaml", meta), file("dispatch", script)}, `cannot run charm "x": dispatch in "DIR" is not executable (mode 0644); chmod +x it`},
		"no mode":          {[]entry{file("metadata.yaml", meta), {"dispatch", script, 0}}, `cannot run charm "x": dispatch in "DIR" is not executable (mode 0400); chmod +x it`},
		"empty dispatch":   {[]entry{file("metadata.yaml", meta), {"dispatch", "", 0o755}}, `cannot run charm "x": dispatch in "DIR" is empty`},
		"dispatch is dir":  {[]entry{file("metadata.yaml", meta), file("dispatch/x", ""), file("hooks/install", "")}, `cannot run charm "x": dispatch in "DIR" must be a file`},
		"absolute":         {append(good, file("/etc/x", "")), `cannot open charm "DIR": entry "/etc/x" has an absolute name`},
		"out":              {append(good, file("../x", "")), `cannot open charm "DIR": entry "../x" leads out of the charm`},
		"out, inside":      {append(good, file("a/../../x", "")), `cannot open charm "DIR": entry "a/../../x" leads out of the charm`},
		"out, directory":   {append(good, entry{"../x/", "", fs.ModeDir}), `cannot open charm "DIR": entry "../x/" leads out of the charm`},
		"winding":          {append(good, file("a/../x", "")), `cannot open charm "DIR": entry "a/../x" must have a plain name, such as "src/charm.py"`},
		"dot":              {append(good, file("./x", "")), `cannot open charm "DIR": entry "./x" must have a plain name, such as "src/charm.py"`},
		"backslash":        {append(good, file(`a\x`, "")), `cannot open charm "DIR": entry "a\\x" must have a plain name, such as "src/charm.py"`},
		"NUL":              {append(good, file("a\x00", "")), `cannot open charm "DIR": entry "a\x00" must have a plain name, such as "src/charm.py"`},
		"no name":          {append(good, file("", "")), `cannot open charm "DIR": entry "" must have a plain name, such as "src/charm.py"`},
		"deep":             {append(good, file(strings.Repeat("a/", 100)+"a", "")), `cannot open charm "DIR": entry "` + strings.Repeat("a/", 100) + `a" is deeper than 100 directories`},
		"twice":            {append(good, program), `cannot open charm "DIR": entry "dispatch" is there twice`},
		"file, directory":  {append(good, file("a", ""), entry{"a/", "", fs.ModeDir}), `cannot open charm "DIR": entry "a/" is there twice`},
		"directory, file":  {append(good, file("a/b", ""), file("a", "")), `cannot open charm "DIR": entry "a" is there twice`},
		"in a file":        {append(good, file("dispatch/x", "")), `cannot open charm "DIR": entry "dispatch/x" is in "dispatch", which is no directory`},
		"in a link":        {append(append(good, link("..")...), file("a/link/x", "")), `cannot open charm "DIR": entry "a/link/x" is in "a/link", which is no directory`},
		"device":           {append(good, entry{"null", "", fs.ModeDevice | fs.ModeCharDevice}), `cannot open charm "DIR": entry "null" is a device, a socket or a pipe; a charm has files, directories and symlinks only`},
		"pipe":             {append(good, entry{"p", "", fs.ModeNamedPipe}), `cannot open charm "DIR": entry "p" is a device, a socket or a pipe; a charm has files, directories and symlinks only`},
		"absolute link":    {append(good, link("/etc/passwd")...), `cannot unpack charm "DIR": entry "a/link": symlink to "/etc/passwd" is absolute` + onlyWithin},
		"link out":         {append(good, link("../../x")...), `cannot unpack charm "DIR": entry "a/link": symlink to "../../x" leads out of the charm` + onlyWithin},
		"long link":        {append(good, link(strings.Repeat("a", 5000))...), `cannot unpack charm "DIR": entry "a/link": symlink to more than 4096 bytes`},
		"too many entries": {append(good, many(100_000)...), `cannot open charm "DIR": it is a zip archive with more than 100000 entries`},
		"long directory":   {append(good, longNames()...), `cannot open charm "DIR": it is a zip archive with more than 100000 entries`},
		"many directories": {append(good, manyDirectories()...), `cannot open charm "DIR": it is a zip archive with more than 100000 entries`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assertRefused(t, charmFile(t, zipped(t, row.entries...)), row.want)
		})
	}
}

func many(n int) []entry {
	entries := make([]entry, n)
	for i := range entries {
		entries[i] = file(fmt.Sprint(i), "")
	}
	return entries
}

func longNames() []entry {
	entries := make([]entry, 600)
	for i := range entries {
		entries[i] = file(fmt.Sprint(i, strings.Repeat("x", 60_000)), "")
	}
	return entries
}

func manyDirectories() []entry {
	entries := make([]entry, 1100)
	for i := range entries {
		entries[i] = file(strings.Repeat(fmt.Sprint("d", i, "/"), 99)+"x", "")
	}
	return entries
}

func TestArchivesThatAreNone(t *testing.T) {
	t.Parallel()
	good := zipped(t, file("metadata.yaml", meta), program)
	for _, text := range [][]byte{nil, []byte("#!/bin/sh\n"), good[:len(good)-10]} {
		assertRefused(t, charmFile(t, text), `cannot open charm "DIR": it is no zip archive: zip: not a valid zip file`)
	}
	at := bytes.Index(good, []byte("dispatch")) + len("dispatch") + 15 // in what is compressed
	damaged := bytes.Clone(good)
	damaged[at] ^= 0xff
	path := charmFile(t, damaged)
	source, err := charmsource.Open(path)
	require.NoError(t, err)
	_, err = source.Stage(context.Background(), filepath.Join(t.TempDir(), "staged"))
	assert.ErrorContains(t, err, fmt.Sprintf(`cannot unpack charm %q: entry "dispatch": `, path))
}

func TestEncryptedArchive(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	w := zip.NewWriter(&text)
	_, err := w.CreateRaw(&zip.FileHeader{Name: "metadata.yaml", Flags: 1})
	require.NoError(t, err)
	require.NoError(t, w.Close())
	assertRefused(t, charmFile(t, text.Bytes()), `cannot open charm "DIR": entry "metadata.yaml" is encrypted`)
}

func TestArchiveThatIsTooLarge(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	w := zip.NewWriter(&text)
	for i := range 5 {
		_, err := w.CreateRaw(&zip.FileHeader{Name: fmt.Sprint(i), Method: zip.Deflate, UncompressedSize64: 1 << 30, CompressedSize64: 0})
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	assertRefused(t, charmFile(t, text.Bytes()), `cannot open charm "DIR": it has more than 4 GiB unpacked`)

	text.Reset()
	w = zip.NewWriter(&text)
	_, err := w.CreateRaw(&zip.FileHeader{Name: "x", Method: zip.Deflate, UncompressedSize64: 1<<64 - 1})
	require.NoError(t, err)
	require.NoError(t, w.Close())
	assertRefused(t, charmFile(t, text.Bytes()), `cannot open charm "DIR": it has more than 4 GiB unpacked`)
}

// TestUnpackBound holds that what is written counts, whatever the headers say.
func TestUnpackBound(t *testing.T) {
	t.Parallel()
	zeros := strings.Repeat("\x00", 1<<20)
	path := charmFile(t, zipped(t, file("a", zeros), file("b", zeros), file("c", zeros)))
	dir := t.TempDir()
	to, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer to.Close()
	assert.EqualError(t, charmsource.Unpack(context.Background(), path, to, 3<<19), "it has more than 4 GiB unpacked")
	assert.Equal(t, []string{"a", "b"}, list(t, dir))
	info, err := os.Stat(filepath.Join(dir, "b"))
	require.NoError(t, err)
	assert.EqualValues(t, 1<<19+1, info.Size())

	whole, err := os.OpenRoot(t.TempDir())
	require.NoError(t, err)
	defer whole.Close()
	assert.NoError(t, charmsource.Unpack(context.Background(), path, whole, 3<<20))
}

// FuzzArchive holds that any .charm is staged within its directory, or refused with
// nothing left.
func FuzzArchive(f *testing.F) {
	f.Add(zipped(f, file("metadata.yaml", meta), program))
	f.Add(zipped(f, file("metadata.yaml", meta), program, entry{"a/b", "../dispatch", fs.ModeSymlink | 0o777}, entry{"c/", "", fs.ModeDir}))
	f.Add(zipped(f, file("metadata.yaml", meta), file("hooks/install", ""), file("../x", "")))
	f.Fuzz(func(t *testing.T, content []byte) {
		above := t.TempDir()
		path := filepath.Join(above, "x.charm")
		require.NoError(t, os.WriteFile(path, content, 0o644))
		source, err := charmsource.Open(path)
		if err == nil {
			_, err = source.Stage(context.Background(), filepath.Join(above, "staged"))
		}
		entries, readErr := os.ReadDir(above)
		require.NoError(t, readErr)
		if err != nil {
			assert.NotContains(t, err.Error(), "\n")
			assert.Len(t, entries, 1)
		} else {
			assert.Len(t, entries, 2)
		}
	})
}
