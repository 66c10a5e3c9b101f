package cli

import (
	"context"
	"errors"

	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
)

// chartInput are the flags that say which chart is rendered with which values
// and how. All commands that render have them.
type chartInput struct {
	chart      chartFlags
	values     values.Options
	post       postRenderer
	compat     engine.Compat
	schemaRefs *choice

	skipSchema   bool
	enableDNS    bool
	strict       bool
	dependencies bool
}

func (o *chartInput) register(f *pflag.FlagSet) {
	o.schemaRefs = newChoice("none", "remote")
	f.BoolVar(&o.skipSchema, "skip-schema-validation", false, "if set, disables JSON schema validation")
	f.BoolVar(&o.enableDNS, "enable-dns", false, "enable DNS lookups when rendering templates")
	f.BoolVar(&o.dependencies, "dependency-update", false, "update dependencies if they are missing before installing the chart")
	o.post.register(f)
	addValueFlags(f, &o.values)
	o.chart.register(f)
	addCompatFlag(f, &o.compat)
	f.BoolVar(&o.strict, "strict", false, "make the use of a value that does not exist an error")
	f.Var(o.schemaRefs, "schema-refs", "what a $ref of a values.schema.json may read outside the chart: nothing, or files and http(s)")
}

// readChart locates the chart, merges the values and loads the chart, in Helm's order.
func (a *app) readChart(ctx context.Context, o *chartInput, name string) (*chart.Chart, *values.Merged, error) {
	location, err := a.locate(ctx, name, o.chart)
	if err != nil {
		return nil, nil, err
	}
	user, err := a.mergeValues(ctx, &o.values, o.compat)
	if err != nil {
		return nil, nil, err
	}
	a.debugf("CHART PATH: %s", location)
	c, err := chart.Loader{Warn: a.warn}.Load(location)
	if err != nil {
		return nil, nil, err
	}
	a.ci.chartAt(c.Name(), location)
	if err := a.checkInstallable(c, o); err != nil {
		var missing *chart.MissingDependenciesError
		if !o.dependencies || !errors.As(err, &missing) {
			return nil, nil, err
		}
		if err := a.updateDependencies(ctx, location, &o.chart); err != nil {
			return nil, nil, err
		}
		if c, err = (chart.Loader{Warn: a.warn}).Load(location); err != nil {
			return nil, nil, err
		}
		return c, user, a.checkInstallable(c, o)
	}
	return c, user, nil
}

// schemaLoader is nil unless schemas may refer to what is outside the chart.
func (a *app) schemaLoader(ctx context.Context, o *chartInput) func(url string) ([]byte, error) {
	if o.schemaRefs.word != "remote" {
		return nil
	}
	return newSchemaLoader(ctx, a)
}

// deployFlags are those of the commands that render a chart and deploy it.
type deployFlags struct {
	input       chartInput
	change      changeFlags
	output      outputFormat
	subNotes    bool
	hideNotes   bool
	hideSecret  bool
	showSecrets bool
	helm2Hooks  bool
	restart     bool
	policy      policyFlags
}

func (d *deployFlags) register(f *pflag.FlagSet) {
	d.input.register(f)
	d.change.register(f)
	d.change.registerChart(f)
	d.output.register(f)
	f.BoolVar(&d.subNotes, "render-subchart-notes", false, "if set, render subchart notes along with the parent")
	f.BoolVar(&d.hideNotes, "hide-notes", false, "if set, do not show notes in the output. Does not affect presence in chart metadata")
	f.BoolVar(&d.hideSecret, "hide-secret", false, "hide Secrets in the output of a dry run, which is done unless --show-secrets is given")
	f.BoolVar(&d.showSecrets, "show-secrets", false, "show Secrets and values in the output of a dry run, and in JSON and YAML")
	f.BoolVar(&d.helm2Hooks, "helm2-hooks", false, "run the test-failure hooks of Helm 2 with the tests")
	f.BoolVar(&d.restart, "restart-on-config-change", false, "restart workloads of which a ConfigMap or Secret of the release changes")
	d.policy.register(f)
	hide(f, "hide-secret")
}

// check refuses combinations before anything is read.
func (d *deployFlags) check() error {
	switch {
	case d.hideSecret && d.change.dryRun.mode == deploy.NoDryRun:
		return errors.New("Hiding Kubernetes secrets requires a dry-run mode")
	case d.hideSecret && d.showSecrets:
		return errors.New("--hide-secret and --show-secrets contradict each other")
	}
	return nil
}

// renderOptions are the flags as package deploy takes them.
func (d *deployFlags) renderOptions(ctx context.Context, a *app) deploy.RenderOptions {
	o := deploy.RenderOptions{
		Compat: d.input.compat, SkipSchema: d.input.skipSchema, Strict: d.input.strict, EnableDNS: d.input.enableDNS,
		SubchartNotes: d.subNotes, LoadSchema: a.schemaLoader(ctx, &d.input),
		Helm2Hooks: d.helm2Hooks, RestartOnConfigChange: d.restart,
	}
	if d.input.post.path != "" {
		o.PostRender = d.input.post.run
	}
	return o
}

// explainRender adds to an error of rendering what helps to find its cause.
func (a *app) explainRender(ctx context.Context, err error, d *deployFlags, c *chart.Chart, user *values.Merged) error {
	var failed *deploy.RenderError
	if !errors.As(err, &failed) || failed.Program == nil {
		return err
	}
	r := &rendering{debug: a.flags.debug, compat: d.input.compat, chart: c, program: failed.Program, input: failed.Input, user: user}
	return r.explain(ctx, err, failed.Files)
}

// printRelease prints what Helm prints of a release after a change.
func (a *app) printRelease(d *deployFlags, r *release.Record, before string) error {
	if r == nil {
		return nil
	}
	a.ending.record(r)
	if !d.showSecrets && (d.change.dryRun.mode != deploy.NoDryRun || d.output != outputTable) {
		r = withoutSecretText(r)
	}
	return a.printAs(d.output, r.Release, func() (string, error) {
		if d.hideNotes {
			r = r.Clone()
			r.Info.Notes = ""
		}
		return before + statusText(r, false, nil), nil
	})
}
