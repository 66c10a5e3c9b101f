package repo

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// repeats passes the lines that a version has in common with the one before it:
// of most charts, all but a few. It notes at which lines steps began. Where a
// step leads depends only on the text from its line up to the first character
// of the line that it leads to, so the same text leads to the same lines.
type repeats struct {
	before, now []int // beginnings of lines, of the version before and of this one
	next        int   // in before: what the next line may be the same as
}

// begin begins a version at pos, and skips.
func (r *repeats) begin(s source, pos int) int {
	r.before, r.now, r.next = r.now, r.before[:0], 0
	pos = r.skip(s, pos)
	r.next = max(r.next, 1) // no other line is the same as the first one
	return pos
}

// mayGoOn reports whether there is anything left that could be the same.
func (r *repeats) mayGoOn() bool { return r.next+2 < len(r.before) }

// step notes that a step begins at pos.
func (r *repeats) step(pos int) { r.now = append(r.now, pos) }

// skip gives the last line up to which the version repeats, which is at pos or
// behind it, and goes on to the one that the line behind that may be the same as.
// That line is never an empty one, since no steps are noted there.
func (r *repeats) skip(s source, pos int) int {
	if !r.mayGoOn() {
		return pos
	}
	from := r.before[r.next]
	shift := pos - from
	same := from + s.inCommon(from, pos, r.before[len(r.before)-1]-from)
	for r.mayGoOn() && r.before[r.next+2] <= same {
		r.now = append(r.now, r.before[r.next]+shift)
		r.next++
	}
	pos = r.before[r.next] + shift
	if same-r.before[r.next] >= word {
		r.next++ // the same key with another value
		return pos
	}
	const ahead = 4 // lines that the version before may have had beyond this one
	for i := r.next + 1; i < min(r.next+ahead, len(r.before)); i++ {
		if s.inCommon(r.before[i], pos, word) == word {
			r.next = i + 1
			break
		}
	}
	return pos
}

const word = 8 // bytes

// inCommon gives how many of n bytes are the same at a and at b, which is behind
// a. Those behind the last whole word are not counted.
func (s source) inCommon(a, b, n int) int {
	n = min(n, len(s)-b)
	start := unsafe.Pointer(unsafe.StringData(string(s)))
	one, other := unsafe.Add(start, a), unsafe.Add(start, b)
	i := 0
	for ; i+word <= n; i += word {
		if differ := wordAt(one, i) ^ wordAt(other, i); differ != 0 {
			return i + bits.TrailingZeros64(differ)/8
		}
	}
	return i
}

// wordAt is a word whose lowest bits are the first byte.
func wordAt(start unsafe.Pointer, i int) uint64 {
	return binary.LittleEndian.Uint64((*[word]byte)(unsafe.Add(start, i))[:])
}
