package inflate

import "math/bits"

const (
	litBits  = 11 // of a code that are looked up at once, for literals and lengths
	distBits = 8  // the same for distances
	maxBits  = 15 // the longest code

	numLit  = 286
	numDist = 30

	// How large the tables get at most with all their sub-tables: a sub-table
	// of k bits has at least k+1 codes, so that there cannot be many large ones.
	litTable  = 1<<litBits + (numLit+2)/5*(1<<4)
	distTable = 1<<distBits + (numDist+2)/8*(1<<7)

	endOfBlock = 256
)

// An entry of a decoding table, found by the next bits of the input:
//
//	bits  0-5   how many bits to consume: the code and its extra bits
//	bits  8-11  the length of the code alone
//	bits 12-15  what it is; 0 is a length or a distance
//	bits 16-31  the literal, the base of the length or distance, or where the sub-table begins
//
// An entry of 0 is no code at all. In an entry that leads to a sub-table, bits
// 0-5 count the bits that select the entry in it.
const (
	isLiteral = 1 << 15
	isSub     = 1 << 14
	isEnd     = 1 << 13
	isPair    = 1 << 12 // with isLiteral: two literals, the first in bits 16-23
	isSpecial = isSub | isEnd
)

// The entries of all symbols, without the lengths of their codes.
var (
	litSymbols  = makeLitSymbols()
	distSymbols = makeDistSymbols()
)

func makeLitSymbols() (t [numLit + 2]uint32) {
	for i := range 256 {
		t[i] = uint32(i)<<16 | isLiteral
	}
	t[endOfBlock] = isEnd
	base := uint32(3)
	for i := range 28 {
		extra := uint32(max(0, i/4-1))
		t[257+i] = base<<16 | extra
		base += 1 << extra
	}
	t[285] = 258 << 16
	return t
}

func makeDistSymbols() (t [numDist + 2]uint32) {
	base := uint32(1)
	for i := range numDist {
		extra := uint32(max(0, i/2-1))
		t[i] = base<<16 | extra
		base += 1 << extra
	}
	return t
}

// build fills table with the canonical code whose lengths are given, and gives
// false if there is no such code.
func build(table []uint32, tableBits int, lengths []uint8, symbols []uint32) bool {
	var count, next [maxBits + 1]int
	for _, n := range lengths {
		count[n]++
	}
	count[0] = 0
	longest := maxBits
	for longest > 0 && count[longest] == 0 {
		longest--
	}
	code := 0
	for n := 1; n <= longest; n++ {
		code <<= 1
		next[n] = code
		code += count[n]
	}
	if complete := longest > 0 && code == 1<<longest; !complete {
		if longest > 1 || code > 1 {
			return false
		}
		clear(table[:1<<tableBits]) // one code or none: what is missing stays 0
	}
	if longest > tableBits {
		placeSubs(table, tableBits, lengths, next)
	}
	for symbol, length := range lengths {
		if length == 0 {
			continue
		}
		n := int(length)
		reversed := int(bits.Reverse16(uint16(next[n])) >> (16 - n))
		next[n]++
		e := symbols[symbol]
		if e != 0 {
			e += uint32(n) | uint32(n)<<8
		}
		if n <= tableBits {
			for i := reversed; i < 1<<tableBits; i += 1 << n {
				table[i] = e
			}
			continue
		}
		head := table[reversed&(1<<tableBits-1)]
		sub := table[head>>16:][:1<<(head&63)]
		for i := reversed >> tableBits; i < len(sub); i += 1 << (n - tableBits) {
			sub[i] = e
		}
	}
	return true
}

// placeSubs gives the codes that are longer than tableBits their sub-tables,
// each as large as the longest code in it demands.
func placeSubs(table []uint32, tableBits int, lengths []uint8, next [maxBits + 1]int) {
	clear(table[:1<<tableBits])
	for _, length := range lengths {
		n := int(length)
		if n <= tableBits {
			continue
		}
		low := next[n] >> (n - tableBits)
		next[n]++
		head := &table[bits.Reverse16(uint16(low))>>(16-tableBits)]
		*head = max(*head, isSub|uint32(n-tableBits))
	}
	free := 1 << tableBits
	for i, head := range table[:1<<tableBits] {
		if head != 0 {
			table[i] |= uint32(free) << 16
			free += 1 << (head & 63)
		}
	}
}

// pairLiterals turns the entries whose bits hold two literals into one for both.
func pairLiterals(table []uint32) {
	for i := len(table) - 1; i >= 0; i-- {
		first := table[i]
		if first&isLiteral == 0 {
			continue
		}
		used := first & 63
		second := table[i>>used] // lower, or the same, so that it is not paired yet
		if second&(isLiteral|isPair) == isLiteral && used+second&63 <= litBits {
			table[i] = (first>>16|second>>8&0xff00)<<16 | isLiteral | isPair | (used + second&63)
		}
	}
}
