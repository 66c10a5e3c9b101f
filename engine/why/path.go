package why

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Step is one step into an object: a key of a map, or an element of a list.
type Step struct {
	Key   string // of a map; for an element chosen by a field, the name of that field
	Value string // of that field
	Index int    // of an element, unless By is set
	List  bool   // a step into a list
	By    bool   // the element is the one whose field Key is Value
}

// Path leads to a field of an object.
type Path []Step

// PathForms are the forms of paths, for hints.
const PathForms = `a field is written as spec.containers[0].image, containers[name=web].image, metadata.labels["a.b/c"], labels.a\.b/c, or as the JSON pointer /spec/containers/0/image`

// ParsePath reads a path such as spec.containers[0].image,
// containers[name=web].image or metadata.labels["a.b/c"], or a JSON pointer. A
// leading dot or $ is left out, and so are the braces of kubectl's JSONPath; a
// dot in a key may also stand behind a backslash.
func ParsePath(text string) (Path, error) {
	if strings.HasPrefix(text, "/") {
		return parsePointer(text)
	}
	rest := text
	if strings.HasPrefix(rest, "{") && strings.HasSuffix(rest, "}") {
		rest = rest[1 : len(rest)-1]
	}
	rest = strings.TrimPrefix(strings.TrimPrefix(rest, "$"), ".")
	var path Path
	for rest != "" {
		step, tail, err := parseStep(rest, len(path) > 0)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", text, err)
		}
		path, rest = append(path, step), tail
	}
	if len(path) == 0 {
		return nil, fmt.Errorf("field %q: it is empty; name one such as spec.replicas", text)
	}
	return path, nil
}

// parsePointer reads a JSON pointer, in which ~1 stands for / and ~0 for ~.
func parsePointer(text string) (Path, error) {
	var path Path
	for _, key := range strings.Split(text[1:], "/") {
		if key == "" {
			return nil, fmt.Errorf("field %s: there is an empty key in it", text)
		}
		path = append(path, Step{Key: strings.ReplaceAll(strings.ReplaceAll(key, "~1", "/"), "~0", "~")})
	}
	return path, nil
}

func parseStep(text string, inside bool) (Step, string, error) {
	if text[0] == '[' {
		return parseBracket(text)
	}
	if inside && text[0] == '.' {
		text = text[1:]
	}
	var key strings.Builder
	i := 0
	for ; i < len(text) && text[i] != '.' && text[i] != '['; i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
		}
		key.WriteByte(text[i])
	}
	if i == 0 {
		return Step{}, "", fmt.Errorf("there is an empty key before %q", text)
	}
	return Step{Key: key.String()}, text[i:], nil
}

// filter is kubectl's choice of an element, [?(@.name=="web")].
var filter = regexp.MustCompile(`^\[\?\(@\.([\w-]+)\s*==\s*["']([^"']*)["']\)\]`)

// parseBracket reads [3], ["key"], ['key'] or [name=web].
func parseBracket(text string) (Step, string, error) {
	if len(text) > 1 && (text[1] == '"' || text[1] == '\'') {
		quote := text[1]
		end := strings.Index(text[2:], string(quote)+"]")
		if end < 0 {
			return Step{}, "", fmt.Errorf("the key that begins at %s has no end", text)
		}
		return Step{Key: text[2 : 2+end]}, text[2+end+2:], nil
	}
	if m := filter.FindStringSubmatch(text); m != nil {
		return Step{Key: m[1], Value: m[2], List: true, By: true}, text[len(m[0]):], nil
	}
	inner, rest, found := strings.Cut(text[1:], "]")
	if !found {
		return Step{}, "", fmt.Errorf("the bracket that begins at %s has no end", text)
	}
	if key, value, chosen := strings.Cut(inner, "="); chosen {
		return Step{Key: strings.TrimSpace(key), Value: strings.Trim(strings.TrimSpace(value), `"'`), List: true, By: true}, rest, nil
	}
	i, err := strconv.Atoi(inner)
	if err != nil || i < 0 {
		return Step{}, "", fmt.Errorf("[%s] is no index; allowed are [0], [name=web] and [\"key\"]", inner)
	}
	return Step{Index: i, List: true}, rest, nil
}

// String is the opposite of [ParsePath].
func (p Path) String() string {
	var b strings.Builder
	for _, s := range p {
		switch {
		case s.By:
			fmt.Fprintf(&b, "[%s=%s]", s.Key, s.Value)
		case s.List:
			fmt.Fprintf(&b, "[%d]", s.Index)
		case s.Key == "" || strings.ContainsAny(s.Key, ".[]\\\"'= "):
			fmt.Fprintf(&b, "[%q]", s.Key)
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.Key)
		}
	}
	return b.String()
}

// NoFieldError says that an object has no such field.
type NoFieldError struct {
	At   Path // how far the path leads
	Step Path // the one step that does not lead on
	Have []string
}

func (e *NoFieldError) Error() string {
	where := e.At.String()
	if where == "" {
		where = "the object"
	}
	return fmt.Sprintf("%s has no %s", where, e.Step)
}

// Resolve follows a path from the root of an object, and returns it with every
// element of a list as an index, and what stands there. The error is a *[NoFieldError].
func (p Path) Resolve(object any) (Path, any, error) {
	resolved := make(Path, 0, len(p))
	for i := 0; i < len(p); i++ {
		step, taken := p.step(i, object)
		next, index, ok := step.into(object)
		if !ok {
			return nil, nil, &NoFieldError{At: slices.Clone(p[:i]), Step: Path{p[i]}, Have: keysOf(object)}
		}
		if step.List {
			step = Step{List: true, Index: index}
		}
		resolved, object, i = append(resolved, step), next, i+taken-1
	}
	return resolved, object, nil
}

// step is step i of a path as it is meant for what is there, and how many steps
// of the path it takes. A number after a dot or in a JSON pointer is the index
// of a list, and a key with dots in it may be written without marks if there is
// none of its first part: metadata.labels.app.kubernetes.io/name.
func (p Path) step(i int, object any) (Step, int) {
	step := p[i]
	if step.List {
		return step, 1
	}
	if _, isList := object.([]any); isList {
		if index, err := strconv.Atoi(step.Key); err == nil && index >= 0 {
			return Step{List: true, Index: index}, 1
		}
	}
	fields, _ := object.(map[string]any)
	for key, taken := step.Key, 1; i+taken <= len(p); taken++ {
		if _, found := fields[key]; found {
			return Step{Key: key}, taken
		}
		if i+taken == len(p) || p[i+taken].List {
			break
		}
		key += "." + p[i+taken].Key
	}
	return step, 1
}

func (s Step) into(v any) (next any, index int, ok bool) {
	switch v := v.(type) {
	case map[string]any:
		next, ok = v[s.Key]
		return next, 0, ok && !s.List
	case []any:
		if !s.List {
			return nil, 0, false
		}
		index = s.Index
		if s.By {
			index = slices.IndexFunc(v, func(e any) bool {
				m, _ := e.(map[string]any)
				field, has := m[s.Key]
				return has && fmt.Sprint(field) == s.Value
			})
		}
		if index < 0 || index >= len(v) {
			return nil, 0, false
		}
		return v[index], index, true
	}
	return nil, 0, false
}

// keysOf names what can be stepped into.
func keysOf(v any) []string {
	var names []string
	switch v := v.(type) {
	case map[string]any:
		names = slices.Sorted(maps.Keys(v))
	case []any:
		for i, e := range v {
			name := fmt.Sprintf("[%d]", i)
			if m, isMap := e.(map[string]any); isMap {
				if text, isText := m["name"].(string); isText {
					name = fmt.Sprintf("[name=%s]", text)
				}
			}
			names = append(names, name)
		}
	}
	return names
}

// Leaves lists the paths of everything in a tree that has nothing below it.
func Leaves(tree any) []Path {
	var all []Path
	var walk func(v any, path Path)
	walk = func(v any, path Path) {
		path = path[:len(path):len(path)]
		switch v := v.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				walk(v[key], append(path, Step{Key: key}))
			}
			if len(v) > 0 {
				return
			}
		case []any:
			for i, e := range v {
				walk(e, append(path, Step{List: true, Index: i}))
			}
			if len(v) > 0 {
				return
			}
		}
		all = append(all, path)
	}
	walk(tree, nil)
	return all
}

// follow is Follow without the path.
func follow(base, changed any, path Path) (any, bool) {
	_, v, ok := path.Follow(base, changed)
	return v, ok
}

// Follow finds in a changed object what corresponds to a resolved path of the
// base: elements of lists by their name, then by their content, then by their
// place. It returns the path in the changed object too.
func (p Path) Follow(base, changed any) (Path, any, bool) {
	there := make(Path, 0, len(p))
	for _, step := range p {
		if !step.List {
			b, _ := base.(map[string]any)
			c, _ := changed.(map[string]any)
			next, ok := c[step.Key]
			if !ok {
				return nil, nil, false
			}
			there, base, changed = append(there, step), b[step.Key], next
			continue
		}
		b, _ := base.([]any)
		c, _ := changed.([]any)
		if step.Index >= len(b) {
			return nil, nil, false
		}
		i := counterpart(b, c, step.Index)
		if i < 0 {
			return nil, nil, false
		}
		there, base, changed = append(there, Step{List: true, Index: i}), b[step.Index], c[i]
	}
	return there, changed, true
}

// counterpart is the index of the element of a changed list that corresponds
// to element i of the base, -1 for none.
func counterpart(base, changed []any, i int) int {
	name := nameOf(base[i])
	if name != "" {
		same := func(e any) bool { return nameOf(e) == name }
		if at := slices.IndexFunc(changed, same); at >= 0 {
			if i < len(changed) && same(changed[i]) {
				return i // two of one name
			}
			return at
		}
	}
	if len(base) == len(changed) {
		return i
	}
	if name != "" {
		return -1
	}
	if i < len(changed) && reflect.DeepEqual(base[i], changed[i]) {
		return i
	}
	return slices.IndexFunc(changed, func(e any) bool { return reflect.DeepEqual(e, base[i]) })
}

func nameOf(element any) string {
	m, _ := element.(map[string]any)
	for _, key := range []string{"name", "key", "mountPath", "containerPort", "port", "host"} {
		if v, has := m[key]; has && v != nil {
			return key + "=" + fmt.Sprint(v)
		}
	}
	return ""
}
