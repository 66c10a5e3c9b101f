package repo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	helmrepo "helm.sh/helm/v3/pkg/repo"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/e6d26078/slipway/chart"
)

// FuzzCanonicalIndex holds the reader of Helm's layout against the full parser:
// what the first accepts, both read alike.
func FuzzCanonicalIndex(f *testing.F) {
	for _, seed := range indexSeeds() {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) { compareReaders(t, data) })
}

func compareReaders(t *testing.T, data []byte) {
	t.Helper()
	if len(data) == 0 {
		return
	}
	fast := parseCanonical(append([]byte(nil), data...))
	if fast == nil {
		return
	}
	full, err := parseFully(data)
	if err != nil {
		t.Fatalf("the full parser refuses what the fast one accepts: %v\n%s", err, data)
	}
	for _, x := range []*Index{full, fast} {
		for _, list := range x.Entries {
			for _, v := range list {
				if v != nil && v.Metadata == nil {
					v.Metadata = &chart.Metadata{} // as cleaning does
				}
			}
		}
	}
	if diff := cmp.Diff(full, fast); diff != "" {
		t.Fatalf("(- full, + fast)\n%s\n%s", diff, data)
	}
	fast.clean()
	full.clean()
	if diff := cmp.Diff(full, fast); diff != "" {
		t.Fatalf("cleaned (- full, + fast)\n%s", diff)
	}
}

// helmIndex is an index with one chart for each feature of the format, as Helm writes it.
func helmIndex(t *testing.T) []byte {
	t.Helper()
	x := helmrepo.NewIndexFile()
	texts := []string{"plain", "with: colon", "ends in colon:", "# hash", "a #b", "'quoted'", `"double"`, "true", "1.10", "0x1f", "1e3", "0b1010", "null", "~", "",
		strings.Repeat("long text that is folded at eighty columns ", 8), strings.Repeat("it's: folded and quoted ", 8), "two\nlines\n", "two\n\nlines", " leading", "trailing ",
		"tab\there", "é ünïcode – dash", "- item", "? key", "{}", "[]", "* star", "& and", "! bang", "% percent", "@ at", "` tick", "back\\slash", strings.Repeat("nospace", 30), "2001-02-03", "12:30:45", "y", "No", "=", "<<", "-", ".5", "+1"}
	for i, text := range texts {
		key := "other"
		if isPrintable(text) && !strings.Contains(text, "'") {
			key = "k" + strings.TrimSpace(text[:min(len(text), 40)])
		}
		m := &chart.Metadata{
			APIVersion: "v2", Name: fmt.Sprintf("chart%d", i), Version: fmt.Sprintf("%d.0.0", i), Description: text, AppVersion: text, Home: text,
			Keywords: []string{text, "x", text}, Sources: []string{text}, Annotations: map[string]string{"a": text, key: "v", "z": "end"},
			Maintainers:  []*chart.Maintainer{{Name: text, Email: "a@b"}, {Name: "B", URL: text}},
			Dependencies: []*chart.Dependency{{Name: "d", Version: text, Repository: text, Tags: []string{text}, Enabled: true, ImportValues: []any{text, map[string]any{"child": text, "parent": "p"}}}, {Name: "e", Repository: "r"}},
		}
		for _, version := range []string{"1.0.0", "2.0.0-rc.1", "10.0.0", "v1.5", "1.0.0+b", "1.0.0"} {
			n := *m
			n.Version = version
			x.Entries[m.Name] = append(x.Entries[m.Name], &helmrepo.ChartVersion{Metadata: &n, URLs: []string{text}, Created: time.Date(2026, 1, 2, 3, 4, 5, i, time.FixedZone("", 3600*i%7)), Digest: fmt.Sprintf("%064x", i*7)})
		}
	}
	data, err := sigsyaml.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestIndexesOfHelmAreReadAsHelmReadsThem(t *testing.T) {
	data := helmIndex(t)
	if parseCanonical(data) == nil {
		t.Fatal("the layout that Helm writes is not recognised")
	}
	compareReaders(t, data)
	compareFileWithHelm(t, data)
}

func compareFileWithHelm(t *testing.T, data []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "index.yaml")
	write(t, path, data)
	theirs, err := helmrepo.LoadIndexFile(path)
	if err != nil {
		t.Fatal(err)
	}
	compareWithHelm(t, path, theirs)
}

// compareWithHelm compares all that Helm knows of an index, also through the catalog.
func compareWithHelm(t *testing.T, path string, theirs *helmrepo.IndexFile) {
	t.Helper()
	ours, err := LoadIndex(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := sigsyaml.Marshal(theirs)
	if err != nil {
		t.Fatal(err)
	}
	got, err := sigsyaml.Marshal(ours)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Fatalf("(- helm, + slipway)\n%s", diff)
	}
	for _, round := range []string{"without the file beside it", "with it"} {
		c, err := OpenCatalog(path, CatalogOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for name, list := range ours.Entries {
			got, err := c.Versions(name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(list, got); diff != "" {
				t.Fatalf("catalog %s: (- index, + catalog)\n%s", round, diff)
			}
		}
		if len(c.Names()) != len(ours.Entries) {
			t.Errorf("%d names, want %d", len(c.Names()), len(ours.Entries))
		}
	}
}

func TestVersionsAreChosenAsHelmChoosesThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.yaml")
	write(t, path, helmIndex(t))
	ours, err := LoadIndex(path)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := helmrepo.LoadIndexFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"", "*", "1.0.0", "1.0.0+b", "v1.5", "1.5", "~1", "^1.0", ">1", ">0.0.0-0", ">=2.0.0-0", "2", "10.x", ">99", "nonsense", "1.0.0 || 2.0.0-rc.1", "<1"} {
		want, wantErr := theirs.Get("chart0", version)
		got, err := ours.Get("chart0", version)
		if (err != nil) != (wantErr != nil) {
			t.Errorf("%q: %v, Helm: %v", version, err, wantErr)
		} else if err == nil && got.Version != want.Version {
			t.Errorf("%q gives %s, Helm %s", version, got.Version, want.Version)
		}
	}
	if _, err := ours.Get("none", ""); !errors.Is(err, ErrNoChart) {
		t.Errorf("no such chart: %v", err)
	}
	if _, err := ours.Get("chart0", ">99"); !errors.Is(err, ErrNoVersion) {
		t.Errorf("no such version: %v", err)
	}
}

func TestBadIndexesAreRefused(t *testing.T) {
	for name, data := range map[string]string{
		"empty":          "",
		"no API version": "entries: {}\n",
		"double key":     "apiVersion: v1\nentries:\n  a:\n  - name: a\n    name: b\n    version: 1.0.0\n",
		"double chart":   "apiVersion: v1\nentries:\n  a:\n  - name: a\n  a:\n  - name: a\n",
		"unknown field":  "apiVersion: v1\nentries:\n  a:\n  - name: a\n    nonsense: 1\n",
		"wrong type":     "apiVersion: v1\nentries:\n  a:\n  - name: a\n    urls: 7\n",
		"list":           "apiVersion: v1\nentries:\n- a\n",
		"control":        "apiVersion: v1\nentries:\n  a:\n  - name: \"a\x01\"\n",
		"deep":           "apiVersion: v1\nentries: " + strings.Repeat("[", 20000) + "\n",
		"deep JSON":      `{"apiVersion":"v1","serverInfo":{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "}}",
		"aliases":        "apiVersion: &a [x,x,x,x,x,x,x,x,x]\n" + billion(),
		"long name":      "apiVersion: v1\nentries:\n  ? " + strings.Repeat("a", 2000) + "\n  : []\n",
		"HTML":           "<html><body>404</body></html>",
	} {
		if _, err := ParseIndex([]byte(data)); !errors.Is(err, ErrInvalidIndex) {
			t.Errorf("%s: %v", name, err)
		}
	}
	x, err := ParseIndex([]byte("apiVersion: v1\nentries:\n  a:\n  - name: ../../etc\n    version: 1.0.0\n  - name: a\n    version: nonsense\n  - null\n  - name: a\n    version: 1.0.0\n"))
	if err != nil || len(x.Entries["a"]) != 1 || len(x.Skipped) != 3 {
		t.Errorf("invalid entries: %v %+v", err, x)
	}
}

func billion() string {
	text, last := "annotations:\n", "a"
	for _, c := range "bcdefghij" {
		text += fmt.Sprintf("  %c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat("*"+last+",", 9), ","))
		last = string(c)
	}
	return text
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
