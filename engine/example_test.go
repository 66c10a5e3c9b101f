package engine_test

import (
	"context"
	"fmt"
	"log"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/engine"
)

// smallChart is a chart in memory; programs usually have it from chart.Load.
func smallChart() *chart.Chart {
	c, err := chart.LoadFiles([]*chart.File{
		{Name: "Chart.yaml", Data: []byte("apiVersion: v2\nname: web\nversion: 1.0.0\n")},
		{Name: "values.yaml", Data: []byte("replicas: 1\n")},
		{Name: "templates/cm.yaml", Data: []byte("name: {{ .Release.Name }}\nreplicas: {{ .Values.replicas }}\n")},
	})
	if err != nil {
		log.Fatal(err)
	}
	return c
}

// A chart is compiled once and rendered as often as needed.
func ExampleCompile() {
	program, err := engine.Compile(smallChart(), engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, replicas := range []int{2, 3} {
		out, err := program.Render(context.Background(), engine.Input{
			Release: engine.Release{Name: "shop", Namespace: "prod"},
			Values:  map[string]any{"replicas": replicas},
		})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(out.Files[0].Name, "\n", out.Files[0].Content)
	}
	// Output:
	// web/templates/cm.yaml
	// name: shop
	// replicas: 2
	// web/templates/cm.yaml
	// name: shop
	// replicas: 3
}

// The lookup function of templates answers what the caller hands in.
func ExampleInput_lookup() {
	c := smallChart()
	c.Templates[0].Data = []byte(`{{ (lookup "v1" "ConfigMap" "prod" "settings").data.colour }}`)
	program, err := engine.Compile(c, engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	out, err := program.Render(context.Background(), engine.Input{
		Lookup: func(apiVersion, kind, namespace, name string) (map[string]any, error) {
			return map[string]any{"data": map[string]any{"colour": "blue, from " + kind + " " + namespace + "/" + name}}, nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(out.Files[0].Content)
	// Output: blue, from ConfigMap prod/settings
}

// A program that calls engine.Render of Helm's SDK changes one import. The
// render values are those of chartutil.ToRenderValues.
func ExampleRender() {
	files, err := engine.Render(smallChart(), map[string]any{
		"Release": map[string]any{"Name": "shop"},
		"Values":  map[string]any{"replicas": 2},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(files["web/templates/cm.yaml"])
	// Output:
	// name: shop
	// replicas: 2
}
