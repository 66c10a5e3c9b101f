package manifest

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/chart/yaml"
)

// File is a rendered template: its path, such as web/templates/svc.yaml, and
// the text that came out of it.
type File struct{ Name, Content string }

// Doc is one document of a rendered file that is no hook. Name is the
// template's path.
type Doc struct {
	Name    string
	Content string
	Head    Head
}

// Set is what rendered files hold: hooks and plain documents, each in the
// order asked for, and the documents that are left out because of their hook
// annotation, in file order.
type Set struct {
	Hooks   []Hook
	Docs    []Doc
	Skipped []Skipped
}

// Options choose how documents are split and ordered. The zero value is
// Helm 3's install order.
type Options struct {
	Compat Compat
	Order  Order
}

// ParseError says that a document of a rendered file is not YAML, or not the
// mapping that a Kubernetes object is. Its text is Helm's.
type ParseError struct {
	File string // template path
	Doc  string // the document
	Err  error
}

func (e *ParseError) Error() string { return fmt.Sprintf("YAML parse error on %s: %s", e.File, e.Err) }

// Unwrap returns the YAML reader's error.
func (e *ParseError) Unwrap() error { return e.Err }

// Sort splits files, taken in the order of their names, and sorts their
// documents by kind, documents of one kind in file order. Files whose base
// name starts with an underscore and files of blanks alone are left out; any
// other file counts, whatever its extension.
//
// When a document cannot be read, Sort returns a *ParseError for the first
// such document, and with it what came before that document, not yet ordered
// by kind.
func Sort(files []File, options Options) (*Set, error) {
	docs, parseErr := readHeads(splitFiles(files, options.Compat), options.Compat)
	set := &Set{}
	for i := range docs {
		doc := &docs[i]
		if doc.Head.Metadata == nil {
			set.Docs = append(set.Docs, *doc)
			continue
		}
		events, isHook := doc.Head.Metadata.Annotations[HookAnnotation]
		if !isHook {
			set.Docs = append(set.Docs, *doc)
			continue
		}
		hook, known := newHook(doc.Name, doc.Content, &doc.Head)
		if !known {
			set.Skipped = append(set.Skipped, Skipped{
				Path: doc.Name, Kind: doc.Head.Kind, Name: doc.Head.Metadata.Name, Events: events, Content: doc.Content,
			})
			continue
		}
		set.Hooks = append(set.Hooks, hook)
	}
	if parseErr != nil {
		return set, parseErr
	}
	table := rankTable(options.Order, options.Compat)
	set.Hooks = sortByKind(set.Hooks, func(h *Hook) string { return h.Kind }, table)
	set.Docs = sortByKind(set.Docs, func(d *Doc) string { return d.Head.Kind }, table)
	return set, nil
}

// splitFiles gives the documents of the files that count, heads still unread.
func splitFiles(files []File, compat Compat) []Doc {
	byName := func(a, b File) int { return cmp.Compare(a.Name, b.Name) }
	if !slices.IsSortedFunc(files, byName) {
		files = slices.Clone(files)
		slices.SortStableFunc(files, byName)
	}
	docs := make([]Doc, 0, len(files))
	for _, file := range files {
		if strings.HasPrefix(path.Base(file.Name), "_") {
			continue
		}
		eachDoc(file.Content, compat, func(doc string) {
			docs = append(docs, Doc{Name: file.Name, Content: doc})
		})
	}
	return docs
}

// readHeads fills in the heads. When one cannot be read it returns the
// documents before it and a *ParseError.
func readHeads(docs []Doc, compat Compat) ([]Doc, error) {
	total := 0
	for i := range docs {
		total += len(docs[i].Content)
	}
	first, err := inParallel(len(docs), total, func(i int) (err error) {
		docs[i].Head, err = yaml.ReadHead(docs[i].Content)
		return err
	})
	if err != nil {
		return docs[:first], &ParseError{File: docs[first].Name, Doc: docs[first].Content, Err: inWordsOf(compat, err)}
	}
	return docs, nil
}

// helm4Error is a reader's error as Helm 4 words it: the type that it names has moved.
type helm4Error struct{ error }

func (e helm4Error) Error() string {
	return strings.ReplaceAll(e.error.Error(), "releaseutil.SimpleHead", "util.SimpleHead")
}

func (e helm4Error) Unwrap() error { return e.error }

func inWordsOf(compat Compat, err error) error {
	if compat == Helm4 {
		return helm4Error{err}
	}
	return err
}
