package manifest

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// notesSuffix ends the name of every file that holds notes for the user.
const notesSuffix = "NOTES.txt"

// Notes takes the notes out of rendered files: every file whose name ends in
// NOTES.txt. It returns the text of the chart's own notes, or with subNotes
// that of all, joined by line ends, and the other files in their order.
//
// Helm joins in random order; here it is the order of the paths, so the notes
// of subcharts come before those of the chart itself.
func Notes(files []File, chartName string, subNotes bool) (notes string, rest []File) {
	own := path.Join(chartName, "templates", notesSuffix)
	var found []File
	rest = make([]File, 0, len(files))
	for _, file := range files {
		switch {
		case !strings.HasSuffix(file.Name, notesSuffix):
			rest = append(rest, file)
		case subNotes || file.Name == own:
			found = append(found, file)
		}
	}
	slices.SortStableFunc(found, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	var text strings.Builder
	for _, file := range found {
		if text.Len() > 0 {
			text.WriteByte('\n')
		}
		text.WriteString(file.Content)
	}
	return text.String(), rest
}

// BodyOptions choose what [Set.Body] shows.
type BodyOptions struct {
	// HideSecrets replaces the content of every v1 Secret by a comment.
	HideSecrets bool
}

// Body is the manifest of a release: the crds as they are, then the
// documents, each under a separator and a comment that names its file.
// Pass no crds unless they are to be part of the output.
func (s *Set) Body(crds []File, options BodyOptions) string {
	var size int
	for _, crd := range crds {
		size += entrySize(crd.Name, crd.Content)
	}
	for i := range s.Docs {
		size += entrySize(s.Docs[i].Name, s.Docs[i].Content)
	}
	text := make([]byte, 0, size)
	for _, crd := range crds {
		text = AppendEntry(text, crd.Name, crd.Content)
	}
	for i := range s.Docs {
		doc := &s.Docs[i]
		if options.HideSecrets && doc.Head.Kind == "Secret" && doc.Head.APIVersion == "v1" {
			text = AppendEntry(text, doc.Name, "# HIDDEN: The Secret output has been suppressed")
			continue
		}
		text = AppendEntry(text, doc.Name, doc.Content)
	}
	return string(text)
}

const (
	entryHead  = "---\n# Source: "
	entryExtra = len(entryHead) + len("\n\n")
)

func entrySize(name, content string) int { return entryExtra + len(name) + len(content) }

// AppendEntry appends one entry of a manifest to dst: separator, comment with
// the file's name, content, line end. Files of an output directory consist of
// such entries too.
func AppendEntry(dst []byte, name, content string) []byte {
	dst = append(dst, entryHead...)
	dst = append(dst, name...)
	dst = append(dst, '\n')
	dst = append(dst, content...)
	return append(dst, '\n')
}

// Dump is what stands in for the manifest when [Sort] fails, so that a user
// can see the rendered text: every file that is not blank, whole. Helm has
// the files in random order, here they are in the order of their names.
func Dump(files []File) string {
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	var text []byte
	for _, file := range files {
		if strings.TrimSpace(file.Content) != "" {
			text = AppendEntry(text, file.Name, file.Content)
		}
	}
	return string(text)
}

// OutputOptions choose what [Output] shows.
type OutputOptions struct {
	NoHooks   bool // leave out all hooks
	SkipTests bool // leave out hooks that run as tests
}

// Output is what "template" prints: the body without blanks around it, a line
// end, and the hooks.
func Output(body string, hooks []Hook, options OutputOptions) string {
	body = strings.TrimSpace(body)
	size := len(body) + 1
	for i := range hooks {
		size += entrySize(hooks[i].Path, hooks[i].Manifest)
	}
	text := make([]byte, 0, size)
	text = append(text, body...)
	text = append(text, '\n')
	if options.NoHooks {
		hooks = nil
	}
	for i := range hooks {
		if options.SkipTests && hooks[i].RunsAt(Test) {
			continue
		}
		text = AppendEntry(text, hooks[i].Path, hooks[i].Manifest)
	}
	return string(text)
}

// ShowOnly reduces the text that [Output] gives to the documents of some
// templates. A pattern is a path inside the chart, such as
// templates/web.yaml, with the wildcards of [path.Match]. Documents come in
// the order of the patterns, those of one pattern in the order of the text. A
// pattern that fits nothing is an error.
func ShowOnly(text string, patterns []string, compat Compat) (string, error) {
	docs := Split(text, compat)
	var shown []byte
	for _, pattern := range patterns {
		pattern = filepath.ToSlash(pattern)
		missing := true
		for _, doc := range docs {
			name, found := sourcePath(doc)
			if !found {
				continue
			}
			if fits, err := path.Match(pattern, name); err != nil || !fits {
				continue
			}
			missing = false
			shown = append(shown, "---\n"...)
			shown = append(shown, doc...)
			shown = append(shown, '\n')
		}
		if missing {
			return "", fmt.Errorf("could not find template %s in chart", pattern)
		}
	}
	return string(shown), nil
}

// sourcePath finds the first source comment of a document and returns its
// path without the chart's name. It has the meaning of the expression
// "# Source: [^/]+/(.+)", whose class runs over line ends.
func sourcePath(doc string) (name string, found bool) {
	const mark = "# Source: "
	for {
		i := strings.Index(doc, mark)
		if i < 0 {
			return "", false
		}
		doc = doc[i+len(mark):]
		slash := strings.IndexByte(doc, '/')
		if slash < 0 {
			return "", false
		}
		name, _, _ = strings.Cut(doc[slash+1:], "\n")
		if slash > 0 && name != "" {
			return name, true
		}
		doc = doc[slash+1:] // marks in between would meet the same slash
	}
}
