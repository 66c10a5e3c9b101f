package yaml_test

import (
	"fmt"

	"github.com/e6d26078/slipway/chart/yaml"
)

func ExampleDecodeMap() {
	values, err := yaml.DecodeMap([]byte("replicas: 3\nimage:\n  tag: 1.10\nn: on\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(values)
	// Output: map[false:true image:map[tag:1.1] replicas:3]
}

func ExampleUnmarshal() {
	var chart struct {
		Name       string `json:"name"`
		AppVersion string `json:"appVersion"`
	}
	if err := yaml.Unmarshal([]byte("name: web\nappVersion: 1.10\n"), &chart); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(chart.Name, chart.AppVersion)
	// Output: web 1.1
}

func ExampleReadHead() {
	head, err := yaml.ReadHead("apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate\n  annotations:\n    helm.sh/hook-weight: 5\n")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(head.Kind, head.Metadata.Name, head.Metadata.Annotations["helm.sh/hook-weight"])
	_, err = yaml.ReadHead("kind: [")
	fmt.Println(err)
	// Output:
	// Job migrate 5
	// error converting YAML to JSON: yaml: line 1: did not find expected node content
}

func ExampleIndex() {
	positions, err := yaml.Index([]byte("image:\n  tag: 1.10\nn: 1\nn: 2\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	tag := positions.At("image", "tag")
	fmt.Printf("line %d, column %d: written %q\n", tag.Position().Line, tag.Position().Column, tag.Text.Value)
	for _, d := range positions.Duplicates() {
		fmt.Printf("%v, written %q: lines %d and %d\n", d.Last.Path(), d.Last.Key.Value, d.First.Position().Line, d.Last.Position().Line)
	}
	// Output:
	// line 2, column 3: written "1.10"
	// [false], written "n": lines 3 and 4
}
