// Package inflate unpacks gzip files that are in memory as a whole, which is
// several times faster than unpacking a stream: no window is kept, no byte is
// copied twice, and most bounds are checked once for many bytes.
//
// The formats are those of RFC 1951 and RFC 1952.
package inflate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

var (
	// ErrHeader says that the data does not begin like a gzip file.
	ErrHeader = errors.New("gzip: invalid header")
	// ErrTruncated says that the data ends too early.
	ErrTruncated = errors.New("gzip: unexpected EOF")
	// ErrCorrupt says that the compressed data is not what any compressor writes.
	ErrCorrupt = errors.New("gzip: corrupt input")
	// ErrChecksum says that the unpacked data is not what was packed.
	ErrChecksum = errors.New("gzip: invalid checksum")
	// ErrTrailing says that something other than zeros follows the gzip data.
	ErrTrailing = errors.New("gzip: unknown data after the end")
	// ErrLimit says that the unpacked data is larger than allowed.
	ErrLimit = errors.New("gzip: unpacked data exceeds the limit")
)

// The flags of a gzip header.
const (
	flagHeaderCRC = 1 << 1
	flagExtra     = 1 << 2
	flagName      = 1 << 3
	flagComment   = 1 << 4
)

// maxRatio is what deflate reaches at best.
const maxRatio = 1032

// Gunzip unpacks the gzip file data, with all its members, to at most limit
// bytes. It changes nothing; several goroutines may unpack at a time.
func Gunzip(data []byte, limit int) ([]byte, error) {
	body, err := skipHeader(data)
	if err != nil {
		return nil, err
	}
	d := &decoder{limit: limit}
	d.out = make([]byte, sizeHint(data, limit)+margin)
	for {
		start := d.written
		used, err := d.member(body)
		if err != nil {
			return nil, err
		}
		if d.written > limit {
			return nil, ErrLimit
		}
		body = body[used:]
		if len(body) < 8 {
			return nil, ErrTruncated
		}
		plain := d.out[start:d.written]
		if crc32.ChecksumIEEE(plain) != binary.LittleEndian.Uint32(body) || uint32(len(plain)) != binary.LittleEndian.Uint32(body[4:]) {
			return nil, ErrChecksum
		}
		body = body[8:]
		if allZero(body) {
			return d.out[:d.written:d.written], nil
		}
		if body, err = skipHeader(body); err != nil {
			return nil, fmt.Errorf("%w: %d bytes", ErrTrailing, len(body))
		}
	}
}

// sizeHint is the unpacked size that the end of the file states, as far as it
// is credible.
func sizeHint(data []byte, limit int) int {
	stated := int64(0)
	if len(data) >= 4 {
		stated = int64(binary.LittleEndian.Uint32(data[len(data)-4:]))
	}
	return int(min(stated, int64(len(data))*maxRatio, int64(limit), math.MaxInt32))
}

// skipHeader gives what follows a member's header.
func skipHeader(data []byte) ([]byte, error) {
	if len(data) < 10 || data[0] != 0x1f || data[1] != 0x8b || data[2] != 8 {
		return data, ErrHeader
	}
	flags := data[3]
	rest := data[10:]
	if flags&flagExtra != 0 {
		if len(rest) < 2 || len(rest) < 2+int(binary.LittleEndian.Uint16(rest)) {
			return data, ErrTruncated
		}
		rest = rest[2+int(binary.LittleEndian.Uint16(rest)):]
	}
	for _, flag := range [...]byte{flagName, flagComment} {
		if flags&flag == 0 {
			continue
		}
		end := 0
		for end < len(rest) && rest[end] != 0 {
			end++
		}
		if end == len(rest) {
			return data, ErrTruncated
		}
		rest = rest[end+1:]
	}
	if flags&flagHeaderCRC != 0 {
		if len(rest) < 2 {
			return data, ErrTruncated
		}
		sum := crc32.ChecksumIEEE(data[:len(data)-len(rest)])
		if uint16(sum) != binary.LittleEndian.Uint16(rest) {
			return data, ErrHeader
		}
		rest = rest[2:]
	}
	return rest, nil
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
