package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/e6d26078/slipway/engine/lint"
	"github.com/e6d26078/slipway/release/policy"
)

// writePreflight prints a report, and writes it as SARIF if that is asked for.
func (a *app) writePreflight(o *preflightOptions, chartArg, chartName string, report *policy.Report) error {
	if o.sarif != "" {
		text, err := preflightSARIF(chartArg, chartName, report)
		if err == nil {
			err = os.WriteFile(o.sarif, text, 0o644)
		}
		if err != nil {
			return machineFault(fmt.Errorf("write SARIF: %w", err))
		}
	}
	if o.output.word == "text" {
		return a.print(printable(report.Text()))
	}
	text, err := report.JSON()
	if err != nil {
		return err
	}
	return a.print(string(text))
}

// preflightSARIF names files as seen from the current folder, if the chart is a folder.
func preflightSARIF(chartArg, chartName string, report *policy.Report) ([]byte, error) {
	info, err := os.Stat(chartArg)
	isFolder := err == nil && info.IsDir()
	findings := make([]lint.Finding, len(report.Findings))
	for i := range report.Findings {
		f := &report.Findings[i]
		place := f.Place
		if place.File == "" {
			place.File = f.Source
		}
		if inside, ok := strings.CutPrefix(place.File, chartName+"/"); ok && isFolder {
			place.File = filepath.ToSlash(filepath.Join(chartArg, inside))
		}
		findings[i] = lint.Finding{
			Rule: f.Check, Severity: lint.Warning, File: place.File, Line: place.Line, Col: place.Col,
			Message: f.Message,
		}
		if subject := strings.TrimSpace(f.Ref.String() + " " + f.FieldPath()); subject != "" {
			findings[i].Message = subject + ": " + f.Message
		}
		if f.Fix != "" {
			findings[i].Message += ". Fix: " + f.Fix
		}
		switch {
		case f.Exception != "":
			findings[i].Severity = lint.Info
			findings[i].Message += " (accepted: " + f.Exception + ")"
		case f.Severity == policy.Deny:
			findings[i].Severity = lint.Error
		}
	}
	return lint.SARIF(findings, lint.SARIFOptions{Version: readBuildInfo().Version, Tool: "slipway preflight", Describe: describeCheck})
}

// describeCheck are the texts of a check.
func describeCheck(name string) (about, fix string) {
	for _, b := range policy.Builtins() {
		if b.Name == name {
			return b.About, b.Fix
		}
	}
	return "", ""
}

func (o *preflightOptions) newJUnit(now time.Time) (*junitReport, error) {
	if o.junit == "" {
		return nil, nil
	}
	return newJUnit(o.junit, now)
}

// writePreflightJUnit writes a test case for each check. One that denies has failed.
func (a *app) writePreflightJUnit(j *junitReport, name string, report *policy.Report, failed error) error {
	if j == nil {
		return nil
	}
	now := a.env.Now()
	for _, check := range report.Checks {
		c := j.find("checks", check, now)
		c.done = true
		count := 0
		for i := range report.Findings {
			f := &report.Findings[i]
			if f.Check == check && f.Severity == policy.Deny && f.Exception == "" {
				count++
				c.detail += printable(findingLine(f)) + "\n"
			}
		}
		if count > 0 {
			c.failure = fmt.Sprintf("%d denied", count)
		}
	}
	return j.write("preflight "+name, failed, now)
}
