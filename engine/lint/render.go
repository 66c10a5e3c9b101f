package lint

import (
	"context"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release/manifest"
)

// renderChart renders as Helm's lint does: with a release of its own, in lint
// mode, whatever kubeVersion the chart asks for.
func renderChart(ctx context.Context, c *chart.Chart, vals map[string]any, options *Options) (*rendered, error) {
	merged, err := mergeForLint(c, vals, options)
	if err != nil {
		return nil, nil
	}
	program, err := engine.Compile(c, engine.Options{Compat: options.Compat, LoadSchema: options.LoadSchema})
	if err != nil {
		return nil, err
	}
	capabilities := engine.DefaultCapabilities()
	if options.KubeVersion != nil {
		capabilities.KubeVersion = *options.KubeVersion
	}
	input := engine.Input{
		Values:          merged,
		Release:         engine.Release{Name: "test-release", Namespace: options.Namespace},
		Capabilities:    capabilities,
		SkipSchema:      options.SkipSchema,
		SkipKubeVersion: true,
		Lint:            true,
	}
	output, err := program.Render(ctx, input)
	if err != nil {
		return nil, err
	}
	result := &rendered{
		values: output.Values,
		files:  make([]manifest.File, len(output.Files)),
		trace:  func(file string) (*engine.Trace, error) { return program.Trace(ctx, input, file) },
	}
	for i, file := range output.Files {
		result.files[i] = manifest.File(file)
	}
	return result, nil
}
