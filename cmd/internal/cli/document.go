package cli

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/chart/yaml"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release/manifest"
)

// explainDocument shows the lines of a rendered document that is no YAML, the
// template lines that wrote them, and where the values that these read come from.
func (r *rendering) explainDocument(ctx context.Context, err error, e *manifest.ParseError, files []manifest.File) error {
	f := &failure{err: err}
	line, secret := faultyLine(e), isSecret(e.Doc)
	if !secret {
		f.details = fmt.Sprintf("  rendered from %s:\n%s", e.File, excerpt(e.Doc, line, 0, 3))
	}
	frames := r.writersOf(ctx, e, line, files)
	for i, frame := range frames {
		switch {
		case secret:
			f.details += placeLine(frame)
		case i == len(frames)-1:
			f.details += r.place(frame, 2)
		default:
			f.details += r.place(frame, 0)
		}
	}
	f.details += r.involvedValues(frames, secret)
	if !r.debug {
		f.hints = append(f.hints, "use --debug to print the invalid YAML")
	}
	return f
}

// isSecret reports whether a document that cannot be parsed seems to be a
// Secret, or to hold one, so that its lines are not for everybody who reads a log.
func isSecret(doc string) bool {
	return regexp.MustCompile(`(?i)\bkind\b["']?\s*:\s*[^\n]*secret`).MatchString(doc)
}

// faultyLine is the line of the document to look at, counted from 1.
func faultyLine(e *manifest.ParseError) int {
	line := yaml.FaultLine(e.Doc, e.Err)
	if line > 0 {
		return line
	}
	start := len(e.Doc) - len(strings.TrimLeft(e.Doc, " \t\r\n"))
	return 1 + strings.Count(e.Doc[:start], "\n")
}

// writersOf finds the template places that wrote a line of a rendered
// document, outermost first. Of the places that have a part in the line it
// takes the one that most includes lead to. Nil where they cannot be told.
func (r *rendering) writersOf(ctx context.Context, e *manifest.ParseError, line int, files []manifest.File) []engine.Frame {
	content := ""
	for _, file := range files {
		if file.Name == e.File {
			content = file.Content
		}
	}
	in := r.input
	in.Warn = nil // has been said
	trace, err := r.program.Trace(ctx, in, e.File)
	start := indexDocument(content, e.Doc)
	// What is random differs from render to render, but seldom the number of lines.
	if err != nil || start < 0 || strings.Count(trace.Content, "\n") != strings.Count(content, "\n") {
		return nil
	}
	line += strings.Count(content[:start], "\n")
	return writersOfLine(trace, line)
}

// indexDocument finds a document in the file that it was cut from: where it
// stands between separators.
func indexDocument(content, doc string) int {
	for from := 0; ; {
		i := strings.Index(content[from:], doc)
		if i < 0 {
			return -1
		}
		start, end := from+i, from+i+len(doc)
		before, after := strings.TrimSpace(content[:start]), strings.TrimSpace(content[end:])
		if (before == "" || strings.HasSuffix(before, "---")) && (after == "" || strings.HasPrefix(after, "---")) {
			return start
		}
		from = start + 1
	}
}

// writersOfLine is the longest chain of places among those of a line's bytes;
// of equal ones the first. Blanks do not count.
func writersOfLine(trace *engine.Trace, line int) []engine.Frame {
	const mostBytes = 2000
	offset := 0
	for range line - 1 {
		offset += strings.IndexByte(trace.Content[offset:], '\n') + 1
	}
	text, _, _ := strings.Cut(trace.Content[offset:], "\n")
	var longest []engine.Frame
	for i := range min(len(text), mostBytes) {
		if strings.IndexByte(" \t\r", text[i]) >= 0 {
			continue
		}
		if frames := trace.At(offset + i); len(frames) > len(longest) {
			longest = frames
		}
	}
	return longest
}

// involvedValues says, for the values that the template lines at the frames
// read, what they are and where they come from.
func (r *rendering) involvedValues(frames []engine.Frame, secret bool) string {
	const most = 8
	explainer, err := newExplainer(r.chart, r.user, r.compat)
	if err != nil || len(frames) == 0 {
		return ""
	}
	_, node := r.source(frames[0].File) // includes keep to the values of the chart that is rendered
	if node == nil {
		return ""
	}
	var out strings.Builder
	shown := map[string]bool{}
	given := "" // the text that the last frame's line gives to tpl
	for _, frame := range frames {
		text, _ := r.source(frame.File)
		if frame.File == tplFile {
			text = given
		}
		for _, path := range pathsRead(text, frame.Line) {
			x := explainer.Explain(append(chartPath(node), path...)...)
			if template, ok := x.Value.(string); ok && strings.Contains(template, "{{") {
				given = template
			}
			name := values.FormatPath(path)
			if x.Found && len(x.Origins) > 0 && !shown[name] && len(shown) < most {
				shown[name] = true
				out.WriteString(describeValue(name, node, x, secret))
			}
		}
	}
	return out.String()
}

// tplFile is the file of a frame in a text given to tpl.
const tplFile = "gotpl"

// describeValue is a line about one value. What may be secret is left out.
func describeValue(name string, node *values.Node, x values.Explanation, secret bool) string {
	text := "  value .Values." + name
	if node.Parent() != nil {
		text += " of chart " + node.FullPath()
	}
	switch x.Value.(type) {
	case map[string]any:
		text += " (a table)"
	case []any:
		text += " (a list)"
	default:
		if shown := oneLine(x.Value); !secret && !secretName(name) && len(shown) <= 80 {
			text += " = " + shown
		}
	}
	text += " from "
	for i, origin := range x.Origins[:min(3, len(x.Origins))] {
		if i > 0 {
			if _, isTable := x.Value.(map[string]any); !isTable {
				break
			}
			text += ", "
		}
		if origin.Flag != "" { // its text may hold other values
			origin.Text = values.FormatPath(origin.Path)
		}
		text += origin.String()
	}
	return text + "\n"
}

// secretName reports whether a value's name tells that it is not for logs.
func secretName(name string) bool {
	return regexp.MustCompile(`(?i)pass|secret|token|key|cred|cert|auth`).MatchString(name)
}

// pathsRead lists the paths in .Values that a line of a template reads. When
// it names none, but has an action, they are those of the with or range around it.
func pathsRead(text string, line int) [][]string {
	lines := strings.SplitAfter(text, "\n")
	if line < 1 || line > len(lines) {
		return nil
	}
	paths := valuePaths(lines[line-1])
	if len(paths) > 0 || !strings.Contains(lines[line-1], "{{") {
		return paths
	}
	return enclosingPaths(strings.Join(lines[:line-1], ""))
}

// enclosingPaths lists the paths of the innermost with or range that is open
// at the end of a text and names one.
func enclosingPaths(before string) [][]string {
	blocks := regexp.MustCompile(`\{\{-?\s*(if|with|range|define|block|end)\b([^}]*)`)
	var open []string
	for _, m := range blocks.FindAllStringSubmatch(before, -1) {
		switch m[1] {
		case "end":
			open = open[:max(0, len(open)-1)]
		case "with", "range":
			open = append(open, m[2])
		default:
			open = append(open, "")
		}
	}
	for i := len(open) - 1; i >= 0; i-- {
		if paths := valuePaths(open[i]); len(paths) > 0 {
			return paths
		}
	}
	return nil
}

// valuePaths lists the paths in .Values that a piece of a template names.
func valuePaths(source string) [][]string {
	pattern := regexp.MustCompile(`\.Values((?:\.[A-Za-z_][A-Za-z0-9_]*)+)`)
	var paths [][]string
	for _, m := range pattern.FindAllStringSubmatch(source, -1) {
		paths = append(paths, strings.Split(m[1][1:], "."))
	}
	return paths
}
