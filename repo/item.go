package repo

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/yaml"
)

// AppendYAML appends the version as an item of its chart's list, in the text that
// [Index.AppendYAML] has for it: whole lines, the first of which begins with "  - ".
func (v *Version) AppendYAML(dst []byte) ([]byte, error) {
	if v == nil {
		return append(dst, "  - null\n"...), nil
	}
	m := v.Metadata
	if m == nil {
		m = &chart.Metadata{}
	}
	w := item{dst: dst, column: 4}
	w.tree("annotations", m.Annotations, len(m.Annotations) > 0) // this and what follows in the writer's order of keys
	w.text("apiVersion", m.APIVersion)
	w.text("appVersion", m.AppVersion)
	w.text("checksum", v.Checksum)
	w.text("condition", m.Condition)
	w.text("created", v.Created.Format(time.RFC3339Nano))
	items(&w, "dependencies", m.Dependencies, appendDependency)
	w.tree("deprecated", true, m.Deprecated)
	w.text("description", m.Description)
	w.text("digest", v.Digest)
	w.text("engine", v.Engine)
	w.text("home", m.Home)
	w.text("icon", m.Icon)
	w.texts("keywords", m.Keywords)
	w.text("kubeVersion", m.KubeVersion)
	items(&w, "maintainers", m.Maintainers, appendMaintainer)
	w.text("name", m.Name)
	w.tree("removed", true, v.Removed)
	w.texts("sources", m.Sources)
	w.text("tags", m.Tags)
	w.text("tillerVersion", v.TillerVersion)
	w.text("type", m.Type)
	w.text("url", v.URL)
	w.tree("urls", v.URLs, len(v.URLs) == 0) // are never left out
	w.texts("urls", v.URLs)
	w.text("version", m.Version)
	if w.err != nil {
		return nil, fmt.Errorf("write chart %q: %w", m.Name, w.err)
	}
	return w.dst, nil
}

func appendMaintainer(w *item, m *chart.Maintainer) {
	w.text("email", m.Email)
	w.text("name", m.Name)
	w.text("url", m.URL)
}

func appendDependency(w *item, d *chart.Dependency) {
	w.text("alias", d.Alias)
	w.text("condition", d.Condition)
	w.tree("enabled", true, d.Enabled)
	w.tree("import-values", d.ImportValues, len(d.ImportValues) > 0)
	w.tree("name", d.Name, d.Name == "") // is never left out
	w.text("name", d.Name)
	w.tree("repository", d.Repository, d.Repository == "")
	w.text("repository", d.Repository)
	w.texts("tags", d.Tags)
	w.text("version", d.Version)
}

// item writes a mapping that is an item of a list, field by field: without a tree of
// all of it, which takes several times as long. What is empty is left out.
type item struct {
	dst    []byte
	column int // of the keys, 4 or in the lists of a version 6
	begun  bool
	err    error
}

func (w *item) key(name string) {
	const spaces = "      "
	dash := spaces[:2]
	if !w.begun {
		dash = "- "
	}
	w.begun = true
	w.dst = append(append(append(append(w.dst, spaces[:w.column-2]...), dash...), name...), ':')
}

func (w *item) text(name, value string) {
	if !isShort(value) {
		w.tree(name, value, true)
	} else if value != "" {
		w.key(name)
		w.word(value)
	}
}

func (w *item) texts(name string, list []string) {
	if len(list) == 0 || slices.ContainsFunc(list, func(t string) bool { return !isShort(t) }) {
		w.tree(name, list, len(list) > 0)
		return
	}
	w.key(name)
	w.dst = append(w.dst, '\n')
	for _, t := range list {
		w.dst = append(w.dst, "      "[:w.column]...)
		w.dst = append(w.dst, '-')
		w.word(t)
	}
}

// isShort reports whether a text is written alike wherever it stands: on one line.
func isShort(t string) bool {
	const most = 58 // 80 less the longest key and quotes
	return isPrintable(t) && (strings.IndexByte(t, ' ') < 0 || len(t) <= most && !strings.ContainsAny(t, `'"\`))
}

// word writes a short text, and ends the line.
func (w *item) word(t string) {
	dst, err := yaml.Append(append(w.dst, ' '), t)
	if err != nil {
		w.err = err
	} else {
		w.dst = dst
	}
}

// tree writes a value of any kind, if it is wanted.
func (w *item) tree(name string, value any, wanted bool) {
	if !wanted {
		return
	}
	above := "x:\n  x:\n"
	tree := []any{map[string]any{name: value}}
	if w.column == 6 {
		above, tree = above+"  - x:\n", []any{map[string]any{"x": tree}}
	}
	start := len(w.dst)
	dst, err := yaml.Append(w.dst, map[string]any{"x": map[string]any{"x": tree}})
	if err == nil && !bytes.HasPrefix(dst[start:], []byte(above)) {
		err = fmt.Errorf("unexpected text %q", dst[start:])
	}
	if err != nil {
		w.err = err
		return
	}
	if w.begun {
		dst[start+len(above)+w.column-2] = ' ' // no dash
	}
	w.begun = true
	w.dst = append(dst[:start], dst[start+len(above):]...)
}

// items writes a list of mappings.
func items[T any](w *item, name string, list []*T, fields func(*item, *T)) {
	if len(list) == 0 {
		return
	}
	w.key(name)
	w.dst = append(w.dst, '\n')
	for _, one := range list {
		if one == nil {
			w.dst = append(w.dst, "    - null\n"...)
			continue
		}
		inner := item{dst: w.dst, column: w.column + 2}
		fields(&inner, one)
		if !inner.begun {
			inner.dst = append(inner.dst, "    - {}\n"...)
		}
		w.dst = inner.dst
		if inner.err != nil {
			w.err = inner.err
		}
	}
}
