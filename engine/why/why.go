package why

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine"
)

// Options bound a search. The zero value has the defaults.
type Options struct {
	// Renders is the most renders that one answer may take, 20000 by default.
	Renders int
	// Time is the longest that one answer may take, 60 s by default.
	Time time.Duration
	// Now is the clock that Time is measured by. Without one Time has no effect.
	Now func() time.Time
	// Compat is the Helm that the program was compiled for.
	Compat engine.Compat
}

// Explorer answers questions about one render of a chart. What it finds out on
// the way it keeps, so that further questions about the same file are cheap. It
// is not for concurrent use.
type Explorer struct {
	options Options
	tracer  *engine.Tracer
	root    *values.Node // the charts that take part
	user    map[string]any
	final   map[string]any
	objects map[string][]*Object // by file
	files   []string             // in order
	content map[string]string    // by file
	traces  map[string]*engine.Trace
	trials  map[string]*trials // by file

	renders int // of the answer under way
	stop    time.Time
}

// New renders a chart and returns an Explorer for what comes out. The program
// is that of the chart, the input the one of the render in question.
func New(ctx context.Context, program *engine.Program, in engine.Input, o Options) (*Explorer, error) {
	if o.Renders <= 0 {
		o.Renders = 20000
	}
	if o.Time <= 0 {
		o.Time = time.Minute
	}
	tracer := program.Tracer(in)
	out, err := tracer.Render(ctx, nil)
	if err != nil {
		return nil, err
	}
	final, err := out.Root.Coalesce(in.Values, values.CoalesceOptions{Share: true}) // templates may have changed those of out
	if err != nil {
		return nil, err
	}
	e := &Explorer{
		options: o, tracer: tracer, root: out.Root, user: in.Values, final: final,
		objects: map[string][]*Object{}, content: map[string]string{}, traces: map[string]*engine.Trace{}, trials: map[string]*trials{},
	}
	for _, f := range out.Files {
		if !holdsObjects(f.Name) {
			continue
		}
		objects, err := readObjects(f.Name, f.Content, o.Compat)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", f.Name, err)
		}
		if len(objects) > 0 {
			e.files, e.objects[f.Name], e.content[f.Name] = append(e.files, f.Name), objects, f.Content
		}
	}
	return e, nil
}

// Objects lists all objects that the chart renders to, hooks among them, by file.
func (e *Explorer) Objects() []*Object {
	var all []*Object
	for _, file := range e.files {
		all = append(all, e.objects[file]...)
	}
	return all
}

// Find returns the objects of a kind and a name, whatever the case of the kind.
// An empty namespace stands for any.
func (e *Explorer) Find(kind, namespace, name string) []*Object {
	return slices.DeleteFunc(e.Objects(), func(o *Object) bool {
		return !strings.EqualFold(o.Kind, kind) || o.Name != name || namespace != "" && o.Namespace != namespace
	})
}

// Root is the chart at the top of those that took part.
func (e *Explorer) Root() *values.Node { return e.root }

// Role says how a field depends on something.
type Role string

// The roles, the closest first.
const (
	Text     Role = "text"     // its text stands in the field
	Decides  Role = "decides"  // the field's value follows from it in another way
	Presence Role = "presence" // the field, or the object, is there or not because of it
)

// Cause is something that a field depends on.
type Cause struct {
	Role Role
	// Value is the path of a leaf of the values, as the root chart has it. For
	// causes other than values it is nil.
	Value []string
	// Unset says that there is nothing at that path, and the field would be
	// another if there were.
	Unset bool
	// Name is anything else: "Release.Name", "Chart.AppVersion",
	// "Capabilities.KubeVersion", "lookup", "chance" for functions of chance and
	// of time, or "file PATH" for a file of a chart.
	Name string
}

// Writer is a place in the templates that wrote a part of a field: the chain
// of places that led there, the outermost first. The last is the one that wrote
// it.
type Writer struct {
	Frames []engine.Frame
	Text   string // what it wrote, as it stands in the rendered file
}

// Answer says why a field is what it is.
type Answer struct {
	Object *Object
	Path   Path // with indexes
	Value  any  // chance in it is not that of a real render
	// Writers are the places that wrote the value, in the order of its text.
	Writers []Writer
	// Causes are what the field depends on, the closest first. If none has the
	// role Text or Decides, the field is constant: the template says it.
	Causes []Cause
	// Incomplete says that a limit was reached before everything was tried.
	Incomplete bool
	Renders    int // how many it took
}

// Constant reports whether nothing but the templates decides on the field's value.
func (a *Answer) Constant() bool {
	return !slices.ContainsFunc(a.Causes, func(c Cause) bool { return c.Role != Presence && !c.Unset })
}

// Ask says why the field of an object is what it is. The error is a
// *[NoFieldError] if there is no such field.
func (e *Explorer) Ask(ctx context.Context, o *Object, field Path) (*Answer, error) {
	path, value, err := field.Resolve(any(o.Fields))
	if err != nil {
		return nil, err
	}
	a := &Answer{Object: o, Path: path, Value: value}
	trace, err := e.trace(ctx, o.File)
	if err != nil {
		return nil, err
	}
	a.Writers = writers(trace, e.content[o.File], o, path)
	e.renders = 0
	if e.options.Now != nil {
		e.stop = e.options.Now().Add(e.options.Time)
	}
	err = e.causes(ctx, a, trace)
	a.Renders = e.renders
	if errors.Is(err, errLimit) {
		a.Incomplete, err = true, nil
	}
	order := map[Role]int{Text: 0, Decides: 1, Presence: 2}
	slices.SortStableFunc(a.Causes, func(a, b Cause) int { return order[a.Role] - order[b.Role] })
	return a, err
}

func (e *Explorer) trace(ctx context.Context, file string) (*engine.Trace, error) {
	if t := e.traces[file]; t != nil {
		return t, nil
	}
	t, err := e.tracer.Trace(ctx, file)
	if err != nil {
		return nil, err
	}
	if t.Content != e.content[file] {
		return nil, fmt.Errorf("%s renders to another text each time, so that nothing can be said of it", file)
	}
	e.traces[file] = t
	return t, nil
}

// writers lists the places that wrote the field's value.
func writers(trace *engine.Trace, content string, o *Object, path Path) []Writer {
	const mostBytes, most = 4000, 12
	start, end := o.region(path)
	var list []Writer
	for i := start; i < min(end, start+mostBytes); i++ {
		if strings.IndexByte(" \t\r\n", content[i]) >= 0 && len(list) > 0 {
			list[len(list)-1].Text += content[i : i+1]
			continue
		}
		frames := trace.At(i)
		if len(frames) == 0 {
			continue
		}
		if n := len(list); n > 0 && sameChain(list[n-1].Frames, frames) {
			list[n-1].Text += content[i : i+1]
			continue
		}
		if len(list) == most {
			break
		}
		list = append(list, Writer{frames, content[i : i+1]})
	}
	return withoutQuotes(list)
}

// withoutQuotes leaves out what wrote nothing but the quotes around the value.
func withoutQuotes(list []Writer) []Writer {
	var kept []Writer
	for _, w := range list {
		w.Text = strings.TrimSpace(w.Text)
		n := len(kept)
		switch {
		case strings.Trim(w.Text, "\"'") == "":
		case n > 0 && sameChain(kept[n-1].Frames, w.Frames):
			kept[n-1].Text += w.Text
		default:
			kept = append(kept, w)
		}
	}
	if len(kept) == 0 {
		return list
	}
	return kept
}

// sameChain reports whether two chains lead to the same line by the same calls.
func sameChain(a, b []engine.Frame) bool {
	return slices.EqualFunc(a, b, func(a, b engine.Frame) bool { return a.File == b.File && a.Line == b.Line })
}

// conditions lists the values that decide whether the chart of a file takes part.
func conditions(n *values.Node) [][]string {
	var list [][]string
	for ; n.Parent() != nil; n = n.Parent() {
		above := chartPath(n.Parent())
		for _, req := range n.Parent().Metadata.Dependencies {
			if req.Name != n.Name() && req.Alias != n.Name() {
				continue
			}
			for _, condition := range strings.Split(req.Condition, ",") {
				if condition = strings.TrimSpace(condition); condition != "" {
					list = append(list, append(slices.Clone(above), strings.Split(condition, ".")...))
				}
			}
			for _, tag := range req.Tags {
				list = append(list, []string{"tags", tag})
			}
		}
	}
	return list
}

// chartPath is where the values of a chart stand in those of the root chart.
func chartPath(n *values.Node) []string {
	var path []string
	for ; n.Parent() != nil; n = n.Parent() {
		path = append(path, n.Name())
	}
	slices.Reverse(path)
	return path
}

// metadataChanges are the changes of .Chart that are tried, by the name of the field.
func metadataChanges() map[string]func(*chart.Metadata) {
	return map[string]func(*chart.Metadata){
		"Chart.Name":       func(m *chart.Metadata) { m.Name += "x" },
		"Chart.Version":    func(m *chart.Metadata) { m.Version = another(m.Version) },
		"Chart.AppVersion": func(m *chart.Metadata) { m.AppVersion = another(m.AppVersion) },
		"Chart": func(m *chart.Metadata) {
			m.Description, m.Home, m.Icon, m.KubeVersion = m.Description+"x", m.Home+"x", m.Icon+"x", m.KubeVersion+"x"
			m.Annotations = maps.Clone(m.Annotations)
			for key := range m.Annotations {
				m.Annotations[key] += "x"
			}
			m.Keywords, m.Sources = append(slices.Clone(m.Keywords), "x"), append(slices.Clone(m.Sources), "x")
		},
	}
}
