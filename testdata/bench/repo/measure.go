package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	helmrepo "helm.sh/helm/v3/pkg/repo"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/repo"
)

// measurements are what runs in a process of its own, on an index and the name
// of a chart in it.
var measurements = map[string]func(path, name string) error{
	"nothing": func(string, string) error { return nil },
	"helm load": func(path, name string) error {
		x, err := helmrepo.LoadIndexFile(path)
		if err != nil {
			return err
		}
		_, err = x.Get(name, "")
		return err
	},
	"slipway load": func(path, name string) error {
		x, err := repo.LoadIndex(path)
		if err != nil {
			return err
		}
		_, err = x.Get(name, "")
		return err
	},
	"slipway look-up, cold": lookUp,
	"slipway look-up, warm": lookUp,
	"make archives":         makeArchives,
	"make museum":           makeMuseum,
	"helm index": func(dir, _ string) error {
		x, err := helmrepo.IndexDirectory(dir, "https://charts.example.com")
		if err != nil {
			return err
		}
		x.SortEntries()
		return x.WriteFile(filepath.Join(dir, "index.yaml"), 0o644)
	},
	"slipway index, all new": func(dir, _ string) error { return index(dir, true) },
	"slipway index, one new": func(dir, _ string) error {
		// Another time for each process.
		now := time.Now().Add(-time.Hour)
		if err := os.Chtimes(filepath.Join(dir, "chart-0-1.0.0.tgz"), now, now.Add(-time.Duration(os.Getpid())*time.Second)); err != nil {
			return err
		}
		return index(dir, false)
	},
}

func index(dir string, forget bool) error {
	x, err := repo.Generate(dir, repo.GenerateOptions{URL: "https://charts.example.com", Now: time.Now().Add(time.Hour), Forget: forget})
	if err != nil {
		return err
	}
	x.Sort()
	return x.WriteFile(filepath.Join(dir, "index.yaml"), false)
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

func lookUp(path, name string) error {
	c, err := repo.OpenCatalog(path, repo.CatalogOptions{})
	if err != nil {
		return err
	}
	v, err := c.Get(name, "")
	if err != nil {
		return err
	}
	if v.Name != name {
		return fmt.Errorf("found %s", v.Name)
	}
	return nil
}
