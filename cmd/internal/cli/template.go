package cli

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/manifest"
)

const templateLong = `Render chart templates locally and display the output.

Without more, no cluster is asked: what would be looked up there is faked.
--dry-run=server lets the lookup function see the cluster. --validate renders
with the cluster's capabilities, and has its API server try every object.

The output is that of Helm v3.22.0 to the byte, with --compat helm4 that of
Helm v4.3.1. Errors show the template lines and the includes that led to them.`

// templateOptions are the flags of "template".
type templateOptions struct {
	chartInput
	name    nameFlags
	timeout time.Duration

	kubeVersion string
	apiVersions []string
	showOnly    []string
	outputDir   string
	dryRun      string
	labels      map[string]string
	validate    bool
	includeCRDs bool
	skipTests   bool
	noHooks     bool
	isUpgrade   bool
	releaseName bool
}

func newTemplate(a *app) *cobra.Command {
	o := &templateOptions{}
	cmd := &cobra.Command{
		Use:   "template [NAME] [CHART]",
		Short: "locally render templates",
		Long:  templateLong,
		Args:  minimumArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runTemplate(cmd.Context(), o, args)
		},
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if !o.validate && !o.asksCluster() {
				return nil
			}
			return a.needCluster(cmd.Context())
		},
	}
	o.register(cmd.Flags())
	return cmd
}

func (o *templateOptions) register(f *pflag.FlagSet) {
	f.StringArrayVarP(&o.showOnly, "show-only", "s", nil, "only show manifests rendered from the given templates")
	f.StringVar(&o.outputDir, "output-dir", "", "writes the executed templates to files in output-dir instead of stdout")
	f.BoolVar(&o.validate, "validate", false, "validate your manifests against the Kubernetes cluster you are currently pointing at")
	f.BoolVar(&o.includeCRDs, "include-crds", false, "include CRDs in the templated output")
	f.BoolVar(&o.skipTests, "skip-tests", false, "skip tests from templated output")
	f.BoolVar(&o.isUpgrade, "is-upgrade", false, "set .Release.IsUpgrade instead of .Release.IsInstall")
	f.StringVar(&o.kubeVersion, "kube-version", "", "Kubernetes version used for Capabilities.KubeVersion")
	f.StringSliceVarP(&o.apiVersions, "api-versions", "a", nil, "Kubernetes api versions used for Capabilities.APIVersions")
	f.BoolVar(&o.releaseName, "release-name", false, "use release name in the output-dir path.")
	f.BoolVar(&o.noHooks, "no-hooks", false, "leave hooks out of the output")
	f.DurationVar(&o.timeout, "timeout", 0, "time that rendering may take, such as 30s; 0 means no limit")
	o.name.register(f)
	o.chartInput.register(f)

	// Flags of an install that Helm's template takes and that change nothing in its output.
	f.StringVar(&o.dryRun, "dry-run", "client", "server lets the lookup function see the cluster")
	f.Lookup("dry-run").NoOptDefVal = "client"
	f.StringToStringVarP(&o.labels, "labels", "l", nil, "labels that would be added to release metadata")
	f.Bool("render-subchart-notes", false, "if set, render subchart notes along with the parent")
	f.Bool("hide-notes", false, "if set, do not show notes in install output")
	f.Bool("skip-crds", false, "if set, no CRDs will be installed")
	f.Bool("create-namespace", false, "create the release namespace if not present")
	f.Bool("force", false, "force resource updates through a replacement strategy")
	f.Bool("replace", false, "re-use the given name of a deleted release")
	f.Bool("wait", false, "wait until all objects are ready")
	f.Bool("wait-for-jobs", false, "wait until all jobs have been completed")
	f.Bool("atomic", false, "delete the installation on failure")
	f.Bool("take-ownership", false, "take ownership of existing resources")
	f.Bool("disable-openapi-validation", false, "do not validate against the Kubernetes OpenAPI schema")
	f.String("description", "", "add a custom description")
	hide(f, "labels", "render-subchart-notes", "hide-notes", "skip-crds", "create-namespace", "force", "replace", "wait",
		"wait-for-jobs", "atomic", "take-ownership", "disable-openapi-validation", "description")
}

// check refuses flags that cannot be followed, before anything is read.
func (o *templateOptions) check() error {
	switch o.dryRun {
	case "", "true", "client", "server", "none", "false":
	default:
		return errors.New("Invalid dry-run flag. Flag must one of the following: false, true, none, client, server")
	}
	return release.CheckLabels(o.labels)
}

func (a *app) runTemplate(ctx context.Context, o *templateOptions, args []string) error {
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.timeout)
		defer cancel()
	}
	r, err := a.newRendering(ctx, o, args)
	if err != nil {
		return err
	}
	c, err := a.connectRendering(ctx, r)
	if err != nil {
		return err
	}
	if c != nil {
		defer c.close()
	}
	out, err := r.program.Render(ctx, r.input)
	if err != nil {
		var template *engine.TemplateError
		if a.flags.debug && errors.As(err, &template) {
			_ = a.print("\n") // Helm prints the manifests it has: none
		}
		return r.explain(ctx, err, nil)
	}
	_, files := manifest.Notes(manifestFiles(out.Files), r.chart.Name(), false)
	set, err := manifest.Sort(files, manifest.Options{Compat: manifest.Compat(o.compat)})
	if set != nil {
		for _, skipped := range set.Skipped {
			a.warn(skipped.String())
		}
	}
	if err != nil {
		if a.flags.debug {
			_ = a.print(manifest.Output(manifest.Dump(files), set.Hooks, r.shown()))
		}
		return r.explain(ctx, err, files)
	}
	if o.validate {
		if err := a.validateObjects(ctx, c, r, set.Body(nil, manifest.BodyOptions{})); err != nil {
			return err
		}
	}
	var crds []manifest.File
	if o.includeCRDs {
		crds = customResources(nil, out.Root)
	}
	return a.printRendering(ctx, r, crds, set)
}

// customResources lists the files in crds/ of the charts that take part, in
// Helm's order.
func customResources(list []manifest.File, n *values.Node) []manifest.File {
	for _, f := range n.Chart.Files {
		if !strings.HasPrefix(f.Name, "crds/") {
			continue
		}
		switch strings.ToLower(path.Ext(f.Name)) {
		case ".yaml", ".yml", ".json":
			list = append(list, manifest.File{Name: path.Join(n.FullPath(), f.Name), Content: string(f.Data)})
		}
	}
	for _, dep := range n.Deps() {
		list = customResources(list, dep)
	}
	return list
}

// printRendering writes the documents to standard output or into a folder.
func (a *app) printRendering(ctx context.Context, r *rendering, crds []manifest.File, set *manifest.Set) error {
	o := r.options
	body, hooks := "", set.Hooks
	if o.outputDir == "" {
		body = set.Body(crds, manifest.BodyOptions{})
	} else {
		if err := a.writeFolder(r, crds, set); err != nil {
			return err
		}
		hooks = nil
	}
	body, err := o.post.run(ctx, body)
	if err != nil {
		return err
	}
	text := manifest.Output(body, hooks, r.shown())
	if len(o.showOnly) > 0 {
		if text, err = manifest.ShowOnly(text, o.showOnly, manifest.Compat(o.compat)); err != nil {
			return withHint(err, "the pattern is matched against paths inside the chart, such as templates/service.yaml, and * does not match a /")
		}
	}
	return a.print(text)
}

// rendering is everything that one call of "template" renders with.
type rendering struct {
	options *templateOptions // nil for the commands that deploy
	debug   bool
	compat  engine.Compat
	chart   *chart.Chart
	program *engine.Program
	input   engine.Input
	user    *values.Merged
}

func (r *rendering) shown() manifest.OutputOptions {
	return manifest.OutputOptions{NoHooks: r.options.noHooks, SkipTests: r.options.skipTests}
}

// newRendering reads and checks everything, in Helm's order.
func (a *app) newRendering(ctx context.Context, o *templateOptions, args []string) (*rendering, error) {
	capabilities, err := o.capabilities()
	if err != nil {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	name, chartName, err := a.nameAndChart(args, o.name, "release-name")
	if err != nil {
		return nil, err
	}
	c, user, err := a.readChart(ctx, &o.chartInput, chartName)
	if err != nil {
		return nil, err
	}
	if err := checkReleaseName(name); err != nil {
		return nil, err
	}
	r := &rendering{options: o, debug: a.flags.debug, compat: o.compat, chart: c, user: user}
	r.input = engine.Input{
		Release:      engine.Release{Name: name, Namespace: a.namespace(), Upgrade: o.isUpgrade},
		Values:       user.Values,
		Capabilities: capabilities,
		SkipSchema:   o.skipSchema,
		Strict:       o.strict,
		EnableDNS:    o.enableDNS,
		Warn:         a.warn,
	}
	r.program, err = engine.Compile(c, engine.Options{Compat: o.compat, LoadSchema: a.schemaLoader(ctx, &o.chartInput)})
	return r, err
}

func (o *templateOptions) capabilities() (*engine.Capabilities, error) {
	capabilities := engine.DefaultCapabilities()
	if o.kubeVersion != "" {
		version, err := o.compat.ParseKubeVersion(o.kubeVersion)
		if err != nil {
			return nil, fmt.Errorf("invalid kube version '%s': %w", o.kubeVersion, err)
		}
		capabilities.KubeVersion = version
	}
	capabilities.APIVersions = append(capabilities.APIVersions, o.apiVersions...)
	return capabilities, nil
}

// checkInstallable refuses library charts and charts whose dependencies are missing.
func (a *app) checkInstallable(c *chart.Chart, o *chartInput) error {
	if t := c.Metadata.Type; t != "" && t != "application" {
		return fmt.Errorf("%s charts are not installable", t)
	}
	if c.Metadata.Deprecated {
		a.warn("WARNING: This chart is deprecated")
	}
	err := checkDependencies(c)
	if err == nil {
		return nil
	}
	if o.compat == engine.Helm4 {
		return fmt.Errorf("an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to fetch missing dependencies: %w", err)
	}
	return fmt.Errorf("An error occurred while checking for chart dependencies. You may need to run `helm dependency build` to fetch missing dependencies: %w", err)
}

func manifestFiles(files []engine.File) []manifest.File {
	list := make([]manifest.File, len(files))
	for i, f := range files {
		list[i] = manifest.File(f)
	}
	return list
}

// folderOf is where the files of a release go below --output-dir.
func (r *rendering) folderOf() string {
	if r.options.releaseName {
		return filepath.Join(r.options.outputDir, r.input.Release.Name)
	}
	return r.options.outputDir
}
