// SPDX-License-Identifier: Apache-2.0

package hookcmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// Client has one method per hook command. It keeps no state: what a method
// returns, the agent answered just then. It is safe for concurrent use.
//
// Every method fails with an *[Error] if the command does. Maps and slices that
// a method returns are the caller's, unless [Options].SharedMaps says otherwise.
type Client struct {
	runner   Runner
	answerer Answerer // runner, if it is one
	opts     Options
}

// Options of a Client. A nil *Options and zero fields mean the defaults.
type Options struct {
	TempDir string // for files with secret content; default os.TempDir()

	// BeforeSecretFile is called before such a file is written. The file is
	// removed when its command has ended, which a program that is told to end
	// must wait for.
	BeforeSecretFile func()

	// SharedMaps saves copies of databags, settings and state that an [Answerer]
	// has answered: they must not be changed then.
	SharedMaps bool
}

// New returns a client that runs commands by runner.
func New(runner Runner, opts *Options) *Client {
	c := &Client{runner: runner}
	c.answerer, _ = runner.(Answerer)
	if opts != nil {
		c.opts = *opts
	}
	return c
}

// newCall has "--format=json" before args.
func newCall(command string, args ...string) Call {
	return Call{Command: command, Args: slices.Concat([]string{"--format=json"}, args)}
}

// answer asks the Runner for a value, if it is an Answerer.
func (c *Client) answer(ctx context.Context, call Call, result any) (answered bool, err error) {
	if c.answerer == nil {
		return false, nil
	}
	return c.answerer.Answer(ctx, call, result)
}

// read runs a command that prints JSON.
func read[T any](ctx context.Context, c *Client, call Call) (T, error) {
	var result, none T
	if err := c.readInto(ctx, call, &result); err != nil {
		return none, err
	}
	return result, nil
}

// readInto is read for the caller's *result.
func (c *Client) readInto(ctx context.Context, call Call, result any) error {
	if answered, err := c.answer(ctx, call, result); answered || err != nil {
		return err
	}
	stdout, err := c.runner.Run(ctx, call)
	if err != nil {
		return err
	}
	return decode(call, stdout, result)
}

// readMap runs a command that prints a map of strings as JSON.
func (c *Client) readMap(ctx context.Context, call Call) (map[string]string, error) {
	values, err := read[map[string]string](ctx, c, call)
	return c.own(values), err
}

// own returns a map that the caller may change.
func (c *Client) own(values map[string]string) map[string]string {
	if c.answerer == nil || c.opts.SharedMaps {
		return values
	}
	return maps.Clone(values)
}

// readAs runs a command that prints JSON of another form than its result.
func readAs[P, T any](ctx context.Context, c *Client, call Call, convert func(printed P) (T, error)) (T, error) {
	var result, none T
	if answered, err := c.answer(ctx, call, &result); answered || err != nil {
		return result, err
	}
	stdout, err := c.runner.Run(ctx, call)
	if err != nil {
		return none, err
	}
	var printed P
	if err := decode(call, stdout, &printed); err != nil {
		return none, err
	}
	return convert(printed)
}

// readAll runs several commands that print JSON, at once if the Runner can.
func readAll[T any](ctx context.Context, c *Client, calls []Call) ([]T, error) {
	results := make([]T, len(calls))
	batcher, ok := c.runner.(Batcher)
	if !ok || c.answerer != nil || len(calls) < 2 {
		for i, call := range calls {
			if err := c.readInto(ctx, call, &results[i]); err != nil {
				return nil, err
			}
		}
		return results, nil
	}
	stdouts, err := batcher.RunBatch(ctx, calls)
	if err != nil {
		return nil, err
	}
	for i, stdout := range stdouts {
		if err := decode(calls[i], stdout, &results[i]); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// decode reads what call printed. The error does not quote it: it can be
// secret, or long.
func decode(call Call, stdout []byte, result any) error {
	if values, isMap := result.(*map[string]string); isMap {
		if plain, ok := plainMap(stdout); ok {
			*values = plain
			return nil
		}
	}
	switch trimmed := bytes.TrimSpace(stdout); {
	case len(trimmed) == 0:
		return misprinted(call, errors.New("it printed nothing, JSON was expected"))
	case string(trimmed) == "null" && !isNullable(result):
		return misprinted(call, errors.New("it printed null"))
	}
	err := json.Unmarshal(stdout, result)
	if err == nil {
		return nil
	}
	reason := errors.New("not of the expected form")
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		reason = fmt.Errorf("not JSON: %w", err)
	case errors.As(err, &mismatch): // its own text quotes numbers
		kind, _, _ := strings.Cut(mismatch.Value, " ")
		reason = fmt.Errorf("JSON %s where %v is expected", kind, mismatch.Type)
	}
	return misprinted(call, fmt.Errorf("it printed %d bytes that cannot be used: %w", len(stdout), reason))
}

// isNullable reports whether JSON null means something for what result points to.
func isNullable(result any) bool {
	switch reflect.TypeOf(result).Elem().Kind() {
	case reflect.Bool, reflect.String, reflect.Struct:
		return false
	}
	return true
}

// misprinted is the error of a command that succeeded, but whose output is wrong.
func misprinted(call Call, cause error) *Error {
	e := wrap(call, cause)
	e.Code = 0
	return e
}

// readLine runs a command that prints one line of text.
func (c *Client) readLine(ctx context.Context, call Call) (line string, err error) {
	if answered, err := c.answer(ctx, call, &line); answered || err != nil {
		return line, err
	}
	return c.runLine(ctx, call)
}

func (c *Client) runLine(ctx context.Context, call Call) (line string, err error) {
	stdout, err := c.runner.Run(ctx, call)
	if err != nil {
		return "", err
	}
	if line = strings.TrimSuffix(string(stdout), "\n"); line == "" {
		return "", misprinted(call, errors.New("it printed nothing"))
	}
	return line, nil
}

// write runs a command for its effect.
func (c *Client) write(ctx context.Context, call Call) error {
	if answered, err := c.answer(ctx, call, nil); answered || err != nil {
		return err
	}
	_, err := c.runner.Run(ctx, call)
	return err
}

// writeData runs a command that takes data on standard input.
func (c *Client) writeData(ctx context.Context, call Call, data map[string]string) error {
	if err := checkText(call, data); err != nil {
		return err
	}
	call.Data = data
	if answered, err := c.answer(ctx, call, nil); answered || err != nil {
		return err
	}
	call.Stdin = encodeData(data)
	_, err := c.runner.Run(ctx, call)
	return err
}

// checkText refuses what Juju cannot keep.
func checkText(call Call, data map[string]string) error {
	for key, value := range data {
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			return wrap(call, fmt.Errorf("key or value of %q is not valid UTF-8, which Juju cannot keep", key))
		}
	}
	return nil
}

// checkKey refuses what commands take for "all keys".
func checkKey(call Call, key string) error {
	switch key {
	case "":
		return wrap(call, errors.New("the key is empty"))
	case "-":
		return wrap(call, errors.New(`"-" is not a key: it means all of them`))
	}
	return nil
}

// writeTemp writes content to a new file that only the owner can read. The
// agent, which is root or the owner, opens it by its path, which is absolute.
func writeTemp(dir string, content []byte) (path string, err error) {
	if dir == "" {
		dir = os.TempDir()
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, "charmsmith-*") // mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}
