package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/chart/yaml"
	"github.com/e6d26078/slipway/engine"
)

func newValues(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "values",
		Short: "answer questions about values",
		Long:  "Answer questions about the values that a chart is rendered with.",
		Args:  unknownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newValuesExplain(a))
	return cmd
}

const valuesExplainLong = `Show the final value at a path, and every place that sets it: the values.yaml
of which chart, which file given with -f at which line, which flag. The place
that won stands first; those it overrides follow.

PATH is written as in --set: image.tag, ingress.hosts[0].host, db.auth.password
for a value of the subchart db. A dot that belongs to a key stands behind a
backslash.`

// explainOptions are the flags of "values explain".
type explainOptions struct {
	chart  chartFlags
	values values.Options
	compat engine.Compat
	output *choice
}

func newValuesExplain(a *app) *cobra.Command {
	o := &explainOptions{output: newChoice("text", "json")}
	cmd := &cobra.Command{
		Use:     "explain PATH CHART",
		Short:   "show where a value comes from",
		Long:    valuesExplainLong,
		Example: "slipway values explain image.tag ./web -f prod.yaml --set image.tag=v2",
		Args:    exactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runValuesExplain(cmd.Context(), o, args[0], args[1])
		},
	}
	o.register(cmd.Flags())
	return cmd
}

func (o *explainOptions) register(f *pflag.FlagSet) {
	addValueFlags(f, &o.values)
	o.chart.register(f)
	addCompatFlag(f, &o.compat)
	f.Var(o.output, "output", "how to print the answer")
}

func (a *app) runValuesExplain(ctx context.Context, o *explainOptions, path, chartName string) error {
	location, err := a.locate(ctx, chartName, o.chart)
	if err != nil {
		return err
	}
	user, err := a.mergeValues(ctx, &o.values, o.compat)
	if err != nil {
		return err
	}
	c, err := chart.Loader{Warn: a.warn}.Load(location)
	if err != nil {
		return err
	}
	explainer, err := newExplainer(c, user, o.compat)
	if err != nil {
		return err
	}
	x := explainer.Explain(values.ParsePath(strings.TrimPrefix(path, ".Values."))...)
	text, err := explanationText(x), error(nil)
	if o.output.word == "json" {
		text, err = explanationJSON(x)
	}
	if err != nil {
		return err
	}
	if err := a.print(text); err != nil {
		return err
	}
	if x.Found {
		return nil
	}
	return missingPath(c, x)
}

func newExplainer(c *chart.Chart, user *values.Merged, compat engine.Compat) (*values.Explainer, error) {
	root, err := values.Resolve(c, user.Values, values.ResolveOptions{Dialect: values.Dialect(compat)})
	if err != nil {
		return nil, err
	}
	return values.NewExplainer(root, user)
}

// missingPath says that nothing stands at a path, and what was probably meant.
func missingPath(c *chart.Chart, x values.Explanation) error {
	name := values.FormatPath(x.Path)
	if len(x.Origins) > 0 && x.Origins[0].Value == nil {
		return withHint(fmt.Errorf("%s is not set in chart %s: %s removes it", name, c.Name(), x.Origins[0]),
			"a null takes a default away; leave it out to have the default")
	}
	err := fmt.Errorf("%s is not set in chart %s", name, c.Name())
	if len(x.Nearest) > 0 {
		return withHint(err, "did you mean "+values.FormatPath(x.Nearest)+"?")
	}
	return withHint(err, "'slipway show values' prints what the chart has")
}

// explanationText is the answer for people: the value, then its places, a line
// each. Of a table only the keys are shown: what it holds may be secret, and
// was not asked for by name.
func explanationText(x values.Explanation) string {
	var out strings.Builder
	name := values.FormatPath(x.Path)
	if _, isTable := x.Value.(map[string]any); isTable {
		fmt.Fprintf(&out, "%s: a table with the keys %s\n", name, strings.Join(x.Children, ", "))
		for _, origin := range x.Origins {
			fmt.Fprintf(&out, "  set by %s\n", origin)
		}
		return out.String()
	}
	if x.Found {
		fmt.Fprintf(&out, "%s: %s\n", name, oneLine(x.Value))
	}
	for i, origin := range x.Origins {
		switch {
		case i == 0 && x.Found:
			fmt.Fprintf(&out, "  from       %s\n", origin)
		case i == 0:
			fmt.Fprintf(&out, "  removed by %s\n", origin)
		default:
			fmt.Fprintf(&out, "  instead of %s: %s\n", origin, oneLine(origin.Value))
		}
	}
	return out.String()
}

// oneLine shows a value as JSON, cut when it is long.
func oneLine(v any) string {
	text, err := yaml.AppendJSON(nil, v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return clip(string(text))
}

// jsonOrigin and jsonExplanation are the form of --output json.
type jsonOrigin struct {
	Source string `json:"source"`
	Chart  string `json:"chart,omitempty"`
	File   string `json:"file,omitempty"`
	Flag   string `json:"flag,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Path   string `json:"path,omitempty"`
	Via    string `json:"via,omitempty"`
	Value  any    `json:"value"`
}

type jsonExplanation struct {
	Path     string       `json:"path"`
	Found    bool         `json:"found"`
	Value    any          `json:"value"`
	Origins  []jsonOrigin `json:"origins"`
	Children []string     `json:"children,omitempty"`
	Nearest  string       `json:"nearest,omitempty"`
}

func explanationJSON(x values.Explanation) (string, error) {
	answer := jsonExplanation{
		Path: values.FormatPath(x.Path), Found: x.Found, Value: x.Value, Origins: []jsonOrigin{},
		Children: x.Children, Nearest: values.FormatPath(x.Nearest),
	}
	for _, o := range x.Origins {
		answer.Origins = append(answer.Origins, jsonOrigin{
			Source: o.String(), Chart: o.Chart, File: o.File, Flag: o.Flag, Line: o.Line, Column: o.Column,
			Path: values.FormatPath(o.Path), Via: o.Via, Value: o.Value,
		})
	}
	text, err := json.MarshalIndent(answer, "", "  ")
	return string(text) + "\n", err
}
