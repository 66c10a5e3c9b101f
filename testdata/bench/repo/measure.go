package main

import (
	"fmt"

	helmrepo "helm.sh/helm/v3/pkg/repo"

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
