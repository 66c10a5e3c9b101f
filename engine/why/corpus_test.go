package why

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine"
)

// corpusCharts are three charts of different style: a plain one, one that
// stands on a library chart and has a subchart, and one of which a library
// writes all objects.
var corpusCharts = []string{"influxdata--influxdb2", "bitnami--ejbca", "gabe565--ascii-movie"}

// isSampled picks one case in n, another choice for each SLIPWAY_SEED; with SLIPWAY_SWEEP=all it picks all.
func isSampled(n uint32, name string) bool {
	if os.Getenv("SLIPWAY_SWEEP") == "all" {
		return true
	}
	h := fnv.New32a()
	fmt.Fprint(h, os.Getenv("SLIPWAY_SEED"), name)
	return h.Sum32()%n == 0
}

// rig is a chart and how it is rendered: as a whole.
type rig struct {
	t       *testing.T
	program *engine.Program
	tracer  *engine.Tracer
	in      engine.Input
	base    []*Object
	final   map[string]any
	effects map[string]map[string]bool // by leaf, the fields that it changes
	random  map[string]bool            // fields that differ from render to render
}

func newRig(t *testing.T, name string) *rig {
	t.Helper()
	c, err := chart.Load(filepath.Join(os.Getenv("SLIPWAY_CORPUS"), name+".tgz"))
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, effects: map[string]map[string]bool{}, random: map[string]bool{}}
	if r.program, err = engine.Compile(c, engine.Options{}); err != nil {
		t.Fatal(err)
	}
	r.in = engine.Input{Release: engine.Release{Name: "rel", Namespace: "ns"}, SkipSchema: true}
	r.tracer = r.program.Tracer(r.in)
	out, err := r.tracer.Render(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.final, err = out.Root.Coalesce(r.in.Values, values.CoalesceOptions{Share: true}); err != nil {
		t.Fatal(err)
	}
	if r.base, err = objectsOf(out); err != nil {
		t.Fatal(err)
	}
	if out, err = r.program.Render(context.Background(), r.in); err != nil {
		t.Fatal(err)
	}
	real, err := objectsOf(out)
	if err != nil {
		t.Fatal(err)
	}
	r.random = r.differences(real)
	return r
}

func objectsOf(out *engine.Output) ([]*Object, error) {
	var all []*Object
	for _, f := range out.Files {
		if holdsObjects(f.Name) {
			objects, err := readObjects(f.Name, f.Content, engine.Helm3)
			if err != nil {
				return nil, err
			}
			all = append(all, objects...)
		}
	}
	return all, nil
}

// render returns the objects with the user's values; false if there is an error.
func (r *rig) render(vals map[string]any) ([]*Object, bool) {
	out, err := r.tracer.Render(context.Background(), vals)
	if err != nil {
		return nil, false
	}
	objects, err := objectsOf(out)
	return objects, err == nil
}

// fieldOf names a field of an object.
func fieldOf(o *Object, p Path) string { return o.File + " " + o.Ref.String() + " " + p.String() }

// differences are the fields of the base that have another value in a render.
// What is gone does not count.
func (r *rig) differences(objects []*Object) map[string]bool {
	found := map[string]bool{}
	ofFile := func(list []*Object, file string) []*Object {
		return slices.DeleteFunc(slices.Clone(list), func(o *Object) bool { return o.File != file })
	}
	for _, o := range r.base {
		file := ofFile(r.base, o.File)
		other := twin(file, ofFile(objects, o.File), slices.Index(file, o))
		if other == nil || equal(o.Fields, other.Fields) {
			continue
		}
		for _, p := range Leaves(o.Fields) {
			_, value, _ := p.Resolve(any(o.Fields))
			if changed, ok := follow(any(o.Fields), any(other.Fields), p); ok && !equal(value, changed) {
				found[fieldOf(o, p)] = true
			}
		}
	}
	return found
}

// changes are the fields that any change of a leaf changes.
func (r *rig) changes(leaf []string) map[string]bool {
	id := values.FormatPath(leaf)
	if found := r.effects[id]; found != nil {
		return found
	}
	all := map[string]bool{}
	value, _ := values.At(r.final, leaf)
	for _, v := range variants(value) {
		vals, ok := override(r.in.Values, r.final, leaf, v)
		if !ok {
			continue
		}
		if objects, ok := r.render(vals); ok {
			for field := range r.differences(objects) {
				all[field] = true
			}
		}
	}
	r.effects[id] = all
	return all
}

// leavesOfValues lists the paths of all leaves.
func leavesOfValues(v any, path []string) [][]string {
	var list [][]string
	for _, p := range Leaves(v) {
		one := slices.Clone(path)
		for _, s := range p {
			if s.List {
				one = append(one, fmt.Sprintf("[%d]", s.Index))
			} else {
				one = append(one, s.Key)
			}
		}
		list = append(list, one)
	}
	return list
}

// tally counts answers.
type tally struct{ fields, text, decided, builtin, chance, constant, renders, frames int }

// TestWhyIsRightForEveryField holds every answer for the leaves of the objects
// of three charts against whole renders by the engine: a value that is named
// changes the field, no single value changes a field that is called constant,
// none that changes it is left out, and the line that is named has the text or
// an action.
func TestWhyIsRightForEveryField(t *testing.T) {
	if os.Getenv("SLIPWAY_CORPUS") == "" {
		t.Skip("SLIPWAY_CORPUS is not set")
	}
	for _, name := range corpusCharts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := os.Stat(filepath.Join(os.Getenv("SLIPWAY_CORPUS"), name+".tgz")); errors.Is(err, fs.ErrNotExist) {
				t.Skipf("the corpus has no chart %s", name)
			}
			r := newRig(t, name)
			e, err := New(context.Background(), r.program, r.in, Options{})
			if err != nil {
				t.Fatal(err)
			}
			leaves := slices.DeleteFunc(leavesOfValues(r.final, nil), func(leaf []string) bool {
				return !isSampled(25, name+values.FormatPath(leaf))
			})
			var n tally
			for _, o := range e.Objects() {
				for _, p := range Leaves(o.Fields) {
					if isSampled(40, name+fieldOf(o, p)) {
						r.check(e, o, p, leaves, &n)
					}
				}
			}
			t.Logf("%s: %d leaves of values tried on each, %+v", name, len(leaves), n)
		})
	}
}

// check holds one answer.
func (r *rig) check(e *Explorer, o *Object, p Path, leaves [][]string, n *tally) {
	field := fieldOf(o, p)
	a, err := e.Ask(context.Background(), o, p)
	if err != nil || a.Incomplete {
		r.t.Errorf("%s: %v, incomplete %v", field, err, a)
		return
	}
	n.fields++
	n.renders += a.Renders
	kinds := map[Role]bool{}
	named := map[string]bool{}
	builtin, chance := false, false
	for _, c := range a.Causes {
		if c.Value == nil {
			builtin = builtin || c.Role != Presence && c.Name != "chance"
			chance = chance || c.Name == "chance"
			continue
		}
		if c.Role == Presence || c.Unset {
			continue
		}
		kinds[c.Role] = true
		named[values.FormatPath(c.Value)] = true
		if !chance && !r.random[field] && !r.changes(c.Value)[field] {
			r.t.Errorf("%s: %v does not change it", field, c.Value)
		}
	}
	switch {
	case chance:
		n.chance++
	case kinds[Text]:
		n.text++
	case kinds[Decides]:
		n.decided++
	case builtin:
		n.builtin++
	default:
		n.constant++
	}
	if r.random[field] != chance {
		r.t.Errorf("%s: chance is %v, want %v", field, chance, r.random[field])
	}
	for _, leaf := range leaves {
		if id := values.FormatPath(leaf); !chance && !named[id] && r.changes(leaf)[field] {
			r.t.Errorf("%s: %s changes it and is not named", field, id)
		}
	}
	r.checkWriters(e, a, n)
}

// checkWriters holds that the lines that are named have the text or an action.
func (r *rig) checkWriters(e *Explorer, a *Answer, n *tally) {
	field := fieldOf(a.Object, a.Path)
	if len(a.Writers) == 0 {
		r.t.Errorf("%s: no template line is named", field)
	}
	for _, w := range a.Writers {
		n.frames += len(w.Frames)
		for i, f := range w.Frames {
			line, ok := lineOf(e, f)
			last := i == len(w.Frames)-1
			if !ok || !strings.Contains(line, "{{") && !strings.Contains(line, "}}") && !(last && strings.Contains(line, w.Text)) {
				r.t.Errorf("%s: %q was written by %s:%d, which is %q", field, w.Text, f.File, f.Line, line)
			}
		}
	}
}

func lineOf(e *Explorer, f engine.Frame) (string, bool) {
	if f.File == "gotpl" {
		return "{{", true // the text that was given to tpl is not at hand
	}
	text, found := "", false
	e.eachChart(e.Root(), func(n *values.Node) {
		for _, file := range n.Chart.Templates {
			if n.FullPath()+"/"+file.Name == f.File {
				text, found = string(file.Data), true
			}
		}
	})
	lines := strings.Split(text, "\n")
	if !found || f.Line > len(lines) {
		return "", false
	}
	return lines[f.Line-1], true
}
