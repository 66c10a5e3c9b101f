package server

import (
	"regexp"
	"strings"
)

// pattern is a text in which * is anything without a slash, and ** anything.
type pattern struct {
	text    string
	matches *regexp.Regexp
}

func newPattern(text string) (pattern, error) {
	var expression strings.Builder
	for i, part := range strings.Split(text, "**") {
		if i > 0 {
			expression.WriteString(".*")
		}
		for j, literal := range strings.Split(part, "*") {
			if j > 0 {
				expression.WriteString("[^/]*")
			}
			expression.WriteString(regexp.QuoteMeta(literal))
		}
	}
	r, err := regexp.Compile(`(?s)\A(?:` + expression.String() + `)\z`)
	return pattern{text, r}, err
}

func newPatterns(texts []string) ([]pattern, error) {
	list := make([]pattern, len(texts))
	for i, text := range texts {
		var err error
		if list[i], err = newPattern(text); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (p pattern) match(text string) bool { return p.matches.MatchString(text) }

// matchAny reports whether one of the patterns is of a text.
func matchAny(patterns []pattern, text string) bool {
	for _, p := range patterns {
		if p.match(text) {
			return true
		}
	}
	return false
}

// fixed is what stands in front of the first star.
func (p pattern) fixed() (before string, whole bool) {
	before, _, star := strings.Cut(p.text, "*")
	return before, !star
}
