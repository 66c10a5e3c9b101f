package lint

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// floatIntegers reports integers of the values that a template prints the way
// Go prints a float, such as 1e+06.
func (l *linter) floatIntegers(use *treeUse, values tree) {
	numbers := map[string][][]string{}
	collectIntegers(l.rendered.values, nil, numbers)
	if len(numbers) == 0 {
		return
	}
	for _, file := range l.rendered.files {
		found := printedFloats(file.Content, numbers)
		for _, text := range slices.Sorted(maps.Keys(found)) {
			path, place := printer(use, l.insideChart(file.Name), numbers[text])
			source := "the values"
			if at := values.key(path...); at.line > 0 {
				source = fmt.Sprintf("%s:%d", valuesYAML, at.line)
			}
			name := l.insideChart(file.Name)
			if place.line == 0 {
				name, place = l.locate(file.Name, found[text])
			}
			l.add("float-integer", Warning, name, place,
				"line %d of the rendered text has %s for the integer %s (%s)",
				positionAt(file.Content, found[text]).line, text, strings.Join(path, "."), source)
		}
	}
}

// printer picks, among the values with one number, the one that a template is
// known to read, and the place where it does.
func printer(use *treeUse, file string, paths [][]string) ([]string, position) {
	for _, path := range paths {
		for _, ref := range use.references {
			if ref.source.file == file && slices.Equal(ref.path, path) {
				return path, ref.source.place(ref.offset)
			}
		}
	}
	return paths[0], position{}
}

// collectIntegers finds the whole numbers that print with an exponent, by
// what they print as.
func collectIntegers(table map[string]any, path []string, numbers map[string][][]string) {
	for _, key := range sortedKeys(table) {
		at := append(path[:len(path):len(path)], key)
		collectInteger(table[key], at, numbers)
	}
}

func collectInteger(value any, at []string, numbers map[string][][]string) {
	switch value := value.(type) {
	case map[string]any:
		collectIntegers(value, at, numbers)
	case []any:
		for i, item := range value {
			collectInteger(item, append(at[:len(at):len(at)], fmt.Sprint(i)), numbers)
		}
	case float64:
		if value == math.Trunc(value) && !math.IsInf(value, 0) {
			if text := fmt.Sprint(value); strings.Contains(text, "e+") {
				numbers[text] = append(numbers[text], at)
			}
		}
	}
}

// printedFloats finds which of the numbers stand in a text, and where first.
func printedFloats(text string, numbers map[string][][]string) map[string]int {
	found := map[string]int{}
	for from := 0; ; {
		i := strings.Index(text[from:], "e+")
		if i < 0 {
			return found
		}
		start, end := from+i, from+i+len("e+")
		for start > 0 && strings.IndexByte("0123456789.-", text[start-1]) >= 0 {
			start--
		}
		for end < len(text) && text[end] >= '0' && text[end] <= '9' {
			end++
		}
		from = end
		word := text[start:end]
		if _, seen := found[word]; !seen && numbers[word] != nil {
			found[word] = start
		}
	}
}
