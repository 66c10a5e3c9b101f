package yaml

import (
	"regexp"
	"sort"
	"strings"
)

// maxFaultText bounds the text that FaultLine reads again and again, in bytes.
const maxFaultText = 4 << 20

// FaultLine returns the line of text, counted from 1, at which reading fails
// with err: the first line that cannot follow those before it, or the one that
// opens what is never closed. The line in the error itself is often that of an
// outer mapping. The result is 0 when err tells of no line, and for a text of
// more than 4 MiB.
func FaultLine(text string, err error) int {
	goField := regexp.MustCompile(`Go struct field \w+\.(\S+) of type`)
	if field := goField.FindStringSubmatch(err.Error()); field != nil {
		return lineOf(text, strings.Split(field[1], "."))
	}
	reason := faultReason(err)
	if reason == "" || len(text) > maxFaultText {
		return 0
	}
	lines := strings.SplitAfter(text, "\n")
	ends, end := make([]int, len(lines)), 0
	for i, line := range lines {
		end += len(line)
		ends[i] = end
	}
	n := sort.Search(len(lines), func(i int) bool {
		_, err := Decode([]byte(text[:ends[i]]))
		return err != nil && faultReason(err) == reason
	})
	if n == len(lines) {
		return 0
	}
	return n + 1
}

// faultReason is what a syntax error says apart from the line; empty for other errors.
func faultReason(err error) string {
	_, reason, _ := strings.Cut(err.Error(), "yaml: ")
	if rest, numbered := strings.CutPrefix(reason, "line "); numbered {
		_, reason, _ = strings.Cut(rest, ": ")
	}
	return reason
}

// lineOf returns the line of the key at a path, 0 if it is not there.
func lineOf(text string, path []string) int {
	positions, err := Index([]byte(text))
	if err != nil {
		return 0
	}
	node := positions.At(path...)
	if node == nil {
		return 0
	}
	return node.Position().Line
}
