package chart

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"
)

// ignoreFile names the files of a chart's folder that are not part of the chart.
const ignoreFile = ".helmignore"

// maxIgnoreLine is the length of the longest line in .helmignore, in bytes.
const maxIgnoreLine = 64 << 10

// ignoreRules are the lines of a .helmignore. The format is Helm's: less than
// gitignore's, and different in what `!` means.
type ignoreRules []ignoreRule

type ignoreRule struct {
	pattern  string // for filepath.Match
	negate   bool   // `!x`: ignore everything that x does not match
	dirOnly  bool   // `x/`
	baseOnly bool   // no slash inside: only the last part of a path is compared
}

// templatesDotFiles is the rule that always applies, after those of the file.
const templatesDotFiles = "templates/.?*"

// parseIgnore reads a .helmignore.
func parseIgnore(data []byte) (ignoreRules, error) {
	var rules ignoreRules
	data = bytes.TrimPrefix(data, utf8BOM)
	for number := 1; len(data) > 0; number++ {
		var line []byte
		line, data, _ = bytes.Cut(data, []byte("\n"))
		if len(line) >= maxIgnoreLine {
			return nil, fmt.Errorf("read %s: line %d: token too long", ignoreFile, number)
		}
		rule, ok, err := parseIgnoreRule(string(line))
		if err != nil {
			return nil, fmt.Errorf("read %s: line %d: %w", ignoreFile, number, err)
		}
		if ok {
			rules = append(rules, rule)
		}
	}
	return rules, nil
}

// parseIgnoreRule gives false for an empty line and a comment.
func parseIgnoreRule(line string) (ignoreRule, bool, error) {
	var r ignoreRule
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return r, false, nil
	}
	if strings.Contains(line, "**") {
		return r, false, errors.New("double-star (**) syntax is not supported")
	}
	if _, err := filepath.Match(line, "abc"); err != nil {
		return r, false, fmt.Errorf("%q: %w", line, err)
	}
	line, r.negate = strings.CutPrefix(line, "!")
	line, r.dirOnly = strings.CutSuffix(line, "/")
	r.baseOnly = !strings.Contains(line, "/")
	r.pattern = strings.TrimLeft(line, "/")
	return r, true, nil
}

// ignores reports whether the file or folder at name, a slash-separated path
// below the chart's folder, is left out. The first rule that decides counts.
func (rules ignoreRules) ignores(name string, isDir bool) bool {
	for _, r := range rules {
		matches := r.matches(name)
		switch {
		case r.negate:
			if r.dirOnly && !isDir || !matches {
				return true
			}
		case matches && (isDir || !r.dirOnly):
			return true
		}
	}
	return false
}

func (r ignoreRule) matches(name string) bool {
	if r.baseOnly {
		name = path.Base(name)
	}
	ok, err := filepath.Match(r.pattern, name)
	return ok && err == nil
}
