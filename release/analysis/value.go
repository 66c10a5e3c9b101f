package analysis

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
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

// add makes texts secret, also as others may write them down.
func (s *secrets) add(texts ...string) {
	for _, t := range texts {
		t = strings.TrimSpace(t)
		if len(t) < shortestSecret {
			continue
		}
		html, _ := json.Marshal(t)
		forms := []string{t, strings.Trim(string(html), `"`), strings.Trim(marshal(t), `"`), strings.Trim(strconv.Quote(t), `"`),
			url.QueryEscape(t), url.PathEscape(t), base64.StdEncoding.EncodeToString([]byte(t))}
		for _, form := range forms {
			if !slices.Contains(s.texts, form) {
				s.texts = append(s.texts, form)
			}
		}
	}
	slices.SortStableFunc(s.texts, func(a, b string) int { return len(b) - len(a) }) // one may be a part of another
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
	return s.scrub(marshal(s.scrubValue(v))) // numbers can be secrets, too
}

// marshal writes a value as JSON for people; what cannot be written is empty.
func marshal(v any) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return ""
	}
	return strings.TrimSpace(out.String())
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
