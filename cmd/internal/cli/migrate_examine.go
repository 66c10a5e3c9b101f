package cli

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/cmd/internal/link"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/deploy/permission"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/plan"
)

// examiner looks at one release that Helm made.
type examiner struct {
	*app
	*connection
	record   *release.Record
	report   *migration
	objects  []manifest.Object // of the manifest
	resolved deploy.Resolved
}

// run fills in the report.
func (e *examiner) run(ctx context.Context, with *chart.Chart) error {
	var err error
	if e.objects, err = manifest.Objects(e.record.Manifest); err != nil {
		return fmt.Errorf("read the manifest of revision %d: %w", e.record.Version, err)
	}
	if e.resolved, err = e.client.Resolve(ctx, e.objects, e.record.Namespace); err != nil {
		return err
	}
	for _, o := range e.resolved.Unknown {
		e.report.Removed = append(e.report.Removed, fmt.Sprintf("%s %s: the cluster does not serve %s of %s", o.Kind, o.Name, o.Kind, o.APIVersion))
	}
	e.report.Strategies = adviseStrategies(e.resolved.Objects)
	if err := e.render(ctx, with); err != nil {
		return err
	}
	if err := e.drift(ctx); err != nil {
		return err
	}
	if err := e.fields(ctx); err != nil {
		return err
	}
	return e.rights(ctx)
}

// render compares what the chart renders to with the stored manifest.
func (e *examiner) render(ctx context.Context, with *chart.Chart) error {
	c, stored := with, with == nil
	if stored {
		c = e.record.Chart
	}
	finding := &e.report.Render
	finding.State = renderUnknown
	switch {
	case c == nil || c.Metadata == nil:
		finding.Reason = "the record holds no chart: give it with --chart"
		return nil
	case stored && e.hasSubcharts():
		finding.Reason = "the record does not hold the subcharts of its chart: give the chart with --chart"
		return nil
	}
	capabilities, err := e.client.Capabilities(ctx)
	if err != nil {
		return err
	}
	compat := engine.Helm3
	if e.record.ApplyMethod != "" {
		compat = engine.Helm4
	}
	set, _, err := renderSet(ctx, c, engine.Input{
		Release:      engine.Release{Name: e.record.Name, Namespace: e.record.Namespace, Revision: e.record.Version, Upgrade: e.record.Version > 1},
		Values:       e.record.Config,
		Capabilities: capabilities, Lookup: e.client.Lookup(ctx), SkipSchema: true, Warn: e.debugText,
	}, compat)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		finding.State, finding.Reason = renderDiffers, "the chart cannot be rendered: "+oneLineOf(err.Error())
		return nil
	}
	text := set.Body(nil, manifest.BodyOptions{})
	if text == e.record.Manifest {
		finding.State = renderSame
		return nil
	}
	rendered, err := manifest.Objects(text)
	if err != nil {
		return err
	}
	finding.State, finding.Objects = renderDiffers, differences(e.objects, rendered)
	switch {
	case len(finding.Objects) == 0:
		finding.State, finding.Reason = renderSame, "the objects are the same, their text is not"
	case isRandom(c):
		finding.Reason = "templates of the chart use functions with a new result each time"
	}
	return nil
}

func (e *examiner) debugText(text string) { e.debugf("%s", text) }

// hasSubcharts reports whether more than the stored chart took part: Helm keeps
// the names of subcharts, and paths in the manifest tell of those without one.
func (e *examiner) hasSubcharts() bool {
	if len(e.record.Chart.Metadata.Dependencies) > 0 {
		return true
	}
	prefix := e.record.Chart.Metadata.Name + "/charts/"
	return slices.ContainsFunc(e.objects, func(o manifest.Object) bool { return strings.HasPrefix(o.Source, prefix) })
}

// isRandom reports whether templates of a chart use functions whose results
// differ each time.
func isRandom(c *chart.Chart) bool {
	random := regexp.MustCompile(`\b(rand(Alpha|AlphaNum|Ascii|Numeric|Bytes|Int)|gen(CA|CAWithKey|PrivateKey|SelfSignedCert|SelfSignedCertWithKey|SignedCert|SignedCertWithKey)|uuidv4|now|htpasswd|bcrypt|encryptAES|shuffle)\b`)
	return slices.ContainsFunc(c.Templates, func(f *chart.File) bool { return random.Match(f.Data) })
}

// differences names the objects that two manifests do not have in common.
func differences(stored, rendered []manifest.Object) []string {
	before := map[manifest.Ref]manifest.Object{}
	for _, o := range stored {
		before[o.Ref] = o
	}
	var all []string
	for _, o := range rendered {
		old, found := before[o.Ref]
		delete(before, o.Ref)
		switch {
		case !found:
			all = append(all, o.Ref.String()+" is rendered and was not stored")
		case !reflect.DeepEqual(old.Fields, o.Fields):
			all = append(all, o.Ref.String()+" is rendered otherwise")
		}
	}
	for _, o := range stored {
		if _, left := before[o.Ref]; left {
			all = append(all, o.Ref.String()+" was stored and is not rendered")
		}
	}
	return all
}

// drift compares the stored manifest with the cluster.
func (e *examiner) drift(ctx context.Context) error {
	drifts, err := e.driftOf(ctx, e.connection, e.record.Name)
	if err != nil {
		return err
	}
	for _, d := range drifts.Objects {
		if d.State == plan.InOrder {
			continue
		}
		finding := driftFinding{Object: d.Ref.String(), State: string(d.State)}
		for _, f := range d.Fields {
			finding.Fields = append(finding.Fields, f.Path)
		}
		e.report.Drift = append(e.report.Drift, finding)
	}
	return nil
}

// fields looks at who manages the fields of the live objects.
func (e *examiner) fields(ctx context.Context) error {
	refs := make([]manifest.Ref, len(e.resolved.Objects))
	for i, o := range e.resolved.Objects {
		refs[i] = o.Ref
	}
	live, err := e.client.Read(ctx, refs)
	if err != nil {
		return err
	}
	others := map[string]bool{}
	for _, o := range e.resolved.Objects {
		is := live[o.Ref]
		if is == nil {
			continue
		}
		clientSide, managers := managersOf(is)
		if clientSide {
			e.report.ClientSide++
		}
		for _, m := range managers {
			others[m] = true
		}
		if e.client.MayConflict(is, o.Fields) {
			e.report.Conflicts = append(e.report.Conflicts, fmt.Sprintf("%s: fields are held by %s", o.Ref, strings.Join(managers, ", ")))
		}
	}
	for m := range others {
		e.report.Managers = append(e.report.Managers, m)
	}
	slices.Sort(e.report.Managers)
	return nil
}

// managersOf names who else manages fields of an object, controllers apart,
// and tells whether a client-side Helm does.
func managersOf(live deploy.Live) (clientSide bool, others []string) {
	entries, _ := nested(live, "metadata", "managedFields").([]any)
	for _, entry := range entries {
		entry, _ := entry.(map[string]any)
		manager, _ := entry["manager"].(string)
		subresource, _ := entry["subresource"].(string)
		switch {
		case subresource != "" || strings.HasPrefix(manager, "kube-"):
		case manager == link.FieldManager:
			clientSide = clientSide || entry["operation"] == "Update"
		case !slices.Contains(others, manager):
			others = append(others, manager)
		}
	}
	return clientSide, others
}

// rights asks for what an upgrade of the release with the same chart needs.
func (e *examiner) rights(ctx context.Context) error {
	content := permission.Chart{Objects: e.resolved.Objects}
	for _, h := range e.record.Hooks {
		hook := manifest.Hook{Name: h.Name, Kind: h.Kind, Path: h.Path, Manifest: h.Manifest}
		for _, event := range h.Events {
			hook.Events = append(hook.Events, manifest.Event(event))
		}
		content.Hooks = append(content.Hooks, hook)
	}
	rules, err := permission.Rules(permission.Upgrade, content, permission.Options{Records: e.recordsKind(), Wait: true})
	if err != nil {
		return err
	}
	resourceLike, err := e.client.Resources(ctx)
	if err != nil {
		return err
	}
	var wanted []link.Permission
	for _, r := range rules {
		if r.Optional {
			continue
		}
		if r.Guessed { // the cluster knows better
			name, served := resourceLike(r.Group, r.Resource)
			if !served {
				continue
			}
			r.Resource = name
		}
		resource, subresource, _ := strings.Cut(r.Resource, "/")
		namespace := e.record.Namespace
		if r.Everywhere {
			namespace = ""
		}
		for _, verb := range r.Verbs {
			for _, name := range append(slices.Clone(r.Names), "")[:max(1, len(r.Names))] {
				wanted = append(wanted, link.Permission{
					Verb: verb, Group: r.Group, Resource: resource, Subresource: subresource, Namespace: namespace, Name: name,
				})
			}
		}
	}
	missing, err := e.client.CanI(ctx, wanted)
	var forbidden *deploy.ForbiddenError
	if err != nil && !errors.As(err, &forbidden) {
		return err
	}
	for _, p := range missing {
		e.report.Rights = append(e.report.Rights, (&deploy.ForbiddenError{
			Verb: p.Verb, Resource: p.Resource, Group: p.Group, Namespace: p.Namespace,
		}).Error())
	}
	return nil
}
