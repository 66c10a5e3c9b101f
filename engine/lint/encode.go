package lint

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
)

// JSON writes findings as an indented JSON array with a line end, the same
// bytes for the same findings. Fields that are empty are left out.
func JSON(findings []Finding) ([]byte, error) {
	list := make([]jsonFinding, len(findings))
	for i, f := range findings {
		list[i] = jsonFinding{
			Rule: f.Rule, Helm: f.Helm, Severity: jsonSeverity(f.Severity), File: f.File,
			Line: f.Line, Column: f.Col, Message: f.Message, Hint: f.Hint,
		}
	}
	return indented(list)
}

type jsonFinding struct {
	Rule     string `json:"rule"`
	Helm     bool   `json:"helm,omitempty"`
	Severity string `json:"severity"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
}

func jsonSeverity(s Severity) string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	}
	return "info"
}

func indented(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(v)
	return out.Bytes(), err
}

// SARIFOptions say what stands in a SARIF file beside the findings.
type SARIFOptions struct {
	// Version is the version of the program.
	Version string
	// Tool is who has found them; "" is slipway lint.
	Tool string
	// Describe tells of a rule what it is about and how to mend what it finds, for
	// rules that are not this package's; nil for those that are.
	Describe func(rule string) (about, hint string)
	// Prefix is the path of the chart's folder from the root of the
	// repository, with a slash at the end; it is put before every file.
	Prefix string
}

// SARIF writes findings as a SARIF 2.1.0 log with one run, as code hosts read
// it, the same bytes for the same findings.
func SARIF(findings []Finding, options SARIFOptions) ([]byte, error) {
	used := map[string]bool{}
	for _, f := range findings {
		used[f.Rule] = true
	}
	names := slices.Sorted(maps.Keys(used))
	driver := sarifDriver{Name: cmp.Or(options.Tool, "slipway lint"), Version: options.Version, Rules: []sarifRule{}}
	for _, name := range names {
		text := describe(name)
		if options.Describe != nil {
			text.about, text.hint = options.Describe(name)
		}
		rule := sarifRule{ID: name}
		if text.about != "" {
			rule.Description = &sarifText{text.about}
		}
		if text.hint != "" {
			rule.Help = &sarifText{text.hint}
		}
		driver.Rules = append(driver.Rules, rule)
	}
	results := make([]sarifResult, len(findings))
	for i, f := range findings {
		index, _ := slices.BinarySearch(names, f.Rule)
		results[i] = sarifResult{
			RuleID: f.Rule, RuleIndex: index, Level: sarifLevel(f.Severity),
			Message: sarifText{f.Message}, Locations: sarifPlace(f, options.Prefix),
		}
	}
	return indented(sarifLog{
		Schema:  "https://json.schemastore.org/sarif-2.1.0.json",
		Version: "2.1.0",
		Runs: []sarifRun{{
			Tool: sarifTool{driver}, ColumnKind: "unicodeCodePoints", Results: results,
		}},
	})
}

func sarifLevel(s Severity) string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	}
	return "note"
}

func sarifPlace(f Finding, prefix string) []sarifLocation {
	if f.File == "" {
		return nil
	}
	location := sarifLocation{}
	location.Physical.Artifact.URI = (&url.URL{Path: prefix + f.File}).String()
	if f.Line > 0 {
		location.Physical.Region = &sarifRegion{StartLine: f.Line, StartColumn: f.Col}
	}
	return []sarifLocation{location}
}

type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID          string     `json:"id"`
		Description *sarifText `json:"shortDescription,omitempty"`
		Help        *sarifText `json:"help,omitempty"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifLocation struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region *sarifRegion `json:"region,omitempty"`
		} `json:"physicalLocation"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
	}
)
