package yaml

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"math"
	"reflect"
	"strconv"

	sigsyaml "sigs.k8s.io/yaml"
)

// Append appends v as one YAML document to dst and returns the longer slice:
// exactly the bytes of sigs.k8s.io/yaml's Marshal(v), which writes v as JSON,
// reads that as YAML and writes it again. So map keys are in natural order,
// lists are not indented below their key, whole numbers have no exponent, text
// folds after column 80, and struct tags and methods are those of
// encoding/json. An error is the library's, and leaves dst as it was.
//
// The values that templates and values files are made of are written directly.
// Whatever needs the library's detours (structs, marshallers, odd characters,
// keys over 128 bytes) is handed to it.
func Append(dst []byte, v any) ([]byte, error) {
	e := encoder{dst: dst, lineStart: len(dst)}
	if shapeOf(v) != flat {
		e.entries = make([]mapEntry, 0, 24)
	}
	if e.root(v) {
		return e.dst, nil
	}
	text, err := sigsyaml.Marshal(v)
	if err != nil {
		return dst, err
	}
	return append(dst, text...), nil
}

// maxDirectDepth is where the emitters leave a value to the library, which
// then looks for cycles.
const maxDirectDepth = 900

// maxSimpleKey is the longest key that stands before a colon on its own line.
const maxSimpleKey = 128

// mapEntry is one entry of a map, taken out for sorting.
type mapEntry struct {
	key   string
	value any
}

// encoder writes one document. Its methods return false for what only the
// library can write; dst is then of no use.
type encoder struct {
	dst       []byte
	lineStart int // where the current line starts in dst
	depth     int
	entries   []mapEntry // the maps being written, outermost first
}

func (e *encoder) root(v any) bool {
	if shapeOf(v) == flat {
		return e.scalar(v, 2) && e.endLine()
	}
	return e.block(v, 0) && e.endLine()
}

// shape is how a value stands in block style.
type shape uint8

const (
	flat    shape = iota // on one line, or a block of text
	mapping              // a map with entries
	list                 // a list with items
)

func shapeOf(v any) shape {
	switch v := v.(type) {
	case nil, string, bool, float64, int, int64:
		return flat
	case map[string]any:
		return shapeIf(len(v) > 0, mapping)
	case []any:
		return shapeIf(len(v) > 0, list)
	case map[string]string:
		return shapeIf(len(v) > 0, mapping)
	case []string:
		return shapeIf(len(v) > 0, list)
	}
	m, _ := asMap(v)
	return shapeIf(len(m) > 0, mapping)
}

func shapeIf(filled bool, s shape) shape {
	if filled {
		return s
	}
	return flat
}

// block writes a map or list that has entries, with its keys or dashes at
// indent. The line is already indented for the first.
func (e *encoder) block(v any, indent int) bool {
	if e.depth++; e.depth > maxDirectDepth {
		return false
	}
	ok := false
	switch v := v.(type) {
	case map[string]any:
		ok = e.mapping(v, indent)
	case []any:
		ok = e.sequence(v, indent)
	case map[string]string:
		ok = e.stringMapping(v, indent)
	case []string:
		ok = e.stringSequence(v, indent)
	default:
		m, _ := asMap(v)
		ok = e.mapping(m, indent)
	}
	e.depth--
	return ok
}

// asMap returns the map in v if v is of a named type of map[string]any that
// has no way of its own to become text.
func asMap(v any) (map[string]any, bool) {
	t := reflect.TypeOf(v)
	if t.Kind() != reflect.Map || !t.ConvertibleTo(mapType) {
		return nil, false
	}
	switch v.(type) {
	case json.Marshaler, encoding.TextMarshaler:
		return nil, false
	}
	return reflect.ValueOf(v).Convert(mapType).Interface().(map[string]any), true
}

var mapType = reflect.TypeFor[map[string]any]()

func (e *encoder) mapping(m map[string]any, indent int) bool {
	first := len(e.entries)
	for k, v := range m {
		e.entries = append(e.entries, mapEntry{k, v})
	}
	return e.sortedMapping(first, indent)
}

func (e *encoder) stringMapping(m map[string]string, indent int) bool {
	first := len(e.entries)
	for k, v := range m {
		e.entries = append(e.entries, mapEntry{k, v})
	}
	return e.sortedMapping(first, indent)
}

// sortedMapping writes the entries from first on, and takes them off.
func (e *encoder) sortedMapping(first, indent int) bool {
	sortEntries(e.entries[first:])
	last := len(e.entries)
	for i := first; i < last; i++ {
		if i > first {
			e.endLine()
			e.pad(indent)
		}
		en := e.entries[i]
		if !e.key(en.key) {
			return false
		}
		e.dst = append(e.dst, ':')
		if !e.member(en.value, indent) {
			return false
		}
	}
	clear(e.entries[first:last])
	e.entries = e.entries[:first]
	return true
}

// member writes the value of a key that is at indent.
func (e *encoder) member(v any, indent int) bool {
	switch shapeOf(v) {
	case mapping:
		e.breakLine()
		e.pad(indent + 2)
		return e.block(v, indent+2)
	case list:
		e.breakLine()
		e.pad(indent)
		return e.block(v, indent)
	}
	e.dst = append(e.dst, ' ')
	return e.scalar(v, indent+2)
}

func (e *encoder) sequence(items []any, indent int) bool {
	for i, v := range items {
		if i > 0 {
			e.endLine()
			e.pad(indent)
		}
		e.dst = append(e.dst, '-', ' ')
		if shapeOf(v) == flat {
			if !e.scalar(v, indent+2) {
				return false
			}
		} else if !e.block(v, indent+2) {
			return false
		}
	}
	return true
}

func (e *encoder) stringSequence(items []string, indent int) bool {
	for i, s := range items {
		if i > 0 {
			e.endLine()
			e.pad(indent)
		}
		e.dst = append(e.dst, '-', ' ')
		if !e.text(s, indent+2) {
			return false
		}
	}
	return true
}

// scalar writes anything that has no entries. Folded lines of text continue at
// indent.
func (e *encoder) scalar(v any, indent int) bool {
	switch v := v.(type) {
	case string:
		return e.text(v, indent)
	case nil:
		e.dst = append(e.dst, "null"...)
	case bool:
		e.dst = strconv.AppendBool(e.dst, v)
	case float64:
		return e.float(v)
	case json.Number:
		if !isPlainInteger(string(v)) {
			return false
		}
		e.dst = append(e.dst, v...)
	case []byte:
		if v == nil {
			e.dst = append(e.dst, "null"...)
			return true
		}
		return e.text(base64.StdEncoding.EncodeToString(v), indent)
	default:
		if n, ok := asInt(v); ok {
			e.dst = strconv.AppendInt(e.dst, n, 10)
			return true
		}
		if n, ok := asUint(v); ok {
			e.dst = strconv.AppendUint(e.dst, n, 10)
			return true
		}
		return e.hollow(v)
	}
	return true
}

// hollow writes an empty or nil map or list.
func (e *encoder) hollow(v any) bool {
	isNil, brackets := false, "{}"
	switch v := v.(type) {
	case map[string]any:
		isNil = v == nil
	case map[string]string:
		isNil = v == nil
	case []any:
		isNil, brackets = v == nil, "[]"
	case []string:
		isNil, brackets = v == nil, "[]"
	default:
		m, ok := asMap(v)
		if !ok {
			return false
		}
		isNil = m == nil
	}
	if isNil {
		brackets = "null"
	}
	e.dst = append(e.dst, brackets...)
	return true
}

func asInt(v any) (int64, bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case int64:
		return v, true
	case int32:
		return int64(v), true
	case int16:
		return int64(v), true
	case int8:
		return int64(v), true
	}
	return 0, false
}

func asUint(v any) (uint64, bool) {
	switch v := v.(type) {
	case uint:
		return uint64(v), true
	case uint64:
		return v, true
	case uint32:
		return uint64(v), true
	case uint16:
		return uint64(v), true
	case uint8:
		return uint64(v), true
	}
	return 0, false
}

// isPlainInteger reports whether s is an int64 in its usual form.
func isPlainInteger(s string) bool {
	n, err := strconv.ParseInt(s, 10, 64)
	return err == nil && strconv.FormatInt(n, 10) == s
}

// float writes f as it comes out of JSON and YAML: a number whose JSON text is
// a whole number that fits 64 bits keeps that text.
func (e *encoder) float(f float64) bool {
	const exact = 1 << 53
	if f == math.Trunc(f) && -exact < f && f < exact {
		e.dst = strconv.AppendInt(e.dst, int64(f), 10)
		return true
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return false
	}
	if abs := math.Abs(f); abs >= exact && abs < 1e21 {
		mark := len(e.dst)
		e.dst = strconv.AppendFloat(e.dst, f, 'f', -1, 64)
		digits := string(e.dst[mark:])
		if isPlainInteger(digits) {
			return true
		}
		if _, err := strconv.ParseUint(digits, 10, 64); err == nil {
			return true
		}
		e.dst = e.dst[:mark]
	}
	e.dst = strconv.AppendFloat(e.dst, f, 'g', -1, 64)
	return true
}

// endLine starts a new line, unless a block of text has just done so.
func (e *encoder) endLine() bool {
	if len(e.dst) > e.lineStart {
		e.breakLine()
	}
	return true
}

func (e *encoder) breakLine() {
	e.dst = append(e.dst, '\n')
	e.lineStart = len(e.dst)
}

func (e *encoder) pad(n int) {
	const blanks = "                                "
	for ; n > len(blanks); n -= len(blanks) {
		e.dst = append(e.dst, blanks...)
	}
	e.dst = append(e.dst, blanks[:n]...)
}
