package repo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/yaml"
)

// AppendYAML appends the index as `helm repo index` writes it.
func (x *Index) AppendYAML(dst []byte) ([]byte, error) {
	head := map[string]any{"apiVersion": x.APIVersion}
	tail := map[string]any{"generated": x.Generated.Format(time.RFC3339Nano)}
	if len(x.Annotations) > 0 {
		head["annotations"] = anyMap(x.Annotations)
	}
	if len(x.PublicKeys) > 0 {
		tail["publicKeys"] = anyList(x.PublicKeys)
	}
	if len(x.ServerInfo) > 0 {
		tail["serverInfo"] = x.ServerInfo
	}
	dst, err := yaml.Append(dst, head)
	if err != nil {
		return nil, err
	}
	switch {
	case x.Entries == nil:
		dst = append(dst, "entries: null\n"...)
	case len(x.Entries) == 0:
		dst = append(dst, "entries: {}\n"...)
	default:
		if dst, err = x.appendEntries(dst); err != nil {
			return nil, err
		}
	}
	return yaml.Append(dst, tail)
}

// AppendYAML appends the version as an item of its chart's list, in the text that
// [Index.AppendYAML] has for it: whole lines, the first of which begins with "  - ".
func (v *Version) AppendYAML(dst []byte) ([]byte, error) {
	const above = "x:\n  x:\n"
	start := len(dst)
	dst, err := yaml.Append(dst, map[string]any{"x": map[string]any{"x": []any{v.tree()}}})
	if err != nil {
		return nil, fmt.Errorf("write chart %q: %w", v.Name, err)
	}
	if !bytes.HasPrefix(dst[start:], []byte(above)) {
		return nil, fmt.Errorf("write chart %q: unexpected text %q", v.Name, dst[start:min(len(dst), start+40)])
	}
	return append(dst[:start], dst[start+len(above):]...), nil
}

// appendEntries writes chart by chart: the tree of all is many times the text.
func (x *Index) appendEntries(dst []byte) ([]byte, error) {
	order, err := yaml.Append(nil, namesOnly(x.Entries)) // the writer's order of keys is no plain one
	if err != nil {
		return nil, err
	}
	keys, err := keysInOrder(order, x.Entries)
	if err != nil {
		return nil, err
	}
	const title = "entries:\n"
	dst = append(dst, title...)
	for _, name := range keys {
		list := make([]any, len(x.Entries[name]))
		for i, v := range x.Entries[name] {
			list[i] = v.tree()
		}
		start := len(dst)
		if dst, err = yaml.Append(dst, map[string]any{"entries": map[string]any{name: list}}); err != nil {
			return nil, fmt.Errorf("write chart %q: %w", name, err)
		}
		if !bytes.HasPrefix(dst[start:], []byte(title)) {
			return nil, fmt.Errorf("write chart %q: unexpected text %q", name, dst[start:min(len(dst), start+40)])
		}
		dst = append(dst[:start], dst[start+len(title):]...)
	}
	return dst, nil
}

func namesOnly(entries map[string]Versions) map[string]any {
	names := make(map[string]any, len(entries))
	for name := range entries {
		names[name] = ""
	}
	return names
}

// keysInOrder gives the names in the order in which the writer put them.
func keysInOrder(text []byte, entries map[string]Versions) ([]string, error) {
	var keys []string
	s := source(text)
	for pos := 0; pos < len(s); pos = s.lineEnd(pos) + 1 {
		key, quoted, after := s.key(pos)
		if _, known := entries[key]; after == failed || !quoted && !known || quoted && !known {
			return slices.Sorted(maps.Keys(entries)), nil // a name that no chart can have
		}
		keys = append(keys, key)
	}
	if len(keys) != len(entries) {
		return slices.Sorted(maps.Keys(entries)), nil
	}
	return keys, nil
}

// AppendJSON appends the index as `helm repo index --json` writes it.
func (x *Index) AppendJSON(dst []byte) ([]byte, error) {
	text, err := json.MarshalIndent(x, "", "  ")
	return append(dst, text...), err
}

// tree gives a version as encoding/json would read it back.
func (v *Version) tree() any {
	if v == nil {
		return nil
	}
	t := map[string]any{"urls": nil, "created": v.Created.Format(time.RFC3339Nano)}
	if v.URLs != nil {
		t["urls"] = anyList(v.URLs)
	}
	if v.Removed {
		t["removed"] = true
	}
	put(t, map[string]string{"digest": v.Digest, "checksum": v.Checksum, "engine": v.Engine, "tillerVersion": v.TillerVersion, "url": v.URL})
	if m := v.Metadata; m != nil {
		addMetadata(t, m)
	}
	return t
}

func addMetadata(t map[string]any, m *chart.Metadata) {
	put(t, map[string]string{
		"name": m.Name, "home": m.Home, "version": m.Version, "description": m.Description, "icon": m.Icon, "apiVersion": m.APIVersion,
		"condition": m.Condition, "tags": m.Tags, "appVersion": m.AppVersion, "kubeVersion": m.KubeVersion, "type": m.Type,
	})
	if len(m.Sources) > 0 {
		t["sources"] = anyList(m.Sources)
	}
	if len(m.Keywords) > 0 {
		t["keywords"] = anyList(m.Keywords)
	}
	if m.Deprecated {
		t["deprecated"] = true
	}
	if len(m.Annotations) > 0 {
		t["annotations"] = anyMap(m.Annotations)
	}
	if len(m.Maintainers) > 0 {
		list := make([]any, len(m.Maintainers))
		for i, one := range m.Maintainers {
			fields := map[string]any{}
			put(fields, map[string]string{"name": one.Name, "email": one.Email, "url": one.URL})
			list[i] = fields
		}
		t["maintainers"] = list
	}
	if len(m.Dependencies) > 0 {
		list := make([]any, len(m.Dependencies))
		for i, d := range m.Dependencies {
			fields := map[string]any{"name": d.Name, "repository": d.Repository}
			put(fields, map[string]string{"version": d.Version, "condition": d.Condition, "alias": d.Alias})
			if len(d.Tags) > 0 {
				fields["tags"] = anyList(d.Tags)
			}
			if d.Enabled {
				fields["enabled"] = true
			}
			if len(d.ImportValues) > 0 {
				fields["import-values"] = d.ImportValues
			}
			list[i] = fields
		}
		t["dependencies"] = list
	}
}

// put adds what is not empty.
func put(t map[string]any, fields map[string]string) {
	for key, value := range fields {
		if value != "" {
			t[key] = value
		}
	}
}

func anyList(texts []string) []any {
	list := make([]any, len(texts))
	for i, t := range texts {
		list[i] = t
	}
	return list
}

func anyMap(texts map[string]string) map[string]any {
	m := make(map[string]any, len(texts))
	for key, value := range texts {
		m[key] = value
	}
	return m
}
