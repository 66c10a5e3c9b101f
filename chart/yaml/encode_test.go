package yaml_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/e6d26078/slipway/chart/yaml"
)

// sameAsLibrary fails unless Append and AppendJSON write v as the libraries do.
func sameAsLibrary(t *testing.T, v any) {
	t.Helper()
	want, wantErr := sigsyaml.Marshal(v)
	got, err := yaml.Append([]byte("# before\n"), v)
	compareText(t, "YAML", v, got, "# before\n"+string(want), err, wantErr)

	want, wantErr = json.Marshal(v)
	got, err = yaml.AppendJSON([]byte("before"), v)
	compareText(t, "JSON", v, got, "before"+string(want), err, wantErr)

	want, wantErr = json.MarshalIndent(v, "", "  ")
	got, err = yaml.AppendPrettyJSON([]byte("before"), v)
	compareText(t, "pretty JSON", v, got, "before"+string(want), err, wantErr)

	var raw bytes.Buffer
	enc := json.NewEncoder(&raw)
	enc.SetEscapeHTML(false)
	wantErr = enc.Encode(v)
	got, err = yaml.AppendRawJSON([]byte("before"), v)
	compareText(t, "raw JSON", v, got, "before"+strings.TrimSuffix(raw.String(), "\n"), err, wantErr)
}

func compareText(t *testing.T, format string, v any, got []byte, want string, err, wantErr error) {
	t.Helper()
	if fmt.Sprint(err) != fmt.Sprint(wantErr) {
		t.Fatalf("%s of %#v: error %v, the library says %v", format, v, err, wantErr)
	}
	if err == nil && string(got) != want {
		t.Fatalf("%s of %#v:\n%q\nthe library writes\n%q", format, v, got, want)
	}
}

// everywhere returns values with s in each place a text can have.
func everywhere(s string) []any {
	return []any{
		s,
		[]any{s, s},
		map[string]any{"key": s},
		map[string]any{s: "value", "next": 1},
		map[string]any{s: map[string]any{s: s}, "list": []any{s, map[string]any{"k": s}}},
		map[string]any{"a": []any{[]any{s, []any{s}}, map[string]any{s: []any{s}, "z": s}}},
		[]string{s, "x", s},
		map[string]string{"key": s, s: s},
		chartutil.Values{"deep": map[string]any{"deeper": map[string]any{"deepest": s, "then": nil}}},
	}
}

var texts = []string{
	"", " ", "  ", "\n", "\n\n", " \n", "\n ", "a", "a ", " a", "a\n", "a\n\n", "\na", " a\nb", "a\n b", "a \nb", "a\n\nb\n", "a\n\n\n",
	"a: b", "a:", ":a", ":", ": a", "a :b", "#", "# a", "a #b", "a# b", "a#", "-", "- a", "-a", "--", "---", "--- a", "----", "...", "....", "..",
	"?", "? a", "?a", "'", "''", "'a'", "it's", "\"", "\"a\"", "a\"b", "\\", "a\\nb", "!tag", "&a", "*a", "%", "@a", "`a`", "|", ">", "{", "}", "[", "]", "{}", "[]", ",", "a,b", "a{b}",
	"<<", "=", "<b>&amp;</b>", "~", "null", "Null", "NULL", "nUll", "true", "True", "TRUE", "tRUE", "yes", "Yes", "y", "Y", "n", "no", "on", "off", "Off", "ON", "false",
	"0", "1", "-1", "+1", "01", "08", "0777", "0o17", "0x1f", "0X1F", "0xg", "0b101", "0b-1", "-0b1", "-0b-1", "0b", "1_000", "_1", "1_", "1__0", "123456789012345678", "1234567890123456789012",
	strings.Repeat("9", 308), strings.Repeat("9", 310), "0x" + strings.Repeat("f", 16), "0x" + strings.Repeat("f", 17), "18446744073709551615", "18446744073709551616", "-9223372036854775809",
	"1.", ".1", ".", "1.5", "-.5", "+.5", "1e3", "1e", "e3", "1e+3", "1E-3", "1.e3", ".e3", "1e400", "-1e400", "1.2.3", "10.0.0.1", "1.5.", ".5.", ".1_0", "0x1p4", ".inf", "-.inf", "+.inf", "+.INF", ".nan", ".NaN", "inf", "nan", "Inf", "+Inf", ".5e1", ".5x",
	"1:30", "1:60", "190:20:30", "1:2:3.5", "1:2:", "1:2._5", "1_0:59", "-1:30", "+1:30", "_:30", "12:5", "1:005", "8080:80", "0.0.0.0:80", "1:2.3.4", "1:", "10:20:30:40", "1:2.5:3",
	"2001-01-01", "2001-1-1", "2001-13-01", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.10", "2001-12-14T21:59:43Z", "2001-12-14 21:59:43.10 -5", "2001-", "20010-1-1", "2001-01-01x", "2001-1-1 1:1:1",
	"100m", "1Gi", "1d", "abc", "/path/to:thing", "http://x:80/y", "key=value", "a\tb", "\t", "a\r\nb", "\r", "\x00", "\x01", "\x07\x08\x0b\x0c\x1b", "\x7f", "a\x7fb",
	"é", "日本語", "日本語 テキスト", "😀", "a😀b\nc", "\u00a0", "\u0085", "a\u0085b", "a \u0085 b", "\u0080", "\u2028", "a\u2028b", "a\u2029\nb", "\ufeff", "a\ufeff", "\ufffe", "\uffff", "\ufffd", "\xff", "a\xffb", "\xc3", "\ue000", "\U0010ffff",
	strings.Repeat("word ", 30), strings.Repeat("word ", 30) + "x", strings.Repeat("wörd ", 30) + "x", "'" + strings.Repeat("it's ", 30) + "x", strings.Repeat("two  blanks  ", 12) + "x", "tab\t" + strings.Repeat("two  blanks one ", 12) + "x",
	"\t" + strings.Repeat("word ", 30), "1 " + strings.Repeat("word ", 30), strings.Repeat("x", 79) + " y", strings.Repeat("x", 80) + " y", strings.Repeat("x", 75) + " y z", strings.Repeat("x", 81) + "  y z", strings.Repeat("é", 70) + " y z " + strings.Repeat("é", 20) + " y",
	strings.Repeat("x", 128), strings.Repeat("x", 129), strings.Repeat("x", 1100), strings.Repeat("x y ", 400), "😀 " + strings.Repeat("😀 ", 30), strings.Repeat("\\ ", 60), strings.Repeat("a b\n", 50), "line\n" + strings.Repeat("word ", 30) + "\nend", "a\n" + strings.Repeat("word ", 30),
}

func TestEveryTextIsWrittenAsTheLibraryWritesIt(t *testing.T) {
	for _, s := range texts {
		for _, v := range everywhere(s) {
			sameAsLibrary(t, v)
		}
	}
}

func TestEveryKindOfValueIsWrittenAsTheLibraryWritesIt(t *testing.T) {
	type named map[string]any
	type text string
	var typedNil *chart.Metadata
	loop := map[string]any{}
	loop["self"] = loop
	deep := any("end")
	for range 950 {
		deep = map[string]any{"d": []any{deep}}
	}
	values := []any{
		nil, true, false, 0, 1, -1, int8(-8), int16(16), int32(32), int64(math.MinInt64), uint(1), uint8(8), uint16(16), uint32(32), uint64(math.MaxUint64), uintptr(3),
		0.0, math.Copysign(0, -1), 1.0, 1e6, 1.5, 0.1, 1e-5, 1e-6, 1e-7, 1.5e-10, 123456789.5, 1e15, 1 << 53, 1<<53 + 2, 1e18, 9.2e18, 9.3e18, -9.2e18, -9.3e18, 1.8e19, 1.9e19, 1e20, 1e21, 1e22, -1e20, 1.5e300, 5e-324, math.MaxFloat64,
		9007199254740993.0, 1234567890123456789.0, math.NaN(), math.Inf(1), math.Inf(-1), float32(0.1), float32(1e10),
		json.Number("1"), json.Number("-0"), json.Number("1.0"), json.Number("1e3"), json.Number("01"), json.Number(""), json.Number("x"), json.Number("12345678901234567890"),
		map[string]any{}, map[string]any(nil), []any{}, []any(nil), []string{}, []string(nil), map[string]string{}, map[string]string(nil), []byte("bytes"), []byte{}, []byte(nil), []byte(strings.Repeat("long", 40)),
		named{"a": 1}, named{}, named(nil), chartutil.Values{"a": named{"b": []string{"c"}}}, text("text"), []text{"a"}, []int{1, 2}, []map[string]any{{"a": 1}}, map[string]int{"b": 1, "a": 2}, map[int]string{2: "b", 10: "a"},
		map[any]any{"a": 1}, map[string][]string{"a": {"b"}}, time.Unix(0, 0).UTC(), time.Second, chart.Metadata{Name: "n", Version: "1.0"}, &chart.Metadata{Name: "n", Annotations: map[string]string{"b": "1", "a": "2"}}, typedNil,
		func() {}, make(chan int), complex(1, 2), loop, deep, struct{ A, B any }{1, "x"}, json.RawMessage(`{"b":1,"a":[1,2]}`), fmt.Errorf("x"),
		map[string]any{"emptyMap": map[string]any{}, "emptyList": []any{}, "nil": nil, "list": []any{map[string]any{}, []any{}, nil, []any{[]any{}}, map[string]any{"a": map[string]any{}}}},
		map[string]any{"a": []string{}, "b": map[string]string(nil), "c": named{}, "d": named(nil), "e": []byte("x"), "f": []any(nil)},
		[]any{[]any{[]any{1, 2}, 3}, map[string]any{"a": []any{1, map[string]any{"b": 2, "c": []any{3}}}}},
	}
	for _, v := range values {
		sameAsLibrary(t, v)
		sameAsLibrary(t, []any{v, map[string]any{"k": v}})
		sameAsLibrary(t, map[string]any{"a": v, "b": []any{v}})
	}
}

func TestKeysStandInNaturalOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", "b", "Z", "1", "2", "10", "0", "01", "00", "-", ".", "_", "/", "é", "٣", "ß", "日", "port", "x1", "x10", "x2"}
	for range 3000 {
		m := map[string]any{}
		for range r.IntN(8) + 2 {
			var key strings.Builder
			for range r.IntN(4) + 1 {
				key.WriteString(pieces[r.IntN(len(pieces))])
			}
			m[key.String()] = 1
		}
		if inOrder(m) {
			sameAsLibrary(t, m)
		}
		once, err := yaml.Append(nil, m)
		again, _ := yaml.Append(nil, m)
		if err != nil || !bytes.Equal(once, again) {
			t.Fatalf("two texts for one map: %q, %q (%v)", once, again, err)
		}
	}
}

// inOrder reports whether the library's comparison of keys gives an order for
// each map in v. Where it does not, its output depends on chance.
func inOrder(v any) bool {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if !inOrder(item) {
				return false
			}
		}
	case chartutil.Values:
		return inOrder(map[string]any(v))
	case map[string]any:
		smaller := map[string]int{}
		for a, item := range v {
			if !inOrder(item) {
				return false
			}
			for b := range v {
				if a < b {
					smaller[larger(a, b)]++
				}
			}
		}
		seen := make([]bool, len(v))
		for key := range v {
			if seen[smaller[key]] {
				return false
			}
			seen[smaller[key]] = true
		}
	}
	return true
}

// larger returns the one of two keys that the library writes second.
func larger(a, b string) string {
	text, err := sigsyaml.Marshal(map[string]any{a: "first", b: "second"})
	if err == nil && strings.HasSuffix(string(text), "first\n") {
		return a
	}
	return b
}

// randomValue returns a tree of the types that values have.
func randomValue(r *rand.Rand, depth int) any {
	kind := r.IntN(14)
	if depth <= 0 && kind < 6 {
		kind += 6
	}
	switch kind {
	case 0, 1, 2:
		m := map[string]any{}
		for range r.IntN(5) {
			m[randomText(r)] = randomValue(r, depth-1)
		}
		return m
	case 3, 4:
		list := []any{}
		for range r.IntN(4) {
			list = append(list, randomValue(r, depth-1))
		}
		return list
	case 5:
		return chartutil.Values{randomText(r): randomValue(r, depth-1)}
	case 6:
		return nil
	case 7:
		return r.IntN(2) == 0
	case 8:
		return r.Int64() >> r.IntN(64)
	case 9:
		return math.Float64frombits(r.Uint64() &^ (1 << 62))
	case 10:
		return float64(r.IntN(100000)) / float64(r.IntN(4)+1)
	}
	return randomText(r)
}

func randomText(r *rand.Rand) string {
	if r.IntN(2) == 0 {
		return texts[r.IntN(len(texts))]
	}
	const alphabet = "aabcde  \n\n--::##''\"\"\\0123456789..__+exon,[]{}&*!|>%@`?~=<\t\ré日😀"
	runes := []rune(alphabet)
	var s strings.Builder
	for range r.IntN(14) {
		s.WriteRune(runes[r.IntN(len(runes))])
	}
	if r.IntN(10) == 0 {
		return strings.Repeat(s.String(), r.IntN(20))
	}
	return s.String()
}

func TestRandomTreesAreWrittenAsTheLibraryWritesThem(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 4000 {
		v := randomValue(r, 4)
		if inOrder(v) {
			sameAsLibrary(t, v)
		}
	}
}

func FuzzAppend(f *testing.F) {
	for _, s := range texts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, v := range everywhere(s) {
			sameAsLibrary(t, v)
		}
	})
}

func FuzzAppendTree(f *testing.F) {
	f.Add([]byte(`{"a":[1,2.5,null,true,{"b":"c"}],"d":{"e":"f\n"}}`))
	f.Add([]byte(`[[],{},"",[[["x"]]],-0,1e21]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var v any
		if json.Unmarshal(data, &v) != nil {
			return
		}
		if inOrder(v) {
			sameAsLibrary(t, v)
		}
	})
}

func benchmarkValue() any {
	var v any
	err := json.Unmarshal([]byte(`{"resources":{"limits":{"cpu":"100m","memory":"128Mi"},"requests":{"cpu":"50m","memory":"64Mi"}},
	"nodeSelector":{"kubernetes.io/os":"linux"},"tolerations":[{"key":"a","operator":"Exists","effect":"NoSchedule"},{"key":"b","operator":"Equal","value":"true"}],
	"securityContext":{"runAsUser":1000,"runAsNonRoot":true,"capabilities":{"drop":["ALL"]},"seccompProfile":{"type":"RuntimeDefault"}},
	"env":[{"name":"A","value":"1"},{"name":"B","valueFrom":{"fieldRef":{"fieldPath":"metadata.namespace"}}}],"config":"a: b\nc:\n  - d\n  - e\n","replicas":3}`), &v)
	if err != nil {
		panic(err)
	}
	return v
}

func BenchmarkAppend(b *testing.B) {
	v := benchmarkValue()
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		var dst []byte
		for b.Loop() {
			dst, _ = yaml.Append(dst[:0], v)
		}
	})
	b.Run("library", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = sigsyaml.Marshal(v)
		}
	})
}

func BenchmarkAppendJSON(b *testing.B) {
	v := benchmarkValue()
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		var dst []byte
		for b.Loop() {
			dst, _ = yaml.AppendJSON(dst[:0], v)
		}
	})
	b.Run("library", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = json.Marshal(v)
		}
	})
}
