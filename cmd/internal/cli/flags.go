package cli

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine"
)

// addValueFlags adds the flags that give values.
func addValueFlags(f *pflag.FlagSet, o *values.Options) {
	f.StringSliceVarP(&o.ValueFiles, "values", "f", nil, "specify values in a YAML file or - for standard input (can specify multiple)")
	f.StringArrayVar(&o.Values, "set", nil, "set values on the command line (can specify multiple or separate values with commas: key1=val1,key2=val2)")
	f.StringArrayVar(&o.StringValues, "set-string", nil, "set STRING values on the command line (can specify multiple or separate values with commas: key1=val1,key2=val2)")
	f.StringArrayVar(&o.FileValues, "set-file", nil, "set values from respective files specified via the command line (can specify multiple or separate values with commas: key1=path1,key2=path2)")
	f.StringArrayVar(&o.JSONValues, "set-json", nil, "set JSON values on the command line (can specify multiple or separate values with commas: key1=jsonval1,key2=jsonval2)")
	f.StringArrayVar(&o.LiteralValues, "set-literal", nil, "set a literal STRING value on the command line")
}

// hide keeps flags that have no effect out of the help text.
func hide(f *pflag.FlagSet, names ...string) {
	for _, name := range names {
		f.Lookup(name).Hidden = true
	}
}

// checkDependencies makes sure that charts/ has what Chart.yaml lists.
func checkDependencies(c *chart.Chart) error {
	err := chart.CheckDependencies(c)
	if err == nil {
		return nil
	}
	return withHint(err, "fetch them with 'slipway dependency build'")
}

// compatValue is the flag --compat.
type compatValue struct{ compat *engine.Compat }

func (v compatValue) String() string {
	if v.compat == nil {
		return engine.Helm3.String()
	}
	return v.compat.String()
}

func (v compatValue) Type() string { return "helm3|helm4" }

func (v compatValue) Set(s string) error {
	for _, c := range []engine.Compat{engine.Helm3, engine.Helm4} {
		if s == c.String() {
			*v.compat = c
			return nil
		}
	}
	return errors.New("allowed are helm3 and helm4")
}

func addCompatFlag(f *pflag.FlagSet, c *engine.Compat) {
	f.Var(compatValue{c}, "compat", "the Helm whose results to reproduce")
}

// choice is a flag that takes one of a few words; the first is the default.
type choice struct {
	words []string
	word  string
}

func newChoice(words ...string) *choice { return &choice{words: words, word: words[0]} }

func (c *choice) String() string { return c.word }
func (c *choice) Type() string   { return strings.Join(c.words, "|") }

func (c *choice) Set(s string) error {
	for _, w := range c.words {
		if s == w {
			c.word = w
			return nil
		}
	}
	return errors.New("allowed are " + strings.Join(c.words, " and "))
}
