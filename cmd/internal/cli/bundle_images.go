package cli

import (
	"context"

	helmrelease "helm.sh/helm/v3/pkg/release"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/yaml"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

// bundledImages renders a chart and lists the images that it names, in hooks and
// tests too, and those in its annotation.
func (a *app) bundledImages(ctx context.Context, o *bundleOptions, c *chart.Chart, path string) ([]string, error) {
	if o.noRender || c.Metadata.Type == "library" {
		return annotatedImages(c), nil
	}
	one := o.templateOptions
	one.chart = chartFlags{} // it is there
	one.dryRun = "client"
	r, err := a.newRendering(ctx, &one, []string{"release-name", path})
	if err != nil {
		return nil, err
	}
	out, err := r.program.Render(ctx, r.input)
	if err != nil {
		return nil, r.explain(ctx, err, nil)
	}
	_, files := manifest.Notes(manifestFiles(out.Files), r.chart.Name(), false)
	set, err := manifest.Sort(files, manifest.Options{Compat: manifest.Compat(o.compat)})
	if err != nil {
		return nil, r.explain(ctx, err, files)
	}
	text := manifest.Output(set.Body(nil, manifest.BodyOptions{}), set.Hooks, manifest.OutputOptions{})
	images, err := deploy.Images(&release.Record{Release: &helmrelease.Release{Manifest: text}})
	if err != nil {
		return nil, err
	}
	return append(images, annotatedImages(c)...), nil
}

// annotatedImages are those that a chart lists for Artifact Hub, such as the ones
// that its operator starts.
func annotatedImages(c *chart.Chart) []string {
	list, err := yaml.Decode([]byte(c.Metadata.Annotations["artifacthub.io/images"]))
	items, ok := list.([]any)
	if err != nil || !ok {
		return nil
	}
	var images []string
	for _, item := range items {
		fields, _ := item.(map[string]any)
		if image, _ := fields["image"].(string); image != "" {
			images = append(images, image)
		}
	}
	return images
}
