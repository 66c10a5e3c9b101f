package values

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of the --set grammar. The first two are Helm's.
const (
	maxIndex     = 65536   // highest list index
	maxNameLevel = 30      // dots in a name
	maxListLevel = 1000    // lists within lists in a name
	maxPadding   = 1 << 22 // list entries that one value may create
)

// setGrammar says how the text of a flag is read.
type setGrammar struct {
	// literal: everything after the first "=" is the value, nothing is escaped.
	literal bool
	// json: values are JSON documents.
	json bool
	// convert makes the value of a text; unused with json and literal.
	convert func(text string) (any, error)
}

// setParser reads one --set text into a table. The grammar, its oddities
// included, is that of Helm's flags:
//
//	a.b=c,d[0].e=f,g={x,y}    "\" takes the next character literally
type setParser struct {
	setGrammar
	in      string
	pos     int
	padding int
	lists   int

	path    []string                   // names above the key at hand
	touched func(path []string, v any) // told of everything that is set; may be nil
}

// parseSet adds what text sets to data. touched, if not nil, is called with
// every path that is set; the slice is reused.
func parseSet(text string, data map[string]any, g setGrammar, touched func([]string, any)) error {
	p := setParser{setGrammar: g, in: text, touched: touched}
	for {
		err := p.key(data, 0)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// typedValue is what a --set text stands for.
func typedValue(text string) (any, error) {
	switch {
	case strings.EqualFold(text, "true"):
		return true, nil
	case strings.EqualFold(text, "false"):
		return false, nil
	case strings.EqualFold(text, "null"):
		return nil, nil
	case text == "0":
		return int64(0), nil
	case text != "" && text[0] != '0':
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, nil
		}
	}
	return text, nil
}

// until reads up to one of the stop characters, which are ASCII, and past it.
// ok is false at the end of the input.
func (p *setParser) until(stops string) (text string, stop byte, ok bool) {
	var unescaped []byte
	start := p.pos
	for p.pos < len(p.in) {
		c := p.in[p.pos]
		switch {
		case strings.IndexByte(stops, c) >= 0:
			text = p.in[start:p.pos]
			p.pos++
			return string(append(unescaped, valid(text)...)), c, true
		case c == '\\' && !p.literal:
			unescaped = append(unescaped, valid(p.in[start:p.pos])...)
			_, size := utf8.DecodeRuneInString(p.in[p.pos+1:])
			start = p.pos + 1
			p.pos += 1 + size
		default:
			p.pos++
		}
	}
	return string(append(unescaped, valid(p.in[start:])...)), 0, false
}

// valid puts one replacement character in the place of each bad byte.
func valid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return string([]rune(text))
}

// key reads one name and its value into data. It returns io.EOF at the end of
// the input, which is no failure.
func (p *setParser) key(data map[string]any, level int) error {
	stops := "=[,."
	if p.literal {
		stops = "=[."
	}
	name, stop, ok := p.until(stops)
	if !ok {
		if name == "" {
			return io.EOF
		}
		return fmt.Errorf("key %q has no value", name)
	}
	switch stop {
	case '[':
		return p.listKey(data, name, level)
	case '=':
		v, ok, err := p.value()
		if ok {
			p.set(data, name, v)
		}
		return err
	case ',':
		return fmt.Errorf("key %q has no value (cannot end with ,)", name)
	}
	level++
	if level > maxNameLevel {
		return fmt.Errorf("value name nested level is greater than maximum supported nested level of %d", maxNameLevel)
	}
	inner := map[string]any{}
	if old, exists := data[name]; exists {
		var isTable bool
		if inner, isTable = old.(map[string]any); !isTable {
			return wrongType(old, inner)
		}
	}
	p.path = append(p.path, name)
	err := p.key(inner, level)
	p.path = p.path[:len(p.path)-1]
	if err == nil && len(inner) == 0 {
		return fmt.Errorf("key map %q has no value", name)
	}
	if len(inner) != 0 && name != "" {
		data[name] = inner
	}
	return err
}

// listKey reads what follows "name[".
func (p *setParser) listKey(data map[string]any, name string, level int) error {
	i, err := p.index()
	if err != nil {
		return err
	}
	list := []any{}
	if old, exists := data[name]; exists {
		var isList bool
		if list, isList = old.([]any); !isList {
			return wrongType(old, list)
		}
	}
	p.path = append(p.path, name)
	list, err = p.item(list, i, level)
	p.path = p.path[:len(p.path)-1]
	if name != "" {
		data[name] = list
	}
	return err
}

// wrongType is the failure to use old like want; the text is that of Go's failed type assertion.
func wrongType(old, want any) error {
	is := "nil"
	if old != nil {
		is = fmt.Sprintf("%T", old)
	}
	return fmt.Errorf("unable to parse key: interface conversion: interface {} is %s, not %T", is, want)
}

func (p *setParser) set(data map[string]any, name string, v any) {
	if name == "" {
		return
	}
	data[name] = v
	p.report(name, v)
}

func (p *setParser) report(name string, v any) {
	if p.touched != nil {
		p.touched(append(p.path, name), v)
	}
}

// index reads what stands between brackets.
func (p *setParser) index() (int, error) {
	text, _, ok := p.until("]")
	if !ok {
		return 0, fmt.Errorf("error parsing index: %w", io.EOF)
	}
	i, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("error parsing index: %w", err)
	}
	return i, nil
}

// item reads what follows "[i]" into list and returns the list.
func (p *setParser) item(list []any, i, level int) ([]any, error) {
	if i < 0 {
		return list, fmt.Errorf("negative %d index not allowed", i)
	}
	if p.lists++; p.lists > maxListLevel {
		return list, fmt.Errorf("value name has more than %d list indexes", maxListLevel)
	}
	defer func() { p.lists-- }()
	text, stop, ok := p.until("[.=")
	if text != "" {
		return list, fmt.Errorf("unexpected data at end of array index: %q", []rune(text))
	}
	if !ok {
		return list, io.EOF
	}
	segment := "[" + strconv.Itoa(i) + "]"
	switch stop {
	case '=':
		v, ok, err := p.value()
		if !ok || err != nil && err != io.EOF {
			return list, err
		}
		p.report(segment, v)
		return p.setIndex(list, i, v)
	case '[':
		next, err := p.index()
		if err != nil {
			return list, err
		}
		var inner []any
		if len(list) > i && list[i] != nil {
			var isList bool
			if inner, isList = list[i].([]any); !isList {
				return list, wrongType(list[i], inner)
			}
		}
		p.path = append(p.path, segment)
		inner, err = p.item(inner, next, level)
		p.path = p.path[:len(p.path)-1]
		if err != nil {
			return list, err
		}
		return p.setIndex(list, i, inner)
	}
	inner := map[string]any{}
	if len(list) > i {
		if old, isTable := list[i].(map[string]any); isTable {
			inner = old
		} else {
			list[i] = inner
		}
	}
	p.path = append(p.path, segment)
	err := p.key(inner, level)
	p.path = p.path[:len(p.path)-1]
	if err != nil {
		return list, err
	}
	return p.setIndex(list, i, inner)
}

func (p *setParser) setIndex(list []any, i int, v any) ([]any, error) {
	if i > maxIndex {
		return list, fmt.Errorf("index of %d is greater than maximum supported index of %d", i, maxIndex)
	}
	if missing := i + 1 - len(list); missing > 0 {
		if p.padding += missing; p.padding > maxPadding {
			return list, fmt.Errorf("value creates more than %d list entries", maxPadding)
		}
		list = append(list, make([]any, missing)...)
	}
	list[i] = v
	return list, nil
}

// value reads what follows "=". ok says whether there is a value to set; err
// may be io.EOF with it.
func (p *setParser) value() (v any, ok bool, err error) {
	switch {
	case p.literal:
		v, p.pos = valid(p.in[p.pos:]), len(p.in)
		return v, true, nil
	case p.json:
		return p.jsonValue()
	case p.pos == len(p.in):
		return "", true, io.EOF
	case p.in[p.pos] == '{':
		p.pos++
		list, err := p.list()
		return list, err == nil, err
	}
	text, _, _ := p.until(",")
	v, err = p.convert(text)
	return v, err == nil, err
}

// list reads the entries of {a,b} behind the brace.
func (p *setParser) list() ([]any, error) {
	list := []any{}
	for {
		text, stop, ok := p.until(",}")
		if !ok {
			return nil, errors.New("list must terminate with '}'")
		}
		v, err := p.convert(text)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if stop == '}' {
			if p.pos < len(p.in) && p.in[p.pos] == ',' {
				p.pos++
			}
			return list, nil
		}
	}
}

func (p *setParser) jsonValue() (v any, ok bool, err error) {
	if p.blank() {
		return nil, true, nil
	}
	dec := json.NewDecoder(strings.NewReader(p.in[p.pos:]))
	if err := dec.Decode(&v); err != nil {
		return nil, false, err
	}
	p.pos += int(dec.InputOffset())
	p.blank()
	return v, true, nil
}

// blank skips white space and the comma behind it, and says whether it got to
// a comma or the end.
func (p *setParser) blank() bool {
	for p.pos < len(p.in) {
		r, size := utf8.DecodeRuneInString(p.in[p.pos:])
		if r != ',' && !unicode.IsSpace(r) {
			return false
		}
		p.pos += size
		if r == ',' {
			return true
		}
	}
	return true
}
