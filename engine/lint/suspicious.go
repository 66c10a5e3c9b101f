package lint

import "strings"

// suspiciousKeys reports whether a document may have a key twice in one
// mapping or one that is read as a boolean. It looks at lines, without
// reading YAML: it may suspect a document without cause, and does so whenever
// a line is not of the plainest kind.
func suspiciousKeys(doc string) bool {
	var open []openMapping
	for len(doc) > 0 {
		line := doc
		if end := strings.IndexByte(doc, '\n'); end >= 0 {
			line, doc = doc[:end], doc[end+1:]
		} else {
			doc = ""
		}
		at := 0
		for at < len(line) && line[at] == ' ' {
			at++
		}
		for at+1 < len(line) && line[at] == '-' && line[at+1] == ' ' { // an item starts anew
			open = closeMappings(open, at)
			for at++; at < len(line) && line[at] == ' '; {
				at++
			}
		}
		if at == len(line) || line[at] == '#' {
			continue
		}
		if strings.IndexByte("{[?&*!\t", line[at]) >= 0 {
			return true
		}
		key, value, isKey := keyOfLine(line[at:])
		if !isKey {
			continue
		}
		if len(value) > 0 && (value[0] == '{' && value != "{}" || value[0] == '[' && strings.ContainsAny(value, ":{")) {
			return true
		}
		open = closeMappings(open, at)
		if len(open) == 0 || open[len(open)-1].column < at {
			open = append(open, openMapping{column: at})
		}
		if booleanWord(key) != "" || !open[len(open)-1].add(key) {
			return true
		}
	}
	return false
}

// openMapping is a mapping whose end has not been seen.
type openMapping struct {
	column int
	keys   []string
	many   map[string]bool // instead of keys when there are many
}

// add takes in a key and reports whether it is new.
func (m *openMapping) add(key string) bool {
	const few = 16
	if m.many != nil {
		known := m.many[key]
		m.many[key] = true
		return !known
	}
	for _, before := range m.keys {
		if before == key {
			return false
		}
	}
	if m.keys = append(m.keys, key); len(m.keys) > few {
		m.many = make(map[string]bool, 4*few)
		for _, before := range m.keys {
			m.many[before] = true
		}
	}
	return true
}

// closeMappings ends the mappings that are indented more than column.
func closeMappings(open []openMapping, column int) []openMapping {
	for len(open) > 0 && open[len(open)-1].column > column {
		open = open[:len(open)-1]
	}
	return open
}

// keyOfLine cuts a key from the start of a line.
func keyOfLine(text string) (key, value string, isKey bool) {
	start := 0
	if text[0] == '"' || text[0] == '\'' {
		end := strings.IndexByte(text[1:], text[0])
		if end < 0 {
			return "", "", false
		}
		start = end + 2
	}
	for i := start; i < len(text); i++ {
		if text[i] != ':' || i+1 < len(text) && text[i+1] != ' ' && text[i+1] != '\r' && text[i+1] != '\t' {
			continue
		}
		key = strings.TrimRight(text[:i], " ")
		if start > 0 && len(key) >= 2 {
			key = key[1 : len(key)-1]
		}
		return key, strings.Trim(text[i+1:], " \r\t"), true
	}
	return "", "", false
}
