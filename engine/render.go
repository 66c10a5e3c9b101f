package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine/internal/tmpl"
)

// Render renders the chart. It stops soon after ctx ends.
//
// Errors are those of Helm, in its words: a *[TemplateError] for what goes
// wrong in a template, and plain errors for values that do not merge or do not
// meet a schema, and a *[KubeVersionError] for a cluster too old or too new for the chart.
func (p *Program) Render(ctx context.Context, in Input) (*Output, error) {
	j, err := p.prepare(in)
	if err != nil {
		return nil, err
	}
	out, err := j.run(ctx)
	if errors.Is(err, tmpl.ErrMutates) {
		j.selection.tplMutates.Store(true)
		if j, err = p.prepare(in); err == nil {
			out, err = j.run(ctx)
		}
	}
	return out, err
}

// job is one render with everything decided but the text.
type job struct {
	program   *Program
	selection *selection
	scopes    []map[string]any
	env       tmpl.Env
	root      *values.Node
	values    map[string]any
	shared    bool // the values belong to the chart and the caller as well
}

// prepare selects the charts, merges and checks the values, and makes the objects that templates see.
func (p *Program) prepare(in Input) (*job, error) {
	root, err := p.tree.Resolve(in.Values, values.ResolveOptions{Dialect: p.opts.Compat.dialect(), Warn: in.Warn})
	if err != nil && p.opts.Compat == Helm4 {
		err = fmt.Errorf("chart dependencies processing failed: %w", err)
	}
	if err != nil {
		return nil, err
	}
	nodes := walk(nil, root)
	j := &job{program: p, root: root, selection: p.selectionOf(nodes)}
	j.shared = !j.selection.mutates()
	if j.values, err = root.Coalesce(in.Values, values.CoalesceOptions{Share: j.shared, Warn: in.Warn}); err != nil {
		return nil, err
	}
	if !in.SkipSchema {
		schemas := values.SchemaOptions{Cache: &p.schemas, Load: p.opts.LoadSchema, Warn: in.Warn}
		if err := root.ValidateSchema(j.values, schemas); err != nil {
			return nil, err
		}
	}
	caps := in.Capabilities
	if caps == nil {
		caps = DefaultCapabilities()
	}
	if want, have := p.chart.Metadata.KubeVersion, caps.KubeVersion.Version; want != "" && !in.SkipKubeVersion && !compatible(want, have) {
		return nil, &KubeVersionError{Constraint: want, Version: have}
	}
	if j.selection.err != nil {
		return nil, j.selection.err
	}
	j.scopes, _ = p.scopes(make([]map[string]any, 0, len(nodes)), root, map[string]any{
		"Release":      releaseObject(in.Release, in.Lint),
		"Capabilities": p.opts.Compat.capabilities(caps),
		"Values":       p.opts.Compat.values(j.values),
	})
	j.env = tmpl.Env{Strict: in.Strict, Lint: in.Lint, EnableDNS: in.EnableDNS, Lookup: in.Lookup, Log: logger(in.Warn)}
	return j, nil
}

// run executes the templates.
func (j *job) run(ctx context.Context) (*Output, error) {
	st := j.newState(ctx)
	out := &Output{Files: make([]File, 0, len(j.selection.templates)), Values: j.values, Root: j.root}
	total := 0
	for i := range j.selection.templates {
		t := &j.selection.templates[i]
		if t.partial() {
			continue
		}
		text, err := st.Execute(t.name, j.dot(t))
		if err != nil {
			return nil, newExecError(t.name, err, j.program.opts.Compat)
		}
		text = tmpl.StripNoValue(text)
		if total += len(text); total > j.program.opts.Limits.OutputBytes {
			return nil, newExecError(t.name, ErrOutputTooLarge, j.program.opts.Compat)
		}
		out.Files = append(out.Files, File{Name: t.name, Content: string(text)})
	}
	slices.SortFunc(out.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (j *job) newState(ctx context.Context) *tmpl.State {
	limits := tmpl.Limits{MaxOutput: j.program.opts.Limits.OutputBytes, ReadOnly: j.shared}
	return tmpl.NewState(ctx, j.selection.set, j.env, limits)
}

// dot returns what a template sees as its dot, of the type that it has in Helm.
func (j *job) dot(t *templateFile) any {
	scope := j.scopes[t.chart]
	scope["Template"] = j.program.opts.Compat.values(map[string]any{"Name": t.name, "BasePath": t.basePath})
	return j.program.opts.Compat.values(scope)
}

func logger(warn func(string)) func(string, ...any) {
	if warn == nil {
		return nil
	}
	return func(format string, args ...any) { warn(fmt.Sprintf(format, args...)) }
}

// releaseObject returns .Release. For lint, Helm leaves open which operation it is.
func releaseObject(r Release, lint bool) map[string]any {
	if !lint {
		r.Revision = max(r.Revision, 1)
	}
	return map[string]any{
		"Name":      r.Name,
		"Namespace": r.Namespace,
		"IsUpgrade": r.Upgrade,
		"IsInstall": !r.Upgrade && !lint,
		"Revision":  r.Revision,
		"Service":   "Helm",
	}
}

// KubeVersionError says that a chart does not accept the cluster's version.
type KubeVersionError struct {
	Constraint string // of the chart
	Version    string // of the cluster
}

func (e *KubeVersionError) Error() string {
	return fmt.Sprintf("chart requires kubeVersion: %s which is incompatible with Kubernetes %s", e.Constraint, e.Version)
}

// compatible reports whether a version meets a constraint; what cannot be read does not.
func compatible(constraint, version string) bool {
	v, err := semver.NewVersion(version)
	if err != nil {
		return false
	}
	c, err := semver.NewConstraint(constraint)
	return err == nil && c.Check(v)
}
