// Command ours runs slipway's measurements of the command repo in a process that
// is not linked with Helm, whose packages take memory and time at the start.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/e6d26078/slipway/repo"
	"github.com/e6d26078/slipway/testdata/bench/repo/own"
)

var measurements = own.Measurements{
	"slipway load": func(path, name string) error {
		x, err := repo.LoadIndex(path)
		if err != nil {
			return err
		}
		_, err = x.Get(name, "")
		return err
	},
	"slipway look-up, cold":  lookUp,
	"slipway look-up, warm":  lookUp,
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

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: ours MEASUREMENT PATH NAME")
	}
	if err := measurements.Run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		log.Fatal(err)
	}
}

func index(dir string, forget bool) error {
	x, err := repo.Generate(dir, repo.GenerateOptions{URL: "https://charts.example.com", Now: time.Now().Add(time.Hour), Forget: forget})
	if err != nil {
		return err
	}
	x.Sort()
	return x.WriteFile(filepath.Join(dir, "index.yaml"), false)
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
