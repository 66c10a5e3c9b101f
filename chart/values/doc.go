// Package values works out the values a chart is rendered with: it reads what
// the user gives (-f, --set and its relatives), selects the subcharts that take
// part, lays the user's values over the defaults of every chart, checks them
// against the charts' schemas, and can tell where each leaf came from.
//
// The usual way through the package:
//
//	user, err := values.Options{ValueFiles: files, Values: sets}.Merge(values.Source{ReadFile: os.ReadFile, Stdin: os.Stdin})
//	node, err := values.Resolve(chart, user.Values, values.ResolveOptions{})
//	final, err := node.Coalesce(user.Values, values.CoalesceOptions{})
//
// Every step gives the result of the Helm version named by [Dialect]. What
// Helm leaves to the order of a Go map is always done in the same order here.
// Nothing in this package changes the chart or the values it is given, and
// nothing reads a file, the environment or the network unless a function for
// it is handed in.
//
// Rules worth knowing, all of them Helm's: maps merge and everything else
// replaces; the user's values win over a chart's, a parent's over its
// subchart's; null removes a default; the table "global" is handed down to
// every subchart, the parent's entries winning.
package values
