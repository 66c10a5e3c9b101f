package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	helm "helm.sh/helm/v3/pkg/release"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

const statusLong = `Print the state of a release: when it was deployed last and as which revision,
how its tests ended, and the notes of its chart.

With --show-resources the objects of the release are read from the cluster. A
table tells whether each is ready, and if not why; JSON and YAML hold the
objects as Helm prints them, the pods of workloads included.

JSON and YAML hold the values and the manifest of the release: values and Secrets
are masked in them unless --show-secrets is given.`

func newStatus(a *app) *cobra.Command {
	o := &statusOptions{}
	cmd := &cobra.Command{
		Use:   "status RELEASE_NAME",
		Short: "display the status of the named release",
		Long:  statusLong,
		Args:  exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRecord(cmd.Context(), args[0], o.revision, func(c *connection, r *release.Record) error {
				return a.printStatus(cmd.Context(), c, o, r)
			})
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.revision, "revision", 0, "if set, display the status of the named release with revision")
	f.BoolVar(&o.description, "show-desc", false, "if set, display the description message of the named release")
	f.BoolVar(&o.resources, "show-resources", false, "if set, display the resources of the named release and whether they are ready")
	f.BoolVar(&o.secrets, "show-secrets", false, "show Secrets and values in JSON and YAML")
	o.output.register(f)
	return cmd
}

// statusOptions are the flags of "status".
type statusOptions struct {
	output      outputFormat
	revision    int
	description bool
	resources   bool
	secrets     bool
}

func (a *app) printStatus(ctx context.Context, c *connection, o *statusOptions, r *release.Record) error {
	var live []liveObject
	if o.resources {
		var err error
		if live, err = c.liveObjects(ctx, r); err != nil {
			return err
		}
	}
	if o.output == outputTable {
		return a.print(a.forLog(statusText(r, o.description, live)))
	}
	if !o.secrets {
		r = withoutSecretText(r)
	}
	shown := *r.Release
	shown.Chart = nil
	if o.resources {
		info := *shown.Info
		var err error
		if info.Resources, err = c.resourcesOf(ctx, live, o.secrets); err != nil {
			return err
		}
		shown.Info = &info
	}
	return a.printAs(o.output, &shown, nil)
}

// statusText is what Helm prints about a release, after an install as well.
func statusText(r *release.Record, description bool, live []liveObject) string {
	var out strings.Builder
	statusHead(&out, r)
	if description {
		fmt.Fprintf(&out, "DESCRIPTION: %s\n", r.Info.Description)
	}
	if len(live) > 0 {
		fmt.Fprintf(&out, "RESOURCES:\n%s\n", resourceTable(live))
	}
	testSuite(&out, r)
	if strings.EqualFold(r.Info.Description, "Dry run complete") {
		fmt.Fprintf(&out, "HOOKS:\n%sMANIFEST:\n%s\n", hooksText(r), r.Manifest)
	}
	statusNotes(&out, r)
	return out.String()
}

func statusHead(out *strings.Builder, r *release.Record) {
	fmt.Fprintf(out, "NAME: %s\n", r.Name)
	if !r.Info.LastDeployed.IsZero() {
		fmt.Fprintf(out, "LAST DEPLOYED: %s\n", r.Info.LastDeployed.Format(time.ANSIC))
	}
	fmt.Fprintf(out, "NAMESPACE: %s\nSTATUS: %s\nREVISION: %d\n", r.Namespace, r.Info.Status, r.Version)
}

// testSuite tells how the tests of a release have ended.
func testSuite(out *strings.Builder, r *release.Record) {
	tests := slices.DeleteFunc(slices.Clone(r.Hooks), func(h *helm.Hook) bool { return !slices.Contains(h.Events, helm.HookTest) })
	if len(tests) == 0 {
		out.WriteString("TEST SUITE: None\n")
	}
	for _, h := range tests {
		if h.LastRun.StartedAt.IsZero() {
			continue
		}
		fmt.Fprintf(out, "TEST SUITE:     %s\nLast Started:   %s\nLast Completed: %s\nPhase:          %s\n",
			h.Name, h.LastRun.StartedAt.Format(time.ANSIC), h.LastRun.CompletedAt.Format(time.ANSIC), h.LastRun.Phase)
	}
}

func statusNotes(out *strings.Builder, r *release.Record) {
	if r.Info.Notes != "" {
		fmt.Fprintf(out, "NOTES:\n%s\n", strings.TrimSpace(r.Info.Notes))
	}
}

// liveObject is an object of a release and what the cluster has of it.
type liveObject struct {
	manifest.Object
	live           deploy.Live // nil if there is none
	state, message string      // whether it is ready, and why not
}

// liveObjects reads the objects of a record's manifest. Objects of kinds that
// are no longer served count as missing.
func (c *connection) liveObjects(ctx context.Context, r *release.Record) ([]liveObject, error) {
	objects, err := manifest.Objects(r.Manifest)
	if err != nil {
		return nil, fmt.Errorf("read the manifest of revision %d: %w", r.Version, err)
	}
	resolved, err := c.client.Resolve(ctx, objects, r.Namespace)
	if err != nil {
		return nil, err
	}
	refs := make([]manifest.Ref, len(resolved.Objects))
	for i, o := range resolved.Objects {
		refs[i] = o.Ref
	}
	live, err := c.client.Read(ctx, refs)
	if err != nil {
		return nil, err
	}
	var all []liveObject
	for _, o := range resolved.Objects {
		state, message := c.client.Readiness(live[o.Ref])
		all = append(all, liveObject{o, live[o.Ref], state, message})
	}
	for _, o := range resolved.Unknown {
		state, message := c.client.Readiness(nil)
		all = append(all, liveObject{o, nil, state, message})
	}
	return all, nil
}

// resourceTable tells of each object whether it is ready.
func resourceTable(all []liveObject) string {
	rows := [][]any{{"KIND", "NAMESPACE", "NAME", "STATUS", "MESSAGE"}}
	for _, o := range all {
		rows = append(rows, []any{o.Kind, orDash(o.Namespace), o.Name, o.state, orDash(oneLineOf(o.message))})
	}
	return tableText(rows)
}

// resourcesOf sorts live objects by version and kind, as Helm puts them into
// the record that it prints, and adds the pods of workloads. What Secrets hold is
// masked unless secrets says otherwise.
func (c *connection) resourcesOf(ctx context.Context, all []liveObject, secrets bool) (map[string][]runtime.Object, error) {
	found := map[string][]runtime.Object{}
	var seen []map[string]string
	for _, o := range all {
		if o.live == nil {
			continue
		}
		shown := o.live
		if !secrets {
			shown = withoutSecrets(shown)
		}
		version := o.APIVersion[strings.LastIndex(o.APIVersion, "/")+1:]
		key := version + "/" + o.Kind
		found[key] = append(found[key], printed(shown))
		selector := podSelector(o.live)
		if len(selector) == 0 || slices.ContainsFunc(seen, func(s map[string]string) bool { return maps.Equal(s, selector) }) {
			continue
		}
		seen = append(seen, selector)
		pods, err := c.client.Pods(ctx, o.Namespace, selector)
		if err != nil {
			return nil, fmt.Errorf("list the pods of %s: %w", o.Ref, err)
		}
		found["v1/Pod(related)"] = append(found["v1/Pod(related)"], printed(pods))
	}
	return found, nil
}

// printed is an object in the form that a record takes. It has no kind of its
// own: records are only printed here.
type printed map[string]any

func (printed) GetObjectKind() schema.ObjectKind { return schema.EmptyObjectKind }
func (p printed) DeepCopyObject() runtime.Object { return printed(runtime.DeepCopyJSON(p)) }

// podSelector are the labels by which a workload finds its pods.
func podSelector(workload deploy.Live) map[string]string {
	path := []string{"spec", "selector", "matchLabels"}
	switch workload["kind"] {
	case "ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job":
	case "ReplicationController":
		path = path[:2]
	default:
		return nil
	}
	fields, _ := nested(workload, path...).(map[string]any)
	labels := make(map[string]string, len(fields))
	for name, value := range fields {
		labels[name], _ = value.(string)
	}
	return labels
}

// nested is the value at a path of fields, nil if there is none.
func nested(fields map[string]any, path ...string) any {
	var value any = fields
	for _, name := range path {
		inner, _ := value.(map[string]any)
		value = inner[name]
	}
	return value
}

// masked stands for each value of a Secret.
const masked = "(masked)"

// withoutSecrets is an object with the values of a Secret masked.
func withoutSecrets(live deploy.Live) deploy.Live {
	if live["kind"] != "Secret" || live["apiVersion"] != "v1" {
		return live
	}
	shown := maps.Clone(live)
	data, _ := shown["data"].(map[string]any)
	data = maps.Clone(data)
	for key := range data {
		data[key] = masked
	}
	if data != nil {
		shown["data"] = data
	}
	shown = runtime.DeepCopyJSON(shown)
	annotations, _ := nested(shown, "metadata", "annotations").(map[string]any)
	const lastApplied = "kubectl.kubernetes.io/last-applied-configuration" // holds the Secret once more
	if _, found := annotations[lastApplied]; found {
		annotations[lastApplied] = masked
	}
	return shown
}
