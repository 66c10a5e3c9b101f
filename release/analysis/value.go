package analysis

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// maxText is how many bytes of a value or a message are kept.
const maxText = 200

// shortestSecret is the length below which a value is not taken for a secret:
// it would be found by chance.
const shortestSecret = 4

// hiddenText stands where a secret was.
const hiddenText = "[hidden]"

// secrets are texts that must not be shown.
type secrets struct{ texts []string }

// add makes texts secret.
func (s *secrets) add(texts ...string) {
	for _, t := range texts {
		if t = strings.TrimSpace(t); len(t) >= shortestSecret {
			s.texts = append(s.texts, t)
		}
	}
}

// scrub takes the secrets out of a text.
func (s *secrets) scrub(text string) string {
	for _, secret := range s.texts {
		text = strings.ReplaceAll(text, secret, hiddenText)
	}
	return text
}

// scrubValue takes them out of the texts in a value, and makes it fit for JSON.
func (s *secrets) scrubValue(v any) any {
	switch v := v.(type) {
	case string:
		return s.scrub(v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprint(v)
		}
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = s.scrubValue(v[i])
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for k := range v {
			object[s.scrub(k)] = s.scrubValue(v[k])
		}
		return object
	}
	return v
}

// show is what was found, as JSON without secrets.
func (s *secrets) show(got reading) string {
	if got.result == nil && !got.compared {
		return ""
	}
	v := got.result
	if got.compared {
		v = map[string]any{"result": got.result, "stable": got.stable}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s.scrubValue(v)); err != nil {
		return ""
	}
	return s.scrub(strings.TrimSpace(out.String())) // numbers can be secrets, too
}

// cut shortens a text to what is kept of it, in one line.
func cut(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	if len(text) <= maxText {
		return text
	}
	end := maxText - len("...")
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "..."
}

// checkSize refuses results that conditions would take long for.
func checkSize(got reading) error {
	left := maxValues
	if !fits(got.result, &left) || !fits(got.stable, &left) {
		return fmt.Errorf("the result has more than %d values: choose fewer", maxValues)
	}
	return nil
}

func fits(v any, left *int) bool {
	*left--
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if *left < 0 || !fits(e, left) {
				return false
			}
		}
	case map[string]any:
		for _, e := range v {
			if *left < 0 || !fits(e, left) {
				return false
			}
		}
	}
	return *left >= 0
}
