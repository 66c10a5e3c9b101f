package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiffNamesEachFieldThatDiffers(t *testing.T) {
	const head = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
	for name, test := range map[string]struct {
		before, after string
		want          []string
	}{
		"nothing":                        {"spec: {a: 1}", "spec: {a: 1}", nil},
		"what the server keeps":          {"status: {a: 1}", "status: {a: 2}", nil},
		"null is absent":                 {"spec: {a: null}", "spec: {}", nil},
		"a number of another type":       {"spec: {a: 1}", "spec: {a: '1'}", []string{`spec.a changed 1 1`}},
		"an empty mapping":               {"spec: {}", "spec: {a: {}}", []string{`spec.a added <nil> map[]`}},
		"an empty mapping for a list":    {"spec: {a: []}", "spec: {a: {}}", []string{`spec.a changed [] map[]`}},
		"a whole mapping":                {"", "spec: {a: {b: 1}}", []string{`spec added <nil> map[a:map[b:1]]`}},
		"elements by name":               {"spec: [{name: a, v: 1}, {name: b}]", "spec: [{name: c}, {name: a, v: 2}]", []string{`spec[name=a].v changed 1 2`, `spec[name=b] removed map[name:b] <nil>`, `spec[name=c] added <nil> map[name:c]`}},
		"elements in another order":      {"spec: [{name: a}, {name: b}]", "spec: [{name: b}, {name: a}]", []string{`spec moved [a b] [b a]`}},
		"elements with a name twice":     {"spec: [{name: a}, {name: a, v: 1}]", "spec: [{name: a}, {name: a, v: 2}]", []string{`spec[1].v changed 1 2`}},
		"elements by port":               {"spec: [{port: 80, a: 1}]", "spec: [{port: 80, a: 2}]", []string{`spec[port=80].a changed 1 2`}},
		"elements by place":              {"spec: [a, b]", "spec: [a, c, d]", []string{`spec[1] changed b c`, `spec[2] added <nil> d`}},
		"null elements":                  {"spec: [null, 1]", "spec: [1, null]", []string{`spec[0] changed <nil> 1`, `spec[1] changed 1 <nil>`}},
		"a null more":                    {"spec: []", "spec: [null]", []string{`spec[0] added <nil> <nil>`}},
		"names that need quotes":         {"spec: {a.b/c: 1}", "spec: {a.b/c: 2}", []string{`spec["a.b/c"] changed 1 2`}},
		"keys that need quotes":          {"spec: [{name: 'a]b', v: 1}]", "spec: [{name: 'a]b', v: 2}]", []string{`spec[name="a]b"].v changed 1 2`}},
		"a list instead of a mapping":    {"spec: {a: 1}", "spec: [1]", []string{`spec changed map[a:1] [1]`}},
		"the order of paths":             {"spec: {b: 1, a: 1}", "spec: {b: 2, c: 1}", []string{`spec.a removed 1 <nil>`, `spec.b changed 1 2`, `spec.c added <nil> 1`}},
		"elements that lost their names": {"spec: [{name: a}]", "spec: [{v: 1}]", []string{`spec[0].name removed a <nil>`, `spec[0].v added <nil> 1`}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, c := range Diff(fields(t, head+test.before), fields(t, head+test.after)) {
				got = append(got, fmt.Sprint(c.Path, " ", c.Op, " ", c.Old, " ", c.New))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// follow goes along a path, in the list before or after the change.
func follow(t *testing.T, value any, path []step) any {
	for _, s := range path {
		switch at := value.(type) {
		case nil:
			return nil
		case map[string]any:
			value = at[s.field]
		case []any:
			switch {
			case s.field != "":
				value = elementWith(at, s.field, s.value)
			case s.index < len(at):
				value = at[s.index]
			default:
				value = nil
			}
		default:
			t.Fatalf("%v leads into %v", path, value)
		}
	}
	return value
}

func FuzzDiff(f *testing.F) {
	f.Add(`{"spec":[{"name":"a","v":[1,null]},{"name":"b"}]}`, `{"spec":[{"name":"b"},{"name":"a","v":[2]}]}`)
	f.Add(`{"kind":"Pod","metadata":{"a":{"b":null}}}`, `{"kind":"Pod","metadata":{"a":{}}}`)
	f.Fuzz(func(t *testing.T, first, second string) {
		before, ok := jsonObject(first)
		after, ok2 := jsonObject(second)
		if !ok || !ok2 || before["kind"] == "Secret" || after["kind"] == "Secret" || strings.Contains(first+second, lastAppliedAnnotation) {
			return
		}
		for _, o := range []map[string]any{before, after} {
			delete(o, "status")
			if metadata, isMap := o["metadata"].(map[string]any); isMap {
				for _, field := range ignoredMetadata {
					delete(metadata, field)
				}
			}
		}
		if changes := Diff(before, before); len(changes) != 0 {
			t.Errorf("an object differs from itself: %v", changes)
		}
		changes := Diff(before, after)
		if same := equal(withoutNulls(before), withoutNulls(after)); same != (len(changes) == 0) {
			t.Errorf("same: %v, changes: %v", same, changes)
		}
		for _, c := range changes {
			if c.Op == Moved {
				continue
			}
			if was, is := follow(t, before, c.path), follow(t, after, c.path); !equal(was, c.Old) || !equal(is, c.New) {
				t.Errorf("%s: %v -> %v, but the objects have %v and %v", c.Path, c.Old, c.New, was, is)
			}
		}
	})
}

// withoutNulls leaves out the null fields of mappings.
func withoutNulls(value any) any {
	switch value := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for key, item := range value {
			if item != nil {
				kept[key] = withoutNulls(item)
			}
		}
		return kept
	case []any:
		kept := make([]any, len(value))
		for i := range value {
			kept[i] = withoutNulls(value[i])
		}
		return kept
	}
	return value
}

func TestLineDiffShowsChangedLinesInTheirContext(t *testing.T) {
	for name, test := range map[string]struct {
		before, after string
		context       int
		want          string
	}{
		"one line":            {"a\nb\nc\n", "a\nx\nc\n", 1, " a|-b|+x| c"},
		"no context":          {"a\nb\nc\n", "a\nx\nc\n", 0, "@2|-b|+x"},
		"far apart":           {"1\n2\n3\n4\n5\n6\n7\n", "x\n2\n3\n4\n5\n6\ny\n", 1, "-1|+x| 2|@6| 6|-7|+y"},
		"from nothing":        {"", "a\n", 3, "+a"},
		"to nothing":          {"a\n", "", 3, "-a"},
		"only the line end":   {"a\n", "a", 3, "-a|+a (no line end)"},
		"an empty line more":  {"a\n", "a\n\n", 3, " a|+"},
		"a line in the midst": {"a\nc\n", "a\nb\nc\n", 3, " a|+b| c"},
		"the shortest way":    {"a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n", 3, "-a|-b| c|+b| a| b|-b| a|+c"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, l := range lineDiff(test.before, test.after, test.context) {
				if l.sign == '@' {
					got = append(got, fmt.Sprint("@", l.number))
					continue
				}
				got = append(got, string(l.sign)+l.text)
			}
			if diff := cmp.Diff(test.want, strings.Join(got, "|")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzLineDiff(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nc\nd")
	f.Add("", "\n")
	f.Fuzz(func(t *testing.T, before, after string) {
		if before == after {
			if lines := lineDiff(before, after, 3); lines != nil {
				t.Error(lines)
			}
			return
		}
		var was, is []string
		for _, l := range lineDiff(before, after, 1<<30) {
			if l.sign != '+' {
				was = append(was, l.text)
			}
			if l.sign != '-' {
				is = append(is, l.text)
			}
		}
		if diff := cmp.Diff(splitLines(before), was); diff != "" {
			t.Errorf("before: %s", diff)
		}
		if diff := cmp.Diff(splitLines(after), is); diff != "" {
			t.Errorf("after: %s", diff)
		}
	})
}

func TestTextsThatDifferEverywhereAreReplaced(t *testing.T) {
	var before, after strings.Builder
	for i := range 3000 {
		fmt.Fprintln(&before, "a", i)
		fmt.Fprintln(&after, "b", i)
	}
	if got := len(lineDiff(before.String(), after.String(), 3)); got != 6000 {
		t.Errorf("%d lines", got)
	}
}
