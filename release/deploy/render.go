package deploy

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	helm "helm.sh/helm/v3/pkg/release"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/manifest"
)

// RenderError says that the chart could not be rendered or that what it
// renders to is not a manifest. Err is what package engine or manifest
// returned; Files are the rendered files if there are any.
type RenderError struct {
	Files []manifest.File
	// Program and Input are what was rendered, for whoever wants to find out
	// more; Program is nil if the chart could not be compiled.
	Program *engine.Program
	Input   engine.Input
	Err     error
}

func (e *RenderError) Error() string { return e.Err.Error() }
func (e *RenderError) Unwrap() error { return e.Err }

// rendered is a chart turned into what a release consists of.
type rendered struct {
	chart    *chart.Chart // as Helm's processing of dependencies leaves it
	manifest string
	hooks    []*helm.Hook
	notes    string
	crds     []manifest.Object // of the crds folders
	hookCRDs []manifest.Object // that were crd-install hooks in Helm 2
	program  *engine.Program   // for Config.Review; nil without
	input    engine.Input
}

// render renders a chart for one revision.
func (o *operation) render(ctx context.Context, c *chart.Chart, vals map[string]any, options RenderOptions, revision int, dryRun DryRun) (*rendered, error) {
	program, err := engine.Compile(c, engine.Options{Compat: options.Compat, LoadSchema: options.LoadSchema})
	if err != nil {
		return nil, &RenderError{Err: err}
	}
	input := engine.Input{
		Release:    engine.Release{Name: o.name, Namespace: o.Namespace, Revision: revision, Upgrade: o.kind != kindInstall},
		Values:     vals,
		SkipSchema: options.SkipSchema,
		Strict:     options.Strict,
		EnableDNS:  options.EnableDNS,
		Warn:       o.warn,
	}
	if dryRun != ClientDryRun {
		if input.Capabilities, err = o.capabilities(ctx, c); err != nil {
			return nil, err
		}
		input.Lookup = o.Cluster.Lookup(ctx)
	}
	out, err := program.Render(ctx, input)
	if err != nil {
		return nil, &RenderError{Program: program, Input: input, Err: err}
	}
	r, err := o.assemble(ctx, c, out, options)
	var failed *RenderError
	if errors.As(err, &failed) {
		failed.Program, failed.Input = program, input
	}
	if err == nil && o.Review != nil {
		r.program, r.input = program, input
	}
	return r, err
}

// capabilities are the cluster's, with the kinds of the chart's own CRDs,
// which are created before the objects that need them.
func (o *operation) capabilities(ctx context.Context, c *chart.Chart) (*engine.Capabilities, error) {
	served, err := o.Cluster.Capabilities(ctx)
	if err != nil {
		return nil, err
	}
	own := definitions(c)
	if len(own) == 0 {
		return served, nil
	}
	with := *served
	with.APIVersions = slices.Clone(served.APIVersions)
	for _, d := range own {
		for _, version := range d.versions {
			for _, entry := range []string{d.group + "/" + version, d.group + "/" + version + "/" + d.kind} {
				if !slices.Contains(with.APIVersions, entry) {
					with.APIVersions = append(with.APIVersions, entry)
				}
			}
		}
	}
	return &with, nil
}

// assemble sorts rendered files into notes, hooks and the manifest.
func (o *operation) assemble(ctx context.Context, c *chart.Chart, out *engine.Output, options RenderOptions) (*rendered, error) {
	files := make([]manifest.File, len(out.Files))
	for i, f := range out.Files {
		files[i] = manifest.File(f)
	}
	notes, files := manifest.Notes(files, c.Name(), options.SubchartNotes)
	set, err := manifest.Sort(files, manifest.Options{Compat: manifest.Compat(options.Compat)})
	if err != nil {
		return nil, &RenderError{Files: files, Err: err}
	}
	if options.RestartOnConfigChange {
		if err := stampConfig(set.Docs); err != nil {
			return nil, &RenderError{Files: files, Err: err}
		}
	}
	r := &rendered{chart: processed(c, out.Root), notes: notes}
	if r.crds, err = crdObjects(out.Root); err != nil {
		return nil, &RenderError{Err: err}
	}
	for _, h := range set.Hooks {
		r.hooks = append(r.hooks, hookRecord(h))
	}
	if err := o.oldHooks(r, set.Skipped, options); err != nil {
		return nil, &RenderError{Files: files, Err: err}
	}
	r.manifest = set.Body(nil, manifest.BodyOptions{})
	if options.PostRender != nil {
		if r.manifest, err = options.PostRender(ctx, r.manifest); err != nil {
			return nil, &RenderError{Files: files, Err: err}
		}
	}
	return r, nil
}

// oldHooks takes up the documents that Helm 3 leaves out because their hook
// event went away with Helm 2.
func (o *operation) oldHooks(r *rendered, skipped []manifest.Skipped, options RenderOptions) error {
	for _, s := range skipped {
		switch {
		case slices.Contains(eventsOf(s), "crd-install"):
			objects, err := manifest.Objects("# Source: " + s.Path + "\n" + s.Content)
			if err != nil {
				return err
			}
			r.hookCRDs = append(r.hookCRDs, objects...)
			o.warn(fmt.Sprintf("%s: %s %s is a crd-install hook of Helm 2, which Helm 3 drops: it counts as one of the chart's CRDs with --crds apply only", s.Path, s.Kind, s.Name))
		case options.Helm2Hooks && slices.Contains(eventsOf(s), "test-failure"):
			r.hooks = append(r.hooks, &helm.Hook{
				Name: s.Name, Kind: s.Kind, Path: s.Path, Manifest: s.Content,
				Events: []helm.HookEvent{testFailure},
			})
		default:
			o.warn(fmt.Sprintf("%s: %s %s is left out, because its hook event %q does not exist", s.Path, s.Kind, s.Name, s.Events))
		}
	}
	return nil
}

func eventsOf(s manifest.Skipped) []string {
	events := strings.Split(strings.ToLower(s.Events), ",")
	for i := range events {
		events[i] = strings.TrimSpace(events[i])
	}
	return events
}

// hookRecord is a hook as a record holds it.
func hookRecord(h manifest.Hook) *helm.Hook {
	record := &helm.Hook{Name: h.Name, Kind: h.Kind, Path: h.Path, Manifest: h.Manifest, Weight: h.Weight}
	for _, e := range h.Events {
		record.Events = append(record.Events, helm.HookEvent(e))
	}
	record.DeletePolicies = make([]helm.HookDeletePolicy, len(h.DeletePolicies))
	for i, p := range h.DeletePolicies {
		record.DeletePolicies[i] = helm.HookDeletePolicy(p)
	}
	record.OutputLogPolicies = make([]helm.HookOutputLogPolicy, len(h.OutputLogPolicies))
	for i, p := range h.OutputLogPolicies {
		record.OutputLogPolicies[i] = helm.HookOutputLogPolicy(p)
	}
	return record
}

// processed is the chart as a record holds it: Helm changes defaults and the
// list of dependencies of the chart it is given.
func processed(c *chart.Chart, root *values.Node) *chart.Chart {
	stored := *c
	stored.Metadata = root.Metadata
	stored.Values = root.Values
	return &stored
}

// crdObjects are the objects in the crds folders of the charts that take part.
func crdObjects(n *values.Node) ([]manifest.Object, error) {
	var all []manifest.Object
	for _, f := range n.Chart.Files {
		if !isCRDFile(f.Name) {
			continue
		}
		name := path.Join(n.FullPath(), f.Name)
		objects, err := manifest.Objects(string(f.Data))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		for i := range objects {
			objects[i].Source = name
		}
		all = append(all, objects...)
	}
	for _, sub := range n.Deps() {
		below, err := crdObjects(sub)
		if err != nil {
			return nil, err
		}
		all = append(all, below...)
	}
	return all, nil
}

func isCRDFile(name string) bool {
	if !strings.HasPrefix(name, "crds/") {
		return false
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// draft is a record of a new revision.
func (o *operation) draft(r *rendered, vals map[string]any, revision int, status release.Status, description string) *release.Record {
	now := helmTime(o.Clock())
	return &release.Record{
		Release: &helm.Release{
			Name: o.name, Namespace: o.Namespace, Version: revision,
			Chart: r.chart, Config: vals, Manifest: r.manifest, Hooks: r.hooks,
			Info: &helm.Info{FirstDeployed: now, LastDeployed: now, Status: status, Description: description, Notes: r.notes},
		},
		ApplyMethod: applyMethod,
		Operation:   o.record(),
	}
}
