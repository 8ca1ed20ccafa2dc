// SPDX-License-Identifier: Apache-2.0

package mountns_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/charmsmith/charmsmith/internal/process/mountns"
)

// nowhere is a path that does not exist outside.
const nowhere = "/charmsmith-test/containers"

// eachUser runs a test as the user that it is, and, if that may make namespaces,
// in a process that may not do so without a user namespace.
func eachUser(t *testing.T, test func(*testing.T)) {
	t.Helper()
	t.Parallel()
	test(t)
	const variable = "CHARMSMITH_TEST_USER"
	if os.Geteuid() != 0 || os.Getenv(variable) != "" {
		return
	}
	cmd := exec.CommandContext(t.Context(), executable(t), "-test.run=^"+t.Name()+"$", "-test.count=1", "-test.v")
	cmd.Env = append(os.Environ(), variable+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{ // the files are still its own
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 1000, HostID: 0, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 1000, HostID: 0, Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	skipIfRefused(t, err)
	require.NoError(t, err, "as another user:\n%s", out)
	if strings.Contains(string(out), "--- SKIP") {
		t.Logf("as another user:\n%s", out)
	}
}

func executable(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	return self
}

// newNamespace returns a namespace, closed when the test ends, and its directory,
// which has the file "name" with that text.
func newNamespace(t *testing.T, at, text string) (*mountns.Namespace, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "dir")
	require.NoError(t, os.Mkdir(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "name"), []byte(text), 0o600))
	ns, err := mountns.New(mountns.Options{Dir: dir, At: at, Self: executable(t)})
	skipIfRefused(t, err)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, ns.Close()) })
	return ns, dir
}

// skipIfRefused skips a test where the system gives no namespaces.
func skipIfRefused(t *testing.T, err error) {
	t.Helper()
	for _, refusal := range []error{syscall.EPERM, syscall.EACCES, syscall.ENOSPC} {
		if err != nil && strings.Contains(err.Error(), refusal.Error()) { // the text is all that a helper gives
			t.Skipf("this system gives no mount namespaces to user %d: %v; run this test as root, or where users may make them", os.Geteuid(), err)
		}
	}
}

// sh runs a shell script in a namespace, and returns what it prints.
func sh(t *testing.T, ns *mountns.Namespace, dir, script string) (string, *os.ProcessState) {
	t.Helper()
	process, out := start(t, ns, dir, script)
	data, err := io.ReadAll(out)
	require.NoError(t, err)
	state, err := process.Wait()
	require.NoError(t, err)
	return string(data), state
}

func start(t *testing.T, ns *mountns.Namespace, dir, script string) (*os.Process, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	attr := &os.ProcAttr{Dir: dir, Env: []string{"A=b", "PATH=" + os.Getenv("PATH")}, Files: []*os.File{nil, w, w}, Sys: &syscall.SysProcAttr{Setpgid: true}}
	before := *attr.Sys
	process, err := ns.Start("/bin/sh", []string{"some-name", "-c", script, "$0", "$1"}, attr)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	assert.Equal(t, &before, attr.Sys)
	return process, r
}

func TestNamespace(t *testing.T) {
	eachUser(t, func(t *testing.T) {
		ns, dir := newNamespace(t, nowhere, "mine")
		got, state := sh(t, ns, filepath.Dir(dir), `
cat `+nowhere+`/name; echo
echo new > `+nowhere+`/new
pwd
tr '\0' '\n' < /proc/$$/cmdline | head -1
tr '\0' '\n' < /proc/$$/environ
cut -d' ' -f1,5 /proc/$$/stat
id -u; id -g
cd /; ls -A
exit 7`)
		assert.Equal(t, 7, state.ExitCode())
		entries, err := os.ReadDir("/")
		require.NoError(t, err)
		for _, entry := range entries {
			assert.Contains(t, got, entry.Name()+"\n")
		}
		pid := state.Pid()
		assert.True(t, strings.HasPrefix(got, fmt.Sprintf("mine\n%s\nsome-name\nA=b\nPATH=%s\n%d %d\n%d\n%d\n",
			filepath.Dir(dir), os.Getenv("PATH"), pid, pid, os.Getuid(), os.Getgid())), got)
		assert.Contains(t, got, filepath.Base(filepath.Dir(nowhere))+"\n")
		assert.NoDirExists(t, filepath.Dir(nowhere))
		data, err := os.ReadFile(filepath.Join(dir, "new"))
		require.NoError(t, err, "it is the same directory")
		assert.Equal(t, "new\n", string(data))
		beside, err := os.ReadDir(filepath.Dir(dir))
		require.NoError(t, err)
		assert.Len(t, beside, 1, "entries beside the directory")
		mounts, err := os.ReadFile("/proc/self/mountinfo")
		require.NoError(t, err)
		assert.NotContains(t, string(mounts), t.Name())
		assert.NotContains(t, string(mounts), filepath.Dir(nowhere))
	})
}

// TestExistingPlace is about a path of which more exists than the root.
func TestExistingPlace(t *testing.T) {
	eachUser(t, func(t *testing.T) {
		outside := t.TempDir()
		require.NoError(t, os.Mkdir(filepath.Join(outside, "below"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(outside, "file"), []byte("text"), 0o600))
		require.NoError(t, os.Symlink("file", filepath.Join(outside, "link")))
		for place, want := range map[string]string{
			"below":         "below\nfile\nlink\n",
			"new/c":         "below\nfile\nlink\nnew\n",
			"below/new/c/d": "below\nfile\nlink\n",
		} {
			at := filepath.Join(outside, place)
			ns, _ := newNamespace(t, at, place)
			got, _ := sh(t, ns, "/", fmt.Sprintf("cd %s; ls; cat link %s/name; echo more >> file", outside, at))
			assert.Equal(t, want+"text"+place, got)
			require.NoError(t, os.WriteFile(filepath.Join(outside, "file"), []byte("text"), 0o600))
		}
		got, err := filepath.Glob(outside + "/*/*")
		require.NoError(t, err)
		assert.Empty(t, got, "there is nothing outside")
	})
}

// TestManyNamespaces starts processes in several at once.
func TestManyNamespaces(t *testing.T) {
	eachUser(t, func(t *testing.T) {
		var running sync.WaitGroup
		for i := range 5 {
			text := fmt.Sprint("number ", i)
			ns, _ := newNamespace(t, nowhere, text)
			for range 5 {
				running.Go(func() {
					got, _ := sh(t, ns, "/", "cat "+nowhere+"/name")
					assert.Equal(t, text, got)
				})
			}
		}
		running.Wait()
		assert.NoDirExists(t, filepath.Dir(nowhere))
	})
}

func TestEnds(t *testing.T) {
	eachUser(t, func(t *testing.T) {
		ns, dir := newNamespace(t, nowhere, "mine")
		process, out := start(t, ns, dir, "while [ ! -e go ]; do sleep 0.01; done; cat "+nowhere+"/name; kill -9 $$")
		require.NoError(t, os.WriteFile(filepath.Join(dir, "go"), nil, 0o600))
		got, err := io.ReadAll(out)
		require.NoError(t, err)
		assert.Equal(t, "mine", string(got))
		state, err := process.Wait()
		require.NoError(t, err)
		assert.Equal(t, syscall.SIGKILL, state.Sys().(syscall.WaitStatus).Signal())
		require.NoError(t, os.RemoveAll(dir), "nothing is mounted there")
		require.NoError(t, ns.Close())
		require.NoError(t, ns.Close())
		_, err = ns.Start("/bin/true", []string{"true"}, &os.ProcAttr{})
		require.ErrorIs(t, err, os.ErrClosed)
	})
}

func TestErrors(t *testing.T) {
	eachUser(t, func(t *testing.T) {
		ns, dir := newNamespace(t, nowhere, "mine")
		_, err := ns.Start("/no/such/program", []string{"program"}, &os.ProcAttr{})
		require.ErrorIs(t, err, syscall.ENOENT)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "empty"), nil, 0o700))
		_, err = ns.Start(filepath.Join(dir, "empty"), []string{"empty"}, &os.ProcAttr{})
		require.ErrorIs(t, err, syscall.ENOEXEC)
		require.NotErrorIs(t, err, mountns.ErrRefused)

		for _, wrong := range []mountns.Options{
			{Dir: filepath.Join(dir, "none"), At: nowhere, Self: executable(t)},
			{Dir: filepath.Join(dir, "none", "below"), At: nowhere, Self: executable(t)},
			{Dir: dir, At: filepath.Join(dir, "name", "below"), Self: executable(t)},
		} {
			_, err = mountns.New(wrong)
			assert.Error(t, err, "%v", wrong)
		}
		left, err := filepath.Glob(filepath.Dir(dir) + "/mounts-*")
		require.NoError(t, err)
		assert.Empty(t, left)
		if os.Geteuid() != 0 {
			_, err = mountns.New(mountns.Options{Dir: dir, At: nowhere, Self: "/bin/true"})
			assert.ErrorContains(t, err, "cannot hear from the process that makes mounts")
		}
	})
}
