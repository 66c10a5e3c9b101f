package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/e6d26078/slipway/release/policy"
)

// faultyCharts are charts of testdata/charts-policy, by the check that finds something in them.
var faultyCharts = map[string]string{
	"graceful-end": "stopped-in-requests", "image-latest": "latest", "ingress-conflict": "ingress-twice", "pdb-blocks-drain": "two-budgets",
	"pods-not-spread": "not-spread", "readiness-missing": "probe-missing", "resources-unbounded": "without-limits",
	"selector-foreign": "stolen-pods", "selector-no-match": "service-of-nobody",
}

// toldFinding is a finding in the JSON of preflight.
type toldFinding struct {
	Check, Severity, Field, Message, Fix, Exception string
	Object                                          struct{ Kind, Name string }
	Place                                           struct {
		File string
		Line int
	}
}

// told is what preflight says in each of its forms.
type told struct {
	code     int
	text     string
	findings []toldFinding
	sarif    string
}

// preflight runs it on a chart with a policy file, once for each form.
func preflight(t *testing.T, chart, file string) told {
	t.Helper()
	dir := t.TempDir()
	config, sarif := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "out.sarif")
	if err := os.WriteFile(config, []byte("apiVersion: slipway.dev/policy/v1\n"+file), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (int, string) {
		var out, faults bytes.Buffer
		args = append([]string{"preflight", "shop", filepath.Join("..", "..", "..", "testdata", "charts-policy", chart), "--policy-file", config}, args...)
		code := Run(context.Background(), Env{
			Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &faults, Getenv: func(string) string { return "" }, Now: time.Now,
		})
		if code != exitDone && code != exitBadInput || out.Len() == 0 {
			t.Fatalf("%v: exit code %d\n%s", args, code, faults.String())
		}
		return code, out.String()
	}
	var all told
	all.code, all.text = run("--sarif", sarif)
	code, text := run("-o", "json")
	if code != all.code {
		t.Errorf("exit code %d, and %d with -o json", all.code, code)
	}
	var doc struct{ Findings []toldFinding }
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	all.findings = doc.Findings
	data, err := os.ReadFile(sarif)
	if err != nil {
		t.Fatal(err)
	}
	all.sarif = string(data)
	return all
}

// of are the findings of one check.
func (o told) of(check string) []toldFinding {
	return slices.DeleteFunc(slices.Clone(o.findings), func(f toldFinding) bool { return f.Check != check })
}

// TestEachCheckCanBeSetAndExcepted sets each built-in check to deny, to warn and
// to off, and excepts one object from it.
func TestEachCheckCanBeSetAndExcepted(t *testing.T) {
	for _, b := range policy.Builtins() {
		t.Run(b.Name, func(t *testing.T) {
			chart := faultyCharts[b.Name]
			if chart == "" {
				t.Fatal("no chart shows it")
			}
			for severity, code := range map[string]int{"deny": exitBadInput, "warn": exitDone} {
				all := preflight(t, chart, fmt.Sprintf("checks: {'*': off, %s: %s}\n", b.Name, severity))
				if all.code != code || len(all.findings) == 0 {
					t.Errorf("%s: exit code %d, want %d; %d findings", severity, all.code, code, len(all.findings))
				}
				for _, f := range all.findings {
					if f.Check != b.Name || f.Severity != severity {
						t.Errorf("%s: found by %s as %s", severity, f.Check, f.Severity)
					}
					all.saysAll(t, f)
				}
			}
			off := preflight(t, chart, fmt.Sprintf("checks: {%s: off}\n", b.Name))
			if len(off.of(b.Name)) > 0 || strings.Contains(off.text+off.sarif, b.Name) {
				t.Errorf("it is off and made\n%s", off.text)
			}
			before := preflight(t, chart, fmt.Sprintf("checks: {%s: deny}\n", b.Name)).of(b.Name)
			one := before[0].Object
			after := preflight(t, chart, fmt.Sprintf("checks: {%[1]s: deny}\nexceptions:\n- {check: %[1]s, object: %[2]s/%[3]s, reason: this is known}\n", b.Name, one.Kind, one.Name))
			others := 0
			for _, f := range after.of(b.Name) {
				if accepted := f.Object == one; accepted != (f.Exception == "this is known") {
					t.Errorf("accepted %t: %+v", !accepted, f)
				} else if !accepted {
					others++
				}
			}
			want := exitDone
			if others > 0 {
				want = exitBadInput
			}
			if len(after.of(b.Name)) != len(before) || after.code != want {
				t.Errorf("%d of %d findings with an exception, exit code %d", len(after.of(b.Name)), len(before), after.code)
			}
			if !strings.Contains(after.text, "[EXCEPTED] "+b.Name) || !strings.Contains(after.text, "  accepted: this is known\n") || !strings.Contains(after.sarif, "accepted: this is known") {
				t.Errorf("the exception is not told\n%s\n%s", after.text, after.sarif)
			}
		})
	}
}

// saysAll holds that a finding is told with its object, the line of a template,
// why it matters and what to do, in each form.
func (o told) saysAll(t *testing.T, f toldFinding) {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "charts-policy", filepath.FromSlash(f.Place.File)))
	if err != nil || f.Place.Line < 1 || f.Place.Line > strings.Count(string(source), "\n") {
		t.Errorf("%s:%d is no line of a template: %v", f.Place.File, f.Place.Line, err)
	}
	if f.Object.Kind == "" || f.Object.Name == "" || f.Field == "" || f.Message == "" || f.Fix == "" {
		t.Errorf("the JSON says too little: %+v", f)
	}
	text := regexp.MustCompile(fmt.Sprintf(`(?m)^\[%s\] %s: %s .*%s %s\n  at %s:%d(, included by .*)?\n  %s\n  fix: %s\n`, strings.ToUpper(f.Severity), f.Check,
		f.Object.Kind, f.Object.Name, regexp.QuoteMeta(f.Field), regexp.QuoteMeta(f.Place.File), f.Place.Line, regexp.QuoteMeta(f.Message), regexp.QuoteMeta(f.Fix)))
	spaced := regexp.MustCompile(`(?m)^(\[\w+\] [\w-]+: \w+) `).ReplaceAllString(o.text, "$1  ") // an object without a namespace
	if !text.MatchString(spaced) {
		t.Errorf("the text says too little of %+v\n%s", f, o.text)
	}
	var sarif struct {
		Runs []struct {
			Results []struct {
				RuleID, Level string
				Message       struct{ Text string }
				Locations     []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(o.sarif), &sarif); err != nil {
		t.Fatal(err)
	}
	level := map[string]string{"deny": "error", "warn": "warning"}[f.Severity]
	_, inside, _ := strings.Cut(f.Place.File, "/")
	for _, r := range sarif.Runs[0].Results {
		if r.RuleID != f.Check || r.Level != level || len(r.Locations) != 1 {
			continue
		}
		at := r.Locations[0].PhysicalLocation
		if strings.HasSuffix(at.ArtifactLocation.URI, inside) && at.Region.StartLine == f.Place.Line && strings.Contains(r.Message.Text, f.Object.Name) &&
			strings.Contains(r.Message.Text, f.Message) && strings.Contains(r.Message.Text, f.Fix) {
			return
		}
	}
	t.Errorf("SARIF says too little of %+v\n%s", f, o.sarif)
}
