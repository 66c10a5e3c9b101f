package lint

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release/manifest"
)

// Options choose what [Lint] assumes. The zero value lints for the default
// Kubernetes version with all rules.
type Options struct {
	// Compat says which Helm's templates and splitter are followed.
	Compat engine.Compat
	// Namespace is what templates see as .Release.Namespace.
	Namespace string
	// KubeVersion is the cluster's version for .Capabilities and for the rule
	// about deprecated APIs. Nil means the default.
	KubeVersion *engine.KubeVersion
	// SkipSchema leaves out the check of the values against the schemas when
	// templates are rendered.
	SkipSchema bool
	// HelmRules leaves out all rules but Helm's.
	HelmRules bool
	// LoadSchema answers references from a schema to other documents; nil
	// refuses them.
	LoadSchema func(url string) ([]byte, error)
	// Origin tells where the user has set the value at a path. Nil, or false
	// in return, means that it is not known.
	Origin func(path []string) (file string, line, col int, known bool)
}

// Lint examines the chart at path, a folder or a packaged chart, with the
// user's values, which are not changed. Findings of Helm's rules come first,
// in Helm's order, then those of the other rules by place.
//
// The error says that there is no chart at path or that ctx has ended;
// whatever is wrong inside the chart is a finding. A packaged chart is
// unpacked to a temporary folder that is gone when Lint returns.
func Lint(ctx context.Context, path string, values map[string]any, options Options) ([]Finding, error) {
	return run(ctx, path, values, options, renderChart)
}

// renderFunc renders a loaded chart for the rules.
type renderFunc func(ctx context.Context, c *chart.Chart, values map[string]any, options *Options) (*rendered, error)

// rendered is a chart's text and the values it was made with. It is nil when
// the values do not merge, which Helm's rules pass over in silence.
type rendered struct {
	files  []manifest.File
	values map[string]any
	// trace renders one file again, to tell where its bytes come from.
	trace func(file string) (*engine.Trace, error)

	traces map[string]*engine.Trace // by file, nil where there is none
}

func run(ctx context.Context, path string, values map[string]any, options Options, render renderFunc) ([]Finding, error) {
	folder := path
	if strings.HasSuffix(path, ".tgz") || strings.HasSuffix(path, ".tar.gz") {
		temporary, err := os.MkdirTemp("", "slipway-lint-")
		if err != nil {
			return nil, fmt.Errorf("unable to create temp dir to extract tarball: %w", err)
		}
		defer os.RemoveAll(temporary)
		if folder, err = unpack(path, temporary); err != nil {
			return nil, err
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "Chart.yaml")); err != nil {
		return nil, fmt.Errorf("unable to check Chart.yaml file in chart: %w", err)
	}
	absolute, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	l := &linter{ctx: ctx, folder: absolute, options: &options, render: render, given: values, values: copyMap(values)}
	if folder == path {
		l.subject = absolute
	} else {
		l.subject = path
	}
	l.chartfile()
	l.valuesFile()
	l.templates()
	l.dependencies()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	findings := l.findings
	if !options.HelmRules {
		l.findings = nil
		l.extra()
		sortFindings(l.findings)
		findings = append(findings, l.findings...)
	}
	return findings, ctx.Err()
}

func unpack(archive, dir string) (string, error) {
	file, err := os.Open(archive)
	if err != nil {
		return "", fmt.Errorf("unable to open tarball: %w", err)
	}
	defer file.Close()
	folder, err := chart.Expand(file, dir)
	if err != nil {
		return "", fmt.Errorf("unable to extract tarball: %w", err)
	}
	return folder, nil
}

// linter is one run over one chart.
type linter struct {
	ctx      context.Context
	folder   string // absolute
	subject  string // how findings about the chart as a whole name it
	options  *Options
	render   renderFunc
	given    map[string]any // the user's values
	values   map[string]any // a copy of them, which the rules change
	findings []Finding

	// What the rules learn on the way.
	chartText  []byte
	valuesText []byte
	chart      *chart.Chart // nil when it cannot be loaded
	loadErr    error
	loaded     bool
	rendered   *rendered
	yamlFailed bool // Helm's rules have met a document that is no YAML
}

// helm records the result of one of Helm's rules and reports whether the
// rule was satisfied.
func (l *linter) helm(rule string, severity Severity, subject string, err error, place position) bool {
	if err == nil {
		return true
	}
	file := subject
	if subject == "" || subject == l.subject {
		file = "Chart.yaml"
	}
	l.findings = append(l.findings, Finding{
		Rule: rule, Helm: true, Severity: severity, Subject: subject, Message: err.Error(),
		File: file, Line: place.line, Col: place.col, Hint: hintFor(rule),
	})
	return false
}

// add records a finding of our own rules.
func (l *linter) add(rule string, severity Severity, file string, place position, format string, args ...any) {
	l.findings = append(l.findings, Finding{
		Rule: rule, Severity: severity, File: file, Line: place.line, Col: place.col,
		Message: fmt.Sprintf(format, args...), Hint: hintFor(rule),
	})
}

// load loads the chart once, for all rules that need it.
func (l *linter) load() (*chart.Chart, error) {
	if !l.loaded {
		l.loaded = true
		l.chart, l.loadErr = chart.LoadDir(l.folder)
	}
	return l.chart, l.loadErr
}

// copyMap copies the maps and lists of values.
func copyMap(values map[string]any) map[string]any {
	out := make(map[string]any, len(values))
	for key, value := range values {
		out[key] = copyValue(value)
	}
	return out
}

func copyValue(value any) any {
	switch value := value.(type) {
	case map[string]any:
		return copyMap(value)
	case []any:
		out := make([]any, len(value))
		for i := range value {
			out[i] = copyValue(value[i])
		}
		return out
	}
	return value
}
