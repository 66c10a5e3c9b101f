package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"helm.sh/helm/v3/pkg/chart"
	helmrepo "helm.sh/helm/v3/pkg/repo"
	"sigs.k8s.io/yaml"
)

// generate writes an index of count versions, byte by byte as Helm would, and
// prints the name of a chart in it.
func generate(path, count, corpus string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	heads, err := metadata(corpus)
	if err != nil {
		return err
	}
	slices.SortFunc(heads, func(a, b *chart.Metadata) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	heads = slices.CompactFunc(heads, func(a, b *chart.Metadata) bool { return a.Name == b.Name })
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	fmt.Fprint(f, "apiVersion: v1\nentries:\n")
	created := time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)
	for i, head := range heads {
		share := n/len(heads) + min(1, max(0, n%len(heads)-i))
		text, err := entries(head, share, created)
		if err != nil {
			return err
		}
		fmt.Fprintf(f, "  %s:\n%s", head.Name, text)
	}
	fmt.Fprint(f, "generated: \"2026-01-02T03:04:05.678901234Z\"\n")
	fmt.Print(heads[len(heads)/2].Name)
	return f.Close()
}

// entries are n versions of a chart, newest first.
func entries(head *chart.Metadata, n int, created time.Time) ([]byte, error) {
	list := make([]*helmrepo.ChartVersion, n)
	for i := range list {
		m := *head
		k := n - i
		m.Version = fmt.Sprintf("%d.%d.%d", k/100, k/10%10, k%10)
		list[i] = &helmrepo.ChartVersion{
			Metadata: &m, Created: created.Add(time.Duration(k) * time.Hour),
			Digest: fmt.Sprintf("%064x", uint64(k)*0x9e3779b97f4a7c15), URLs: []string{"https://charts.example.com/" + m.Name + "-" + m.Version + ".tgz"},
		}
	}
	text, err := yaml.Marshal(list)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for line := range bytes.Lines(text) {
		out.WriteString("  ")
		out.Write(line)
	}
	return out.Bytes(), nil
}

// metadata is that of the charts in a folder, or of 300 made-up ones.
func metadata(corpus string) ([]*chart.Metadata, error) {
	if corpus != "" {
		x, err := helmrepo.IndexDirectory(corpus, "")
		if err != nil {
			return nil, err
		}
		var list []*chart.Metadata
		for _, versions := range x.Entries {
			list = append(list, versions[0].Metadata)
		}
		return list, nil
	}
	list := make([]*chart.Metadata, 300)
	for i := range list {
		list[i] = &chart.Metadata{
			APIVersion: "v2", Name: fmt.Sprintf("chart-%03d", i), AppVersion: "1.10", Type: "application",
			Description: "A chart that is made up so that there is something to measure, with a text which is folded.",
			Home:        "https://example.com", Icon: "https://example.com/icon.svg", KubeVersion: ">=1.22.0-0",
			Keywords: []string{"made-up", "measure"}, Sources: []string{"https://example.com/source"},
			Maintainers:  []*chart.Maintainer{{Name: "Somebody", Email: "somebody@example.com"}},
			Dependencies: []*chart.Dependency{{Name: "common", Version: "2.x.x", Repository: "https://charts.example.com", Tags: []string{"common"}}},
			Annotations:  map[string]string{"category": "Infrastructure", "images": "- name: web\n  image: example.com/web:1.2.3\n"},
		}
	}
	return list, nil
}
