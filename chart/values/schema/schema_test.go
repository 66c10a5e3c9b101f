package schema_test

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/e6d26078/slipway/chart/values/schema"
	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chartutil"
)

func ExampleSchema_Validate() {
	s, err := schema.Compile([]byte(`{
		"required": ["image"],
		"properties": {"replicas": {"type": "integer", "maximum": 10}}
	}`), schema.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(s.Validate(map[string]any{"replicas": "three"}))
	// Output:
	// - at '': missing property 'image'
	// - at '/replicas': got string, want integer
}

func TestTheOracleOfTheseTestsSaysWhatHelmSays(t *testing.T) {
	for _, s := range []string{
		`{"required":["a"]}`, `{"type":"strin"}`, `{"$ref":"#/x"}`, `{`, `{"properties":{"n":{"maximum":1000000}}}`,
		`{"$schema":"http://json-schema.org/draft-07/schema#","properties":{"n":{"anyOf":[{"type":"string"},{"maximum":3}]}}}`,
		`{"$ref":"urn:example:x"}`, `{"$ref":"ftp://example.org/x"}`,
	} {
		values := map[string]any{"n": 2e6}
		want := ""
		if err := chartutil.ValidateAgainstSingleSchema(values, []byte(s)); err != nil {
			want = err.Error()
		}
		if got := oracle([]byte(s), values, nil); got != want {
			t.Errorf("%s\noracle: %s\n  Helm: %s", s, got, want)
		}
		if got := ours([]byte(s), values, nil); got != want {
			t.Errorf("%s\nours: %s\nHelm: %s", s, got, want)
		}
	}
}

func TestIssuesComeInTheOrderOfNames(t *testing.T) {
	s, err := schema.Compile([]byte(`{
		"additionalProperties": false,
		"properties": {"a": {"type": "null"}, "b": {"type": "null"}, "c": {"type": "null"}},
		"patternProperties": {"^.$": {"maximum": 1}, "^[abc]$": {"multipleOf": 4}}
	}`), schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := `- at '/a': got number, want null
- at '/a': maximum: got 2, want 1
- at '/a': multipleOf: got 2, want 4
- at '/b': got number, want null
- at '/b': maximum: got 2, want 1
- at '/b': multipleOf: got 2, want 4
- at '/c': got number, want null
- at '/c': maximum: got 2, want 1
- at '/c': multipleOf: got 2, want 4
- at '': additional properties 'xx', 'yy', 'zz' not allowed
`
	for range 20 {
		got := s.Validate(map[string]any{"c": 2, "a": 2, "b": 2, "zz": 1, "xx": 1, "yy": 1}).Error()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestPlaceOfARefusedNameIsItsOwn(t *testing.T) {
	// #DIFFERS Helm says '/1' for both.
	s, err := schema.Compile([]byte(`{"items":{"propertyNames":{"maxLength":1}}}`), schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := s.Validate([]any{map[string]any{"xx": 1}, map[string]any{}}).Error()
	want := "- at '/0': invalid propertyName 'xx'\n  - at '': maxLength: got 2, want 1\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestProblemsGiveThePartsOfTheText(t *testing.T) {
	s, err := schema.Compile([]byte(`{"properties":{"a":{"items":{"$ref":"#/$defs/x"}},"b":{"anyOf":[{"type":"null"},{"type":"string"}]}},"$defs":{"x":{"type":"string"}}}`), schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var invalid *schema.ValidationError
	if !errors.As(s.Validate(map[string]any{"a": []any{"x", 1}, "b": 1}), &invalid) {
		t.Fatal("valid")
	}
	want := []schema.Problem{
		{Path: []string{"a", "1"}, Message: "got number, want string"},
		{Path: []string{"b"}, Message: "'anyOf' failed", Causes: []schema.Problem{
			{Path: []string{"b"}, Message: "got number, want null"},
			{Path: []string{"b"}, Message: "got number, want string"},
		}},
	}
	if diff := cmp.Diff(want, invalid.Problems()); diff != "" {
		t.Error(diff)
	}
}

func TestOtherDocumentsAreOnlyReadThroughLoad(t *testing.T) {
	var asked, urns []string
	text := []byte(`{"properties":{"a":{"$ref":"urn:a:b"},"b":{"$ref":"urn:a:b"},"c":{"$ref":"http://json-schema.org/draft-07/schema#"},"d":{"$ref":"x.json"}}}`)
	_, err := schema.Compile(text, schema.Options{
		Load:          func(url string) ([]byte, error) { asked = append(asked, url); return []byte("true"), nil },
		UnresolvedURN: func(urn string) { urns = append(urns, urn) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"file:///x.json"}, {"urn:a:b"}}, [][]string{asked, urns}); diff != "" {
		t.Error(diff)
	}
	_, err = schema.Compile(text, schema.Options{})
	if want := `failing loading "file:///x.json": references to other documents are not allowed here`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestHostileSchemasEndInALimit(t *testing.T) {
	var doubling, long strings.Builder
	doubling.WriteString(`{"$ref":"#/$defs/x0","$defs":{`)
	for i := range 40 {
		fmt.Fprintf(&doubling, `"x%d":{"allOf":[{"$ref":"#/$defs/x%d"},{"$ref":"#/$defs/x%d"}]},`, i, i+1, i+1)
	}
	doubling.WriteString(`"x40":{}}}`)
	long.WriteString(`{"$ref":"#/$defs/x0","$defs":{`)
	for i := range 30000 {
		fmt.Fprintf(&long, `"x%d":{"$ref":"#/$defs/x%d"},`, i, i+1)
	}
	long.WriteString(`"x30000":{}}}`)
	for name, text := range map[string]string{"doubling": doubling.String(), "long": long.String()} {
		s, err := schema.Compile([]byte(text), schema.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate("v"); !errors.Is(err, schema.ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := schema.Compile([]byte(`{"$ref":"0.json"}`), schema.Options{Load: func(url string) ([]byte, error) {
		return fmt.Appendf(nil, `{"$ref":"%s0.json"}`, strings.TrimSuffix(url, ".json")), nil
	}})
	if !errors.Is(err, schema.ErrLimit) {
		t.Errorf("endless documents: %v", err)
	}
	patterns := make([]string, 12)
	for i := range patterns {
		patterns[i] = fmt.Sprintf(`"%d%s":true`, i, strings.Repeat("(a|b){900}", 1000))
	}
	_, err = schema.Compile([]byte(`{"patternProperties":{`+strings.Join(patterns, ",")+`}}`), schema.Options{})
	if !errors.Is(err, schema.ErrLimit) {
		t.Errorf("huge patterns: %.200v", err)
	}
	deep := any("v")
	for range 100_000 {
		deep = []any{deep}
	}
	s, err := schema.Compile([]byte(`{"items":{"$ref":"#"}}`), schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(deep); !errors.Is(err, schema.ErrLimit) {
		t.Errorf("deep value: %v", err)
	}
}

func TestASchemaServesManyGoroutines(t *testing.T) {
	s, err := schema.Compile([]byte(`{"patternProperties":{"^a+$":{"pattern":"^x+$"}}}`), schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if err := s.Validate(map[string]any{"aa": "xy"}); err == nil {
					t.Error("valid")
				}
			}
		})
	}
	wg.Wait()
}

func TestThePackageNeedsNothingButTheStandardLibrary(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(string(out)); len(got) != 1 {
		t.Errorf("imports %v", got)
	}
	out, err = exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range strings.Fields(string(out)) {
		if dep == "net" || dep == "net/http" || dep == "crypto/tls" {
			t.Errorf("imports %s", dep)
		}
	}
}
