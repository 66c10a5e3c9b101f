package release

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"helm.sh/helm/v3/pkg/chart"
)

// SecretLimit is what [Record.Fit] is asked for when a Secret or ConfigMap will
// hold the record: the 1 MiB that Kubernetes allows for their data, less room
// for what an operation adds on its way, such as the outcomes of hooks.
const SecretLimit = 1<<20 - 16<<10

// TooLargeError says that a record does not fit.
type TooLargeError struct {
	Name        string
	Version     int
	Size, Limit int    // bytes of the encoded record
	Parts       []Part // what takes up most of it, largest first
}

// Part is one thing in a record and how many bytes of the encoded record it takes, about.
type Part struct {
	Name  string
	Bytes int
}

func (e *TooLargeError) Error() string {
	parts := make([]string, len(e.Parts))
	for i, p := range e.Parts {
		parts[i] = fmt.Sprintf("%s (%s)", p.Name, size(p.Bytes))
	}
	return fmt.Sprintf("release %s revision %d is too large to be stored: its record takes %s, the limit is %s; most of it is %s",
		e.Name, e.Version, size(e.Size), size(e.Limit), strings.Join(parts, ", "))
}

// size is a number of bytes for people.
func size(n int) string {
	if n < 1<<20 {
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.2f MiB", float64(n)/(1<<20))
}

// Fit makes the encoded record no larger than limit bytes, or returns a
// *TooLargeError. It does as little as it takes, in this order: compress
// better, leave documentation and licences out of the stored chart, leave out
// what is for its developers (ci, tests, examples), leave out pictures. No
// template, value, schema or CRD goes, nor any other file, for a template may
// read it. A rollback needs none of them. The chart that r.Chart points to stays
// as it is; r gets another one if files go.
func (r *Record) Fit(limit int) error {
	raw, err := r.JSON()
	if err != nil {
		return err
	}
	// Base64 takes four bytes for three, and gzip adds hardly anything to what
	// it cannot compress.
	if len(raw)/3*4+len(raw)/1000+1024 <= limit {
		return nil
	}
	size, err := r.packed(limit)
	for _, isBallast := range ballast {
		if err != nil || size <= limit {
			return err
		}
		if r.drop(isBallast) {
			size, err = r.packed(limit)
		}
	}
	if err != nil || size <= limit {
		return err
	}
	parts, err := r.parts()
	if err != nil {
		return err
	}
	return &TooLargeError{Name: r.Name, Version: r.Version, Size: size, Limit: limit, Parts: parts}
}

// packed is the size of the encoded record. The best compression is used from
// the first time on that another does not do.
func (r *Record) packed(limit int) (int, error) {
	data, err := r.Encode()
	if err != nil || len(data) <= limit || r.tight {
		return len(data), err
	}
	r.tight = true
	data, err = r.Encode()
	return len(data), err
}

// ballast is what can be left out of a stored chart, in the order in which it is.
var ballast = []func(name string) bool{isDocumentation, isForDevelopers, isPicture}

func isDocumentation(name string) bool {
	first, _, nested := strings.Cut(name, "/")
	if nested && (first == "docs" || first == "doc") {
		return true
	}
	base := strings.ToLower(path.Base(name))
	switch path.Ext(strings.TrimSuffix(base, ".gotmpl")) { // helm-docs makes README.md from README.md.gotmpl
	case ".md", ".markdown", ".rst", ".adoc", ".pdf":
		return true
	}
	switch strings.TrimSuffix(base, ".txt") {
	case "readme", "license", "licence", "copying", "notice", "changelog", "authors", "owners", "maintainers", "contributing":
		return true
	}
	return false
}

func isForDevelopers(name string) bool {
	first, _, nested := strings.Cut(name, "/")
	return nested && slices.Contains([]string{"ci", "test", "tests", "example", "examples", ".github"}, first)
}

func isPicture(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".ico", ".drawio":
		return true
	}
	return false
}

// drop leaves files out of the stored chart and reports whether there were any.
func (r *Record) drop(unwanted func(name string) bool) bool {
	if r.Chart == nil {
		return false
	}
	kept := slices.DeleteFunc(slices.Clone(r.Chart.Files), func(f *chart.File) bool { return unwanted(f.Name) })
	if len(kept) == len(r.Chart.Files) {
		return false
	}
	slim := *r.Chart
	slim.Files = kept
	r.Chart = &slim
	return true
}

// maxParts is how many parts a TooLargeError names.
const maxParts = 5

// parts are what takes up most of the record. Each is compressed by itself,
// since a long manifest may take less than a short picture.
func (r *Record) parts() ([]Part, error) {
	var parts []Part
	add := func(name string, data []byte) error {
		packed, err := pack(data, gzip.BestSpeed)
		parts = append(parts, Part{name, len(packed)})
		return err
	}
	for _, p := range r.contents() {
		if err := add(p.name, p.data); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(parts, func(a, b Part) int { return b.Bytes - a.Bytes })
	return parts[:min(len(parts), maxParts)], nil
}

// content is a named part of a record.
type content struct {
	name string
	data []byte
}

// contents takes a record apart.
func (r *Record) contents() []content {
	all := []content{{"the manifest", []byte(r.Manifest)}, {"the notes", []byte(r.Info.Notes)}}
	for _, h := range r.Hooks {
		all = append(all, content{"the hook " + h.Path, []byte(h.Manifest)})
	}
	if values, err := json.Marshal(r.Config); err == nil {
		all = append(all, content{"the given values", values})
	}
	if r.Chart == nil {
		return all
	}
	if values, err := json.Marshal(r.Chart.Values); err == nil {
		all = append(all, content{"the chart's values", values})
	}
	all = append(all, content{"the chart's schema", r.Chart.Schema})
	for _, f := range append(slices.Clone(r.Chart.Templates), r.Chart.Files...) {
		all = append(all, content{"the chart's " + f.Name, f.Data})
	}
	return all
}
