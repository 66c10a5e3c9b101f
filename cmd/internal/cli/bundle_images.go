package cli

import (
	"context"

	helmrelease "helm.sh/helm/v3/pkg/release"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

// bundledImages renders a chart and lists the images that it names, in hooks and tests too.
func (a *app) bundledImages(ctx context.Context, o *bundleOptions, c *chart.Chart, path string) ([]string, error) {
	if o.noRender || c.Metadata.Type == "library" {
		return nil, nil
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
	return deploy.Images(&release.Record{Release: &helmrelease.Release{Manifest: text}})
}
