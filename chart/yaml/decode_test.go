package yaml

import (
	"math"
	"reflect"
	"strings"
	"testing"

	sigs "sigs.k8s.io/yaml"

	"github.com/e6d26078/slipway/chart/yaml/internal/releaseutil"
)

// sameTree is reflect.DeepEqual that tells -0 from 0.
func sameTree(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) || (a == nil) != (b == nil) {
			return false
		}
		for key, value := range a {
			other, ok := b[key]
			if !ok || !sameTree(value, other) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) || (a == nil) != (b == nil) {
			return false
		}
		for i := range a {
			if !sameTree(a[i], b[i]) {
				return false
			}
		}
		return true
	case float64:
		b, ok := b.(float64)
		return ok && math.Float64bits(a) == math.Float64bits(b)
	}
	return a == b
}

func sameError(a, b error) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.Error() == b.Error()
}

// oracleRuns is how often the library is asked before a difference counts. Its answer depends on map order where a
// mapping has the keys 1 and "1".
const oracleRuns = 40

func checkDecode(t *testing.T, data []byte) {
	t.Helper()
	before := string(data)
	got, err := Decode(data)
	if string(data) != before {
		t.Fatalf("the input was changed:\n%q", before)
	}
	var want any
	var wantErr error
	for range oracleRuns {
		want = nil
		wantErr = sigs.Unmarshal(data, &want)
		if sameError(err, wantErr) && sameTree(got, want) {
			break
		}
	}
	if !sameError(err, wantErr) || !sameTree(got, want) {
		t.Fatalf("%q\n got %#v, %v\nwant %#v, %v", data, got, err, want, wantErr)
	}
	var m map[string]any
	for range oracleRuns {
		m = nil
		wantErr = sigs.Unmarshal(data, &m)
		gotMap, err := DecodeMap(data)
		if sameError(err, wantErr) && sameTree(gotMap, m) {
			return
		}
	}
	gotMap, err := DecodeMap(data)
	t.Fatalf("%q into a map\n got %#v, %v\nwant %#v, %v", data, gotMap, err, m, wantErr)
}

func checkHead(t *testing.T, doc string) {
	t.Helper()
	got, err := ReadHead(doc)
	var want Head
	var wantErr error
	for range oracleRuns {
		want, wantErr = oracleHead(doc)
		if sameError(err, wantErr) && reflect.DeepEqual(got, want) {
			return
		}
	}
	t.Fatalf("%q\n got %+v %+v, %v\nwant %+v %+v, %v", doc, got, got.Metadata, err, want, want.Metadata, wantErr)
}

func oracleHead(doc string) (Head, error) {
	var h releaseutil.SimpleHead
	err := sigs.Unmarshal([]byte(doc), &h)
	head := Head{APIVersion: h.Version, Kind: h.Kind}
	if h.Metadata != nil {
		head.Metadata = &HeadMetadata{Name: h.Metadata.Name, Annotations: h.Metadata.Annotations}
	}
	return head, err
}

func TestSnippetsGiveTheLibrarysResult(t *testing.T) {
	for _, snippet := range allSnippets() {
		checkDecode(t, []byte(snippet))
		checkHead(t, snippet)
	}
}

func TestCommonStylesNeedNoLibrary(t *testing.T) {
	for _, snippet := range commonSnippets {
		text, ok := normalize(snippet)
		if !ok {
			t.Errorf("%q is not plain text", snippet)
			continue
		}
		p := parser{s: text}
		if _, ok := p.document(toBuild); !ok {
			t.Errorf("%q needs the library", snippet)
		}
	}
}

func TestDeepNestingEndsAsInTheLibrary(t *testing.T) {
	for _, depth := range []int{100, 499, 500, 501, 502, 9_998, 9_999, 10_000, 10_001, 20_000} {
		for _, unit := range []string{"[", "- ", "{a: ", "a:\n"} {
			doc := strings.Repeat(unit, depth)
			switch unit {
			case "[":
				doc += strings.Repeat("]", depth)
			case "{a: ":
				doc += strings.Repeat("}", depth)
			case "- ":
				doc += "x"
			case "a:\n":
				if depth > 1000 {
					continue // the indentation makes it quadratic
				}
				var b strings.Builder
				for i := range depth {
					b.WriteString(strings.Repeat(" ", i) + "a:\n")
				}
				doc = b.String()
			}
			got, err := Decode([]byte(doc))
			var want any
			wantErr := sigs.Unmarshal([]byte(doc), &want)
			if !sameError(err, wantErr) || !reflect.DeepEqual(got, want) {
				t.Errorf("%d times %q: error %v, want %v", depth, unit, err, wantErr)
			}
		}
	}
}

func TestAliasesThatExplodeEndAsInTheLibrary(t *testing.T) {
	for _, width := range []int{2, 5, 9, 10} {
		var b strings.Builder
		b.WriteString("a0: &a0 [x, y]\n")
		for i := 1; i < 12; i++ {
			name := string(rune('a' + i))
			last := string(rune('a' + i - 1))
			if i == 1 {
				last = "a0"
			}
			b.WriteString(name + ": &" + name + " [" + strings.Repeat("*"+last+", ", width) + "]\n")
			checkErrorOnly(t, b.String())
		}
	}
}

// checkErrorOnly is for documents whose trees are too large to be compared.
func checkErrorOnly(t *testing.T, doc string) {
	t.Helper()
	_, err := Decode([]byte(doc))
	var want any
	if wantErr := sigs.Unmarshal([]byte(doc), &want); !sameError(err, wantErr) {
		t.Errorf("%.200q: error %v, want %v", doc, err, wantErr)
	}
}

func TestAliasesNearTheLimitEndAsInTheLibrary(t *testing.T) {
	list := "a: &a [" + strings.Repeat("x, ", 500) + "]\n"
	refused := 0
	for _, repeats := range []int{1, 30, 120, 126, 127, 128, 129, 130, 140} {
		for _, filler := range []int{0, 1000} {
			doc := list + "b: [" + strings.Repeat("*a, ", repeats) + "]\nc: [" + strings.Repeat("y, ", filler) + "]\n"
			checkErrorOnly(t, doc)
			if _, err := Decode([]byte(doc)); err != nil {
				refused++
			}
		}
	}
	if refused == 0 {
		t.Error("the limit was never reached")
	}
}

func TestAliasesGiveCopies(t *testing.T) {
	m, err := DecodeMap([]byte("a: &x {k: [1]}\nb: *x\nc:\n  <<: *x\n  d: 2\n"))
	if err != nil {
		t.Fatal(err)
	}
	m["a"].(map[string]any)["k"].([]any)[0] = "changed"
	if got := m["b"].(map[string]any)["k"].([]any)[0]; got != 1.0 {
		t.Errorf("the alias shares the list: %v", got)
	}
	if got := m["c"].(map[string]any)["k"].([]any)[0]; got != 1.0 {
		t.Errorf("the merged mapping shares the list: %v", got)
	}
}

func TestUnmarshalTargets(t *testing.T) {
	docs := []string{"", "null", "a: 1", "a: 1\nb: [2, true, x]", "- 1\n- x: y", "text", "3", "\t", "a: b: c", "a: .inf", "[]", "{}", "a: {b: 1}\nz:\n"}
	targets := map[string]func() any{
		"empty interface":  func() any { return new(any) },
		"filled interface": func() any { v := any(map[string]any{"z": 1.0}); return &v },
		"nil map":          func() any { return new(map[string]any) },
		"filled map":       func() any { return &map[string]any{"a": "old", "z": 1.0} },
		"empty map":        func() any { return &map[string]any{} },
		"empty list":       func() any { return &[]any{} },
		"roomy list":       func() any { v := make([]any, 0, 4); return &v },
		"nil list":         func() any { return new([]any) },
		"filled list":      func() any { return &[]any{"a", "b", "c"} },
		"strings":          func() any { return new(map[string]string) },
		"struct":           func() any { return new(struct{ A, B string }) },
		"nil pointer":      func() any { return (*map[string]any)(nil) },
		"no pointer":       func() any { return map[string]any{} },
	}
	for name, target := range targets {
		for _, doc := range docs {
			got, want := target(), target()
			err := Unmarshal([]byte(doc), got)
			wantErr := sigs.Unmarshal([]byte(doc), want)
			if !sameError(err, wantErr) || !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %q\n got %#v, %v\nwant %#v, %v", name, doc, got, err, want, wantErr)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, snippet := range allSnippets() {
		f.Add([]byte(snippet))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 2000 {
			return
		}
		checkDecode(t, data)
	})
}

func FuzzReadHead(f *testing.F) {
	for _, snippet := range allSnippets() {
		f.Add(snippet)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		if len(doc) > 2000 {
			return
		}
		checkHead(t, doc)
	})
}
