package main

import (
	"fmt"
	"path/filepath"
	"strconv"

	helmrepo "helm.sh/helm/v3/pkg/repo"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/testdata/bench/repo/own"
)

// measurements are what runs in a process of its own, on an index and the name
// of a chart in it. Slipway's run in a program that is not linked with Helm (ours).
var measurements = own.Measurements{
	"nothing": func(string, string) error { return nil },
	"helm load": func(path, name string) error {
		x, err := helmrepo.LoadIndexFile(path)
		if err != nil {
			return err
		}
		_, err = x.Get(name, "")
		return err
	},
	"make archives": makeArchives,
	"make museum":   makeMuseum,
	"helm index": func(dir, _ string) error {
		x, err := helmrepo.IndexDirectory(dir, "https://charts.example.com")
		if err != nil {
			return err
		}
		x.SortEntries()
		return x.WriteFile(filepath.Join(dir, "index.yaml"), 0o644)
	},
}

// makeArchives packages charts of the usual size.
func makeArchives(dir, count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	text := make([]byte, 0, 20000)
	for i := range 2000 {
		text = fmt.Appendf(text, "key%d: %x\n", i, i*i*i)
	}
	for i := range n {
		c := &chart.Chart{
			Metadata:  &chart.Metadata{APIVersion: "v2", Name: fmt.Sprintf("chart-%d", i), Version: "1.0.0", Description: "A chart to be indexed"},
			Raw:       []*chart.File{{Name: "values.yaml", Data: text}},
			Templates: []*chart.File{{Name: "templates/all.yaml", Data: text}},
		}
		if _, err := chart.SaveFile(c, dir, chart.SaveOptions{}); err != nil {
			return err
		}
	}
	return nil
}
