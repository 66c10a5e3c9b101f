package repo

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
)

// The file beside an index, little-endian:
//
//	magic "slipway index\n", format (u16)
//	of the index: size (i64), time of change in ns (i64)
//	own (u8): 1 if the charts are here, in JSON, and not their lines in the index
//	length of the table (u32), its CRC-32C (u32)
//	table, sorted by name: name length (u16), name, start (i64), size (u32), CRC-32C (u32)
//	the JSON, if own
//
// Checksums find out what has changed, they do not authenticate: who can write
// this file can write the index as well.
const (
	placesMagic  = "slipway index\n"
	placesFormat = 2
	placesHead   = len(placesMagic) + 2 + 8 + 8 + 1 + 4 + 4
	maxPlaces    = 64 << 20 // of the table, in bytes
)

// placesFile is the name of the file beside an index.
func placesFile(index string) string { return index + ".slipway" }

// chartPlace is where the lines of a chart are.
type chartPlace struct {
	name  string
	start int64
	size  int64
	sum   uint32
}

// places is the content of the file beside an index.
type places struct {
	size, modified int64
	own            bool
	charts         []chartPlace // by name
	text           []byte       // if own, and not read from a file
}

func placesOf(data []byte, l *layout, info fs.FileInfo) *places {
	p := &places{size: info.Size(), modified: info.ModTime().UnixNano()}
	for _, c := range l.charts {
		p.charts = append(p.charts, chartPlace{
			name: strings.Clone(c.name), start: int64(c.start), size: int64(c.end - c.start),
			sum: crc32.Checksum(data[c.start:c.end], castagnoli()),
		})
	}
	p.sort()
	return p
}

// placesOfIndex writes the entries of an index in another layout as JSON: YAML does
// not keep every text. Their positions are counted from the end of the table, until
// they are encoded.
func placesOfIndex(x *Index, info fs.FileInfo) (*places, error) {
	p := &places{size: info.Size(), modified: info.ModTime().UnixNano(), own: true}
	for _, name := range slices.Sorted(maps.Keys(x.Entries)) {
		start := len(p.text)
		if len(x.Entries[name]) > 0 {
			text, err := json.Marshal(x.Entries[name])
			if err != nil {
				return nil, err
			}
			p.text = append(p.text, text...)
		}
		p.charts = append(p.charts, chartPlace{
			name: name, start: int64(start), size: int64(len(p.text) - start),
			sum: crc32.Checksum(p.text[start:], castagnoli()),
		})
	}
	p.sort()
	return p, nil
}

func (p *places) sort() {
	slices.SortFunc(p.charts, func(a, b chartPlace) int { return strings.Compare(a.name, b.name) })
}

func (p *places) find(name string) (chartPlace, bool) {
	i, ok := slices.BinarySearchFunc(p.charts, name, func(c chartPlace, name string) int { return strings.Compare(c.name, name) })
	if !ok {
		return chartPlace{}, false
	}
	return p.charts[i], true
}

// encode gives the content of the file.
func (p *places) encode() []byte {
	size := 0
	for _, c := range p.charts {
		size += 2 + len(c.name) + 8 + 4 + 4
	}
	var shift int64
	if p.own {
		shift = int64(placesHead + size)
	}
	le := binary.LittleEndian
	table := make([]byte, 0, size)
	for _, c := range p.charts {
		table = le.AppendUint16(table, uint16(len(c.name)))
		table = append(table, c.name...)
		table = le.AppendUint64(table, uint64(c.start+shift))
		table = le.AppendUint32(table, uint32(c.size))
		table = le.AppendUint32(table, c.sum)
	}
	out := append(make([]byte, 0, placesHead+len(table)+len(p.text)), placesMagic...)
	out = le.AppendUint16(out, placesFormat)
	out = le.AppendUint64(out, uint64(p.size))
	out = le.AppendUint64(out, uint64(p.modified))
	own := byte(0)
	if p.own {
		own = 1
	}
	out = append(out, own)
	out = le.AppendUint32(out, uint32(len(table)))
	out = le.AppendUint32(out, crc32.Checksum(table, castagnoli()))
	return append(append(out, table...), p.text...)
}

// readPlaces reads the file beside an index. It gives nil if the file is not
// there, does not belong to the index or is damaged.
func readPlaces(path string, index fs.FileInfo) *places {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	head := make([]byte, placesHead)
	if n, err := f.ReadAt(head, 0); n < placesHead && err != nil {
		return nil
	}
	le := binary.LittleEndian
	rest, ok := bytes.CutPrefix(head, []byte(placesMagic))
	if !ok || le.Uint16(rest) != placesFormat {
		return nil
	}
	p := &places{size: int64(le.Uint64(rest[2:])), modified: int64(le.Uint64(rest[10:])), own: rest[18] == 1}
	length, sum := le.Uint32(rest[19:]), le.Uint32(rest[23:])
	if p.size != index.Size() || p.modified != index.ModTime().UnixNano() || length > maxPlaces {
		return nil
	}
	info, err := f.Stat()
	if err != nil || info.Size() < int64(placesHead)+int64(length) {
		return nil
	}
	table := make([]byte, length)
	if n, _ := f.ReadAt(table, int64(placesHead)); n < len(table) || crc32.Checksum(table, castagnoli()) != sum {
		return nil
	}
	limit := p.size
	if p.own {
		limit = info.Size()
	}
	if !p.decodeTable(table, limit) {
		return nil
	}
	return p
}

// decodeTable reads the table; no chart may reach behind limit.
func (p *places) decodeTable(table []byte, limit int64) bool {
	le := binary.LittleEndian
	for len(table) > 0 {
		if len(table) < 2 {
			return false
		}
		n := int(le.Uint16(table))
		if len(table) < 2+n+16 {
			return false
		}
		c := chartPlace{name: string(table[2 : 2+n])}
		table = table[2+n:]
		c.start, c.size, c.sum = int64(le.Uint64(table)), int64(le.Uint32(table[8:])), le.Uint32(table[12:])
		table = table[16:]
		if c.start < 0 || c.size < 0 || c.start > limit-c.size {
			return false
		}
		if last := len(p.charts) - 1; last >= 0 && p.charts[last].name >= c.name {
			return false
		}
		p.charts = append(p.charts, c)
	}
	return true
}
