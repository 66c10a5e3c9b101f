package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release/deploy/permission"
	"github.com/e6d26078/slipway/release/manifest"
)

const rbacLong = `Print the least rights that a command needs, as YAML for kubectl apply.

COMMAND is one of plan, apply, install, upgrade, rollback, uninstall, test, status,
history, list, get, drift, recover, migrate, preflight (with --live), rollout-start,
rollout-promote (also undo and refresh-config), rollout-abort, rollout-status and
rollout-guard, or stands for several: rollout (all of these), viewer (all that read),
deployer (all), approver (a viewer who also sees pods, events and logs). CHART is
rendered without a cluster, and the rights are those for the kinds in it; without it
they are those for the records alone.

There are up to four documents: a Role with what the command cannot do without,
a Role with what it can do without (it then says less or takes longer), and the
same of what is outside namespaces as ClusterRoles. The flags that need more
rights are those of the commands; --policy stands for --policy-file, too: both
compare with what is in the cluster, as preflight --live does. Without the rights
for that they say what was not looked at.

What templates look up in the cluster is not seen here. An upgrade also deletes
what a former version of the chart has: print the rights for both.`

// rbacOptions are the flags of "rbac".
type rbacOptions struct {
	chart       chartFlags
	values      values.Options
	compat      engine.Compat
	kubeVersion string
	apiVersions []string
	name        string
	required    bool
	permission.Options
}

func newRBAC(a *app) *cobra.Command {
	o := &rbacOptions{}
	names := make([]string, 0, 24)
	for _, c := range permission.Commands() {
		names = append(names, string(c))
	}
	cmd := &cobra.Command{
		Use:       "rbac COMMAND [CHART]",
		Short:     "print the least rights that a command needs",
		Long:      rbacLong,
		Args:      minimumArgs(1),
		ValidArgs: names,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 2 {
				return argumentsError(cmd, "takes at most", 2)
			}
			return a.runRBAC(cmd.Context(), o, args)
		},
	}
	o.register(cmd.Flags())
	return cmd
}

func (o *rbacOptions) register(f *pflag.FlagSet) {
	addValueFlags(f, &o.values)
	o.chart.register(f)
	addCompatFlag(f, &o.compat)
	f.StringVar(&o.kubeVersion, "kube-version", "", "Kubernetes version used for Capabilities.KubeVersion")
	f.StringSliceVarP(&o.apiVersions, "api-versions", "a", nil, "Kubernetes api versions used for Capabilities.APIVersions")
	f.StringVar(&o.name, "name", "", `name of the roles (default "slipway-COMMAND")`)
	f.BoolVar(&o.required, "required", false, "print only what the command cannot do without")
	f.BoolVar(&o.Wait, "wait", false, "the command is called with --wait")
	f.BoolVar(&o.Atomic, "atomic", false, "the command is called with --atomic")
	f.BoolVar(&o.CleanupOnFail, "cleanup-on-fail", false, "the command is called with --cleanup-on-fail")
	f.BoolVar(&o.Force, "force", false, "the command is called with --force")
	f.BoolVar(&o.CreateNamespace, "create-namespace", false, "the command is called with --create-namespace")
	f.BoolVar(&o.ApplyCRDs, "apply-crds", false, "the command is called with --crds apply")
	f.BoolVarP(&o.Install, "install", "i", false, "the command is called with --install")
	f.BoolVar(&o.Out, "out", false, "the command is called with --out, and the plan is kept in the cluster")
	f.BoolVar(&o.ShowResources, "show-resources", false, "the command is called with --show-resources")
	f.BoolVar(&o.Policy, "policy", false, "the command is called with --policy or --policy-file")
	f.BoolVar(&o.WithHooks, "with-hooks", false, "the command is called with --with-hooks")
}

func (a *app) runRBAC(ctx context.Context, o *rbacOptions, args []string) error {
	command := permission.Command(args[0])
	var content permission.Chart
	if len(args) > 1 {
		var err error
		if content, err = a.chartContent(ctx, o, args[1]); err != nil {
			return err
		}
	}
	options := o.Options
	options.Records = a.recordsKind()
	rules, err := permission.Rules(command, content, options)
	var unknown *permission.UnknownCommandError
	if errors.As(err, &unknown) {
		return withHint(err, fmt.Sprintf("commands are %v", permission.Commands()))
	}
	if err != nil {
		return err
	}
	if o.required {
		rules = slices.DeleteFunc(rules, func(r permission.Rule) bool { return r.Optional })
	}
	for _, r := range rules {
		if r.Guessed {
			a.warnf("slipway: warning: nothing tells how the API server calls %s.%s: the name was guessed, and that it is in a namespace", r.Resource, r.Group)
		}
	}
	if o.name == "" {
		o.name = "slipway-" + string(command)
	}
	return a.print(rolesText(o.name, a.namespace(), rules))
}

// recordsKind is where HELM_DRIVER puts the records.
func (a *app) recordsKind() permission.Records {
	switch strings.ToLower(a.env.Getenv("HELM_DRIVER")) {
	case "configmap", "configmaps":
		return permission.ConfigMaps
	case "sql", "memory":
		return permission.Database
	}
	return permission.Secrets
}

// chartContent renders a chart without a cluster and sorts what it gives.
func (a *app) chartContent(ctx context.Context, o *rbacOptions, name string) (permission.Chart, error) {
	var content permission.Chart
	c, err := a.load(ctx, name, o.chart)
	if err != nil {
		return content, err
	}
	if err := checkDependencies(c); err != nil {
		return content, err
	}
	user, err := a.mergeValues(ctx, &o.values, o.compat)
	if err != nil {
		return content, err
	}
	capabilities := engine.DefaultCapabilities()
	if o.kubeVersion != "" {
		if capabilities.KubeVersion, err = o.compat.ParseKubeVersion(o.kubeVersion); err != nil {
			return content, fmt.Errorf("invalid kube version '%s': %w", o.kubeVersion, err)
		}
	}
	capabilities.APIVersions = append(capabilities.APIVersions, o.apiVersions...)
	input := engine.Input{
		Release: engine.Release{Name: "release", Namespace: a.namespace()},
		Values:  user.Values, Capabilities: capabilities, Warn: a.warn,
	}
	set, out, err := renderSet(ctx, c, input, o.compat)
	if err != nil {
		return content, err
	}
	content.Hooks = set.Hooks
	if content.Objects, err = manifest.Objects(set.Body(nil, manifest.BodyOptions{})); err != nil {
		return content, err
	}
	for _, f := range customResources(nil, out.Root) {
		objects, err := manifest.Objects(f.Content)
		if err != nil {
			return content, fmt.Errorf("read %s: %w", f.Name, err)
		}
		content.CRDs = append(content.CRDs, objects...)
	}
	return content, nil
}

// renderSet renders a chart into hooks and documents, notes left out.
func renderSet(ctx context.Context, c *chart.Chart, input engine.Input, compat engine.Compat) (*manifest.Set, *engine.Output, error) {
	program, err := engine.Compile(c, engine.Options{Compat: compat})
	if err != nil {
		return nil, nil, err
	}
	out, err := program.Render(ctx, input)
	if err != nil {
		return nil, nil, err
	}
	_, files := manifest.Notes(manifestFiles(out.Files), c.Name(), false)
	set, err := manifest.Sort(files, manifest.Options{Compat: manifest.Compat(compat)})
	return set, out, err
}

// rolesText writes rules as roles: those in a namespace and those outside, and
// of each those that are needed and those that are not.
func rolesText(name, namespace string, rules []permission.Rule) string {
	var out strings.Builder
	for _, role := range []struct {
		kind, name, comment  string
		everywhere, optional bool
	}{
		{"Role", name, "what the command cannot do without", false, false},
		{"Role", name + "-optional", "what the command can do without", false, true},
		{"ClusterRole", name, "what the command cannot do without, outside namespaces", true, false},
		{"ClusterRole", name + "-optional", "what the command can do without, outside namespaces", true, true},
	} {
		of := slices.DeleteFunc(slices.Clone(rules), func(r permission.Rule) bool {
			return r.Everywhere != role.everywhere || r.Optional != role.optional
		})
		if len(of) == 0 {
			continue
		}
		fmt.Fprintf(&out, "---\n# %s\napiVersion: rbac.authorization.k8s.io/v1\nkind: %s\nmetadata:\n  name: %s\n", role.comment, role.kind, role.name)
		if !role.everywhere {
			fmt.Fprintf(&out, "  namespace: %s\n", namespace)
		}
		out.WriteString("rules:\n")
		writeRules(&out, of)
	}
	return out.String()
}

// writeRules joins the resources of rules that are alike in all else.
func writeRules(out *strings.Builder, rules []permission.Rule) {
	written := make([]bool, len(rules))
	for i, r := range rules {
		if written[i] {
			continue
		}
		resources := []string{r.Resource}
		for j := i + 1; j < len(rules); j++ {
			other := rules[j]
			if other.Group == r.Group && other.Purpose == r.Purpose && slices.Equal(other.Verbs, r.Verbs) && slices.Equal(other.Names, r.Names) {
				resources, written[j] = append(resources, other.Resource), true
			}
		}
		fmt.Fprintf(out, "# %s\n- apiGroups: [%q]\n  resources: %s\n  verbs: %s\n", r.Purpose, r.Group, flowList(resources), flowList(r.Verbs))
		if len(r.Names) > 0 {
			fmt.Fprintf(out, "  resourceNames: %s\n", flowList(r.Names))
		}
	}
}

// flowList is a list of texts in a line of YAML.
func flowList(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = fmt.Sprintf("%q", t)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
