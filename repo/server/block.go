package server

import (
	"bytes"
	"crypto/sha256"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/flate"
)

// block is a piece of an index, encoded and compressed once. It is not changed
// any more. A gzip file of many blocks is their fragments one after the other
// between a head and a tail that are computed from the sums: decoders that stop
// after the first member of a gzip file, as some browsers and proxies do, read it too.
type block struct {
	entries  []*entry // of one chart, newest first
	raw      []byte
	fragment []byte // of a deflate stream: whole bytes, and no reference to what comes before
	crc      uint32
	shift    uint32 // turns the checksum of what comes before: see combine
	sum      [sha256.Size]byte
}

// deflaters are used again: a new one takes longer than most charts.
var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, 6)
	if err != nil {
		panic(err) // the level is a valid one
	}
	return w
}}

func newBlock(raw []byte) *block {
	var out bytes.Buffer
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&out)
	_, err := w.Write(raw)
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		panic(err) // a buffer takes everything
	}
	return &block{
		raw: raw, fragment: bytes.Clone(out.Bytes()),
		crc: crc32.ChecksumIEEE(raw), shift: shiftFor(len(raw)), sum: sha256.Sum256(raw),
	}
}

// newChartBlock encodes the versions of one chart, newest first.
func newChartBlock(name string, entries []*entry) *block {
	size := len(entryKey(name))
	for _, e := range entries {
		size += len(e.text)
	}
	raw := append(make([]byte, 0, size), entryKey(name)...)
	for _, e := range entries {
		raw = append(raw, e.text...)
	}
	b := newBlock(raw)
	b.entries = entries
	return b
}

// gzipHead is the head of a gzip file without a name or a time.
const gzipHead = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"

// gzipTail ends a gzip file: an empty last block, the checksum and the size.
func gzipTail(crc uint32, size int) []byte {
	return []byte{
		3, 0,
		byte(crc), byte(crc >> 8), byte(crc >> 16), byte(crc >> 24),
		byte(size), byte(size >> 8), byte(size >> 16), byte(size >> 24),
	}
}

// A CRC is the remainder of a division of polynomials over the field of two
// elements. The checksum of two texts is that of the first times x to the
// number of bits of the second, plus that of the second. Bits are mirrored: the
// highest is the coefficient of 1.

// combine gives the checksum of two texts by that of the first, and that of the second and its shift.
func combine(first, second, shift uint32) uint32 { return multiply(first, shift) ^ second }

// shiftFor is x to the number of bits of n bytes.
func shiftFor(n int) uint32 {
	result, power := uint32(1)<<31, uint32(1)<<23 // 1 and x^8
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			result = multiply(result, power)
		}
		power = multiply(power, power)
	}
	return result
}

// multiply gives the product of two polynomials, modulo that of CRC-32.
func multiply(a, b uint32) uint32 {
	var product uint32
	for ; a != 0; a <<= 1 {
		if a>>31 == 1 {
			product ^= b
		}
		carry := b & 1
		b >>= 1
		if carry == 1 {
			b ^= crc32.IEEE
		}
	}
	return product
}
