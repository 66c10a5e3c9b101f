package funcs

import (
	"encoding/json"
	"reflect"
	"testing"
)

var jsonTexts = []string{
	`{}`, `[]`, `null`, ``, ` `, `{"a":1}`, ` { "a" : [ 1 , 2.5 , -0 , 1e3, 1E-2 ] } `, `{"a":{"b":[{"c":null},true,false]}}`,
	`{"a":1,"a":{"b":2}}`, `{"a":"x\"\\\/\b\f\n\r\ty"}`, `{"a":"\u00e9\u20ac"}`, `{"a":"\ud83d\ude00"}`, `{"a":"\ud83d"}`,
	"{\"a\":\"\xff\"}", "{\"a\":\"\x01\"}", `{"a":"é€😀"}`, `{"é":1}`, `{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":+1}`, `{"a":-}`, `{"a":1e}`,
	`{"a":1e999}`, `{"a":tru}`, `{"a":nul}`, `{"a":1,}`, `[1,]`, `[,1]`, `{,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{'a':1}`, `[1] x`, `[1][2]`, `"a"`, `1`, `true`,
	`{"a":"x`, `{"a":"\`, `{"a":"\u12`, `{"a":"\u12g4"}`, `{"a":"\x"}`, `[[[[[]]]]]`, `[9007199254740993, 1.7976931348623157e308, 5e-324]`, `{"":""}`, "[1\v]", "\ufeff{}",
}

func checkJSON(t *testing.T, text string) {
	t.Helper()
	wantMap := map[string]any{}
	if err := json.Unmarshal([]byte(text), &wantMap); err != nil {
		wantMap["Error"] = err.Error()
	}
	if got := fromJSON(text); !reflect.DeepEqual(got, wantMap) {
		t.Errorf("fromJson %q: %#v, want %#v", text, got, wantMap)
	}
	wantList := []any{}
	if err := json.Unmarshal([]byte(text), &wantList); err != nil {
		wantList = []any{err.Error()}
	}
	if got := fromJSONArray(text); !reflect.DeepEqual(got, wantList) {
		t.Errorf("fromJsonArray %q: %#v, want %#v", text, got, wantList)
	}
}

func TestJSONIsReadAsByTheStandardLibrary(t *testing.T) {
	for _, text := range jsonTexts {
		checkJSON(t, text)
	}
}

func FuzzReadJSON(f *testing.F) {
	for _, text := range jsonTexts {
		f.Add(text)
	}
	f.Fuzz(checkJSON)
}
