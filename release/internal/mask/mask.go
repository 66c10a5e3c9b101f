// Package mask takes secrets out of texts that are shown.
package mask

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/e6d26078/slipway/release/manifest"
)

// Text stands in place of a secret.
const Text = "***"

// shortest is the length in bytes below which a text is not taken for a secret: it
// would be found by chance.
const shortest = 4

// Secrets are texts that must not be shown, in each form that others write them
// down in. The zero value has none. They are not safe for concurrent use.
type Secrets struct {
	forms    map[string]bool
	replacer *strings.Replacer // of the forms; nil if they are not in it
}

// Add makes texts secret, each line of them by itself as well. Those of less than
// four bytes are not.
func (s *Secrets) Add(texts ...string) {
	for _, text := range texts {
		for _, part := range append(strings.Split(text, "\n"), text) {
			part = strings.TrimSpace(part)
			if len(part) < shortest || s.forms[part] {
				continue
			}
			for _, form := range written(part) {
				s.addForm(form)
			}
		}
	}
}

// AddFrom makes secret what the Secrets among some objects hold.
func (s *Secrets) AddFrom(objects []manifest.Object) {
	for i := range objects {
		o := &objects[i]
		if o.Kind != "Secret" || o.Group() != "" {
			continue
		}
		for _, value := range leaves(o.Fields["stringData"]) {
			s.Add(value)
		}
		for _, value := range leaves(o.Fields["data"]) {
			plain, err := base64.StdEncoding.DecodeString(value)
			if err != nil {
				s.Add(value) // not valid, but not to be shown either
				continue
			}
			s.addForm(value)
			s.Add(string(plain))
		}
	}
}

// Hide replaces the secrets in a text by Text, longer ones first.
func (s *Secrets) Hide(text string) string {
	if len(s.forms) == 0 || text == "" {
		return text
	}
	if s.replacer == nil {
		forms := make([]string, 0, len(s.forms))
		for form := range s.forms {
			forms = append(forms, form)
		}
		slices.SortFunc(forms, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
		pairs := make([]string, 0, 2*len(forms))
		for _, form := range forms {
			pairs = append(pairs, form, Text)
		}
		s.replacer = strings.NewReplacer(pairs...)
	}
	return s.replacer.Replace(text)
}

// HideIn is Hide for the texts in a value, keys included: it returns a copy that
// can be written as JSON. Numbers that JSON does not know become texts.
func (s *Secrets) HideIn(v any) any {
	switch v := v.(type) {
	case string:
		return s.Hide(v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprint(v)
		}
	case map[string]any:
		all := make(map[string]any, len(v))
		for key, value := range v {
			all[s.Hide(key)] = s.HideIn(value)
		}
		return all
	case []any:
		all := make([]any, len(v))
		for i, value := range v {
			all[i] = s.HideIn(value)
		}
		return all
	}
	return v
}

// In tells whether a text has a secret in it.
func (s *Secrets) In(text string) bool { return s.Hide(text) != text }

func (s *Secrets) addForm(form string) {
	if len(form) < shortest {
		return
	}
	if s.forms == nil {
		s.forms = map[string]bool{}
	}
	s.forms[form] = true
	s.replacer = nil
}

// written are the forms that programs write a text down in: as it is, in quotes of
// JSON, Go and YAML, in a URL, and in the kinds of base64.
func written(text string) []string {
	raw := []byte(text)
	return []string{
		text,
		inJSON(text, true), inJSON(text, false), inside(strconv.Quote(text)), strings.ReplaceAll(text, "'", "''"),
		url.QueryEscape(text), url.PathEscape(text),
		base64.StdEncoding.EncodeToString(raw), base64.RawStdEncoding.EncodeToString(raw),
		base64.URLEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw),
	}
}

func inJSON(text string, escapeHTML bool) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(escapeHTML)
	_ = encoder.Encode(text) // a text can always be written
	return inside(strings.TrimSuffix(out.String(), "\n"))
}

// inside is what stands between the quotes.
func inside(quoted string) string { return quoted[1 : len(quoted)-1] }

// leaves are the texts and numbers in a JSON value.
func leaves(v any) []string {
	var all []string
	switch v := v.(type) {
	case string:
		all = append(all, v)
	case int64, float64:
		all = append(all, fmt.Sprint(v))
	case map[string]any:
		for _, value := range v {
			all = append(all, leaves(value)...)
		}
	case []any:
		for _, value := range v {
			all = append(all, leaves(value)...)
		}
	}
	return all
}
