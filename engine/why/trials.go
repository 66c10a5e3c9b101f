package why

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/chart/yaml"
	"github.com/e6d26078/slipway/engine"
)

var errLimit = errors.New("the limit of renders or time is reached")

// trials are the renders of one file with something changed.
type trials struct {
	candidates []candidate
	results    map[string]*result // by what was changed
}

// result is what a file renders to with a change; failed if it does not render.
type result struct {
	objects []*Object
	failed  bool
	whole   bool // all other files render too
}

// candidate is a value that the file may depend on.
type candidate struct {
	path    []string
	value   any
	missing bool
}

// causes finds what the field of an answer depends on.
func (e *Explorer) causes(ctx context.Context, a *Answer, trace *engine.Trace) error {
	file := a.Object.File
	t := e.trials[file]
	if t == nil {
		t = &trials{candidates: e.candidates(trace), results: map[string]*result{}}
		e.trials[file] = t
	}
	if err := e.surroundings(ctx, a, t, trace); err != nil {
		return err
	}
	for _, c := range e.inOrder(t.candidates, a) {
		if err := e.try(ctx, a, t, c); err != nil {
			return err
		}
	}
	return nil
}

// inOrder puts first the candidates whose text stands in the field, so that
// they are found before a limit is reached; what is not set comes last.
func (e *Explorer) inOrder(list []candidate, a *Answer) []candidate {
	text := textOf(a.Value)
	rank := func(c candidate) int {
		switch s := textOf(c.value); {
		case c.missing:
			return 3
		case s != "" && s == text:
			return 0
		case len(s) > 1 && strings.Contains(text, s):
			return 1
		}
		return 2
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b candidate) int { return rank(a) - rank(b) })
	return list
}

// candidates lists the leaves of the values that a file may depend on.
func (e *Explorer) candidates(trace *engine.Trace) []candidate {
	var list []candidate
	seen := map[string]bool{}
	add := func(path []string, missing bool) {
		id := strings.Join(path, "\x00")
		value, found := values.At(e.final, path)
		if seen[id] || found && !isLeaf(value) {
			return
		}
		seen[id] = true
		list = append(list, candidate{path, value, !found})
	}
	for _, r := range trace.Reads() {
		for _, path := range e.spellings(r.Path) {
			add(path, r.Missing)
		}
	}
	for _, path := range conditions(trace.Chart()) {
		add(path, false)
	}
	return list
}

// spellings are the paths at which a value can be given that stands at a path:
// globals of a subchart also come from the charts above it. The outermost comes first.
func (e *Explorer) spellings(path []string) [][]string {
	all := [][]string{path}
	n := e.root
	for i, key := range path {
		if key == "global" {
			all = nil
			for above := range i + 1 {
				all = append(all, append(slices.Clone(path[:above]), path[i:]...))
			}
			return all
		}
		next := slices.IndexFunc(n.Deps(), nodeNamed(key))
		if next < 0 {
			return all
		}
		n = n.Deps()[next]
	}
	return all
}

// try finds out whether the field depends on a candidate.
func (e *Explorer) try(ctx context.Context, a *Answer, t *trials, c candidate) error {
	role := Role("")
	for i, value := range variants(c.value) {
		key := strings.Join(c.path, "\x00") + "\x00\x00" + strconv.Itoa(i)
		vals, ok := override(e.user, e.final, c.path, value)
		if !ok {
			return nil
		}
		r, err := e.render(ctx, t, key, engine.Change{Values: vals}, a.Object.File)
		if err != nil {
			return err
		}
		changed, effect := e.effect(a, r)
		if effect != "" && !e.rendersWhole(ctx, r, vals) {
			continue
		}
		if effect == Presence {
			role = Presence
		}
		if effect == Decides {
			role = Decides
			before, after := textOf(c.value), textOf(value)
			if before != "" && strings.Contains(textOf(a.Value), before) && strings.Contains(textOf(changed), after) {
				role = Text
			}
			break
		}
	}
	if role != "" {
		a.Causes = append(a.Causes, Cause{Role: role, Value: c.path, Unset: c.missing})
	}
	return nil
}

// render renders a file with a change, or takes it from the earlier results.
func (e *Explorer) render(ctx context.Context, t *trials, key string, change engine.Change, file string) (*result, error) {
	if r := t.results[key]; r != nil {
		return r, nil
	}
	if e.renders >= e.options.Renders || e.options.Now != nil && e.options.Now().After(e.stop) {
		return nil, errLimit
	}
	e.renders++
	r := &result{}
	text, err := e.tracer.File(ctx, change, file)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, engine.ErrNotRendered):
	case err != nil:
		r.failed = true
	case text == e.content[file]:
		r.objects = e.objects[file]
	default:
		if r.objects, err = readObjects(file, text, e.options.Compat); err != nil {
			r.objects, r.failed = nil, true
		}
	}
	t.results[key] = r
	return r, nil
}

// rendersWhole reports whether all files render with the values, not only the
// one that is asked about. Others may refuse them.
func (e *Explorer) rendersWhole(ctx context.Context, r *result, vals map[string]any) bool {
	if !r.whole {
		_, err := e.tracer.Render(ctx, vals)
		r.whole, r.failed = err == nil, err != nil
	}
	return r.whole
}

// effect says what a change does to the field: nothing, another value
// (Decides), or that it is gone (Presence).
func (e *Explorer) effect(a *Answer, r *result) (any, Role) {
	base := e.objects[a.Object.File]
	if r.failed || len(r.objects) > 0 && r.objects[0] == base[0] {
		return nil, ""
	}
	o := twin(base, r.objects, slices.Index(base, a.Object))
	if o == nil {
		return nil, Presence
	}
	changed, found := follow(any(a.Object.Fields), any(o.Fields), a.Path)
	switch {
	case !found:
		return nil, Presence
	case equal(a.Value, changed):
		return nil, ""
	}
	return changed, Decides
}

// surroundings tries everything but values: the release, the chart's metadata
// and files, the cluster, and chance.
func (e *Explorer) surroundings(ctx context.Context, a *Answer, t *trials, trace *engine.Trace) error {
	input := func(f func(*engine.Input)) engine.Change { return engine.Change{Input: f} }
	changes := map[string]engine.Change{
		"chance":                   {Chance: true},
		"lookup":                   input(func(in *engine.Input) { in.Lookup = nil }),
		"Release.Name":             input(func(in *engine.Input) { in.Release.Name += "x" }),
		"Release.Namespace":        input(func(in *engine.Input) { in.Release.Namespace += "x" }),
		"Release.Revision":         input(func(in *engine.Input) { in.Release.Revision = max(in.Release.Revision, 1) + 1 }),
		"Release.IsUpgrade":        input(func(in *engine.Input) { in.Release.Upgrade = !in.Release.Upgrade }),
		"Capabilities.APIVersions": input(func(in *engine.Input) { e.otherVersions(in, "") }),
		"Capabilities.KubeVersion": input(func(in *engine.Input) { e.otherVersions(in, "v1.12.3") }),
		"Capabilities.HelmVersion": input(func(in *engine.Input) { e.otherVersions(in, "helm") }),
	}
	for name, f := range metadataChanges() {
		changes[name] = engine.Change{Chart: f}
	}
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		if err := e.trySurrounding(ctx, a, t, name, changes[name]); err != nil {
			return err
		}
	}
	return e.chartFiles(ctx, a, t)
}

func (e *Explorer) trySurrounding(ctx context.Context, a *Answer, t *trials, name string, change engine.Change) error {
	r, err := e.render(ctx, t, name, change, a.Object.File)
	if err != nil {
		return err
	}
	if _, role := e.effect(a, r); role != "" {
		a.Causes = append(a.Causes, Cause{Role: role, Name: name})
	}
	return nil
}

// otherVersions changes what the cluster is: its version, or Helm's for
// "helm", or the kinds that it serves: none but those that it did not serve.
func (e *Explorer) otherVersions(in *engine.Input, version string) {
	caps := engine.DefaultCapabilities()
	if in.Capabilities != nil {
		*caps = *in.Capabilities
	}
	switch version {
	case "":
		var asked []string
		e.eachTemplate(func(text string) {
			for _, m := range apiAsked.FindAllStringSubmatch(text, -1) {
				if !slices.Contains(caps.APIVersions, m[1]) {
					asked = append(asked, m[1])
				}
			}
		})
		caps.APIVersions = asked
	case "helm":
		caps.HelmVersion.Version = another(caps.HelmVersion.Version)
	default:
		if kv, err := e.options.Compat.ParseKubeVersion(version); err == nil {
			caps.KubeVersion = kv
		}
	}
	in.Capabilities = caps
}

var apiAsked = regexp.MustCompile(`APIVersions\.Has\s+"([^"]+)"`)

// chartFiles tries the files of the charts, first all at once.
func (e *Explorer) chartFiles(ctx context.Context, a *Answer, t *trials) error {
	more := func(_ string, data []byte) []byte { return append([]byte("x\n"), data...) }
	r, err := e.render(ctx, t, "files", engine.Change{Files: more}, a.Object.File)
	if err != nil {
		return err
	}
	if _, role := e.effect(a, r); role == "" && !r.failed {
		return nil
	}
	for _, name := range e.chartFileNames() {
		change := engine.Change{Files: func(file string, data []byte) []byte {
			if file == name {
				return more(file, data)
			}
			return data
		}}
		if err := e.trySurrounding(ctx, a, t, "file "+name, change); err != nil {
			return err
		}
	}
	return nil
}

// variants are other values in the place of one, of its type as far as there
// is one. The first that has an effect tells of it.
func variants(v any) []any {
	switch v := v.(type) {
	case nil:
		return []any{"x", 1.0, true, map[string]any{"x": "x"}}
	case bool:
		return []any{!v}
	case string:
		if v == "" {
			return []any{"x", "1"}
		}
		list := []any{v + "x", "x" + v}
		for _, s := range []string{another(v), anotherFirst(v)} {
			if s != v {
				list = append(list, s)
			}
		}
		return append(list, "")
	case map[string]any:
		return []any{map[string]any{"x": "x"}}
	case []any:
		return []any{[]any{"x"}, []any{map[string]any{"name": "x"}}}
	case float64:
		return []any{v + 1, v*2 + 10, 0.0}
	case int64:
		return []any{v + 1, v*2 + 10, int64(0)}
	case int:
		return []any{v + 1, v*2 + 10, 0}
	}
	return []any{"x"}
}

// another is a text like s with its last digit, or else its last letter, changed.
func another(s string) string {
	i := strings.LastIndexAny(s, "0123456789")
	if i < 0 {
		i = strings.LastIndexAny(s, letters)
	}
	return changedAt(s, i)
}

// anotherFirst is a text like s with its first letter changed.
func anotherFirst(s string) string { return changedAt(s, strings.IndexAny(s, letters)) }

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

func changedAt(s string, i int) string {
	if i < 0 {
		return s
	}
	c := s[i] + 1
	switch s[i] {
	case '9':
		c = '1'
	case 'z', 'Z':
		c = s[i] - 1
	}
	return s[:i] + string(rune(c)) + s[i+1:]
}

func isLeaf(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return true
}

// textOf is a scalar as templates print it; of anything else all its text.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case map[string]any, []any:
		text, _ := yaml.AppendJSON(nil, v)
		return string(text)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}
