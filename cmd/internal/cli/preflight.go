package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/policy"
	"github.com/e6d26078/slipway/release/policy/origin"
)

const preflightLong = `Render a chart and look over everything that would be in the cluster, before any
of it is: two Ingresses for one address, Services without pods or whose pods are
never asked whether they are ready, pods that stop in the middle of requests,
containers without bounds, images without a version, budgets that block the
draining of nodes, selectors that match the pods of others.

Each finding names the object, the line of the template that wrote it, why it
matters and how to mend it. The built-in checks warn; --policy-file says which of
them deny, and what is accepted. --policy adds policies in Rego as conftest takes
them. 'plan', 'install', 'upgrade' and 'rollout start' take the same flags, and
change nothing if anything is denied.

No cluster is asked, unless --live compares with what is in it already: the
Ingresses of all releases, and the Services and pods of the namespace.

Exit codes: 0 nothing is denied, 2 something is.`

// preflightOptions are the flags of "preflight".
type preflightOptions struct {
	render templateOptions
	policy policyFlags
	live   bool
	output *choice
	sarif  string
	junit  string
}

func newPreflight(a *app) *cobra.Command {
	o := &preflightOptions{output: newChoice("text", "json")}
	cmd := &cobra.Command{
		Use:     "preflight NAME CHART",
		Short:   "check what a release would bring about",
		Long:    preflightLong,
		Example: "slipway preflight web ./web -f values.yaml --policy ./policy --sarif preflight.sarif",
		Args:    exactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runPreflight(cmd.Context(), o, args)
		},
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if !o.live && len(o.policy.dirs) == 0 {
				return nil
			}
			return a.needCluster(cmd.Context())
		},
	}
	o.register(cmd.Flags())
	return cmd
}

func (o *preflightOptions) register(f *pflag.FlagSet) {
	o.render.chartInput.register(f)
	o.policy.register(f)
	f.StringVar(&o.render.kubeVersion, "kube-version", "", "Kubernetes version used for Capabilities.KubeVersion")
	f.StringSliceVarP(&o.render.apiVersions, "api-versions", "a", nil, "Kubernetes api versions used for Capabilities.APIVersions")
	f.BoolVar(&o.render.isUpgrade, "is-upgrade", false, "set .Release.IsUpgrade instead of .Release.IsInstall")
	f.BoolVar(&o.render.noHooks, "no-hooks", false, "do not look at hooks")
	f.BoolVar(&o.live, "live", false, "render with what the cluster answers, and compare with what is in it")
	f.VarP(o.output, "output", "o", "how to print the findings")
	f.StringVar(&o.sarif, "sarif", "", "write the findings as SARIF to this file, too")
	ciFlag(f)
	f.StringVar(&o.junit, "junit", "", "write a JUnit report to this file: a test case for each check")
}

func (a *app) runPreflight(ctx context.Context, o *preflightOptions, args []string) error {
	begun := a.env.Now()
	junit, err := o.newJUnit(begun)
	if err != nil {
		return err
	}
	gate, err := a.newGate(&o.policy, o.render.compat)
	if err != nil {
		return err
	}
	if o.live {
		o.render.validate, o.render.dryRun = true, "server"
	} else {
		o.render.dryRun = "client"
	}
	r, err := a.newRendering(ctx, &o.render, args)
	if err != nil {
		return err
	}
	c, err := a.connectRendering(ctx, r)
	if err != nil {
		return err
	}
	var lister deploy.Lister
	if c != nil {
		defer c.close()
		lister = c.client
	}
	set, err := a.preflightSet(ctx, r, c)
	if err != nil {
		return err
	}
	report, err := gate.examine(ctx, set, func() *origin.Finder { return origin.New(r.program, r.input, r.compat) }, lister)
	if err != nil {
		return err
	}
	if err := a.writePreflight(o, args[1], r.chart.Name(), report); err != nil {
		return err
	}
	var failed error
	if report.Denied() > 0 {
		failed = withHint(deniedError(report), "mend the chart or its values; what is accepted is written as an exception into the file of --policy-file")
	}
	return errors.Join(failed, a.writePreflightJUnit(junit, args[0], report, failed))
}

// preflightSet renders the chart and reads what came out. The connection may be nil.
func (a *app) preflightSet(ctx context.Context, r *rendering, c *connection) (*policy.Set, error) {
	out, err := r.program.Render(ctx, r.input)
	if err != nil {
		return nil, r.explain(ctx, err, nil)
	}
	_, files := manifest.Notes(manifestFiles(out.Files), r.chart.Name(), false)
	sorted, err := manifest.Sort(files, manifest.Options{Compat: manifest.Compat(r.compat)})
	if err != nil {
		return nil, r.explain(ctx, err, files)
	}
	body, err := r.options.post.run(ctx, sorted.Body(nil, manifest.BodyOptions{}))
	if err != nil {
		return nil, err
	}
	hooks := sorted.Hooks
	if r.options.noHooks {
		hooks = nil
	}
	set, err := policy.NewSet(r.input.Release.Name, r.input.Release.Namespace, body, hooks, customResources(nil, out.Root))
	if err != nil {
		return nil, r.explain(ctx, err, files)
	}
	if c == nil {
		return set, nil
	}
	resolved, err := c.client.Resolve(ctx, set.Objects, c.namespace)
	if err != nil {
		return nil, fmt.Errorf("find the namespaces of the objects: %w", err)
	}
	set.Objects = append(resolved.Objects, resolved.Unknown...)
	return set, nil
}
