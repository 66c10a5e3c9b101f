package funcs

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/e6d26078/slipway/engine/internal/chartutil"
	"github.com/e6d26078/slipway/engine/internal/tmpl"
)

// pointed is a type that only reflection knows.
type pointed struct{ Name string }

var testTexts = []string{
	"", "a", "b", "c", "d", "abc", "ABC", "a b", " a b ", "a\nb\n", "\n", "x,y,z", ",", " ", "a,b,,c", "é日本😀", "\xff", "1", "2", "10", "0x10", "-5", "1.5", "true", "nil",
	"%", "%%", "%s", "%d", "%v", "%q", "%t", "%s-%s", "%s-%d-%v", "%v%%%v", "%5d", "%!", "%s %", "%.2f", "%[1]s", "%T",
	"^a.*b$", "[0-9]+", "(", "(a)(b)?", "$1-$2", "${1}x", "a*", "[a-z]+", "\\", "*",
	">=1.2.3", "1.2.3", "v1.2.3-rc.1", "^1", "~1.2", "1.x || >=2.0.0-0", "not a version", "1.31.0",
	"path/to/file.txt", "aGVsbG8=", "key: value\nlist:\n- a\n", "[1, 2]", `{"a":{"b":[1,2.5,null,true]}}`, "{", "string", "map", "int", "slice", "invalid", "map[string]interface {}", "<nil>", "float64", "chartutil.Values",
	strings.Repeat("long text ", 30),
}

// randomAny returns a new value of any of the types that templates meet.
func randomAny(r *rand.Rand, depth int) any {
	switch r.IntN(24) {
	case 0, 1, 2, 3:
		return testTexts[r.IntN(len(testTexts))]
	case 4:
		return []any{0, 1, -1, 2, 3, 5, 63, 1000}[r.IntN(8)]
	case 5:
		return []any{int8(1), int16(0), int32(-3), int64(7), uint(2), uint8(0), uint16(9), uint32(4), uint64(math.MaxUint64), int64(math.MinInt64)}[r.IntN(10)]
	case 6:
		return []any{0.0, 1.0, -2.5, 1e6, 1e21, 1e-7, math.NaN(), math.Inf(1), math.Inf(-1), float32(1.5), 123456789.0, math.Copysign(0, -1)}[r.IntN(12)]
	case 7:
		return r.IntN(2) == 0
	case 8:
		return nil
	case 9, 10, 11, 12:
		return randomDict(r, depth)
	case 13, 14, 15, 16:
		return randomList(r, depth)
	case 17:
		return chartutil.Values(randomDict(r, depth))
	case 18:
		return slices.Clone([]string{"a", "b", "a", "", "c"}[:r.IntN(6)])
	case 19:
		return map[string]string{"a": "1", "b": testTexts[r.IntN(len(testTexts))]}
	case 20:
		return [](any){map[string]any(nil), []any(nil), []string(nil), chartutil.Values(nil), (*pointed)(nil), map[string]string(nil), error(nil)}[r.IntN(7)]
	case 21:
		return []any{pointed{"x"}, &pointed{"y"}, time.Second, errors.New("an error"), semver.MustParse("1.2.3"), *semver.MustParse("v2"), json.Number("12"), time.Unix(0, 0).UTC()}[r.IntN(8)]
	case 22:
		return []any{[]byte("bytes"), []int{1, 2}, []float64{1.5}, [2]string{"a", "b"}, map[int]string{1: "x"}, map[any]any{"a": 1}, []map[string]any{{"a": 1}}, map[string][]string{"a": {"b"}}}[r.IntN(8)]
	}
	return r.IntN(20)
}

func randomDict(r *rand.Rand, depth int) map[string]any {
	m := map[string]any{}
	if depth <= 0 {
		return m
	}
	for range r.IntN(5) {
		m[string(rune('a'+r.IntN(4)))] = randomAny(r, depth-1)
	}
	return m
}

func randomList(r *rand.Rand, depth int) []any {
	list := make([]any, 0, r.IntN(4))
	if depth <= 0 {
		return list
	}
	for range r.IntN(5) {
		list = append(list, randomAny(r, depth-1))
	}
	return list
}

// randomArg returns an argument for a parameter, mostly of the right type.
func randomArg(r *rand.Rand, typ reflect.Type) any {
	if r.IntN(12) == 0 {
		return randomAny(r, 2)
	}
	switch typ.Kind() {
	case reflect.String:
		return testTexts[r.IntN(len(testTexts))]
	case reflect.Int:
		return []int{-1, 0, 1, 2, 3, 4, 8, 63, 1000}[r.IntN(9)]
	case reflect.Bool:
		return r.IntN(2) == 0
	case reflect.Map:
		if r.IntN(4) == 0 {
			return chartutil.Values(randomDict(r, 3))
		}
		return randomDict(r, 3)
	}
	return randomAny(r, 3)
}

func randomArgs(r *rand.Rand, name string, fn reflect.Type) []any {
	var args []any
	switch {
	case name == "dig" && r.IntN(4) > 0:
		for range r.IntN(4) + 1 {
			args = append(args, string(rune('a'+r.IntN(4))))
		}
		return append(args, randomAny(r, 1), randomDict(r, 5))
	case name == "semverCompare" && r.IntN(4) > 0:
		versions := []string{">=1.2.3", "1.2.3", "v1.2.3-rc.1", "^1", "~1.2", "1.x || >=2.0.0-0", "<1.31.0", "1.31.0", "2.0.0-alpha"}
		return []any{versions[r.IntN(len(versions))], versions[r.IntN(len(versions))]}
	}
	for i := range fn.NumIn() {
		if fn.IsVariadic() && i == fn.NumIn()-1 {
			for range r.IntN(5) {
				args = append(args, randomArg(r, fn.In(i).Elem()))
			}
			break
		}
		args = append(args, randomArg(r, fn.In(i)))
	}
	return args
}

// callOriginal calls fn as text/template does; ok is false for an error, a
// panic or an argument of a wrong type.
func callOriginal(fn any, args []any) (result any, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	v := reflect.ValueOf(fn)
	t := v.Type()
	in := make([]reflect.Value, len(args))
	for i, arg := range args {
		typ := t.In(min(i, t.NumIn()-1))
		if t.IsVariadic() && i >= t.NumIn()-1 {
			typ = t.In(t.NumIn() - 1).Elem()
		}
		switch {
		case arg == nil:
			if typ.Kind() != reflect.Interface && typ.Kind() != reflect.Map {
				return nil, false
			}
			in[i] = reflect.Zero(typ)
		case !reflect.TypeOf(arg).AssignableTo(typ):
			return nil, false
		default:
			in[i] = reflect.ValueOf(arg)
		}
	}
	out := v.Call(in)
	if len(out) == 2 && !out[1].IsNil() {
		return nil, false
	}
	return out[0].Interface(), true
}

// show prints a value with types, nils and NaN, and says of each map and slice
// in it which one of known it is.
func show(v any, known map[uintptr]string, name string) string {
	var b strings.Builder
	var walk func(v reflect.Value, path string)
	walk = func(v reflect.Value, path string) {
		if !v.IsValid() {
			b.WriteString("nil")
			return
		}
		fmt.Fprintf(&b, "%s", v.Type())
		switch v.Kind() {
		case reflect.Interface:
			walk(v.Elem(), path)
		case reflect.Map:
			if v.IsNil() {
				b.WriteString("(nil)")
				return
			}
			shared(&b, known, v.Pointer(), path)
			keys := v.MapKeys()
			sort.Slice(keys, func(i, j int) bool { return fmt.Sprint(keys[i]) < fmt.Sprint(keys[j]) })
			for _, key := range keys {
				fmt.Fprintf(&b, " %#v:", key.Interface())
				walk(v.MapIndex(key), fmt.Sprintf("%s.%v", path, key))
			}
			b.WriteString("}")
		case reflect.Slice:
			if v.IsNil() {
				b.WriteString("(nil)")
				return
			}
			if v.Cap() > 0 {
				shared(&b, known, v.Pointer(), path)
			}
			fmt.Fprintf(&b, "[cap %d", v.Cap())
			for i := range v.Len() {
				b.WriteString(" ")
				walk(v.Index(i), fmt.Sprintf("%s[%d]", path, i))
			}
			b.WriteString("]")
		default:
			fmt.Fprintf(&b, "(%#v)", v.Interface())
		}
	}
	walk(reflect.ValueOf(v), name)
	return b.String()
}

func shared(b *strings.Builder, known map[uintptr]string, p uintptr, path string) {
	if first, ok := known[p]; ok {
		fmt.Fprintf(b, "{=%s", first)
	} else {
		known[p] = path
		fmt.Fprintf(b, "{")
	}
}

// before notes the maps and slices in args.
func before(args []any) map[uintptr]string {
	known := map[uintptr]string{}
	for i, arg := range args {
		show(arg, known, fmt.Sprintf("arg%d", i))
	}
	return known
}

// checkFast compares the fast forms of f with its original on arguments made
// by draw, which gives equal new ones each time.
func checkFast(t *testing.T, name string, f tmpl.Func, draw func() []any) (handled bool) {
	t.Helper()
	args := draw()
	known := before(args)
	want, wantOK := callOriginal(f.Fn, args)
	wantText := show(want, known, "result")
	wantArgs := show(args, map[uintptr]string{}, "")

	args = draw()
	known = before(args)
	got, handled, err := f.Fast(nil, args)
	if err != nil {
		t.Fatalf("%s %s: a fast form with an error: %v", name, show(args, map[uintptr]string{}, ""), err)
	}
	if handled {
		if !wantOK {
			t.Fatalf("%s %s gives %#v, the original refuses", name, show(draw(), map[uintptr]string{}, ""), got)
		}
		if text := show(got, known, "result"); text != wantText {
			t.Fatalf("%s %s gives\n%s\nthe original\n%s", name, show(draw(), map[uintptr]string{}, ""), text, wantText)
		}
		if gotArgs := show(args, map[uintptr]string{}, ""); gotArgs != wantArgs {
			t.Fatalf("%s leaves its arguments as\n%s\nthe original\n%s", name, gotArgs, wantArgs)
		}
	}
	if f.Append != nil {
		out, handled, err := f.Append(nil, []byte("before"), draw())
		if err != nil {
			t.Fatalf("%s: an append form with an error: %v", name, err)
		}
		if handled && (!wantOK || string(out) != "before"+want.(string)) {
			t.Fatalf("%s %s appends\n%q\nthe original gives\n%#v", name, show(draw(), map[uintptr]string{}, ""), out, want)
		}
	}
	return handled
}

func TestFastFormsGiveWhatTheOriginalsGive(t *testing.T) {
	const rounds = 800
	for name, f := range Helm4() {
		if f.Fast == nil || f.Call != nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			typ := reflect.TypeOf(f.Fn)
			handled := 0
			for i := range uint64(rounds) {
				draw := func() []any { return randomArgs(rand.New(rand.NewPCG(i, 7)), name, typ) }
				if checkFast(t, name, f, draw) {
					handled++
				}
			}
			if handled < rounds/20 {
				t.Errorf("only %d of %d calls take the fast form", handled, rounds)
			}
		})
	}
}

func TestMergesAreMergos(t *testing.T) {
	table := Helm3()
	for _, name := range []string{"merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite"} {
		for i := range uint64(800) {
			checkFast(t, name, table[name], func() []any {
				r := rand.New(rand.NewPCG(i, 8))
				args := make([]any, r.IntN(3)+1)
				for j := range args {
					args[j] = randomDict(r, 4)
				}
				if r.IntN(8) == 0 {
					args[len(args)-1] = args[0]
				}
				return args
			})
		}
	}
}

func TestDeepCopyIsCopystructures(t *testing.T) {
	table := Helm3()
	for i := range uint64(800) {
		checkFast(t, "deepCopy", table["deepCopy"], func() []any {
			r := rand.New(rand.NewPCG(i, 9))
			d := randomDict(r, 4)
			d["again"] = d["a"]
			return []any{d}
		})
	}
}

// Charts copy their whole scope: files, metadata and capabilities with the values.
func TestDeepCopyOfAScopeIsCopystructures(t *testing.T) {
	type fileMap map[string][]byte
	type maintainer struct{ Name string }
	type metadata struct {
		Name        string
		Keywords    []string
		Maintainers []maintainer
		Annotations map[string]string
	}
	checkFast(t, "deepCopy", Helm3()["deepCopy"], func() []any {
		return []any{map[string]any{
			"Files":    fileMap{"a.txt": []byte("text"), "empty": {}, "nil": nil},
			"NoFiles":  fileMap(nil),
			"Chart":    metadata{Name: "web", Keywords: []string{"k"}, Maintainers: []maintainer{{"m"}}, Annotations: map[string]string{"a": "b"}},
			"Pointer":  &metadata{Name: "sub"},
			"Raw":      []byte("raw"),
			"Strings":  map[string]string{"a": "b"},
			"Duration": time.Minute,
			"Values":   map[string]any{"list": []any{1, 2.5, "x", nil}},
		}}
	})
}

func FuzzFastText(f *testing.F) {
	for i, s := range testTexts {
		f.Add(s, testTexts[(i+7)%len(testTexts)], testTexts[(i+19)%len(testTexts)], i%9-2)
	}
	table := Helm3()
	var names []string
	for name, fn := range table {
		if fn.Fast != nil && fn.Call == nil {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	f.Fuzz(func(t *testing.T, a, b, c string, n int) {
		texts := []any{a, b, c}
		for _, name := range names {
			fn := table[name]
			typ := reflect.TypeOf(fn.Fn)
			checkFast(t, name, fn, func() []any {
				var args []any
				next := 0
				for i := range typ.NumIn() {
					in := typ.In(i)
					if typ.IsVariadic() && i == typ.NumIn()-1 {
						in = in.Elem()
					}
					switch in.Kind() {
					case reflect.Int:
						args = append(args, n%100)
					case reflect.Bool:
						args = append(args, n%2 == 0)
					case reflect.Map:
						args = append(args, map[string]any{a: b, "x": []any{c, float64(n)}})
					default:
						args = append(args, texts[next%3])
						next++
					}
				}
				if typ.IsVariadic() && typ.In(typ.NumIn()-1).Elem().Kind() == reflect.Interface {
					args = append(args, n, float64(n)/3, c)
				}
				return args
			})
		}
	})
}
