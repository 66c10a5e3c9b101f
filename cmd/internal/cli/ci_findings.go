package cli

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/e6d26078/slipway/engine/lint"
	"github.com/e6d26078/slipway/release/policy"
)

// finding is what GitHub shows beside a line of a file.
type finding struct {
	severity  string // "error" or "warning"
	title     string
	message   string
	file      string // "" if there is none to show it beside
	line, col int
	told      string // the line of the log that says the same, "" for none
}

// mostShown is how many findings of a severity are shown: GitHub shows no more of
// a step. mostListed bounds the list in the summary of the step.
const (
	mostShown  = 10
	mostListed = 50
)

// find keeps a finding until the command ends.
func (c *ciServer) find(f finding) {
	if c != nil && c.name == "github" {
		c.found = append(c.found, f)
	}
}

// warned keeps a warning, unless it tells of a finding.
func (c *ciServer) warned(message string) {
	if c == nil {
		return
	}
	for i := range c.found {
		if c.found[i].told == message {
			return
		}
	}
	c.find(finding{severity: "warning", message: message})
}

// annotations are the runner's commands that show the findings.
func (c *ciServer) annotations(command string) []string {
	var lines []string
	shown, left := map[string]int{}, 0
	for _, f := range c.found {
		if shown[f.severity]++; shown[f.severity] > mostShown {
			left++
			continue
		}
		properties := "title=" + githubProperty(cmp.Or(f.title, "slipway "+command))
		switch {
		case f.file == "":
		case f.line > 0:
			properties = fmt.Sprintf("file=%s,line=%d,col=%d,", githubProperty(f.file), f.line, max(f.col, 1)) + properties
		default:
			properties = "file=" + githubProperty(f.file) + "," + properties
		}
		lines = append(lines, "::"+f.severity+" "+properties+"::"+githubText(f.message))
	}
	if left > 0 {
		lines = append(lines, fmt.Sprintf("::notice title=%s::%d more findings are in the log", githubProperty("slipway "+command), left))
	}
	return lines
}

// findingsSummary lists the findings in Markdown, "" without any.
func (c *ciServer) findingsSummary() string {
	if len(c.found) == 0 {
		return ""
	}
	var out strings.Builder
	out.WriteString("| | finding | place |\n|---|---|---|\n")
	for i, f := range c.found {
		if i == mostListed {
			fmt.Fprintf(&out, "| | %d more are in the log | |\n", len(c.found)-mostListed)
			break
		}
		place := f.file
		if place != "" && f.line > 0 {
			place += ":" + strconv.Itoa(f.line)
		}
		fmt.Fprintf(&out, "| %s | %s | %s |\n", f.severity, markdownText(strings.TrimPrefix(f.title+": "+f.message, ": ")), markdownText(place))
	}
	return out.String() + "\n"
}

// chartAt takes up where the files of a chart are.
func (c *ciServer) chartAt(name, location string) {
	if c != nil {
		c.chart, c.folder = name, location
	}
}

// inRepository is a file as the server names it: as seen from the root of what is
// checked out. It is "" for one that is not there, such as a file of an archive.
func (c *ciServer) inRepository(a *app, file string) string {
	full, err := filepath.Abs(filepath.FromSlash(file))
	if err != nil || file == "" {
		return ""
	}
	if info, err := os.Stat(full); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	root := a.env.Getenv("GITHUB_WORKSPACE")
	if root == "" {
		root, _ = os.Getwd() // without it nothing is below it
	}
	// Folders may be links: both sides are taken to where they lead.
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	if real, err := filepath.EvalSymlinks(filepath.Dir(full)); err == nil {
		full = filepath.Join(real, filepath.Base(full))
	}
	inside, err := filepath.Rel(root, full)
	if err != nil || !filepath.IsLocal(inside) {
		return ""
	}
	return filepath.ToSlash(inside)
}

// foundByPolicies takes up what the checks of a release have found.
func (a *app) foundByPolicies(report *policy.Report) {
	for i := range report.Findings {
		f := &report.Findings[i]
		if f.Exception != "" || a.ci == nil {
			continue
		}
		show := finding{severity: "warning", title: f.Check, message: findingLine(f), line: f.Place.Line, col: f.Place.Col, told: toldOf(f)}
		if f.Severity == policy.Deny {
			show.severity = "error"
		}
		if f.Fix != "" {
			show.message += "\nfix: " + f.Fix
		}
		if inside, ok := strings.CutPrefix(cmp.Or(f.Place.File, f.Source), a.ci.chart+"/"); ok {
			show.file = a.ci.inRepository(a, filepath.Join(a.ci.folder, filepath.FromSlash(inside)))
		}
		a.ci.find(show)
	}
}

// foundByLint takes up what lint has found.
func (a *app) foundByLint(results []lintResult) {
	if a.ci == nil {
		return
	}
	for _, f := range allFindings(results) {
		show := finding{severity: "warning", title: f.Rule, message: f.Message, file: a.ci.inRepository(a, f.File), line: f.Line, col: f.Col}
		switch f.Severity {
		case lint.Info:
			continue
		case lint.Error:
			show.severity = "error"
		}
		if f.Hint != "" {
			show.message += "\n" + f.Hint
		}
		a.ci.find(show)
	}
	for _, r := range results {
		if r.err != nil {
			a.ci.find(finding{severity: "error", message: fmt.Sprintf("%s: %v", r.path, r.err)})
		}
	}
}
