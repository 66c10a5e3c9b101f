// Package lint examines a chart: all of Helm's lint rules, with Helm's
// messages and severities, and rules for what Helm lets pass.
//
//	findings, err := lint.Lint(ctx, "./web", nil, lint.Options{})
//	for _, f := range findings {
//		fmt.Println(f) // [WARNING] values.yaml:3:1: key "n" is read as ...
//	}
//
// Rules of our own, beyond Helm's:
//
//	duplicate-key       a mapping has a key twice, in values.yaml or in rendered text
//	duplicate-object    two documents describe the same object
//	boolean-key         YAML 1.1 reads a key such as n or on as a boolean
//	float-integer       an integer value is printed as 1e+06
//	unknown-hook        a document is dropped because its hook event does not exist
//	invalid-manifest    rendered text outside the reach of Helm's rules is no YAML
//	unused-value        no template reads a value
//	misspelt-value      a template or the user names a value close to another
//
// Findings about rendered text carry the place in the template that wrote it,
// also those of Helm's rules, whose text has none.
//
// The chart is rendered once, and files with findings again to find the
// places. [Options] with HelmRules set leaves only Helm's
// rules. [JSON] and [SARIF] write findings for machines.
package lint
