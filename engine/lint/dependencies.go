package lint

import (
	"fmt"
	"strings"

	"github.com/e6d26078/slipway/chart"
)

// dependencies runs Helm's rules on the subcharts and their entries.
func (l *linter) dependencies() {
	c, err := l.load()
	if err != nil {
		l.helm("chart-load", Error, "", fmt.Errorf("unable to load chart\n\t%w", err), position{})
		return
	}
	place := parseTree(l.chartText).key("dependencies")
	listed, present := map[string]bool{}, map[string]bool{}
	for _, entry := range c.Metadata.Dependencies {
		listed[entry.Name] = true
	}
	var unlisted, missing []string
	for _, sub := range c.Dependencies() {
		present[sub.Metadata.Name] = true
		if !listed[sub.Metadata.Name] {
			unlisted = append(unlisted, sub.Metadata.Name)
		}
	}
	for _, entry := range c.Metadata.Dependencies {
		if !present[entry.Name] {
			missing = append(missing, entry.Name)
		}
	}
	report := func(rule string, severity Severity, text string, names []string) {
		if len(names) > 0 {
			l.helm(rule, severity, l.subject, fmt.Errorf("%s: %s", text, strings.Join(names, ",")), place)
		}
	}
	report("dependency-unlisted", Error, "chart metadata is missing these dependencies", unlisted)
	report("dependency-unique", Error, "multiple dependencies with name or alias", repeated(c.Metadata.Dependencies))
	report("dependency-missing", Warning, "chart directory is missing these dependencies", missing)
}

// repeated lists the names, or aliases, that more than one entry uses.
func repeated(entries []*chart.Dependency) (names []string) {
	seen := map[string]bool{}
	for _, entry := range entries {
		name := entry.Name
		if entry.Alias != "" {
			name = entry.Alias
		}
		if seen[name] {
			names = append(names, name)
		}
		seen[name] = true
	}
	return names
}
