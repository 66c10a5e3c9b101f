package schema_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/chart/values/schema"
)

// drafts are the values of $schema that tables run through; "" leaves it out.
var drafts = []string{
	"",
	"http://json-schema.org/draft-04/schema#",
	"http://json-schema.org/draft-06/schema#",
	"http://json-schema.org/draft-07/schema#",
	"https://json-schema.org/draft/2019-09/schema",
	"https://json-schema.org/draft/2020-12/schema",
	"http://json-schema.org/schema#",
	"https://json-schema.org/draft-07/schema",
	"json-schema.org/draft-07/schema",
	"http://json-schema.org/draft-03/schema#",
	"http://json-schema.org/draft-07/schema#x",
	"http://example.org/custom",
	"http://example.org/format-2019",
	"http://example.org/format-2020",
	"http://example.org/no-validation",
	"http://example.org/strange-vocabulary",
	"http://example.org/loop-a",
	"http://example.org/missing",
	"file:///values.schema.json",
	"ftp://example.org/x",
	"urn:example:meta",
	":",
}

var remote = docs{
	"http://example.org/custom":             `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object"}`,
	"http://example.org/format-2019":        `{"$schema":"https://json-schema.org/draft/2019-09/schema","$vocabulary":{"https://json-schema.org/draft/2019-09/vocab/format":true,"https://json-schema.org/draft/2019-09/vocab/validation":true,"https://json-schema.org/draft/2019-09/vocab/applicator":true,"https://example.org/other":false}}`,
	"http://example.org/format-2020":        `{"$schema":"https://json-schema.org/draft/2020-12/schema","$vocabulary":{"https://json-schema.org/draft/2020-12/vocab/format-assertion":true,"https://json-schema.org/draft/2020-12/vocab/validation":true,"https://json-schema.org/draft/2020-12/vocab/applicator":true,"https://json-schema.org/draft/2020-12/vocab/unevaluated":true}}`,
	"http://example.org/no-validation":      `{"$schema":"https://json-schema.org/draft/2020-12/schema","$vocabulary":{"https://json-schema.org/draft/2020-12/vocab/core":true,"https://json-schema.org/draft/2020-12/vocab/applicator":true}}`,
	"http://example.org/strange-vocabulary": `{"$schema":"https://json-schema.org/draft/2020-12/schema","$vocabulary":{"https://example.org/other":true}}`,
	"http://example.org/loop-a":             `{"$schema":"http://example.org/loop-b"}`,
	"http://example.org/loop-b":             `{"$schema":"http://example.org/loop-a"}`,
	"http://example.org/number.json":        `{"type":"number","definitions":{"low":{"$id":"low.json","maximum":5},"any":{"$anchor":"any"}},"$defs":{"bad":{"type":12}},"x":{"type":"string"},"y":{"type":7}}`,
	"http://example.org/bad.json":           `{"type":12}`,
	"http://example.org/broken.json":        `{"type":`,
	"file:///other.json":                    `{"$ref":"values.schema.json#/definitions/s","definitions":{"n":{"type":"null"}}}`,
	"http://example.org/tree":               `{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"http://example.org/tree","$dynamicAnchor":"node","type":"object","properties":{"data":true,"children":{"type":"array","items":{"$dynamicRef":"#node"}}}}`,
	"http://example.org/tree2019":           `{"$schema":"https://json-schema.org/draft/2019-09/schema","$id":"http://example.org/tree2019","$recursiveAnchor":true,"type":"object","properties":{"data":true,"children":{"type":"array","items":{"$recursiveRef":"#"}}}}`,
}

// schemas of the table, each an object so that $schema can be added.
var tableSchemas = []string{
	`{}`,
	`{"type":"string"}`, `{"type":"integer"}`, `{"type":"number"}`, `{"type":"object"}`, `{"type":"null"}`,
	`{"type":["string","null"]}`, `{"type":["integer","array","boolean"]}`, `{"type":"array"}`,
	`{"const":1}`, `{"const":1.0}`, `{"const":null}`, `{"const":"a"}`, `{"const":{"a":[1,2.0]}}`, `{"const":[1]}`, `{"const":true}`,
	`{"enum":["a","b"]}`, `{"enum":["a"]}`, `{"enum":[1,null,true,"x"]}`, `{"enum":[{"a":1},2]}`, `{"enum":[10.50,1e3]}`, `{"enum":[[]]}`,
	`{"minimum":3}`, `{"maximum":1000}`, `{"minimum":-0.1}`, `{"maximum":0.1}`, `{"minimum":1e20}`, `{"maximum":1234567.5}`, `{"minimum":9007199254740993}`,
	`{"exclusiveMinimum":3}`, `{"exclusiveMaximum":3}`, `{"minimum":3,"exclusiveMinimum":true}`, `{"maximum":3,"exclusiveMaximum":true}`, `{"exclusiveMaximum":true}`,
	`{"multipleOf":3}`, `{"multipleOf":0.1}`, `{"multipleOf":0.01}`, `{"multipleOf":1e-8}`, `{"multipleOf":0}`, `{"multipleOf":-1}`, `{"multipleOf":2.5e1}`,
	`{"minLength":2}`, `{"maxLength":2}`, `{"minLength":2.0}`, `{"minLength":1.5}`, `{"maxLength":-1}`, `{"maxLength":"1"}`, `{"minLength":5000}`,
	`{"pattern":"^a+$"}`, `{"pattern":"b"}`, `{"pattern":"["}`, `{"pattern":"(?!x)"}`, `{"pattern":"^\\d{2}'\"$"}`, `{"pattern":7}`,
	`{"minItems":2}`, `{"maxItems":1}`, `{"uniqueItems":true}`, `{"uniqueItems":false}`, `{"uniqueItems":1}`,
	`{"items":{"type":"integer"}}`, `{"items":[{"type":"integer"},{"type":"string"}]}`, `{"items":[{"type":"integer"}],"additionalItems":false}`,
	`{"items":[{"type":"integer"}],"additionalItems":{"type":"null"}}`, `{"items":true}`, `{"items":false}`, `{"items":[]}`, `{"additionalItems":false}`, `{"items":[true,false]}`,
	`{"prefixItems":[{"type":"integer"}],"items":{"type":"string"}}`, `{"prefixItems":[{"type":"integer"}],"items":false}`, `{"prefixItems":[]}`,
	`{"contains":{"type":"integer"}}`, `{"contains":{"type":"integer"},"minContains":2}`, `{"contains":{"type":"integer"},"maxContains":1}`, `{"contains":{"type":"integer"},"minContains":0}`, `{"contains":true,"minContains":3}`, `{"minContains":3}`,
	`{"required":["a"]}`, `{"required":["a","b","c"]}`, `{"required":[]}`, `{"required":["a","a"]}`, `{"required":"a"}`, `{"required":true}`, `{"required":["it's","q\"uote"]}`,
	`{"minProperties":2}`, `{"maxProperties":1}`,
	`{"properties":{"a":{"type":"integer"},"b":{"type":"string","minLength":9}}}`,
	`{"properties":{"a":{"type":"integer"}},"additionalProperties":false}`, `{"additionalProperties":{"type":"integer"}}`, `{"additionalProperties":true}`,
	`{"properties":{"a":false}}`, `{"properties":{"a":true}}`, `{"properties":{"a":1}}`, `{"properties":[]}`,
	`{"patternProperties":{"^a":{"type":"integer"},"b":{"type":"null"}}}`, `{"patternProperties":{"^a":{}},"additionalProperties":false}`, `{"patternProperties":{"[":{}}}`,
	`{"properties":{"a":{"type":"string"}},"patternProperties":{"a":{"minimum":5},"^a$":{"type":"null"}}}`,
	`{"propertyNames":{"pattern":"^[a-b]$"}}`, `{"propertyNames":{"maxLength":1,"pattern":"x"}}`, `{"propertyNames":false}`,
	`{"dependencies":{"a":["b","c"]}}`, `{"dependencies":{"a":{"required":["b"]}}}`, `{"dependencies":{"a":true,"b":false}}`, `{"dependencies":{"a":[]}}`, `{"dependencies":{"a":[1]}}`, `{"dependencies":[]}`,
	`{"dependentRequired":{"a":["b","c"]}}`, `{"dependentSchemas":{"a":{"required":["zz"]},"b":{"minProperties":9}}}`, `{"dependentRequired":{"a":1}}`,
	`{"allOf":[{"type":"string"},{"minLength":2}]}`, `{"allOf":[]}`, `{"allOf":{}}`, `{"allOf":[{"type":"object"},{"required":["q"]},{"minProperties":8}]}`,
	`{"anyOf":[{"type":"string"},{"type":"integer"}]}`, `{"anyOf":[{"required":["a"]},{"required":["zz","yy"],"minProperties":7}]}`,
	`{"oneOf":[{"type":"number"},{"type":"integer"}]}`, `{"oneOf":[{"type":"string"},{"type":"null"}]}`, `{"oneOf":[{"required":["a"]},{"required":["b"]}]}`,
	`{"not":{"type":"string"}}`, `{"not":{}}`, `{"not":{"required":["a"]}}`, `{"not":true}`,
	`{"if":{"type":"string"},"then":{"minLength":2},"else":{"type":"integer"}}`, `{"if":{"required":["a"]},"then":{"required":["b","zz"]}}`, `{"if":true,"then":{"type":"string"},"else":{"type":"null"}}`, `{"if":false,"else":{"type":"null"}}`, `{"then":{"type":"null"}}`,
	`{"$ref":"#/definitions/s","definitions":{"s":{"type":"string"}}}`, `{"$ref":"#/definitions/s","minLength":3,"const":"a","definitions":{"s":{"type":"string","maxLength":1}}}`,
	`{"$ref":"#/definitions/none"}`, `{"$ref":"#none"}`, `{"$ref":"#"}`, `{"$ref":"#/definitions/a~2b"}`, `{"$ref":7}`, `{"$ref":"%"}`, `{"$ref":"#%zz"}`, `{"$ref":"http://[::1"}`,
	`{"$ref":"#/definitions/a~1b%20c","definitions":{"a/b c":{"type":"string"}}}`, `{"allOf":[{"$ref":"#/allOf/1"},{"type":"integer"}]}`, `{"$ref":"#/x/y/0","x":{"y":[{"type":"integer"}]}}`, `{"$ref":"#/x","x":{"type":5}}`, `{"$ref":"#/x","x":[]}`,
	`{"definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}},"$ref":"#/definitions/a"}`, `{"allOf":[{"$ref":"#"}]}`, `{"properties":{"a":{"$ref":"#"}},"additionalProperties":false}`,
	`{"definitions":{"a":{"type":"string"},"b":{"$ref":"#/definitions/missing"}}}`, `{"definitions":{"a":{"type":"strin"}}}`, `{"$defs":{"a":{"type":"strin"}}}`,
	`{"properties":{"a":{"$ref":"#/definitions/p"}},"definitions":{"p":{"type":"object","required":["x"],"properties":{"y":{"type":"null"}}}}}`,
	`{"$id":"http://example.org/root.json","$ref":"#/definitions/s","definitions":{"s":{"$id":"s.json","$ref":"#/definitions/t","definitions":{"t":{"type":"string"}}}}}`,
	`{"$id":"http://example.org/root.json","properties":{"a":{"$ref":"s.json"},"b":{"$ref":"s.json#t"}},"$defs":{"s":{"$id":"s.json","type":"integer","$defs":{"t":{"$anchor":"t","type":"string"}}}}}`,
	`{"id":"http://example.org/root.json","properties":{"a":{"$ref":"s.json"},"b":{"$ref":"#t"}},"definitions":{"s":{"id":"s.json","type":"integer"},"t":{"id":"#t","type":"string"}}}`,
	`{"$id":"http://example.org/root.json","properties":{"b":{"$ref":"#t"}},"definitions":{"t":{"$id":"#t","type":"string"}}}`,
	`{"properties":{"a":{"$id":"x.json"},"b":{"$id":"x.json"}}}`, `{"properties":{"a":{"$anchor":"x"},"b":{"$anchor":"x"}}}`, `{"properties":{"a":{"$id":"#x"},"b":{"$id":"#x"}}}`, `{"$id":"%%"}`, `{"properties":{"a":{"$id":"values.schema.json"}}}`, `{"$id":"a#b"}`, `{"$anchor":"1 x"}`, `{"$anchor":"_a"}`,
	`{"$anchor":"here","properties":{"a":{"$ref":"#here"}},"required":["a"]}`,
	`{"$ref":"http://example.org/number.json"}`, `{"$ref":"http://example.org/number.json#/definitions/low"}`, `{"$ref":"http://example.org/low.json"}`, `{"$ref":"http://example.org/number.json#any"}`, `{"$ref":"http://example.org/number.json#/x"}`, `{"$ref":"http://example.org/number.json#/y"}`, `{"$ref":"http://example.org/number.json#/$defs/bad"}`,
	`{"$ref":"http://example.org/bad.json"}`, `{"$ref":"http://example.org/broken.json"}`, `{"$ref":"other.json","definitions":{"s":{"type":"string"}}}`, `{"$ref":"missing.json"}`, `{"$ref":"ftp://x/y"}`, `{"$ref":"urn:x:y"}`, `{"$ref":"urn:x:y#a"}`,
	`{"$ref":"http://json-schema.org/draft-07/schema#"}`, `{"$ref":"https://json-schema.org/draft/2020-12/schema"}`, `{"$ref":"http://json-schema.org/draft-04/schema#/definitions/positiveInteger"}`, `{"$ref":"http://json-schema.org/draft-99/schema"}`,
	`{"$ref":"http://example.org/tree"}`, `{"$id":"http://example.org/strict","$dynamicAnchor":"node","$ref":"http://example.org/tree","unevaluatedProperties":false}`,
	`{"$ref":"http://example.org/tree2019"}`, `{"$id":"http://example.org/strict2019","$recursiveAnchor":true,"$ref":"http://example.org/tree2019","unevaluatedProperties":false}`,
	`{"$dynamicRef":"#x","$defs":{"x":{"$dynamicAnchor":"x","type":"string"}}}`, `{"$dynamicRef":"#/$defs/x","$defs":{"x":{"type":"string"}}}`, `{"$dynamicRef":"#nix"}`, `{"$recursiveRef":"#"}`, `{"properties":{"a":{"$recursiveRef":"#"}},"required":["a"]}`, `{"$recursiveAnchor":"x"}`,
	`{"properties":{"a":{}},"unevaluatedProperties":false}`, `{"allOf":[{"properties":{"a":{}}}],"unevaluatedProperties":false}`, `{"anyOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}],"unevaluatedProperties":{"type":"null"}}`,
	`{"if":{"properties":{"a":{"type":"integer"}},"required":["a"]},"then":{"properties":{"b":{}}},"unevaluatedProperties":false}`, `{"dependentSchemas":{"a":{"properties":{"b":{}}}},"unevaluatedProperties":false}`, `{"patternProperties":{"a":{}},"unevaluatedProperties":false}`, `{"additionalProperties":{"type":"integer"},"unevaluatedProperties":false}`,
	`{"not":{"properties":{"a":{}}},"unevaluatedProperties":false}`, `{"oneOf":[{"properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"b":{}}}],"unevaluatedProperties":false}`, `{"properties":{"a":{"properties":{"a":{}},"unevaluatedProperties":false}},"unevaluatedProperties":false}`,
	`{"prefixItems":[{}],"unevaluatedItems":false}`, `{"items":[{}],"unevaluatedItems":false}`, `{"items":{"type":"integer"},"unevaluatedItems":false}`, `{"contains":{"type":"integer"},"unevaluatedItems":false}`, `{"allOf":[{"prefixItems":[{}]}],"unevaluatedItems":{"type":"string"}}`, `{"$ref":"#/$defs/p","$defs":{"p":{"properties":{"a":{}}}},"unevaluatedProperties":false}`,
	`{"format":"ipv4"}`, `{"format":"nonsense"}`, `{"format":3}`, `{"properties":{"s":{"format":"email"}}}`,
	`{"contentEncoding":"base64","contentMediaType":"application/json","contentSchema":{"type":"null"}}`, `{"contentEncoding":7}`,
	`{"title":1}`, `{"description":[]}`, `{"$comment":{}}`, `{"default":1,"examples":1}`, `{"examples":[1]}`, `{"readOnly":"x"}`, `{"deprecated":1}`, `{"$vocabulary":{"x":true}}`, `{"$vocabulary":{"http://x/":true}}`,
	`{"type":"strin"}`, `{"type":[]}`, `{"type":["string","string"]}`, `{"type":["x"]}`, `{"type":7}`, `{"enum":[]}`, `{"enum":"x"}`, `{"enum":[1,1.0]}`, `{"enum":["a","a"]}`, `{"minimum":"3"}`, `{"properties":{"a":{"type":"objekt","items":{"minimum":"x"}}},"required":3}`,
	`{"not":5}`, `{"anyOf":[]}`, `{"oneOf":[5]}`, `{"if":5}`, `{"additionalProperties":"no"}`, `{"propertyNames":1}`, `{"contains":1}`, `{"definitions":{"a":1}}`, `{"$defs":1}`, `{"dependentSchemas":{"a":1}}`, `{"unevaluatedProperties":1}`, `{"contentSchema":1}`, `{"prefixItems":[1]}`, `{"maxContains":-1}`,
	`{"properties":{"a":{"$id":"old.json","$schema":"http://json-schema.org/draft-07/schema#","type":"integer","$defs":{"x":1}},"b":{"$schema":"http://json-schema.org/draft-04/schema#","exclusiveMinimum":3}}}`,
	`{"properties":{"a":{"$id":"old.json","$schema":"http://json-schema.org/draft-07/schema#","items":[{"type":"integer"}],"if":{"type":"array"},"then":{"maxItems":1}}}}`,
	`{"properties":{"a":{"id":"old.json","$schema":"http://json-schema.org/draft-04/schema#","exclusiveMinimum":true}}}`,
	`{"properties":{"a":{"$id":"old.json","$schema":"http://example.org/format-2019","format":"ipv4","title":7}}}`,
}

// values of the table.
var tableValues = []any{
	nil, true, false, "", "a", "b", "aa", "it's a \"q\" \n", "äöü", "127.0.0.1", "300.0.0.1",
	0.0, 1.0, 3.0, int64(3), 6, 10.5, 0.1, 0.3, 1000.0, 1234.5, 1e6, 1234567.0, 1e21, -1.0, -0.00001, uint8(9), float32(0.1), json.Number("1.0"), json.Number("9007199254740993"), json.Number("10.50"), json.Number("0.1"), int64(9007199254740993),
	[]any{}, []any{1.0}, []any{1.0, "a"}, []any{"a", 1.0, nil}, []any{1.0, 1, "x"}, []any{"a", "b", "a"}, []any{map[string]any{"a": 1.0}, map[string]any{"a": json.Number("1")}},
	map[string]any{}, map[string]any{"a": 1.0}, map[string]any{"a": "x"}, map[string]any{"b": nil}, map[string]any{"a": 1.0, "b": "y"}, map[string]any{"a": nil, "b": 1.0, "c": []any{}, "d": 7.0},
	map[string]any{"a": []any{1.0, 2.0}}, map[string]any{"ab": nil, "it's": 1.0}, map[string]any{"s": "me@example.org", "a": "10.0.0.01"}, map[string]any{"a": map[string]any{"a": map[string]any{"b": 1.0}}},
	map[string]any{"children": []any{map[string]any{"daat": 1.0}, map[string]any{"data": 1.0}}}, map[string]any{"a": map[string]any{"y": 5.0}},
	map[string]any{"a": map[string]string{}}, []string{"x"}, []any{[]int{1}},
}

func withDraft(s, draft string) string {
	if draft == "" {
		return s
	}
	name, _ := json.Marshal(draft)
	if s == "{}" {
		return `{"$schema":` + string(name) + `}`
	}
	return `{"$schema":` + string(name) + `,` + s[1:]
}

func TestEveryKeywordOfEveryDraftWorksAsInHelm(t *testing.T) {
	cases := 0
	for _, draft := range drafts {
		for _, s := range tableSchemas {
			cases += compareAll(t, []byte(withDraft(s, draft)), tableValues, remote)
		}
	}
	t.Logf("%d cases", cases)
}

// compareAll runs values through a schema here and in Helm's library.
func compareAll(t *testing.T, text []byte, values []any, d docs) (cases int) {
	t.Helper()
	got, gotErr := schema.Compile(text, schema.Options{Load: d.bytes})
	want, wantErr := oracleCompile(text, d)
	if gotErr != nil && wantErr != nil && strings.HasSuffix(wantErr.Error(), "is a directory") {
		return 1 // #DIFFERS Helm takes a folder of its library for a metaschema and fails to read it
	}
	if gotErr != nil || wantErr != nil {
		if !sameText(fmt.Sprint(gotErr), fmt.Sprint(wantErr)) && !oneOfSeveral(text, d, fmt.Sprint(gotErr)) {
			t.Errorf("%s\n got: %v\nwant: %v", text, gotErr, wantErr)
		}
		return 1
	}
	for _, v := range values {
		gotText := ""
		if err := got.Validate(v); err != nil {
			gotText = err.Error()
		}
		if wantText := oracleValidate(want, v); !sameText(gotText, wantText) {
			t.Errorf("%s\nwith %#v\n got: %s\nwant: %s", text, v, gotText, wantText)
		}
	}
	return len(values)
}

// oneOfSeveral tells whether Helm too gives our text now and then: where a
// schema has two faults, it reports the one that it meets first.
//
// #DIFFERS always the same one is reported here.
func oneOfSeveral(text []byte, d docs, got string) bool {
	for range 60 {
		if _, err := oracleCompile(text, d); sameText(fmt.Sprint(err), got) {
			return true
		}
	}
	return false
}

func TestDocumentsThatAreNoSchemasFailAsInHelm(t *testing.T) {
	for _, text := range []string{
		``, ` `, `{`, `{}x`, `{} {}`, `[]`, `[1,]`, `nul`, `null`, `true`, `false`, `"x"`, `12`, `-`, `01`, `1.`, `1e`, `{"a":}`, `{"a" 1}`, `{a:1}`, `{"a":1,}`,
		"{\"a\":\"\n\"}", `{"a":"\x"}`, `{"title":"\u00e4\ud83d\ude00 \ud800"}`, "{\"title\":\"\xff\"}", `{"title":"a","title":1}`, `{"title":1,"title":"a"}`, `{"x":{"a":1},"x":{"b":2}}`,
		strings.Repeat(`{"not":`, 600) + `true` + strings.Repeat(`}`, 600), strings.Repeat(`[`, 20000), "\ufeff{}",
	} {
		if got, want := ours([]byte(text), "v", nil), oracle([]byte(text), "v", nil); got != want {
			t.Errorf("%.80s\n got: %.300s\nwant: %.300s", text, got, want)
		}
	}
}

func TestFormatsAreCheckedAsInHelm(t *testing.T) {
	formats := []string{"regex", "json-pointer", "relative-json-pointer", "uuid", "duration", "period", "ipv4", "ipv6", "hostname", "email", "date", "time", "date-time", "uri", "iri", "uri-reference", "iri-reference", "uri-template", "semver", "idn-email", "color", ""}
	texts := []string{
		"", "a", "/", "/a~0b~1c", "/a~", "/a~2", "a/b", "0", "0#", "01#", "1/a", "12~", "#", "x#", "[", "(?P<n>a)", "a(?=b)", `\d+`, "a**",
		"123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-42661417400G", "123e4567-e89b-12d3-a456", "123e4567-e89b-12d3-a456-4266141740000",
		"P", "P1Y", "P1M1Y", "P1YT", "PT1H2M3S", "PT1S1H", "P1W", "PW", "PxW", "P1", "PD", "P1Q", "P1DT1HT1S", "1Y", "P1D/2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z/P1D", "2020-01-01T00:00:00Z/2020-01-02T00:00:00Z", "P1D/x", "x/P1D", "2020-01-01T00:00:00Z/P", "2020-01-01T00:00:00Z/x", "P/x",
		"1.2.3.4", "1.2.3", "01.2.3.4", "256.1.1.1", "-1.1.1.1", "1.1.1.x", "1.1.1.", "+1.1.1.1", "99999999999999999999.1.1.1", "::1", "::", "1::2::3", "fe80::1%eth0", "::ffff:1.2.3.4", "g::",
		"example.org", "example.org.", "-a.b", "a-.b", "a..b", "a_b", "ä.de", strings.Repeat("a", 64), strings.Repeat("a.", 130), ".",
		"a@b", "a@", "@b", ".a@b", "a.@b", "a..b@c", `"a b"@c`, `"a\b"@c`, "a b@c", "a@[1.2.3.4]", "a@[1.2.3]", "a@[IPv6:::1]", "a@[IPv6:x]", "ä@b", strings.Repeat("a", 65) + "@b", strings.Repeat("a", 260) + "@b", "a@-b", `"@b`,
		"2020-02-29", "2019-02-29", "2020-13-01", "2020-1-1", "20200101", "2020-01-01x",
		"00:00:00Z", "23:59:60Z", "22:59:60Z", "23:59:60+01:00", "00:59:60+01:00", "24:00:00Z", "00:00:00", "00:00:00.Z", "00:00:00.123Z", "00:00:00+24:00", "00:00:00+1:00", "00:00:00x01:00", "0a:00:00Z", "00-00-00Z", "00:00:00+01x00", "-1:00:00Z", "00:00:00+-1:00", "00:00:00.5-23:59",
		"2020-01-01T00:00:00Z", "2020-01-01 00:00:00Z", "2020-01-01t00:00:00z", "2020-13-01T00:00:00Z", "2020-01-01T25:00:00Z", "2020-01-01",
		"http://a/b", "http://[::1]/", "http://[::x]/", "http://a:b/", "//a/b", "a b", `a\b`, "http://a/%zz", "http://x:1:2/", "mailto:a@b", "http://[1::2/", ":", "http://a/{b}", "http://a/{b", "http://a/b}", "http://a/{{b}}", "http://a/%7Bb", "ä://x", "http://ä/ö", "\x7f",
		"1.2.3", "v1.2.3", "1.2", "01.2.3", "1.2.3-a.b", "1.2.3-01", "1.2.3-", "1.2.3-a..b", "1.2.3-ä", "1.2.3+", "1.2.3+a..b", "1.2.3+ä", "1.2.3-a+b.c", "1..3", "1.x.3", "1.2.3+a+b",
	}
	for _, f := range formats {
		for _, s := range texts {
			text := fmt.Sprintf(`{"$schema":"http://json-schema.org/draft-07/schema#","format":%q}`, f)
			if got, want := ours([]byte(text), s, nil), oracle([]byte(text), s, nil); got != want {
				t.Errorf("%s %q\n got: %s\nwant: %s", f, s, got, want)
			}
		}
	}
}

func TestNumbersInMessagesAreWrittenAsInHelm(t *testing.T) {
	for _, text := range []string{"0", "-0", "1", "-1", "999", "1000", "-1000", "12345.678", "999999", "1000000", "1e6", "-1234567", "0.0001", "0.00001", "-0.00001234", "1e21", "1e300", "1e-300", "1e400", "-1e400", "123456789012345678901234567890", "0.1", "3.14159265358979"} {
		for _, keyword := range []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"} {
			s := []byte(`{"` + keyword + `":` + text + `}`)
			for _, v := range []any{json.Number(text), json.Number("-5e299"), json.Number("5e299"), 7.25, -1e7, int64(-123456)} {
				if got, want := ours(s, v, nil), oracle(s, v, nil); got != want {
					t.Errorf("%s with %v\n got: %s\nwant: %s", s, v, got, want)
				}
			}
		}
	}
	long := make([]any, 1500)
	for _, s := range []string{`{"maxItems":1000}`, `{"items":[{}],"additionalItems":false,"$schema":"http://json-schema.org/draft-07/schema#"}`, `{"contains":true,"maxContains":1200}`, `{"uniqueItems":true}`} {
		if got, want := ours([]byte(s), long, nil), oracle([]byte(s), long, nil); got != want {
			t.Errorf("%s\n got: %s\nwant: %s", s, got, want)
		}
	}
}
