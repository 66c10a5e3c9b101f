// Package engine renders Helm charts: byte for byte as Helm does, and many
// times faster.
//
// A chart is compiled once and rendered as often as needed:
//
//	c, err := chart.Load("mychart")
//	p, err := engine.Compile(c, engine.Options{})
//	out, err := p.Render(ctx, engine.Input{
//		Release: engine.Release{Name: "web", Namespace: "prod"},
//		Values:  map[string]any{"replicas": 3},
//	})
//	for _, f := range out.Files {
//		fmt.Println(f.Name, f.Content)
//	}
//
// [Program.Render] does what Helm does between the loaded chart and the
// rendered files: it selects the subcharts that conditions and tags enable,
// merges the values, validates them against the charts' schemas, checks the
// chart's kubeVersion, and executes the templates. The chart is never changed,
// and one Program serves concurrent renders.
//
// A program that calls Helm's engine changes one import: [Render] has the
// signature of Helm's function of that name.
//
// Nothing that a chart contains runs code, reaches the network or reads a file
// outside the chart: the lookup function answers only through [Input.Lookup], and
// getHostByName and remote schema references are off unless asked for.
// Time and output are bounded by the context and by [Limits].
package engine

import (
	"errors"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine/internal/tmpl"
)

// Options choose how a chart is compiled. The zero value is Helm v3.22.0's behaviour.
type Options struct {
	// Compat says which Helm's results to reproduce.
	Compat Compat
	// Limits bound a render.
	Limits Limits
	// LoadSchema answers references ($ref) from a values.schema.json to other
	// documents, by URL. Nil refuses them, since they would reach the network
	// or files outside the chart (#DIFFERS: Helm reads any file and any URL).
	LoadSchema func(url string) ([]byte, error)
}

// Limits bound what one render may use. Zero means the default.
type Limits struct {
	// OutputBytes is the most that all files of a render may hold together, 1 GiB by default.
	OutputBytes int
}

const defaultOutputBytes = 1 << 30

// ErrOutputTooLarge is in the chain of the error of a render that passed Limits.OutputBytes.
var ErrOutputTooLarge = tmpl.ErrOutputTooLarge

// Release is what templates see as .Release.
type Release struct {
	Name      string
	Namespace string
	// Revision counts from 1; 0 is taken as 1.
	Revision int
	// Upgrade says that the release exists already (.Release.IsUpgrade). The
	// zero value is an install.
	Upgrade bool
}

// Input is what one render depends on, beside the chart. The zero value
// renders the chart's defaults for no particular cluster.
type Input struct {
	// Values are the user's values, which win over the chart's. They are not changed.
	Values map[string]any
	// Release names the release.
	Release Release
	// Capabilities describe the cluster. Nil means DefaultCapabilities.
	Capabilities *Capabilities
	// SkipSchema leaves out the validation against values.schema.json.
	SkipSchema bool
	// SkipKubeVersion leaves out the check of Chart.yaml's kubeVersion.
	SkipKubeVersion bool
	// Strict makes the use of a missing value an error (missingkey=error in text/template).
	Strict bool
	// Lint makes required and fail report to Warn instead of failing, and
	// leaves open whether the release is an install or an upgrade.
	Lint bool
	// EnableDNS lets templates resolve host names with getHostByName.
	EnableDNS bool
	// Lookup answers the lookup function: one object, or a list when name is
	// empty. Nil answers with nothing, as Helm does without a cluster.
	Lookup LookupFunc
	// Warn receives what Helm writes to its log, a line each, such as a value
	// that is not a table where the chart has one. Nil drops them.
	Warn func(message string)
}

// LookupFunc answers the lookup function of templates. What it returns for an
// object that does not exist is an empty map and no error.
type LookupFunc func(apiVersion, kind, namespace, name string) (map[string]any, error)

// Output is the result of a render.
type Output struct {
	// Files are the rendered templates, partials left out, by name in ascending order.
	// NOTES.txt files are among them.
	Files []File
	// Values are the merged values that the root chart's templates saw. They
	// may share maps with the chart and the input: do not change them.
	Values map[string]any
	// Root is the tree of charts that took part.
	Root *values.Node
}

// File is one rendered template. Name is the template's path, such as
// web/charts/db/templates/svc.yaml.
type File struct{ Name, Content string }

// Compile prepares a chart for rendering. Templates are parsed when a render
// needs them, since the values decide which subcharts take part; a syntax error
// in a template is therefore an error of the render, as in Helm.
//
// The chart must not be changed while the Program is in use.
func Compile(c *chart.Chart, opts Options) (*Program, error) {
	if c == nil || c.Metadata == nil {
		return nil, errors.New("compile chart: the chart has no metadata; load it with chart.Load")
	}
	functions := helm3Funcs
	if opts.Compat == Helm4 {
		functions = helm4Funcs
	}
	if opts.Limits.OutputBytes <= 0 {
		opts.Limits.OutputBytes = defaultOutputBytes
	}
	return &Program{
		chart:      c,
		tree:       values.Prepare(c),
		opts:       opts,
		funcs:      functions(),
		files:      map[*chart.Chart]files{},
		parsed:     map[parseKey]*parsedFile{},
		selections: map[string]*selection{},
	}, nil
}
