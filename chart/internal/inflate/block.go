package inflate

import "encoding/binary"

const (
	// margin is how many bytes one turn of the hot loop may write: a run of
	// literals, the longest match, and what its last copy writes too much.
	margin = 512
	// padding is how many bytes the input is extended by, so that it may be read eight at a time.
	padding = 48
)

// decoder unpacks members, one after the other, into out.
type decoder struct {
	in   []byte // the member's data and padding
	size int    // of the member's data
	pos  int    // of the next byte of in that is not in acc
	acc  uint64 // bits that were read
	n    uint   // how many bits of acc count; there may be more, which are right

	out     []byte
	written int
	start   int // where the member's output begins
	limit   int

	lengths [numLit + 2 + numDist + 2]uint8
	lit     [litTable]uint32
	dist    [distTable]uint32
	codes   [1 << 7]uint32
}

// member unpacks one deflate stream and gives its length.
func (d *decoder) member(data []byte) (int, error) {
	d.size = len(data)
	if d.in = data[:cap(data)]; cap(data) < len(data)+padding {
		d.in = make([]byte, len(data)+padding)
		copy(d.in, data)
	}
	d.pos, d.acc, d.n, d.start = 0, 0, 0, d.written
	for final := false; !final; {
		d.refill()
		final = d.take(1) == 1
		var err error
		switch d.take(2) {
		case 0:
			err = d.stored()
		case 1:
			d.fixedCodes()
			err = d.compressed()
		case 2:
			if err = d.dynamicCodes(); err == nil {
				err = d.compressed()
			}
		default:
			err = ErrCorrupt
		}
		if d.pos-int(d.n/8) > d.size {
			return 0, ErrTruncated
		}
		if err != nil {
			return 0, err
		}
	}
	return d.pos - int(d.n/8), nil
}

// refill brings at least 56 bits into acc. Past the end of the input they are 0.
func (d *decoder) refill() {
	d.pos = min(d.pos, d.size+padding-8)
	d.acc |= binary.LittleEndian.Uint64(d.in[d.pos:]) << (d.n & 63)
	d.pos += int(63-d.n) >> 3
	d.n |= 56
}

func (d *decoder) take(bits uint) uint {
	v := uint(d.acc) & (1<<bits - 1)
	d.acc >>= bits
	d.n -= bits
	return v
}

// room makes space for n more bytes and the margin.
func (d *decoder) room(n int) error {
	if d.written+n > d.limit {
		return ErrLimit
	}
	if need := d.written + n + margin; need > len(d.out) {
		larger := make([]byte, min(max(need, 2*len(d.out)), d.limit+2*margin))
		copy(larger, d.out[:d.written])
		d.out = larger
	}
	return nil
}

func (d *decoder) stored() error {
	d.pos -= int(d.n / 8)
	d.acc, d.n = 0, 0
	if d.pos+4 > d.size {
		return ErrTruncated
	}
	n := int(binary.LittleEndian.Uint16(d.in[d.pos:]))
	if n != int(^binary.LittleEndian.Uint16(d.in[d.pos+2:])) {
		return ErrCorrupt
	}
	d.pos += 4
	if d.pos+n > d.size {
		return ErrTruncated
	}
	if err := d.room(n); err != nil {
		return err
	}
	d.written += copy(d.out[d.written:], d.in[d.pos:d.pos+n])
	d.pos += n
	return nil
}

func (d *decoder) fixedCodes() {
	lengths := d.lengths[:numLit+2]
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	build(d.lit[:], litBits, lengths, litSymbols[:])
	lengths = d.lengths[:numDist+2]
	for i := range lengths {
		lengths[i] = 5
	}
	build(d.dist[:], distBits, lengths, distSymbols[:])
}

// dynamicCodes reads the codes that a block brings with it.
func (d *decoder) dynamicCodes() error {
	d.refill()
	nLit := int(d.take(5)) + 257
	nDist := int(d.take(5)) + 1
	nCodes := int(d.take(4)) + 4
	if nLit > numLit || nDist > numDist {
		return ErrCorrupt
	}
	var codeLengths [19]uint8
	for i := range nCodes {
		if d.n < 3 {
			d.refill()
		}
		codeLengths[codeOrder[i]] = uint8(d.take(3))
	}
	if !build(d.codes[:], 7, codeLengths[:], codeSymbols[:]) {
		return ErrCorrupt
	}
	lengths := d.lengths[:nLit+nDist]
	for i := 0; i < len(lengths); {
		d.refill()
		e := d.codes[d.acc&(1<<7-1)]
		if e == 0 || d.pos-int(d.n/8) > d.size {
			return ErrCorrupt
		}
		d.take(uint(e & 63))
		symbol := e >> 16
		if symbol < 16 {
			lengths[i] = uint8(symbol)
			i++
			continue
		}
		repeat, value := 0, uint8(0)
		switch symbol {
		case 16:
			if i == 0 {
				return ErrCorrupt
			}
			repeat, value = 3+int(d.take(2)), lengths[i-1]
		case 17:
			repeat = 3 + int(d.take(3))
		default:
			repeat = 11 + int(d.take(7))
		}
		if i+repeat > len(lengths) {
			return ErrCorrupt
		}
		for range repeat {
			lengths[i] = value
			i++
		}
	}
	if !build(d.lit[:], litBits, lengths[:nLit], litSymbols[:]) || !build(d.dist[:], distBits, lengths[nLit:], distSymbols[:]) {
		return ErrCorrupt
	}
	if d.size-d.pos >= worthPairing {
		pairLiterals(d.lit[:1<<litBits])
	}
	return nil
}

// worthPairing is how much compressed data must be left for pairs of literals to
// save more time than it takes to find them.
const worthPairing = 4 << 10

// codeOrder is the order in which a block lists the lengths of the codes that
// encode its lengths.
var codeOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// codeSymbols are the entries for those codes; isEnd keeps symbol 0 apart from
// an entry that is no code.
var codeSymbols = makeCodeSymbols()

func makeCodeSymbols() (t [19]uint32) {
	for i := range t {
		t[i] = uint32(i)<<16 | isEnd
	}
	return t
}

// compressed unpacks a block to its end.
func (d *decoder) compressed() error {
	for {
		if err := d.room(0); err != nil {
			return err
		}
		if done, err := d.symbols(); done || err != nil {
			return err
		}
	}
}

// symbols unpacks until the block ends, or until out is full but for the
// margin. This is the hot loop: everything it needs is in local variables, and
// it reads 56 bits at a time, which are enough for some literals, or for a
// length and a distance.
func (d *decoder) symbols() (done bool, err error) {
	lit, dist := &d.lit, &d.dist
	in, out := d.in, d.out
	pos, acc, n, w, start := d.pos, d.acc, d.n, d.written, d.start
	last := min(d.size+8, len(in)-24) // a valid block never reads past this
	full := min(len(out)-margin, d.limit)
	acc |= binary.LittleEndian.Uint64(in[pos:]) << (n & 63)
	pos += int(63-n) >> 3
	n |= 56
	for w <= full && pos <= last {
		e := lit[acc&(1<<litBits-1)]
		for e&isLiteral != 0 && n >= 2*litBits {
			binary.LittleEndian.PutUint16(out[w:], uint16(e>>16))
			w += 1 + int(e>>12&1)
			acc >>= e & 63
			n -= uint(e & 63)
			e = lit[acc&(1<<litBits-1)]
		}
		acc |= binary.LittleEndian.Uint64(in[pos:]) << (n & 63)
		pos += int(63-n) >> 3
		n |= 56
		if e&isLiteral != 0 {
			continue
		}
		if e&isSpecial != 0 {
			if e&isSub != 0 {
				e = lit[e>>16+uint32(acc>>litBits)&(1<<(e&31)-1)]
				if e&isLiteral != 0 {
					out[w] = byte(e >> 16)
					w++
					acc >>= e & 63
					n -= uint(e & 63)
					continue
				}
			}
			if e&isEnd != 0 {
				d.pos, d.acc, d.n, d.written = pos, acc>>(e&63), n-uint(e&63), w
				return true, nil
			}
		}
		length := int(e>>16) + int(acc&(1<<(e&63)-1)>>(e>>8&15))
		acc >>= e & 63
		n -= uint(e & 63)
		if e == 0 {
			return false, ErrCorrupt
		}
		e = dist[acc&(1<<distBits-1)]
		if e&isSub != 0 {
			e = dist[e>>16+uint32(acc>>distBits)&(1<<(e&31)-1)]
		}
		back := int(e>>16) + int(acc&(1<<(e&63)-1)>>(e>>8&15))
		acc >>= e & 63
		n -= uint(e & 63)
		if e == 0 || back > w-start {
			return false, ErrCorrupt
		}
		acc |= binary.LittleEndian.Uint64(in[pos:]) << (n & 63)
		pos += int(63-n) >> 3
		n |= 56
		from, end := w-back, w+length
		if back >= 16 {
			// Many at a time; what is written too much is overwritten later.
			src, dst := out[from:from+32], out[w:w+32]
			*(*[16]byte)(dst) = *(*[16]byte)(src)
			*(*[16]byte)(dst[16:]) = *(*[16]byte)(src[16:])
			for w += 32; w < end; w += 16 {
				*(*[16]byte)(out[w:]) = *(*[16]byte)(out[w-back:])
			}
		} else {
			for ; w < end; w, from = w+1, from+1 {
				out[w] = out[from]
			}
		}
		w = end
	}
	d.pos, d.acc, d.n, d.written = pos, acc, n, w
	if pos > last {
		return false, ErrTruncated
	}
	return false, nil
}
