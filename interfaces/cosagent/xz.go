// SPDX-License-Identifier: Apache-2.0

package cosagent

import (
	"encoding/binary"
	"hash/crc32"
	"hash/crc64"
)

// Of the format xz, version 1.2.1: https://tukaani.org/xz/xz-file-format.txt
const (
	xzMagic      = "\xfd7zXZ\x00"
	xzFooter     = "YZ"
	xzFlags      = "\x00\x04" // the check is CRC64
	lzma2ID      = 0x21
	lzma2Dict    = 8       // 64 KiB
	lzma2Chunk   = 1 << 16 // the most that a chunk which is not compressed can have
	chunkFirst   = 1       // forget all before, not compressed
	chunkNext    = 2       // not compressed
	chunksEnd    = 0
	xzBlockParts = 4 // all parts of a stream are multiples of that
)

// storeXZ returns data as an xz stream of one block, in which it is not compressed.
func storeXZ(data []byte) []byte {
	chunks := (len(data) + lzma2Chunk - 1) / lzma2Chunk
	out := make([]byte, 0, len(data)+3*chunks+80)

	out = append(out, xzMagic+xzFlags...)
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE([]byte(xzFlags)))

	block := len(out)
	out = append(out, 2, 0, lzma2ID, 1, lzma2Dict, 0, 0, 0) // 12 bytes, no flags, the filter, padding
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(out[block:]))
	control := byte(chunkFirst)
	for rest := data; len(rest) > 0; control = chunkNext {
		n := min(len(rest), lzma2Chunk)
		out = append(out, control)
		out = binary.BigEndian.AppendUint16(out, uint16(n-1))
		out = append(out, rest[:n]...)
		rest = rest[n:]
	}
	out = append(out, chunksEnd)
	unpadded := len(out) - block + crc64.Size
	out = pad(out)
	out = binary.LittleEndian.AppendUint64(out, crc64.Checksum(data, crc64.MakeTable(crc64.ECMA)))

	index := len(out)
	out = append(out, 0, 1) // an index, of one block
	out = binary.AppendUvarint(out, uint64(unpadded))
	out = binary.AppendUvarint(out, uint64(len(data)))
	out = pad(out)
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(out[index:]))

	footer := binary.LittleEndian.AppendUint32(nil, uint32((len(out)-index)/xzBlockParts-1))
	footer = append(footer, xzFlags...)
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(footer))
	out = append(out, footer...)
	return append(out, xzFooter...)
}

// pad appends zeros until the length is that of whole parts.
func pad(out []byte) []byte {
	for len(out)%xzBlockParts != 0 {
		out = append(out, 0)
	}
	return out
}
