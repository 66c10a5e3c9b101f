package lint

// ruleText describes a rule: what it is about, and how to mend what it finds.
type ruleText struct{ about, hint string }

// hintFor returns how to mend what a rule finds.
func hintFor(rule string) string { return describe(rule).hint }

// describe returns the texts of a rule.
func describe(rule string) ruleText {
	if text, own := ownRules[rule]; own {
		return text
	}
	return helmRules[rule]
}

var ownRules = map[string]ruleText{
	"boolean-key":      {"A mapping key that YAML 1.1 reads as a boolean", `put the key in quotes`},
	"duplicate-key":    {"A mapping has the same key twice", "remove one of the two, or merge their contents"},
	"duplicate-object": {"The same object is rendered twice", "rename one of the two, or render only one of them"},
	"float-integer":    {"An integer is printed as a floating-point number", "pipe it through int64, or put it in quotes in the values"},
	"invalid-manifest": {"Rendered text is no YAML", "look at the text with slipway template --debug"},
	"misspelt-value":   {"A value's name is close to another", "correct the name, or add the value to values.yaml"},
	"unknown-hook":     {"A hook event that does not exist", "use one of pre- and post- install, upgrade, rollback, delete, or test; CRDs go to crds/"},
	"unused-value":     {"A value that no template reads", "remove the value, or use it"},
}

var helmRules = map[string]ruleText{
	"chart-api-version":      {"The apiVersion of Chart.yaml", `set apiVersion: v2`},
	"chart-app-version-type": {"The type of appVersion", "put appVersion in quotes"},
	"chart-dependencies":     {"Dependencies in a v1 chart", "set apiVersion: v2, or move them to requirements.yaml"},
	"chart-icon":             {"The chart's icon", "add icon: with the URL of an SVG or PNG"},
	"chart-icon-url":         {"The URL of the icon", "give a URL with a scheme, such as https://"},
	"chart-load":             {"Loading the chart", ""},
	"chart-maintainers":      {"The maintainers", ""},
	"chart-name":             {"The chart's name", "use a plain name without slashes"},
	"chart-sources":          {"The sources", "give URLs with a scheme, such as https://"},
	"chart-type":             {"The chart type in a v1 chart", "set apiVersion: v2"},
	"chart-version":          {"The chart's version", "use a semantic version such as 1.2.3"},
	"chart-version-type":     {"The type of version", "put version in quotes"},
	"chart-yaml":             {"The file Chart.yaml", ""},
	"crd-hook":               {"Helm 2's crd-install hook", "move the CRD to crds/"},
	"dependency-missing":     {"Dependencies without a chart", "fetch them with dependency build"},
	"dependency-unique":      {"Dependencies of one name", "give each an alias of its own"},
	"dependency-unlisted":    {"Charts without a dependency entry", "list them under dependencies in Chart.yaml"},
	"deprecated-api":         {"APIs that Kubernetes deprecates", "use the API that replaces it"},
	"list-annotations":       {"Resource policies inside a List", "render the items as documents of their own"},
	"match-selector":         {"Workloads without a selector", "add spec.selector"},
	"object-name":            {"Names that Kubernetes refuses", ""},
	"release-time":           {".Release.Time of Helm 2", "use now"},
	"render":                 {"Rendering the templates", ""},
	"template-extension":     {"File extensions in templates/", "rename the file, or keep it outside templates/"},
	"template-indent":        {"Rendered text that starts indented", "trim the blanks before the first key, as with {{- }}"},
	"template-yaml":          {"Rendered text that is no YAML", "look at the text with slipway template --debug"},
	"templates-folder":       {"The folder templates/", ""},
	"values-file":            {"The file values.yaml", ""},
	"values-schema":          {"Values against values.schema.json", ""},
}
