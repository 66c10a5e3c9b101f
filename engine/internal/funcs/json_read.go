package funcs

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// readJSON reads text as encoding/json's Unmarshal does into a value of type
// T. It reports false, having read nothing, for what is not plainly valid, or
// no T: that package says what is wrong with it.
func readJSON[T map[string]any | []any](text string) (result T, ok bool) {
	r := jsonReader{text: text}
	v, ok := r.value()
	if r.space(); !ok || r.pos < len(text) {
		return nil, false
	}
	result, ok = v.(T)
	return result, ok
}

// maxJSONDepth is what jsonReader takes on; encoding/json goes deeper.
const maxJSONDepth = 500

// jsonReader reads one JSON text. Its methods return false for what they are not certain of.
type jsonReader struct {
	text  string
	pos   int
	depth int
}

// space skips white space.
func (r *jsonReader) space() {
	for r.pos < len(r.text) {
		switch r.text[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

// take skips white space and the byte c, if it comes next.
func (r *jsonReader) take(c byte) bool {
	r.space()
	if r.pos < len(r.text) && r.text[r.pos] == c {
		r.pos++
		return true
	}
	return false
}

func (r *jsonReader) value() (any, bool) {
	r.space()
	if r.pos == len(r.text) {
		return nil, false
	}
	switch r.text[r.pos] {
	case '{':
		return r.object()
	case '[':
		return r.array()
	case '"':
		return r.str()
	case 't':
		return true, r.word("true")
	case 'f':
		return false, r.word("false")
	case 'n':
		return nil, r.word("null")
	}
	return r.number()
}

func (r *jsonReader) word(w string) bool {
	if !strings.HasPrefix(r.text[r.pos:], w) {
		return false
	}
	r.pos += len(w)
	return true
}

func (r *jsonReader) object() (any, bool) {
	if r.depth++; r.depth > maxJSONDepth {
		return nil, false
	}
	r.pos++
	m := map[string]any{}
	if !r.take('}') {
		for {
			if r.space(); r.pos == len(r.text) || r.text[r.pos] != '"' {
				return nil, false
			}
			key, ok := r.str()
			if !ok || !r.take(':') {
				return nil, false
			}
			v, ok := r.value()
			if !ok {
				return nil, false
			}
			m[key] = v
			if r.take('}') {
				break
			}
			if !r.take(',') {
				return nil, false
			}
		}
	}
	r.depth--
	return m, true
}

func (r *jsonReader) array() (any, bool) {
	if r.depth++; r.depth > maxJSONDepth {
		return nil, false
	}
	r.pos++
	list := make([]any, 0)
	if !r.take(']') {
		for {
			v, ok := r.value()
			if !ok {
				return nil, false
			}
			list = append(list, v)
			if r.take(']') {
				break
			}
			if !r.take(',') {
				return nil, false
			}
		}
	}
	r.depth--
	return list, true
}

// number reads a number in JSON's own grammar.
func (r *jsonReader) number() (any, bool) {
	start := r.pos
	if r.text[r.pos] == '-' {
		r.pos++
	}
	whole := r.pos
	if n := r.digits(); n == 0 || n > 1 && r.text[whole] == '0' {
		return nil, false
	}
	if r.pos < len(r.text) && r.text[r.pos] == '.' {
		r.pos++
		if r.digits() == 0 {
			return nil, false
		}
	}
	if r.pos < len(r.text) && (r.text[r.pos] == 'e' || r.text[r.pos] == 'E') {
		r.pos++
		if r.pos < len(r.text) && (r.text[r.pos] == '+' || r.text[r.pos] == '-') {
			r.pos++
		}
		if r.digits() == 0 {
			return nil, false
		}
	}
	f, err := strconv.ParseFloat(r.text[start:r.pos], 64)
	return f, err == nil
}

func (r *jsonReader) digits() int {
	start := r.pos
	for r.pos < len(r.text) && '0' <= r.text[r.pos] && r.text[r.pos] <= '9' {
		r.pos++
	}
	return r.pos - start
}

// str reads a string; one without escapes is a part of the text.
func (r *jsonReader) str() (string, bool) {
	r.pos++
	start := r.pos
	for r.pos < len(r.text) {
		switch c := r.text[r.pos]; {
		case c == '"':
			s := r.text[start:r.pos]
			r.pos++
			return s, utf8.ValidString(s)
		case c == '\\':
			return r.escaped(start)
		case c < ' ':
			return "", false
		}
		r.pos++
	}
	return "", false
}

// escaped reads on from the first backslash of a string.
func (r *jsonReader) escaped(start int) (string, bool) {
	var b strings.Builder
	b.WriteString(r.text[start:r.pos])
	for r.pos < len(r.text) {
		c := r.text[r.pos]
		r.pos++
		switch {
		case c == '"':
			return b.String(), utf8.ValidString(b.String())
		case c < ' ':
			return "", false
		case c != '\\':
			b.WriteByte(c)
		default:
			char, ok := r.escape()
			if !ok {
				return "", false
			}
			b.WriteRune(char)
		}
	}
	return "", false
}

// escape reads what follows a backslash. Halves of a surrogate pair are not its business.
func (r *jsonReader) escape() (rune, bool) {
	if r.pos == len(r.text) {
		return 0, false
	}
	c := r.text[r.pos]
	r.pos++
	switch c {
	case '"', '\\', '/':
		return rune(c), true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'u':
		if r.pos+4 > len(r.text) {
			return 0, false
		}
		n, err := strconv.ParseUint(r.text[r.pos:r.pos+4], 16, 32)
		r.pos += 4
		return rune(n), err == nil && !(0xd800 <= n && n < 0xe000)
	}
	return 0, false
}
