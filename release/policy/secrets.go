package policy

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/release/manifest"
)

const (
	// hidden stands for what a Secret holds.
	hidden = "[masked]"
	// leastSecret is the least number of bytes that count as a secret: shorter
	// ones, such as "true", would mask ordinary words.
	leastSecret = 4
)

// hideSecrets takes what Secrets of a set hold out of the findings. Built-in
// checks read no Secret; a policy may say anything.
func hideSecrets(set *Set, findings []Finding) {
	r := Masker(set)
	for i := range findings {
		f := &findings[i]
		f.Message, f.Fix = r.Replace(f.Message), r.Replace(f.Fix)
		if f.Metadata != nil {
			f.Metadata, _ = hideIn(r, f.Metadata).(map[string]any)
		}
	}
}

// Masker replaces everything that the Secrets of a set hold, encoded or not.
func Masker(set *Set) *strings.Replacer {
	var words []string
	for _, list := range [][]manifest.Object{set.Objects, set.Hooks} {
		for i := range list {
			if o := &list[i]; o.Kind == "Secret" && o.Group() == "" {
				words = append(words, secretWords(o)...)
			}
		}
	}
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(words))
	for _, w := range words {
		pairs = append(pairs, w, hidden)
	}
	return strings.NewReplacer(pairs...)
}

// secretWords are the texts that a Secret holds: whole, by line, and encoded.
func secretWords(o *manifest.Object) []string {
	var words []string
	add := func(text string) {
		for _, word := range append(strings.Split(text, "\n"), text) {
			if word = strings.TrimSpace(word); len(word) >= leastSecret {
				words = append(words, word, base64.StdEncoding.EncodeToString([]byte(word)))
			}
		}
	}
	for _, value := range texts(o.Fields["stringData"]) {
		add(value)
	}
	for _, value := range texts(o.Fields["data"]) {
		if len(value) >= leastSecret {
			words = append(words, value)
		}
		if plain, err := base64.StdEncoding.DecodeString(value); err == nil {
			add(string(plain))
		}
	}
	return words
}

func hideIn(r *strings.Replacer, v any) any {
	switch v := v.(type) {
	case string:
		return r.Replace(v)
	case map[string]any:
		all := make(map[string]any, len(v))
		for key, value := range v {
			all[r.Replace(key)] = hideIn(r, value)
		}
		return all
	case []any:
		all := make([]any, len(v))
		for i, value := range v {
			all[i] = hideIn(r, value)
		}
		return all
	}
	return v
}
