package values

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/strvals"
	"sigs.k8s.io/yaml"
)

// setVariants pairs our grammars with Helm's parsers.
var setVariants = []struct {
	flag    string
	grammar setGrammar
	helm    func(string, map[string]any) error
}{
	{"--set", setGrammar{convert: typedValue}, strvals.ParseInto},
	{"--set-string", setGrammar{convert: func(s string) (any, error) { return s, nil }}, strvals.ParseIntoString},
	{"--set-json", setGrammar{json: true}, strvals.ParseJSON},
	{"--set-file", setGrammar{convert: readTestFile}, func(s string, dst map[string]any) error {
		return strvals.ParseIntoFile(s, dst, func(rs []rune) (any, error) { return readTestFile(string(rs)) })
	}},
	{"--set-literal", setGrammar{literal: true}, strvals.ParseLiteralInto},
}

func readTestFile(name string) (any, error) {
	if strings.Contains(name, "y") {
		return nil, errors.New("no such file " + name)
	}
	return "<" + name + ">", nil
}

// setBases are tables that texts are applied to.
var setBases = []map[string]any{
	{},
	parse(`{a: {b: 1, c: [1, {d: 2}, [3, null]]}, l: [x, y], s: text, n: null, g: {x: y}}`),
	parse(`{a: [[1, {b: c}], null, {a: {b: [1]}}], b: {a: null, b: {a: x}}, x: 3}`),
}

// parse reads a table that a test has spelt out.
func parse(text string) map[string]any {
	var out map[string]any
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		panic(err)
	}
	return out
}

// compareSet applies text with all grammars to all bases, with ours and Helm's parser.
func compareSet(t *testing.T, text string) {
	t.Helper()
	for _, variant := range setVariants {
		for _, base := range setBases {
			ours, helms := copyOf(base), copyOf(base)
			err := parseSet(text, ours, variant.grammar, nil)
			helmErr := variant.helm(text, helms)
			switch {
			case err != nil && strings.Contains(err.Error(), "more than"):
				// #DIFFERS lists in lists and padding are bounded
			case err == nil != (helmErr == nil):
				t.Fatalf("%s %q on %v: error %v, Helm %v", variant.flag, text, base, err, helmErr)
			case err != nil && err.Error() != helmErr.Error():
				t.Fatalf("%s %q on %v: error\n%v, Helm\n%v", variant.flag, text, base, err, helmErr)
			case err == nil && !reflect.DeepEqual(ours, helms):
				t.Fatalf("%s %q on %v:\n got %v\nHelm %v", variant.flag, text, base, ours, helms)
			}
		}
	}
}

var setTexts = []string{
	"", "a", "a=", "a=1", "a=1,b=2", "a.b=c", "a.b.c=d", "a=1,", ",", "a,b=1", "=1", "a==1", ".a=1", "a.=1", "a..b=1", "a.b",
	"a=true", "a=FALSE", "a=Null", "a=0", "a=007", "a=-1", "a=+1", "a=1.5", "a=1e3", "a=9223372036854775807", "a=9223372036854775808", "a=fal\u017fe",
	"a={}", "a={1}", "a={1,2}", "a={1,2},b=3", "a={1,2", "a={1,2}b=3", "a={x\\,y,z}", "a={{1},2}",
	"a[0]=1", "l[0]=1", "l[5]=1", "l[1].a=2", "a[0].b=1", "a[0].b=", "a[0]", "a[0].", "a[0].b", "a[0]x=1", "a[-1]=1", "a[x]=1", "a[=1", "a[]=1", "a[70000]=1", "a[0][1]=2", "a[1][0].b=3",
	"a[0][", "a[0][x]=1", "a.c[1].d=7", "a.c[2][1]=7", "s.x=1", "s[0]=1", "n.x=1", "n[0]=1", "l.x=1", "x[0]=1", "[0]=1", "a[0]={1,2}", "a[0].b={1,2}", "a[99999999999999999999]=1",
	"a\\.b=c", "a=b\\,c", "a=b\\", "a\\=b=c", "a=\\{1}", "a\\[0]=1", "a=é,ü=1", "a=\xff", "\xff=1", "a=\\\xff", "a\xce\\\x90=1", "a=\xce\\\x90", "a={\xce\\\x90}", "a=\xce\\",
	`a={"x":1}`, `a={"x":1},b=[1,2]`, `a={"x":1}b=2`, `a=1 , b="x"`, `a= ,b=`, `a=nul`, `a={"x"`, `a[0]={"x":[1.5]}`, `a[0]=,b=1`, `l[1]= `, `a="x,y",b=null`, "a=1 b=2", `a="x" ,`,
	strings.Repeat("a.", 30) + "b=1", strings.Repeat("a.", 31) + "b=1", strings.Repeat("q.", 29) + "b[0].c.d=1",
	"a" + strings.Repeat("[0]", 40) + "=1", "p" + strings.Repeat("[0].p", 40) + "=1",
}

func TestSetTextsMeanWhatTheyMeanToHelm(t *testing.T) {
	for _, text := range setTexts {
		compareSet(t, text)
	}
}

func TestSetTextsAreBounded(t *testing.T) {
	for name, text := range map[string]string{
		"lists in lists": "a" + strings.Repeat("[0]", 100_000) + "=1",
		"names in lists": "a" + strings.Repeat("[0].a", 100_000) + "=1",
		"padding":        manyLists(100),
	} {
		if err := parseSet(text, map[string]any{}, setGrammar{convert: typedValue}, nil); err == nil || !strings.Contains(err.Error(), "more than") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func manyLists(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat("k", i+1) + "[65000]=1,")
	}
	return b.String() + "z=1"
}

func FuzzSet(f *testing.F) {
	for _, text := range setTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 || strings.Count(text, "[") > 200 {
			return
		}
		compareSet(t, text)
	})
}
