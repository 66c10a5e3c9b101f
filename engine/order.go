package engine

import (
	"slices"
	"strings"
)

// sortTemplates puts template names in the order in which Helm parses and
// executes them: the deepest paths first, and among equally deep ones from the
// end of the alphabet. Of two definitions of one name the later parsed wins, so
// a parent chart's beats its subcharts', and _a.tpl's beats _z.tpl's.
func sortTemplates(names []string) {
	slices.SortFunc(names, func(a, b string) int {
		if d := strings.Count(b, "/") - strings.Count(a, "/"); d != 0 {
			return d
		}
		return strings.Compare(b, a)
	})
}
