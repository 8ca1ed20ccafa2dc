// SPDX-License-Identifier: Apache-2.0

package charm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/charmsmith/charmsmith/hookcmd"
)

// imageFields are the fields of an image's file that are read. Juju writes them
// in YAML, which has others beside them; operators may write JSON, in which the
// first has a name of its own.
type imageFields struct {
	RegistryPath, ImageName, Username, Password *string
}

// parseImage reads the file of an image. It is strict: a value that it cannot
// read for sure is an error, which does not quote it.
func parseImage(text []byte) (OCIImage, error) {
	var fields imageFields
	read := readImageYAML
	if bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) {
		read = readImageJSON
	}
	if !utf8.Valid(text) {
		return OCIImage{}, errors.New("it is not a text in UTF-8")
	}
	if err := read(text, &fields); err != nil {
		return OCIImage{}, err
	}
	if fields.RegistryPath == nil {
		fields.RegistryPath = fields.ImageName
	}
	image := OCIImage{RegistryPath: valueOf(fields.RegistryPath), Username: valueOf(fields.Username)}
	if image.RegistryPath == "" {
		return OCIImage{}, errors.New("it has no registrypath")
	}
	if password := valueOf(fields.Password); password != "" {
		image.Password = hookcmd.NewSecretValue(password)
	}
	return image, nil
}

func valueOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func readImageJSON(text []byte, fields *imageFields) error {
	if json.Unmarshal(text, fields) != nil {
		return errors.New("it is not JSON of an image")
	}
	return nil
}

// readImageYAML reads a mapping of keys to values, each on a line of its own.
// What is nested belongs to keys that are not read.
func readImageYAML(text []byte, fields *imageFields) error {
	read := map[string]**string{"registrypath": &fields.RegistryPath, "username": &fields.Username, "password": &fields.Password}
	key := ""
	for number, line := range strings.Split(string(text), "\n") {
		line = strings.TrimRight(line, " \t\r")
		failed := func(format string, args ...any) error {
			return fmt.Errorf("line %d: "+format, append([]any{number + 1}, args...)...)
		}
		switch {
		case line == "" || line[0] == '#' || line == "---" && key == "":
			continue
		case line[0] == ' ' || line[0] == '\t' || strings.HasPrefix(line, "- ") || line == "-":
			if read[key] != nil || key == "" {
				return failed("the value of %q goes on, which is not supported", key)
			}
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isPlainKey(name) || value != "" && value[0] != ' ' {
			return failed("it is not of the form KEY: VALUE")
		}
		key = name
		field := read[key]
		if field == nil {
			continue
		}
		if *field != nil {
			return failed("there is another %q", key)
		}
		scalar, err := readScalar(strings.TrimLeft(value, " "))
		if err != nil {
			return failed("the value of %q %w", key, err)
		}
		*field = &scalar
	}
	return nil
}

func isPlainKey(name string) bool {
	for _, r := range name {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-' || r == '_':
		default:
			return false
		}
	}
	return name != ""
}

// readScalar reads a YAML scalar that ends with its line.
func readScalar(s string) (string, error) {
	isBreak := func(r rune) bool {
		return r < ' ' && r != '\t' || '\x7f' <= r && r < '\u00a0' || r == '\u2028' || r == '\u2029'
	}
	switch {
	case strings.ContainsFunc(s, isBreak): // which YAML writes as escapes
		return "", errors.New("has a character that is no text")
	case s == "" || s == "~" || s == "null" || s == "Null" || s == "NULL":
		return "", nil
	case s[0] == '\'':
		inner, ok := strings.CutSuffix(s[1:], "'")
		unescaped := strings.ReplaceAll(inner, "''", "")
		if !ok || strings.Contains(unescaped, "'") {
			return "", errors.New("does not end with its line")
		}
		return strings.ReplaceAll(inner, "''", "'"), nil
	case s[0] == '"':
		return readDoubleQuoted(s[1:])
	case strings.ContainsAny(s[:1], "|>&*!%@`[]{}#,") || strings.HasPrefix(s, "- ") || strings.HasPrefix(s, "? ") || strings.HasPrefix(s, ": ") || s == "-" || s == "?":
		return "", errors.New("is not a plain or quoted text")
	case strings.Contains(s, ": ") || strings.Contains(s, " #") || strings.HasSuffix(s, ":") || strings.Contains(s, "\t"):
		return "", errors.New("has to be quoted")
	}
	return s, nil
}

// escape returns what the escape of one letter means in YAML's double quotes.
func escape(letter byte) (text string, ok bool) {
	const letters = `0abtnvfre "/\N_LP`
	i := strings.IndexByte(letters, letter)
	if i < 0 {
		return "", false
	}
	return string([]rune("\x00\a\b\t\n\v\f\r\x1b \"/\\\u0085\u00a0\u2028\u2029")[i]), true
}

// readDoubleQuoted reads what follows on a double quote, up to the next.
func readDoubleQuoted(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			if i != len(s)-1 {
				return "", errors.New("has something behind it")
			}
			return b.String(), nil
		case s[i] != '\\':
			b.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			break
		}
		if text, ok := escape(s[i]); ok {
			b.WriteString(text)
			continue
		}
		digits := 0
		switch s[i] {
		case 'x':
			digits = 2
		case 'u':
			digits = 4
		case 'U':
			digits = 8
		}
		if digits == 0 || i+digits >= len(s) {
			return "", errors.New("has an unknown escape")
		}
		code, err := strconv.ParseUint(s[i+1:i+1+digits], 16, 32)
		if err != nil || !utf8.ValidRune(rune(code)) {
			return "", errors.New("has an unknown escape")
		}
		b.WriteRune(rune(code))
		i += digits
	}
	return "", errors.New("does not end with its line")
}
