package manifest

import (
	"strconv"
	"strings"
	"unicode"
)

// Compat names the Helm version whose results are wanted.
type Compat int

// The versions that can be followed.
const (
	Helm3 Compat = iota // v3.22.0
	Helm4               // v4.3.1
)

// Split cuts text at its document separators and returns the documents in the
// order of the text, each a substring of it. Separators alone give nothing; a
// document of comments alone counts.
//
// Helm 3 takes "---" at the start of a line as a separator together with all
// blank space around it, line ends included, so that the second of two
// separators in a row stays as the text of the next document; documents have
// no blanks at either end. Helm 4 takes only the blanks on the separator's own
// line and leaves the end of a document as it is. Both split "---kind: Pod".
func Split(text string, compat Compat) []string {
	var docs []string
	eachDoc(text, compat, func(doc string) { docs = append(docs, doc) })
	return docs
}

// Numbered splits a stored manifest into files named manifest-0, manifest-1
// and so on. Helm removes a release by sorting such files, and [Sort] orders
// files as text, so documents of one kind go in the order 0, 1, 10, 11, 2.
func Numbered(text string, compat Compat) []File {
	var files []File
	eachDoc(text, compat, func(doc string) {
		files = append(files, File{Name: "manifest-" + strconv.Itoa(len(files)), Content: doc})
	})
	return files
}

func eachDoc(text string, compat Compat, emit func(doc string)) {
	if compat == Helm4 {
		eachDocHelm4(text, emit)
		return
	}
	eachDocHelm3(text, emit)
}

// eachDocHelm3 has the meaning of splitting at (?:^|\s*\n)---\s* after
// trimming the whole text.
func eachDocHelm3(text string, emit func(doc string)) {
	text = strings.TrimSpace(text)
	start := 0
	if strings.HasPrefix(text, "---") {
		start = skipBlanks(text, 3)
	}
	for {
		end, next := len(text), -1
		if i := strings.Index(text[start:], "\n---"); i >= 0 {
			newline := start + i
			end, next = newline, skipBlanks(text, newline+len("\n---"))
			for end > start && isBlank(text[end-1]) {
				end--
			}
		}
		// Helm looks for emptiness before it trims the blanks that a
		// separator does not take, such as a no-break space.
		if end > start {
			emit(strings.TrimSpace(text[start:end]))
		}
		if next < 0 {
			return
		}
		start = next
	}
}

// eachDocHelm4 has the meaning of splitting at (?m)^---[ \t]* after trimming
// the start of the text.
func eachDocHelm4(text string, emit func(doc string)) {
	text = strings.TrimLeftFunc(text, unicode.IsSpace)
	start := 0
	if strings.HasPrefix(text, "---") {
		start = skipTabsAndSpaces(text, 3)
	}
	for {
		end, next := len(text), -1
		if i := strings.Index(text[start:], "\n---"); i >= 0 {
			end = start + i + 1
			next = skipTabsAndSpaces(text, end+len("---"))
		}
		if doc := strings.TrimLeftFunc(text[start:end], unicode.IsSpace); doc != "" {
			emit(doc)
		}
		if next < 0 {
			return
		}
		start = next
	}
}

// isBlank reports whether a regular expression's \s matches c.
func isBlank(c byte) bool {
	return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f'
}

func skipBlanks(text string, i int) int {
	for i < len(text) && isBlank(text[i]) {
		i++
	}
	return i
}

func skipTabsAndSpaces(text string, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\t') {
		i++
	}
	return i
}
