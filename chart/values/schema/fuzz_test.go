package schema_test

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"testing"
)

// grammar makes random schemas out of the keywords.
type grammar struct {
	r     *rand.Rand
	draft string
}

var grammarDrafts = []string{"http://json-schema.org/draft-04/schema#", "http://json-schema.org/draft-06/schema#", "http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2019-09/schema", ""}

func (g *grammar) document() map[string]any {
	s, ok := g.schema(4).(map[string]any)
	if !ok {
		s = map[string]any{"not": s}
	}
	g.draft = grammarDrafts[g.r.Intn(len(grammarDrafts))]
	if g.draft != "" {
		s["$schema"] = g.draft
	}
	defs := map[string]any{"a": g.schema(2), "b": g.schema(3), "c": g.schema(1)}
	s["definitions"] = defs
	if g.r.Intn(3) == 0 {
		s["$defs"] = map[string]any{"a": g.schema(2)}
	}
	return s
}

func (g *grammar) schema(depth int) any {
	if g.r.Intn(12) == 0 {
		return g.r.Intn(2) == 0
	}
	s := map[string]any{}
	for range 1 + g.r.Intn(3) {
		g.keyword(s, depth)
	}
	return s
}

func (g *grammar) keyword(s map[string]any, depth int) {
	r := g.r
	pick := func(list ...any) any { return list[r.Intn(len(list))] }
	name := func() string { return []string{"a", "b", "c", "ab"}[r.Intn(4)] }
	sub := func() any {
		if depth <= 0 {
			return pick(true, false, map[string]any{"type": "integer"}, map[string]any{})
		}
		return g.schema(depth - 1)
	}
	subs := func() any {
		list := []any{sub()}
		for range r.Intn(3) {
			list = append(list, sub())
		}
		return list
	}
	named := func() any {
		m := map[string]any{}
		for range 1 + r.Intn(3) {
			m[name()] = sub()
		}
		return m
	}
	switch r.Intn(38) {
	case 0, 1, 2:
		s["type"] = pick("string", "integer", "number", "object", "array", "null", "boolean", []any{"string", "integer"}, []any{"object", "null"})
	case 3, 4, 5:
		s["properties"] = named()
	case 6:
		s["patternProperties"] = map[string]any{fmt.Sprint(pick("^a", "b$", ".", "[a-b]{2}")): sub()}
	case 7, 8:
		s["additionalProperties"] = pick(false, true, sub())
	case 9:
		s["required"] = []any{name()}
	case 10:
		s[fmt.Sprint(pick("minProperties", "maxProperties", "minItems", "maxItems", "minLength", "maxLength"))] = r.Intn(4)
	case 11:
		s[fmt.Sprint(pick("minimum", "maximum", "multipleOf"))] = pick(1, 2.5, 0.1, 100, 1e6)
	case 12:
		s[fmt.Sprint(pick("exclusiveMinimum", "exclusiveMaximum"))] = pick(1, 2.5, true)
		s["minimum"], s["maximum"] = 1, 7
	case 13:
		s["enum"] = pick([]any{"a", "b"}, []any{1, 2, nil}, []any{[]any{1}, map[string]any{"a": 1}})
	case 14:
		s["const"] = pick("a", 1, nil, []any{"a"}, map[string]any{"a": 1})
	case 15:
		s["pattern"] = pick("^a", "b+", "^[0-9]+$")
	case 16:
		s["format"] = pick("ipv4", "email", "date", "uri", "semver")
	case 17, 18:
		s["items"] = sub()
	case 19:
		s["items"], s["additionalItems"] = subs(), sub()
	case 20:
		s["prefixItems"] = subs()
	case 21:
		s["contains"], s["minContains"], s["maxContains"] = sub(), r.Intn(3), r.Intn(4)
	case 22:
		s["uniqueItems"] = true
	case 23:
		s["allOf"] = subs()
	case 24, 25:
		s["anyOf"] = subs()
	case 26:
		s["oneOf"] = subs()
	case 27:
		s["not"] = sub()
	case 28, 29:
		s["if"], s["then"], s["else"] = sub(), sub(), sub()
	case 30:
		s["dependencies"] = map[string]any{name(): pick([]any{name()}, sub())}
	case 31:
		s["dependentRequired"] = map[string]any{name(): []any{name()}}
	case 32:
		s["dependentSchemas"] = named()
	case 33:
		s["propertyNames"] = sub()
	case 34, 35:
		s[fmt.Sprint(pick("unevaluatedProperties", "unevaluatedItems"))] = pick(false, sub())
	case 36:
		s["$ref"] = pick("#/definitions/a", "#/definitions/b", "#/definitions/c", "#", "#/$defs/a")
	case 37:
		s[fmt.Sprint(pick("type", "minLength", "required", "items", "properties", "enum", "allOf", "pattern", "$id", "$ref"))] = pick(1, "x", nil, []any{}, []any{1}, true, "[")
	}
}

func (g *grammar) value(depth int) any {
	r := g.r
	if depth > 0 {
		switch r.Intn(5) {
		case 0:
			list := []any{}
			for range r.Intn(5) {
				list = append(list, g.value(depth-1))
			}
			return list
		case 1, 2:
			m := map[string]any{}
			for range r.Intn(5) {
				m[[]string{"a", "b", "c", "ab", "d"}[r.Intn(5)]] = g.value(depth - 1)
			}
			return m
		}
	}
	return []any{nil, true, false, "", "a", "abc", "12", "me@example.org", 0.0, 1.0, 2.5, int64(7), json.Number("1.0"), 1e6, -3.0}[r.Intn(15)]
}

func FuzzSchema(f *testing.F) {
	for seed := range int64(300) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed int64) {
		g := grammar{r: rand.New(rand.NewSource(seed))}
		text, err := json.Marshal(g.document())
		if err != nil {
			t.Fatal(err)
		}
		var values []any
		for range 12 {
			values = append(values, g.value(3))
		}
		compareAll(t, text, values, nil)
	})
}

// FuzzDocument feeds arbitrary text to the compiler, and the same text as the
// values.
func FuzzDocument(f *testing.F) {
	for i, s := range tableSchemas {
		f.Add(withDraft(s, drafts[i%len(drafts)]))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1000 {
			return // Helm's library takes its time
		}
		var v any
		if json.Unmarshal([]byte(text), &v) != nil {
			v = text
		}
		compareAll(t, []byte(text), []any{v}, remote)
	})
}
