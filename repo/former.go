package repo

import "github.com/e6d26078/slipway/chart"

// former is a version that was decoded. The one behind it in the list of a chart
// begins as its copy, and only the fields are decoded whose lines are not the same:
// of most versions a few. What a field says, and where the next one begins, depends
// only on the text up to the first character of the next key.
type former struct {
	version *Version // nil: there is none
	seen    uint32   // its fields
	keys    []key    // in their order
}

// key is where the key of a field stands.
type key struct {
	pos   int
	field uint32 // its bit in seen
}

// slot is the memory of a version.
type slot struct {
	version Version
	head    chart.Metadata
}

// version decodes the version whose first key is at pos, up to the end of the text.
func (d *decoder) version(pos int, at *slot) bool {
	ok := d.read(pos, at)
	if ok && d.last.seen&^d.now.seen != 0 { // a field that was copied is not there
		d.last, *at = former{}, slot{}
		ok = d.read(pos, at)
	}
	if !ok { // it is left to the full parser, and has what it was copied from
		d.now.seen |= d.last.seen
	}
	d.last, d.now = d.now, d.last
	return ok
}

// read decodes the fields that are not those of the version before.
func (d *decoder) read(pos int, at *slot) bool {
	if d.last.version != nil {
		at.version, at.head = *d.last.version, *d.last.version.Metadata
	}
	at.version.Metadata = &at.head
	d.now.version, d.now.seen, d.now.keys, d.next = &at.version, 0, d.now.keys[:0], 0
	for {
		pos = d.skip(pos)
		name, _, after := d.s.key(pos)
		if after == failed {
			return false
		}
		k, before := key{pos: pos}, d.now.seen
		if pos = d.field(name, after); pos == failed {
			return false
		}
		k.field = d.now.seen &^ before
		d.now.keys = append(d.now.keys, k)
		if pos == len(d.s) {
			return true
		}
		for i := d.next; i < len(d.last.keys); i++ {
			if d.last.keys[i].field == k.field {
				d.next = i + 1
				break
			}
		}
		const column = 4
		if d.s.indent(pos) != column {
			return false
		}
		pos += column
	}
}

// skip passes the fields at pos that are the same as those which come next in the
// version before.
func (d *decoder) skip(pos int) int {
	keys := d.last.keys
	if d.next+1 >= len(keys) {
		return pos
	}
	from := keys[d.next].pos
	shift := pos - from
	same := from + d.s.inCommon(from, pos, keys[len(keys)-1].pos+word-from)
	for ; d.next+1 < len(keys) && keys[d.next+1].pos < same; d.next++ {
		k := keys[d.next] // of no field that was there: next is behind those
		d.now.seen |= k.field
		d.now.keys = append(d.now.keys, key{k.pos + shift, k.field})
	}
	return keys[d.next].pos + shift
}
