// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// WriteJSON writes the run as one JSON object whose keys are those of the
// tags of Run, with each entry on a line of its own. Bytes that are not UTF-8
// become U+FFFD; nothing is cut.
func (r *Run) WriteJSON(w io.Writer) error {
	out := bufio.NewWriter(w)
	head := *r
	head.Units, head.Entries = r.lanes(), []Entry{}
	text, err := encode(head, false)
	if err != nil {
		return fmt.Errorf("cannot write timeline: %w", err)
	}
	out.Write(bytes.TrimSuffix(text, []byte("]}")))
	for i := range r.Entries {
		text, err := encode(&r.Entries[i], false)
		if err != nil {
			return fmt.Errorf("cannot write timeline: entry %d: %w", i, err)
		}
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
		out.Write(text)
	}
	out.WriteString("\n]}\n")
	if err := out.Flush(); err != nil {
		return fmt.Errorf("cannot write timeline: %w", err)
	}
	return nil
}

// encode returns v as JSON of one line. Such text never contains U+2028 or
// U+2029 and, if it is for a page, neither <, > nor &.
func encode(v any, forPage bool) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(forPage)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), err
}
