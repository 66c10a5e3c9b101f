package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/chart/yaml"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/engine/lint"
)

const lintLong = `Examine charts for possible issues.

Findings that will cause an installation to fail are marked [ERROR], those that
break with convention or expectation [WARNING]. All of Helm's rules are applied,
with Helm's messages, and rules of slipway: keys and objects that are there
twice, keys that YAML reads as booleans, integers that print as 1e+06, values
that no template reads and values that look misspelt. --helm-rules leaves out
the latter.

The command fails, with exit code 2, when a chart has an error, with --strict
also when it has a warning.`

// lintOptions are the flags of "lint".
type lintOptions struct {
	values      values.Options
	compat      engine.Compat
	schemaRefs  *choice
	output      *choice
	kubeVersion string
	sarif       string
	strict      bool
	subcharts   bool
	quiet       bool
	skipSchema  bool
	helmRules   bool
}

func newLint(a *app) *cobra.Command {
	o := &lintOptions{schemaRefs: newChoice("none", "remote"), output: newChoice("text", "json")}
	cmd := &cobra.Command{
		Use:   "lint PATH",
		Short: "examine a chart for possible issues",
		Long:  lintLong,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runLint(cmd.Context(), o, args)
		},
	}
	o.register(cmd.Flags())
	return cmd
}

func (o *lintOptions) register(f *pflag.FlagSet) {
	f.BoolVar(&o.strict, "strict", false, "fail on lint warnings")
	f.BoolVar(&o.subcharts, "with-subcharts", false, "lint dependent charts")
	f.BoolVar(&o.quiet, "quiet", false, "print only warnings and errors")
	f.BoolVar(&o.skipSchema, "skip-schema-validation", false, "if set, disables JSON schema validation")
	f.StringVar(&o.kubeVersion, "kube-version", "", "Kubernetes version used for capabilities and deprecation checks")
	addValueFlags(f, &o.values)
	addCompatFlag(f, &o.compat)
	f.BoolVar(&o.helmRules, "helm-rules", false, "apply only the rules that helm has")
	f.Var(o.output, "output", "how to print the findings")
	ciFlag(f)
	f.StringVar(&o.sarif, "sarif", "", "write the findings as SARIF to this file, too")
	f.Var(o.schemaRefs, "schema-refs", "what a $ref of a values.schema.json may read outside the chart: nothing, or files and http(s)")
}

// lintResult is what lint has to say about one chart.
type lintResult struct {
	path     string
	findings []lint.Finding
	err      error // there is no chart
	failed   bool
	notable  bool // has warnings or errors
}

func (a *app) runLint(ctx context.Context, o *lintOptions, args []string) error {
	options := lint.Options{Compat: o.compat, Namespace: a.namespace(), SkipSchema: o.skipSchema, HelmRules: o.helmRules}
	if o.kubeVersion != "" {
		version, err := o.compat.ParseKubeVersion(o.kubeVersion)
		if err != nil {
			return fmt.Errorf("invalid kube version '%s': %w", o.kubeVersion, err)
		}
		options.KubeVersion = &version
	}
	if o.schemaRefs.word == "remote" {
		options.LoadSchema = newSchemaLoader(ctx, a)
	}
	paths := o.paths(args)
	user, err := a.mergeValues(ctx, &o.values, o.compat)
	if err != nil {
		return err
	}
	options.Origin = originOf(user)
	results := make([]lintResult, len(paths))
	for i, path := range paths {
		results[i] = o.lint(ctx, path, user.Values, options)
		if err := context.Cause(ctx); err != nil {
			return err
		}
	}
	unwritten := o.writeSARIF(results)
	a.foundByLint(results)
	if err := a.printLint(o, results); unwritten == nil {
		return err
	}
	return unwritten
}

// paths lists the charts to look at.
func (o *lintOptions) paths(args []string) []string {
	paths := args
	if len(paths) == 0 {
		paths = []string{"."}
	}
	if !o.subcharts {
		return paths
	}
	paths = paths[:len(paths):len(paths)]
	for _, p := range paths {
		// What cannot be read is the business of the rules, not of this search.
		_ = filepath.WalkDir(filepath.Join(p, "charts"), func(path string, entry fs.DirEntry, _ error) error {
			switch {
			case entry == nil:
			case entry.Name() == "Chart.yaml":
				paths = append(paths, filepath.Dir(path))
			case strings.HasSuffix(path, ".tgz"), strings.HasSuffix(path, ".tar.gz"):
				paths = append(paths, path)
			}
			return nil
		})
	}
	return paths
}

func (o *lintOptions) lint(ctx context.Context, path string, values map[string]any, options lint.Options) lintResult {
	r := lintResult{path: path}
	r.findings, r.err = lint.Lint(ctx, path, values, options)
	r.failed, r.notable = r.err != nil, r.err != nil
	for _, f := range r.findings {
		r.notable = r.notable || f.Severity > lint.Info
		r.failed = r.failed || f.Severity == lint.Error || o.strict && f.Severity == lint.Warning
	}
	return r
}

func (a *app) printLint(o *lintOptions, results []lintResult) error {
	failed, notable := 0, false
	for _, r := range results {
		notable = notable || r.notable
		if r.failed {
			failed++
		}
	}
	summary := fmt.Sprintf("%d chart(s) linted, %d chart(s) failed", len(results), failed)
	if o.output.word == "json" {
		if err := a.printLintJSON(results); err != nil {
			return err
		}
	} else if err := a.print(lintText(o, results)); err != nil {
		return err
	}
	switch {
	case failed > 0:
		return withHint(errors.New(summary), "mend what the findings on standard output say")
	case o.output.word == "json" || o.quiet && !notable:
		return nil
	}
	return a.print(summary + "\n")
}

// lintText is Helm's form of the findings.
func lintText(o *lintOptions, results []lintResult) string {
	var out strings.Builder
	for _, r := range results {
		if o.quiet && !r.notable {
			continue
		}
		fmt.Fprintf(&out, "==> Linting %s\n", r.path)
		if r.err != nil {
			fmt.Fprintf(&out, "Error %s\n", r.err)
		}
		for _, f := range r.findings {
			if !o.quiet || f.Severity > lint.Info {
				fmt.Fprintf(&out, "%s\n", f)
			}
		}
		out.WriteByte('\n')
	}
	return out.String()
}

func (a *app) printLintJSON(results []lintResult) error {
	text, err := lint.JSON(allFindings(results))
	if err != nil {
		return err
	}
	for _, r := range results {
		if r.err != nil {
			a.warnf("slipway: error: %s: %v", r.path, r.err)
		}
	}
	return a.print(string(text))
}

func (o *lintOptions) writeSARIF(results []lintResult) error {
	if o.sarif == "" {
		return nil
	}
	text, err := lint.SARIF(allFindings(results), lint.SARIFOptions{Version: readBuildInfo().Version})
	if err != nil {
		return err
	}
	if err := os.WriteFile(o.sarif, text, 0o644); err != nil {
		return machineFault(fmt.Errorf("write SARIF: %w", err))
	}
	return nil
}

// originOf tells which flag has set a value, as lint's messages name it: "-f"
// and the file, or the flag and the path, without what it sets: that may be a secret.
func originOf(user *values.Merged) func(path []string) (string, int, int, bool) {
	read := map[int]*yaml.Positions{} // by layer, nil for what cannot be read
	return func(path []string) (string, int, int, bool) {
		for i, layer := range slices.Backward(user.Layers) {
			if layer.Data == nil {
				for _, set := range layer.Sets {
					if len(set.Path) >= len(path) && slices.Equal(set.Path[:len(path)], path) {
						return layer.Flag + " " + strings.Join(path, "."), 0, 0, true
					}
				}
				continue
			}
			index, known := read[i]
			if !known {
				index, _ = yaml.Index(layer.Data)
				read[i] = index
			}
			if index == nil {
				continue
			}
			if node := index.At(path...); node != nil {
				place := node.Position()
				return filesFlag + layer.Text, place.Line, place.Column, true
			}
		}
		return "", 0, 0, false
	}
}

// filesFlag stands before the name of a values file in a finding about it.
const filesFlag = "-f "

// allFindings joins the findings of all charts, files named as seen from the
// current folder. A finding about a flag has no file.
func allFindings(results []lintResult) []lint.Finding {
	var all []lint.Finding
	for _, r := range results {
		for _, f := range r.findings {
			if file, given := strings.CutPrefix(f.File, filesFlag); given {
				f.File = filepath.ToSlash(file)
			} else if strings.HasPrefix(f.File, "--") {
				f.File, f.Message = "", f.File+": "+f.Message
			} else {
				f.File = filepath.ToSlash(filepath.Join(r.path, f.File))
			}
			all = append(all, f)
		}
	}
	return all
}
