package lint

import (
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/e6d26078/slipway/chart/yaml"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release/manifest"
)

// locate names the template, and if known the place in it, that wrote the byte
// of a rendered file at offset.
func (l *linter) locate(file string, offset int) (string, position) {
	if trace := l.traceOf(file); trace != nil {
		content := l.rendered.content(file)
		if trace.Content != content {
			offset = sameLine(content, trace.Content, offset)
		}
		for _, frame := range slices.Backward(trace.At(offset)) {
			if frame.File != "gotpl" { // a text given to tpl
				return l.insideChart(frame.File), position{frame.Line, frame.Col}
			}
		}
	}
	return l.insideChart(file), position{}
}

// traceOf renders a file again, once. Nil means that this fails.
func (l *linter) traceOf(file string) *engine.Trace {
	trace, known := l.rendered.traces[file]
	if !known {
		if l.rendered.traces == nil {
			l.rendered.traces = map[string]*engine.Trace{}
		}
		trace, _ = l.rendered.trace(file)
		l.rendered.traces[file] = trace
	}
	return trace
}

// content is the text of a rendered file.
func (r *rendered) content(file string) string {
	for _, rendered := range r.files {
		if rendered.Name == file {
			return rendered.Content
		}
	}
	return ""
}

// sameLine returns where the line of a text starts in another render of it,
// which differs in what is random; -1 if the lines are not the same number.
func sameLine(text, other string, offset int) int {
	if strings.Count(text, "\n") != strings.Count(other, "\n") {
		return -1
	}
	return offsetOfLine(other, 0, positionAt(text, offset).line)
}

// offsetOfLine returns where a line has its first byte that is not blank. It is
// counted from 1 at start; 0 is taken for 1.
func offsetOfLine(text string, start, line int) int {
	for range line - 1 {
		start += strings.IndexByte(text[start:], '\n') + 1
	}
	return len(text) - len(strings.TrimLeftFunc(text[start:], unicode.IsSpace))
}

// locateInDoc is locate for a line of a document; 0 means the start.
func (l *linter) locateInDoc(file, doc string, line int) (string, position) {
	return l.locateInCopy(file, doc, 0, line)
}

// locateInCopy is locateInDoc for a document that has as many equal ones before
// it in its file.
func (l *linter) locateInCopy(file, doc string, before, line int) (string, position) {
	content := l.rendered.content(file)
	return l.locate(file, offsetOfLine(content, l.offsetOfDoc(content, doc, before), line))
}

// offsetOfDoc returns where a document starts in a rendered text that has as
// many equal ones before it.
func (l *linter) offsetOfDoc(content, doc string, before int) int {
	at := 0
	for _, other := range manifest.Split(content, l.splitter()) {
		start := at + max(strings.Index(content[at:], other), 0)
		if other == doc {
			if before == 0 {
				return start
			}
			before--
		}
		at = start + len(other)
	}
	return max(strings.Index(content, doc), 0)
}

// locateHook finds the annotation of a document that is left out.
func (l *linter) locateHook(skipped manifest.Skipped, compat manifest.Compat) (string, position) {
	for _, doc := range manifest.Split(l.rendered.content(skipped.Path), compat) {
		head, err := yaml.ReadHead(doc)
		if err == nil && head.Kind == skipped.Kind && head.Metadata != nil && head.Metadata.Name == skipped.Name {
			line := parseTree([]byte(doc)).key("metadata", "annotations", manifest.HookAnnotation).line
			return l.locateInDoc(skipped.Path, doc, line)
		}
	}
	return l.insideChart(skipped.Path), position{}
}

// helmRendered is helm for a rule about the rendered text of a template, whose
// fault is at the offset.
func (l *linter) helmRendered(rule string, severity Severity, name string, err error, offset func() int) bool {
	if l.helm(rule, severity, name, err, position{}) {
		return true
	}
	file, place := l.locate(path.Join(l.chart.Name(), name), offset())
	found := &l.findings[len(l.findings)-1]
	found.File, found.Line, found.Col = file, place.line, place.col
	return false
}

// faultAt returns the offset at which the document read last fails with err.
func (s *stream) faultAt(err error) int {
	return offsetOfLine(s.text, s.last, yaml.FaultLine(s.lastDoc(), err))
}

// keyAt returns the offset of the key at a path of the document read last.
func (s *stream) keyAt(path ...string) int {
	return offsetOfLine(s.text, s.last, parseTree([]byte(s.lastDoc())).key(path...).line)
}

// lastDoc is the YAML document read last; empty for JSON.
func (s *stream) lastDoc() string { return s.text[s.last:max(s.last, s.at)] }
