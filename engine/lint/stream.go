package lint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/e6d26078/slipway/chart/yaml"
	"github.com/e6d26078/slipway/engine/lint/internal/rules"
)

// stream reads the objects of a rendered file one after the other, with the
// results and errors of Kubernetes' decoder for YAML or JSON, which Helm's
// lint uses. That splits at lines that start with "---", unlike the splitter
// that a release goes through.
type stream struct {
	text string
	at   int // where the next YAML document starts
	last int // where the one before it starts

	json     *json.Decoder // nil when, or as soon as, the text is YAML
	jsonRead int           // objects read as JSON
}

// guessBytes is how far the decoder looks for a brace before it takes the
// text for YAML.
const guessBytes = 4096

func newStream(text string) *stream {
	s := &stream{text: text}
	head := strings.TrimLeftFunc(text[:min(len(text), guessBytes)], unicode.IsSpace)
	if strings.HasPrefix(head, "{") {
		s.json = json.NewDecoder(strings.NewReader(text))
	}
	return s
}

// next reads the next object. It is nil for a document that holds nothing.
// The error is io.EOF after the last.
func (s *stream) next() (*rules.K8sYamlStruct, error) {
	var object *rules.K8sYamlStruct
	if s.json == nil {
		return s.nextYAML(object)
	}
	good := s.json.InputOffset()
	err := s.json.Decode(&object)
	switch {
	case err == nil:
		s.jsonRead++
		return object, nil
	case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, err
	case s.jsonRead > 1:
		return nil, err
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		err = fmt.Errorf("json: offset %d: %w", syntax.Offset, syntax)
	}
	s.json = nil
	if s.at = skipLineStart(s.text, int(good)); s.at < 0 {
		return nil, err
	}
	object, yamlErr := s.nextYAML(object)
	if yamlErr == nil || errors.Is(yamlErr, io.EOF) {
		return object, yamlErr
	}
	return nil, err
}

// skipLineStart skips white space up to and with the first line end, the way
// the decoder does between JSON and YAML: it gives up, with -1, when fewer
// than four bytes are left.
func skipLineStart(text string, at int) int {
	for {
		if len(text)-at < 4 {
			return -1
		}
		r, size := utf8.DecodeRuneInString(text[at:])
		switch {
		case r == utf8.RuneError:
			return -1
		case !unicode.IsSpace(r):
			return at
		}
		at += size
		if r == '\n' {
			return at
		}
	}
}

func (s *stream) nextYAML(object *rules.K8sYamlStruct) (*rules.K8sYamlStruct, error) {
	doc, err := s.nextDoc()
	if err != nil {
		return nil, err
	}
	if object == nil {
		if quick := quickObject(doc); quick != nil {
			return quick, nil
		}
	}
	if err := yaml.Unmarshal([]byte(doc), &object); err != nil {
		return nil, err
	}
	return object, nil
}

// nextDoc cuts off the next document. A separator before the first line of a
// document belongs to it.
func (s *stream) nextDoc() (string, error) {
	start := s.at
	s.last = start
	for line := s.at; line < len(s.text); {
		next := len(s.text)
		if i := strings.IndexByte(s.text[line:], '\n'); i >= 0 {
			next = line + i + 1
		}
		if rest, isSeparator := strings.CutPrefix(s.text[line:next], "---"); isSeparator {
			rest = strings.TrimSpace(rest)
			if rest != "" && rest[0] != '#' {
				s.at = next
				return "", fmt.Errorf("invalid Yaml document separator: %s", rest)
			}
			if line > start {
				s.at = next
				return plainLines(s.text[start:line]), nil
			}
		}
		line = next
	}
	s.at = len(s.text)
	if start == len(s.text) {
		return "", io.EOF
	}
	return plainLines(s.text[start:]), nil
}

// plainLines gives every line of a document a plain line end.
func plainLines(doc string) string {
	if strings.Contains(doc, "\r\n") {
		doc = strings.ReplaceAll(doc, "\r\n", "\n")
	}
	if !strings.HasSuffix(doc, "\n") {
		doc += "\n"
	}
	return doc
}

// quickObject reads an object by its head alone. It returns nil when that
// would not be certain to give what reading the whole document gives.
func quickObject(doc string) *rules.K8sYamlStruct {
	head, err := yaml.ReadHead(doc)
	if err != nil || head.Kind == "" && head.APIVersion == "" && head.Metadata == nil || !plainNamespaces(doc) {
		return nil
	}
	object := &rules.K8sYamlStruct{APIVersion: head.APIVersion, Kind: head.Kind}
	if head.Metadata != nil {
		object.Metadata.Name = head.Metadata.Name
	}
	return object
}

// plainNamespaces reports whether every key "namespace" of a document, in
// whichever case, has a plain word for its value: the head leaves it out, but
// it must be text.
func plainNamespaces(doc string) bool {
	const name = "namespace"
	if strings.Contains(doc, "\u017f") { // which JSON takes for an s
		return false
	}
	for {
		i := strings.IndexByte(doc, ':')
		if i < 0 {
			return true
		}
		key := strings.TrimRight(doc[:i], "\"' \t\r\n")
		doc = doc[i+1:]
		if len(key) < len(name) || !strings.EqualFold(key[len(key)-len(name):], name) {
			continue
		}
		value, _, _ := strings.Cut(strings.TrimLeft(doc, " "), "\n")
		if value == "" || value == "-" {
			return false
		}
		for _, c := range []byte(value) {
			if c != '-' && c != '"' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
				return false
			}
		}
	}
}
