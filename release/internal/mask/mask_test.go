package mask

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/release/manifest"
)

func TestASecretIsHiddenInEachFormThatItIsWrittenDownIn(t *testing.T) {
	const word = `pa"ss<wörd>'s & m\ore`
	var s Secrets
	s.Add(word)
	inJSON, _ := json.Marshal(word)
	for _, text := range []string{
		word, string(inJSON), fmt.Sprintf("%q", word), fmt.Sprintf("%+v", []string{word}),
		"'" + strings.ReplaceAll(word, "'", "''") + "'", "?q=" + url.QueryEscape(word), "/" + url.PathEscape(word),
		base64.StdEncoding.EncodeToString([]byte(word)), base64.RawURLEncoding.EncodeToString([]byte(word)),
	} {
		hidden := s.Hide("before " + text + " behind")
		if rest := strings.Trim(hidden, `"'[]`); !strings.Contains(rest, Text) || len(hidden) > len("before ' ?q= *** '' behind") {
			t.Errorf("%s is shown as %s", text, hidden)
		}
		if !s.In(text) {
			t.Errorf("%s has no secret in it", text)
		}
	}
	if text := "nothing of that"; s.In(text) || s.Hide(text) != text {
		t.Error("other texts are changed")
	}
}

func TestEachLineOfASecretIsHidden(t *testing.T) {
	var s Secrets
	s.Add("  first line\nlast\n\nabc\n")
	for text, want := range map[string]string{
		"it is first line, at last abc": "it is ***, at *** abc",
		"first line\nlast\n\nabc":       "***",
		`"first line\nlast\n\nabc"`:     `"***"`,
	} {
		if got := s.Hide(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestTheLongerOfTwoSecretsIsHiddenWhole(t *testing.T) {
	var s Secrets
	s.Add("pass", "password")
	if got := s.Hide("password, pass"); got != "***, ***" {
		t.Error(got)
	}
	s.Add("word of mine")
	if got := s.Hide("word of mine"); got != Text {
		t.Errorf("what is added later is not hidden: %s", got)
	}
}

func TestWhatSecretsAmongObjectsHoldIsHidden(t *testing.T) {
	objects, err := manifest.Objects(`
apiVersion: v1
kind: Secret
metadata: {name: visible-name}
data: {a: ZW5jb2RlZA==, b: "not base64!", c: {nested: deep-down}, d: dHJ1}
stringData: {a: plain-text, pin: 123456, on: true}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data: {a: for everybody}
---
apiVersion: example.com/v1
kind: Secret
metadata: {name: other}
data: {a: another kind}
`)
	if err != nil {
		t.Fatal(err)
	}
	var s Secrets
	s.AddFrom(objects)
	for _, text := range []string{"encoded", "ZW5jb2RlZA==", "ZW5jb2RlZA", "not base64!", "deep-down", "plain-text", "123456", "dHJ1"} {
		if got := s.Hide(text); strings.Trim(got, "=") != Text {
			t.Errorf("%s is shown as %s", text, got)
		}
	}
	for _, text := range []string{"visible-name", "for everybody", "another kind", "true", "tru"} {
		if s.In(text) {
			t.Errorf("%s is hidden", text)
		}
	}
}

func TestSecretsAreHiddenInValues(t *testing.T) {
	var s Secrets
	if v := map[string]any{"a": "text"}; !reflect.DeepEqual(s.HideIn(v), any(v)) {
		t.Error("without secrets something is hidden")
	}
	s.Add("secret")
	v := map[string]any{"a secret": []any{"the secret", int64(1), math.Inf(1), nil, true, 1.5}}
	want := map[string]any{"a ***": []any{"the ***", int64(1), "+Inf", nil, true, 1.5}}
	if got := s.HideIn(v); !reflect.DeepEqual(got, any(want)) {
		t.Errorf("%v", got)
	}
	if _, unchanged := v["a secret"]; !unchanged {
		t.Error("the value itself was changed")
	}
}
