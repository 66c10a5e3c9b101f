package chart_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/e6d26078/slipway/chart"
)

func ExampleLoad() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path, err := chart.Create("web", dir, chart.CreateOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := chart.Load(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Name(), c.Metadata.Version, "with", len(c.Templates), "templates")
	// Output: web 0.1.0 with 11 templates
}

func ExampleSave() {
	c, err := chart.LoadFiles([]*chart.File{
		{Name: "Chart.yaml", Data: []byte("apiVersion: v2\nname: web\nversion: 1.0.0\n")},
		{Name: "templates/map.yaml", Data: []byte("kind: ConfigMap\n")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var one, two bytes.Buffer
	if err := chart.Save(c, &one, chart.SaveOptions{}); err != nil {
		fmt.Println(err)
		return
	}
	if err := chart.Save(c, &two, chart.SaveOptions{}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("the same bytes twice:", bytes.Equal(one.Bytes(), two.Bytes()))
	// Output: the same bytes twice: true
}

func ExampleSaveFile() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	c, err := chart.LoadFiles([]*chart.File{{Name: "Chart.yaml", Data: []byte("apiVersion: v2\nname: web\nversion: 1.0.0\n")}})
	if err != nil {
		fmt.Println(err)
		return
	}
	path, err := chart.SaveFile(c, dir, chart.SaveOptions{})
	fmt.Println(filepath.Base(path), err)
	// Output: web-1.0.0.tgz <nil>
}
