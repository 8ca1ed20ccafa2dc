// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/charmsmith/charmsmith/internal/timeline"
)

// jsonLines writes what happens as JSON, an object in each line, whose "kind"
// says what it is. Problems and warnings are for people, too, and also go elsewhere.
type jsonLines struct {
	problems io.Writer

	mu     sync.Mutex
	out    io.Writer
	tally  tally
	output []byte // of a script line
}

func newJSONLines(out, problems io.Writer) *jsonLines {
	return &jsonLines{out: out, problems: problems}
}

// print writes a value as one line. Unlike in other JSON, all control
// characters are escaped: the line may be shown on a terminal.
func (j *jsonLines) print(value any) {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Sprintf("cannot encode %T: %v", value, err)) // a float that is no number
	}
	_, _ = j.out.Write(escapeControls(line.Bytes()))
}

// escapeControls escapes U+007F to U+009F, which JSON need not.
func escapeControls(text []byte) []byte {
	if bytes.IndexByte(text, 0x7f) < 0 && bytes.IndexByte(text, 0xc2) < 0 {
		return text
	}
	escaped := make([]byte, 0, len(text)+64)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r >= 0x7f && r <= 0x9f {
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		} else {
			escaped = append(escaped, text[:size]...)
		}
		text = text[size:]
	}
	return escaped
}

func (j *jsonLines) start(b beginning) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.print(struct {
		Kind string `json:"kind"`
		beginning
	}{"start", b})
}

func (j *jsonLines) entry(e timeline.Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.tally.add(&e)
	if warning, ok := warningOf(&e); ok {
		_, _ = io.WriteString(j.problems, problemText(warning))
	}
	j.print(e)
}

// text is an object that has one.
type text struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
}

func (j *jsonLines) line(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.print(text{"line", line})
}

// maxOutput is how much a script line prints in one object; more of it comes in
// several, which end with lines if they can.
const maxOutput = 1 << 20

// Write keeps what a script line prints, until idle.
func (j *jsonLines) Write(output []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.output = append(j.output, output...)
	for len(j.output) > maxOutput {
		n := bytes.LastIndexByte(j.output[:maxOutput], '\n') + 1
		if n == 0 {
			for n = maxOutput; n > maxOutput-utf8.UTFMax && !utf8.RuneStart(j.output[n]); n-- {
			}
		}
		j.print(text{"output", string(j.output[:n])})
		j.output = append(j.output[:0], j.output[n:]...)
	}
	return len(output), nil
}

func (j *jsonLines) busy(string) {}

func (j *jsonLines) idle() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.output) > 0 {
		j.print(text{"output", string(j.output)})
		j.output = j.output[:0]
	}
}

func (j *jsonLines) settled(atLeast int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if hooks, seconds := j.tally.take(); hooks >= atLeast {
		j.print(struct {
			Kind    string  `json:"kind"`
			Hooks   int     `json:"hooks"`
			Seconds float64 `json:"seconds"`
		}{"settled", hooks, seconds})
	}
}

func (j *jsonLines) problem(message, line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, _ = io.WriteString(j.problems, problemText(message))
	j.print(struct {
		text
		Line string `json:"line,omitempty"`
	}{text{"problem", message}, line})
}

func (j *jsonLines) end(e ending) {
	type failure struct {
		Unit   string `json:"unit"`
		Hook   string `json:"hook"`
		Error  string `json:"error"`
		Stderr string `json:"stderr"`
	}
	failures := make([]failure, 0, len(e.failures))
	for _, f := range e.failures {
		failures = append(failures, failure{f.Unit, f.Hook, fmt.Sprint(f.Err), f.Stderr})
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.print(struct {
		Kind          string       `json:"kind"`
		Exit          int          `json:"exit"`
		Problem       string       `json:"problem,omitempty"`
		Units         []unitStatus `json:"units"`
		Failures      []failure    `json:"failures"`
		Unconnectable []string     `json:"unconnectable,omitempty"`
		Kept          string       `json:"kept,omitempty"`
		Timeline      string       `json:"timeline,omitempty"`
	}{"end", e.exit, e.problem, append([]unitStatus{}, e.units...), failures, e.unconnectable, e.kept, e.timeline})
}
