package deploy

import (
	"slices"
	"strings"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/release/manifest"
)

// definition is what a CustomResourceDefinition adds to the cluster's kinds.
type definition struct {
	name        string // of itself
	group, kind string
	versions    []string // those that are served
	namespaced  bool
}

// definitions are those in the crds folders of a chart and its subcharts.
// Which subcharts take part is not known before the chart is rendered, so all count.
func definitions(c *chart.Chart) []definition {
	var all []definition
	for _, f := range c.Files {
		if !isCRDFile(f.Name) {
			continue
		}
		objects, err := manifest.Objects(string(f.Data))
		if err != nil {
			continue // rendering reports it, if the chart takes part
		}
		all = append(all, definitionsAmong(objects)...)
	}
	for _, sub := range c.Dependencies() {
		all = append(all, definitions(sub)...)
	}
	return all
}

// definitionsAmong are the CustomResourceDefinitions among objects.
func definitionsAmong(objects []manifest.Object) []definition {
	var all []definition
	for _, o := range objects {
		if o.Kind != "CustomResourceDefinition" {
			continue
		}
		spec, _ := o.Fields["spec"].(map[string]any)
		names, _ := spec["names"].(map[string]any)
		d := definition{name: o.Name, namespaced: spec["scope"] == "Namespaced"}
		d.group, _ = spec["group"].(string)
		d.kind, _ = names["kind"].(string)
		versions, _ := spec["versions"].([]any)
		for _, v := range versions {
			version, _ := v.(map[string]any)
			if name, ok := version["name"].(string); ok && version["served"] == true {
				d.versions = append(d.versions, name)
			}
		}
		all = append(all, d)
	}
	return all
}

// movedDefinitions are the CustomResourceDefinitions of earlier manifests that a
// chart has in its crds folders.
func movedDefinitions(c *chart.Chart, earlier ...[]manifest.Object) []manifest.Ref {
	var moved []manifest.Ref
	var isMoved map[string]bool
	for _, o := range slices.Concat(earlier...) {
		if o.Kind != "CustomResourceDefinition" || c == nil {
			continue
		}
		if isMoved == nil { // reading them takes long, and earlier manifests seldom have any
			isMoved = map[string]bool{}
			for _, d := range definitions(c) {
				isMoved[d.name] = true
			}
		}
		if isMoved[o.Name] {
			moved = append(moved, o.Ref)
		}
	}
	return moved
}

// settle gives objects of kinds that the definitions will add their namespace.
// It returns those of kinds that nobody defines.
func settle(objects []manifest.Object, defined []definition, namespace string) (known, unknown []manifest.Object) {
	for _, o := range objects {
		d := findDefinition(defined, o.Ref)
		if d == nil {
			unknown = append(unknown, o)
			continue
		}
		switch {
		case !d.namespaced:
			o.Namespace = ""
		case o.Namespace == "":
			o.Namespace = namespace
		}
		known = append(known, o)
	}
	return known, unknown
}

func findDefinition(defined []definition, ref manifest.Ref) *definition {
	for i, d := range defined {
		if d.kind != ref.Kind || d.group != ref.Group() {
			continue
		}
		for _, v := range d.versions {
			if strings.HasSuffix(ref.APIVersion, "/"+v) {
				return &defined[i]
			}
		}
	}
	return nil
}
