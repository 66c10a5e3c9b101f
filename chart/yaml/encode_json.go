package yaml

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// AppendJSON appends v as JSON to dst and returns the longer slice: exactly
// the bytes of encoding/json's Marshal(v), in which <, > and & are escaped. An
// error is that package's, and leaves dst as it was.
func AppendJSON(dst []byte, v any) ([]byte, error) {
	return appendJSON(dst, v, true)
}

// AppendRawJSON is AppendJSON without the escapes of <, > and &.
func AppendRawJSON(dst []byte, v any) ([]byte, error) {
	return appendJSON(dst, v, false)
}

// AppendPrettyJSON is AppendJSON with each entry on a line of its own, two
// blanks deeper than what holds it: the bytes of encoding/json's
// MarshalIndent(v, "", "  ").
func AppendPrettyJSON(dst []byte, v any) ([]byte, error) {
	compact, err := AppendJSON(nil, v)
	if err != nil {
		return dst, err
	}
	text := bytes.NewBuffer(dst)
	if err := json.Indent(text, compact, "", "  "); err != nil {
		return dst, err
	}
	return text.Bytes(), nil
}

func appendJSON(dst []byte, v any, escapeHTML bool) ([]byte, error) {
	var scratch [24]mapEntry
	j := jsonEncoder{dst: dst, escapeHTML: escapeHTML, entries: scratch[:0]}
	if j.value(v) {
		return j.dst, nil
	}
	if escapeHTML {
		text, err := json.Marshal(v)
		return append(dst, text...), err
	}
	text, err := marshalRaw(v)
	if err != nil {
		return dst, err
	}
	return append(dst, text...), nil
}

// jsonEncoder writes one JSON value. Its methods return false for what only
// encoding/json can write; dst is then of no use.
type jsonEncoder struct {
	dst        []byte
	escapeHTML bool
	depth      int
	entries    []mapEntry // the maps being written, outermost first
}

func (j *jsonEncoder) value(v any) bool {
	switch v := v.(type) {
	case nil:
		j.dst = append(j.dst, "null"...)
	case string:
		j.text(v)
	case bool:
		j.dst = strconv.AppendBool(j.dst, v)
	case float64:
		return j.float(v)
	case map[string]any:
		return j.object(v)
	case []any:
		return j.array(v)
	case map[string]string:
		if v == nil {
			j.dst = append(j.dst, "null"...)
			return true
		}
		first := len(j.entries)
		for k, s := range v {
			j.entries = append(j.entries, mapEntry{k, s})
		}
		return j.members(first)
	case []string:
		if v == nil {
			j.dst = append(j.dst, "null"...)
			return true
		}
		j.dst = append(j.dst, '[')
		for i, s := range v {
			j.comma(i)
			j.text(s)
		}
		j.dst = append(j.dst, ']')
	default:
		return j.rare(v)
	}
	return true
}

func (j *jsonEncoder) rare(v any) bool {
	if n, ok := asInt(v); ok {
		j.dst = strconv.AppendInt(j.dst, n, 10)
		return true
	}
	if n, ok := asUint(v); ok {
		j.dst = strconv.AppendUint(j.dst, n, 10)
		return true
	}
	switch v := v.(type) {
	case json.Number:
		if !isPlainInteger(string(v)) {
			return false
		}
		j.dst = append(j.dst, v...)
		return true
	case []byte:
		if v == nil {
			j.dst = append(j.dst, "null"...)
			return true
		}
		j.dst = append(j.dst, '"')
		j.dst = base64.StdEncoding.AppendEncode(j.dst, v)
		j.dst = append(j.dst, '"')
		return true
	}
	if m, ok := asMap(v); ok {
		return j.object(m)
	}
	return j.foreign(v)
}

// foreign writes a value of any other type, a struct say, by way of
// encoding/json, which writes it the same wherever it stands.
func (j *jsonEncoder) foreign(v any) bool {
	if j.escapeHTML {
		text, err := json.Marshal(v)
		j.dst = append(j.dst, text...)
		return err == nil
	}
	text, err := marshalRaw(v)
	j.dst = append(j.dst, text...)
	return err == nil
}

// marshalRaw is json.Marshal without the escapes of <, > and &.
func marshalRaw(v any) ([]byte, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
}

func (j *jsonEncoder) comma(i int) {
	if i > 0 {
		j.dst = append(j.dst, ',')
	}
}

func (j *jsonEncoder) object(m map[string]any) bool {
	if m == nil {
		j.dst = append(j.dst, "null"...)
		return true
	}
	if j.depth++; j.depth > maxDirectDepth {
		return false
	}
	first := len(j.entries)
	for k, v := range m {
		j.entries = append(j.entries, mapEntry{k, v})
	}
	ok := j.members(first)
	j.depth--
	return ok
}

// members writes the entries from first on, and takes them off.
func (j *jsonEncoder) members(first int) bool {
	slices.SortFunc(j.entries[first:], func(a, b mapEntry) int { return strings.Compare(a.key, b.key) })
	last := len(j.entries)
	j.dst = append(j.dst, '{')
	for i := first; i < last; i++ {
		j.comma(i - first)
		en := j.entries[i]
		j.text(en.key)
		j.dst = append(j.dst, ':')
		if !j.value(en.value) {
			return false
		}
	}
	j.dst = append(j.dst, '}')
	clear(j.entries[first:last])
	j.entries = j.entries[:first]
	return true
}

func (j *jsonEncoder) array(items []any) bool {
	if items == nil {
		j.dst = append(j.dst, "null"...)
		return true
	}
	if j.depth++; j.depth > maxDirectDepth {
		return false
	}
	j.dst = append(j.dst, '[')
	for i, v := range items {
		j.comma(i)
		if !j.value(v) {
			return false
		}
	}
	j.dst = append(j.dst, ']')
	j.depth--
	return true
}

// float writes f with an exponent only if it is very small or very large, and
// that without a leading zero.
func (j *jsonEncoder) float(f float64) bool {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return false
	}
	abs := math.Abs(f)
	if abs == 0 || 1e-6 <= abs && abs < 1e21 {
		j.dst = strconv.AppendFloat(j.dst, f, 'f', -1, 64)
		return true
	}
	j.dst = strconv.AppendFloat(j.dst, f, 'e', -1, 64)
	if n := len(j.dst); j.dst[n-4] == 'e' && j.dst[n-3] == '-' && j.dst[n-2] == '0' {
		j.dst[n-2] = j.dst[n-1]
		j.dst = j.dst[:n-1]
	}
	return true
}

// text writes s as a JSON string. What is not UTF-8 becomes U+FFFD.
func (j *jsonEncoder) text(s string) {
	const hex = "0123456789abcdef"
	j.dst = append(j.dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && !(j.escapeHTML && (c == '<' || c == '>' || c == '&')) {
				i++
				continue
			}
			j.dst = append(j.dst, s[start:i]...)
			switch c {
			case '"', '\\':
				j.dst = append(j.dst, '\\', c)
			case '\b', '\f', '\n', '\r', '\t':
				j.dst = append(j.dst, '\\', "btn-fr"[c-'\b'])
			default:
				j.dst = append(j.dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r != utf8.RuneError && r != 0x2028 && r != 0x2029 || r == utf8.RuneError && size > 1 {
			i += size
			continue
		}
		j.dst = append(j.dst, s[start:i]...)
		if size == 1 {
			j.dst = append(j.dst, `\ufffd`...)
		} else {
			j.dst = append(j.dst, `\u202`...)
			j.dst = append(j.dst, hex[r&15])
		}
		i += size
		start = i
	}
	j.dst = append(j.dst, s[start:]...)
	j.dst = append(j.dst, '"')
}
