package engine

import (
	"encoding/base64"
	"path"
	"slices"
	"strings"

	"github.com/gobwas/glob"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/yaml"
)

// files is the type behind .Files in a template: the chart's files by path.
// Its name is Helm's, because templates can print it (typeOf). The methods are
// the ones that templates call; none of them changes the map.
type files map[string][]byte

func newFiles(from []*chart.File) files {
	fs := make(files, len(from))
	for _, f := range from {
		fs[f.Name] = f.Data
	}
	return fs
}

// GetBytes returns the file's bytes, empty when there is no such file.
func (f files) GetBytes(name string) []byte {
	if data, ok := f[name]; ok {
		return data
	}
	return []byte{}
}

// Get returns the file as text, "" when there is no such file.
func (f files) Get(name string) string { return string(f.GetBytes(name)) }

// Glob returns the files whose path matches the pattern. A pattern that cannot
// be read matches everything, as in Helm.
func (f files) Glob(pattern string) files {
	g, err := glob.Compile(pattern, '/')
	if err != nil {
		g = glob.MustCompile("**")
	}
	found := files{}
	for name, data := range f {
		if g.Match(name) {
			found[name] = data
		}
	}
	return found
}

// AsConfig returns the files as the YAML of a ConfigMap's data, keyed by base name.
// Of two files with one base name the one whose path sorts last is taken
// (#DIFFERS: in Helm it is either, by chance).
func (f files) AsConfig() string {
	return f.byBaseName(func(data []byte) string { return string(data) })
}

// AsSecrets is AsConfig with the contents in base64, for a Secret's data.
func (f files) AsSecrets() string { return f.byBaseName(base64.StdEncoding.EncodeToString) }

func (f files) byBaseName(text func([]byte) string) string {
	if f == nil {
		return ""
	}
	names := make([]string, 0, len(f))
	for name := range f {
		names = append(names, name)
	}
	slices.Sort(names)
	out := make(map[string]string, len(f))
	for _, name := range names {
		out[path.Base(name)] = text(f[name])
	}
	data, err := yaml.Append(nil, out)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(data), "\n")
}

// Lines returns the file's lines without a last empty one.
func (f files) Lines(name string) []string {
	data := f[name]
	if len(data) == 0 {
		return []string{}
	}
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
}
