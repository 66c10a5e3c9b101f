package engine

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine/internal/chartutil"
	"github.com/e6d26078/slipway/engine/internal/common"
	"github.com/e6d26078/slipway/engine/internal/funcs"
	"github.com/e6d26078/slipway/engine/internal/tmpl"
)

// The function tables never change, so each is prepared once per process.
var (
	helm3Funcs = sync.OnceValue(func() *tmpl.Funcs { return prepareFuncs(funcs.Helm3()) })
	helm4Funcs = sync.OnceValue(func() *tmpl.Funcs { return prepareFuncs(funcs.Helm4()) })
)

func prepareFuncs(table tmpl.Table) *tmpl.Funcs {
	fs, err := tmpl.NewFuncs(table, tmpl.MapOf[chartutil.Values](), tmpl.MapOf[common.Values]())
	if err != nil {
		panic(err) // the tables are constant: a test covers both
	}
	return fs
}

// Program is a compiled chart. It is safe for concurrent use.
type Program struct {
	chart   *chart.Chart
	opts    Options
	funcs   *tmpl.Funcs
	tree    *values.Tree
	schemas values.Schemas

	mu         sync.Mutex
	files      map[*chart.Chart]files
	parsed     map[parseKey]*parsedFile
	selections map[string]*selection
}

// parseKey names a parsed template. A file can stand under several names when
// its chart is used under several aliases, and its name is in error messages.
type parseKey struct {
	file *chart.File
	name string
}

type parsedFile struct {
	once sync.Once
	file *tmpl.File
	err  error
}

// selection is what a set of enabled charts makes of the templates.
type selection struct {
	templates []templateFile // in the order of execution
	set       *tmpl.Set
	err       error // the first template, in that order, that cannot be parsed
	uses      tmpl.Uses
	// tplMutates is set once a text given to tpl turned out to change values.
	tplMutates atomic.Bool
}

// mutates reports whether a render may change its values, so that it needs a copy of its own.
func (s *selection) mutates() bool { return s.uses.Mutates || s.tplMutates.Load() }

// maxSelections bounds the sets of enabled charts that a Program keeps.
const maxSelections = 16

// selectionOf returns the templates for the enabled charts, given in the order of the walk.
func (p *Program) selectionOf(nodes []*values.Node) *selection {
	key := selectionKey(nodes)
	p.mu.Lock()
	s, ok := p.selections[key]
	p.mu.Unlock()
	if ok {
		return s
	}
	s = p.newSelection(nodes)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.selections) >= maxSelections {
		clear(p.selections)
	}
	p.selections[key] = s
	return s
}

func selectionKey(nodes []*values.Node) string {
	var key strings.Builder
	for _, n := range nodes {
		fmt.Fprintf(&key, "%s %p\n", n.FullPath(), n.Chart)
	}
	return key.String()
}

func (p *Program) newSelection(nodes []*values.Node) *selection {
	s := &selection{templates: collectTemplates(nodes)}
	parsed := p.parseAll(s.templates)
	list := make([]*tmpl.File, len(parsed))
	for i, f := range parsed {
		if f.err != nil {
			s.err = newParseError(s.templates[i].name, f.err)
			return s
		}
		list[i] = f.file
	}
	s.set = tmpl.NewSet(p.funcs, list)
	s.uses = s.set.Uses(s.rendered()...)
	return s
}

// parallelTemplates is the number of unparsed templates from which a second goroutine pays.
const parallelTemplates = 3

// parseAll parses the templates that are not parsed yet.
func (p *Program) parseAll(templates []templateFile) []*parsedFile {
	list := make([]*parsedFile, len(templates))
	p.mu.Lock()
	for i, t := range templates {
		key := parseKey{t.file, t.name}
		f, ok := p.parsed[key]
		if !ok {
			f = &parsedFile{}
			p.parsed[key] = f
		}
		list[i] = f
	}
	p.mu.Unlock()

	var next atomic.Int64
	work := func() {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(list) {
				return
			}
			list[i].once.Do(func() {
				data := templates[i].file.Data // never written while the Program is in use
				text := unsafe.String(unsafe.SliceData(data), len(data))
				list[i].file, list[i].err = tmpl.Parse(templates[i].name, text, p.funcs)
			})
		}
	}
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(list)/parallelTemplates+1) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	return list
}

// filesOf returns .Files of a chart. No template can change it.
func (p *Program) filesOf(c *chart.Chart) files {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, ok := p.files[c]
	if !ok {
		f = newFiles(c.Files)
		p.files[c] = f
	}
	return f
}

// rendered lists the templates whose output is a file.
func (s *selection) rendered() []string {
	var names []string
	for i := range s.templates {
		if t := &s.templates[i]; !t.partial() {
			names = append(names, t.name)
		}
	}
	return names
}
