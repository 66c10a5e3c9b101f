package analysis

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/e6d26078/slipway/release/internal/mask"
)

// maxText is how many bytes of a value or a message are kept.
const maxText = 200

// show is what was found, as JSON without the secrets.
func show(got reading, hidden *mask.Secrets) string {
	if got.result == nil && !got.compared {
		return ""
	}
	v := got.result
	if got.compared {
		v = map[string]any{"result": got.result, "stable": got.stable}
	}
	return hidden.Hide(marshal(hidden.HideIn(v))) // numbers can be secrets, too
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
