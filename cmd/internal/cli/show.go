package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/yaml"
)

// part is what "show" can print of a chart.
type part string

const (
	partAll    part = "all"
	partChart  part = "chart"
	partValues part = "values"
	partReadme part = "readme"
	partCRDs   part = "crds"
)

func newShow(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show",
		Short:   "show information of a chart",
		Aliases: []string{"inspect"},
		Long:    "Display what a chart says about itself: its definition, values, README and CRDs.",
		Args:    unknownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, sub := range []struct {
		part        part
		short, long string
	}{
		{partAll, "show all information of the chart", "Print Chart.yaml, values.yaml, the README and the CRDs of a chart (a folder or a .tgz)."},
		{partReadme, "show the chart's README", "Print the README of a chart (a folder or a .tgz)."},
		{partValues, "show the chart's values", "Print the values.yaml of a chart (a folder or a .tgz), comments included."},
		{partChart, "show the chart's definition", "Print the Chart.yaml of a chart (a folder or a .tgz), keys in alphabetical order."},
		{partCRDs, "show the chart's CRDs", "Print the CustomResourceDefinitions in crds/ of a chart (a folder or a .tgz)."},
	} {
		cmd.AddCommand(newShowPart(a, sub.part, sub.short, sub.long))
	}
	return cmd
}

func newShowPart(a *app, p part, short, long string) *cobra.Command {
	var from chartFlags
	var jsonPath string
	cmd := &cobra.Command{
		Use:   string(p) + " [CHART]",
		Short: short,
		Long:  long,
		Args:  exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.load(cmd.Context(), args[0], from)
			if err != nil {
				return err
			}
			text, err := showChart(c, p, jsonPath)
			if err != nil {
				return err
			}
			return a.print(text)
		},
	}
	if p == partValues {
		cmd.Flags().StringVar(&jsonPath, "jsonpath", "", "supply a JSONPath expression to filter the output")
	}
	from.register(cmd.Flags())
	return cmd
}

// showChart gives the text of one part of a chart, or of all.
func showChart(c *chart.Chart, p part, jsonPath string) (string, error) {
	var out strings.Builder
	if p == partChart || p == partAll {
		text, err := yaml.Append(nil, c.Metadata)
		if err != nil {
			return "", fmt.Errorf("write Chart.yaml: %w", err)
		}
		fmt.Fprintf(&out, "%s\n", text)
	}
	if (p == partValues || p == partAll) && c.Values != nil {
		if p == partAll {
			out.WriteString("---\n")
		}
		if jsonPath != "" {
			if err := printJSONPath(&out, jsonPath, c.Values); err != nil {
				return "", err
			}
		} else {
			showRaw(&out, c, "values.yaml")
		}
	}
	if p == partReadme || p == partAll {
		if readme := findReadme(c.Files); readme != nil {
			if p == partAll {
				out.WriteString("---\n")
			}
			fmt.Fprintf(&out, "%s\n", readme.Data)
		}
	}
	if p == partCRDs || p == partAll {
		crds := c.CRDObjects()
		if len(crds) > 0 && p == partAll && !strings.HasPrefix(string(crds[0].File.Data), "---") {
			out.WriteString("---\n")
		}
		for _, crd := range crds {
			fmt.Fprintf(&out, "%s\n", crd.File.Data)
		}
	}
	return out.String(), nil
}

func showRaw(out *strings.Builder, c *chart.Chart, name string) {
	for _, f := range c.Raw {
		if f.Name == name {
			fmt.Fprintf(out, "%s\n", f.Data)
		}
	}
}

func findReadme(files []*chart.File) *chart.File {
	for _, f := range files {
		switch strings.ToLower(f.Name) {
		case "readme.md", "readme.txt", "readme":
			return f
		}
	}
	return nil
}
