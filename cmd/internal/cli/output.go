package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/gosuri/uitable"
	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/chart/yaml"
)

// outputFormat is the flag --output of the commands that print data. The zero
// value is a table.
type outputFormat string

const (
	outputTable outputFormat = "table"
	outputJSON  outputFormat = "json"
	outputYAML  outputFormat = "yaml"
)

func (o *outputFormat) String() string { return string(*o) }

// Type is the word that the help shows for a value.
func (o *outputFormat) Type() string { return "format" }

// Set takes a format by its name; the error is Helm's.
func (o *outputFormat) Set(name string) error {
	switch outputFormat(name) {
	case outputTable, outputJSON, outputYAML:
		*o = outputFormat(name)
		return nil
	}
	return errors.New("invalid format type")
}

func (o *outputFormat) register(f *pflag.FlagSet) {
	*o = outputTable
	f.VarP(o, "output", "o", "prints the output in the specified format. Allowed values: table, json, yaml")
}

// printAs prints data as JSON or YAML in Helm's way, or the text that table gives.
func (a *app) printAs(format outputFormat, data any, table func() (string, error)) error {
	switch format {
	case outputJSON:
		text, err := jsonText(data)
		if err != nil {
			return err
		}
		return a.print(text)
	case outputYAML:
		text, err := yamlText(data)
		if err != nil {
			return err
		}
		return a.print(text)
	}
	text, err := table()
	if err != nil {
		return err
	}
	return a.print(a.forLog(text))
}

// jsonText is data as a line of JSON.
func jsonText(data any) (string, error) {
	var out strings.Builder
	if err := json.NewEncoder(&out).Encode(data); err != nil {
		return "", fmt.Errorf("write JSON: %w", err)
	}
	return out.String(), nil
}

// yamlText is data as YAML.
func yamlText(data any) (string, error) {
	text, err := yaml.Append(nil, data)
	if err != nil {
		return "", fmt.Errorf("write YAML: %w", err)
	}
	return string(text), nil
}

// tableText aligns rows as Helm does, which uses the same library: its columns
// are padded and end with a tab.
func tableText(rows [][]any) string {
	table := uitable.New()
	for _, row := range rows {
		table.AddRow(row...)
	}
	return table.String() + "\n"
}

// orDash is a text for a column: what is empty is a dash.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
