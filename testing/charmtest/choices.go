// SPDX-License-Identifier: Apache-2.0

package charmtest

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// encodeChoices returns a text of choices, for ModelOptions.Choices. Zeros at
// the end are left out: those are chosen anyway.
func encodeChoices(choices []uint32) string {
	for len(choices) > 0 && choices[len(choices)-1] == 0 {
		choices = choices[:len(choices)-1]
	}
	data := []byte{1} // so that no choices are a text, too
	for _, c := range choices {
		data = binary.AppendUvarint(data, uint64(c))
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

func decodeChoices(text string) ([]uint32, error) {
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(data) == 0 || data[0] != 1 {
		return nil, errors.New("cannot read ModelOptions.Choices: it is not what a failure has printed")
	}
	choices := []uint32{}
	for data = data[1:]; len(data) > 0; {
		c, n := binary.Uvarint(data)
		if n <= 0 || c > 1<<32-1 {
			return nil, errors.New("cannot read ModelOptions.Choices: it is cut off")
		}
		choices, data = append(choices, uint32(c)), data[n:]
	}
	return choices, nil
}
