package cli

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/e6d26078/slipway/cmd/internal/backend"
)

// badCharts are what the arguments below go wrong with.
const badCharts = `
-- good/Chart.yaml --
apiVersion: v2
name: good
version: 0.1.0
-- good/values.yaml --
image:
  tag: v1
-- good/templates/a.yaml --
a: {{ .Values.image.tag }}
-- noname/Chart.yaml --
apiVersion: v2
version: 0.1.0
-- noversion/Chart.yaml --
apiVersion: v2
name: noversion
version: one
-- nochart/values.yaml --
-- badmetadata/Chart.yaml --
apiVersion: v2
name: a: b
-- badvalues/Chart.yaml --
apiVersion: v2
name: badvalues
version: 0.1.0
-- badvalues/values.yaml --
a: 1
b: c: d
-- badschema/Chart.yaml --
apiVersion: v2
name: badschema
version: 0.1.0
-- badschema/values.schema.json --
{"type": 
-- schema/Chart.yaml --
apiVersion: v2
name: schema
version: 0.1.0
-- schema/values.yaml --
port: text
-- schema/values.schema.json --
{"type": "object", "properties": {"port": {"type": "integer"}}}
-- remote/Chart.yaml --
apiVersion: v2
name: remote
version: 0.1.0
-- remote/values.schema.json --
{"$ref": "https://127.0.0.1:1/schema.json"}
-- syntax/Chart.yaml --
apiVersion: v2
name: syntax
version: 0.1.0
-- syntax/templates/a.yaml --
a: 1
b: {{ if }}
-- notyaml/Chart.yaml --
apiVersion: v2
name: notyaml
version: 0.1.0
-- notyaml/values.yaml --
port: "80: 90"
-- notyaml/templates/_h.tpl --
{{- define "port" }}port: {{ .Values.port }}{{ end }}
-- notyaml/templates/a.yaml --
kind: Service
spec:
  {{ template "port" . }}
-- nil/Chart.yaml --
apiVersion: v2
name: nil
version: 0.1.0
-- nil/values.yaml --
image:
  tag: v1
-- nil/templates/a.yaml --
a: {{ .Values.imag.tag }}
-- needs/Chart.yaml --
apiVersion: v2
name: needs
version: 0.1.0
dependencies:
- name: db
  version: 1.0.0
-- library/Chart.yaml --
apiVersion: v2
name: library
version: 0.1.0
type: library
-- values.yaml --
a: 1
b:
  - c: d: e
-- list.yaml --
- a
-- annotated/Chart.yaml --
apiVersion: v2
name: annotated
version: 0.1.0
annotations: {slipway.dev/steps: all}
-- launch.yaml --
apiVersion: slipway.dev/rollout/v1

strategy: rolling
steps:
- 10
- weight: ten
-- metrics.yaml --
- name: a
  interval: 1s
  provders: {}
-- text.tgz --
no archive
-- text.yaml --
kind: Pod
`

func TestBadInputExitsWithTwoAndChangesNothing(t *testing.T) {
	for _, test := range []struct {
		args string
		want []string // in standard error: the place, and what to do
	}{
		{"nosuchcommand", []string{`unknown command "nosuchcommand"`, "hint: run 'slipway --help'"}},
		{"show nosuchpart good", []string{`unknown command "nosuchpart"`, "hint: run 'slipway show --help'"}},
		{"template", []string{"requires at least 1 argument", "hint: usage: slipway template [NAME] [CHART]"}},
		{"template a good b", []string{"expected at most two arguments, unexpected arguments: b"}},
		{"template rel good --nosuchflag", []string{"unknown flag: --nosuchflag", "hint: run 'slipway template --help'"}},
		{"template rel good --compat helm5", []string{"--compat", "allowed are helm3 and helm4"}},
		{"template rel good --schema-refs all", []string{"--schema-refs", "allowed are none and remote"}},
		{"template rel good --timeout soon", []string{"--timeout"}},
		{"template rel good --kube-version x", []string{"invalid kube version 'x'"}},
		{"template rel good --validate --kubeconfig nowhere", []string{"nowhere: no such file", "hint: --kubeconfig"}},
		{"template rel good --dry-run=server --kubeconfig nowhere", []string{"nowhere: no such file", "hint: --kubeconfig"}},
		{"install", []string{`"slipway install" requires at least 1 argument`}},
		{"install good", []string{"INSTALLATION FAILED: must either provide a name or specify --generate-name"}},
		{"install rel good --kubeconfig nowhere", []string{"INSTALLATION FAILED: ", "nowhere: no such file", "hint: --kubeconfig"}},
		{"install rel nowhere", []string{`path "nowhere" not found`, "hint: give the path"}},
		{"install rel oci://127.0.0.1:1/Good", []string{"INSTALLATION FAILED: ", "is no name of a repository"}},
		{"install Rel good", []string{`release name "Rel": invalid release name`}},
		{"install rel library", []string{"library charts are not installable"}},
		{"install rel needs", []string{"missing in charts/ directory: db", "hint: fetch them"}},
		{"install rel good --hide-secret", []string{"Hiding Kubernetes secrets requires a dry-run mode"}},
		{"install rel good --dry-run --hide-secret --show-secrets", []string{"contradict"}},
		{"install rel good --dry-run=all", []string{"Invalid dry-run flag"}},
		{"install rel good --wait=maybe", []string{"allowed are true, false, watcher, legacy and hookOnly"}},
		{"install rel good --crds drop", []string{"allowed are create and apply and plan and skip"}},
		{"install rel good --server-side=false", []string{"--server-side=false", "hint: leave the flag out"}},
		{"install rel good --timeout 0s", []string{"--timeout 0s"}},
		{"install rel good --dry-run --labels owner=me", []string{"system reserved label name"}},
		{"install rel good --output xml", []string{"invalid format type"}},
		{"install rel good --dry-run --set image=null", []string{"nil pointer", "good/templates/a.yaml:1"}},
		{"install rel notyaml --dry-run", []string{"notyaml/templates/a.yaml", "port: 80: 90"}},
		{"upgrade rel", []string{`"slipway upgrade" requires 2 arguments`}},
		{"upgrade rel good --kubeconfig nowhere", []string{"UPGRADE FAILED: ", "nowhere: no such file"}},
		{"upgrade rel good --force-conflict", []string{"unknown flag: --force-conflict"}},
		{"rollback", []string{`"slipway rollback" requires at least 1 argument`}},
		{"rollback rel one", []string{"could not convert revision to a number"}},
		{"uninstall", []string{`"slipway uninstall" requires at least 1 argument`}},
		{"uninstall Rel", []string{"uninstall: Release name is invalid"}},
		{"test", []string{`"slipway test" requires 1 argument`}},
		{"recover", []string{`"slipway recover" requires 1 argument`}},
		{"rollout nosuch", []string{`unknown command "nosuch" for "slipway rollout"`, "hint: run 'slipway rollout --help'"}},
		{"rollout start rel", []string{`"slipway rollout start" requires 2 arguments`}},
		{"rollout start Rel good", []string{`release name "Rel": invalid release name`}},
		{"rollout start rel nowhere", []string{`path "nowhere" not found`}},
		{"rollout start rel good --kubeconfig nowhere", []string{"nowhere: no such file", "hint: --kubeconfig"}},
		{"rollout start rel good --strategy rolling", []string{"--strategy", "allowed are canary and blue-green"}},
		{"rollout start rel good --strategy=", []string{"--strategy", "allowed are canary and blue-green"}},
		{"rollout start rel good --steps 10,x", []string{`--steps 10,x: step 2: "x" is no weight`, "hint: steps are weights"}},
		{"rollout start rel good --steps 50,10", []string{"step 2: a weight of 10 comes after 50"}},
		{"rollout start rel good --steps 10:soon", []string{`step 1: "soon" is no time to pause`}},
		{"rollout start rel good --gate never", []string{"--gate", "allowed are manual and auto"}},
		{"rollout start rel good --surge lots", []string{`--surge: "lots" is no number of per cent`}},
		{"rollout start rel good --tolerance 0", []string{"--tolerance 0: it has to be from 1 to 100"}},
		{"rollout start rel good --router nosuch", []string{"--router", "allowed are gateway and istio and nginx"}},
		{"rollout start rel good --router gateway --total", []string{"a router divides the traffic"}},
		{"rollout start rel good --hooks later", []string{"--hooks", "allowed are at-start and at-promote"}},
		{"rollout start rel good --on-failure cry", []string{"--on-failure", "allowed are abort and stop"}},
		{"rollout start rel good --strategy blue-green --steps 10", []string{"blue-green has no steps", "hint: leave the steps out"}},
		{"rollout start rel good --drain -1s", []string{"never less than nothing"}},
		{"rollout start rel good --config nowhere.yaml", []string{"--config: open nowhere.yaml"}},
		{"rollout start rel good --config launch.yaml", []string{"launch.yaml:3: strategy: value must be one of 'canary', 'blue-green'", "launch.yaml:6: steps.1.weight: got string, want integer", "hint: 'slipway rollout schema'"}},
		{"rollout start rel good --config text.yaml", []string{"text.yaml:1: additional properties 'kind' not allowed"}},
		{"rollout start rel good --config values.yaml", []string{"values.yaml:3: "}},
		{"rollout start rel good --analysis nowhere.yaml", []string{"--analysis: open nowhere.yaml"}},
		{"rollout start rel good --analysis metrics.yaml", []string{"metrics.yaml:3: ", `no field "provders"`}},
		{"rollout start rel annotated", []string{"Chart.yaml of annotated: annotation slipway.dev/steps: step 1: \"all\" is no weight"}},
		{"rollout start rel good --timeout 0s", []string{"--timeout 0s"}},
		{"rollout plan rel good --output xml", []string{"--output", "allowed are text and json"}},
		{"rollout promote", []string{`"slipway rollout promote" requires 1 argument`}},
		{"rollout promote Rel", []string{`release name "Rel": invalid release name`}},
		{"rollout promote rel --from-step -1", []string{"--from-step -1: steps count from 1"}},
		{"rollout promote rel --keep-live --use-frozen", []string{"contradict each other"}},
		{"rollout abort rel --config text.yaml", []string{"text.yaml:1: additional properties"}},
		{"rollout status", []string{`"slipway rollout status" requires 1 argument`}},
		{"rollout list a", []string{"accepts no arguments"}},
		{"rollout guard a b", []string{"takes at most 1 argument"}},
		{"rollout guard a -A", []string{"leave NAME or --all-namespaces out"}},
		{"rollout guard --cronjob", []string{"--cronjob needs --image", "hint: name an image"}},
		{"rollout schema a", []string{"accepts no arguments"}},
		{"images Rel", []string{`release name "Rel": invalid release name`}},
		{"images rel -A", []string{"leave the names or --all-namespaces out"}},
		{"upgrade rel good --steps 10", []string{"--steps needs --strategy", "hint: give --strategy"}},
		{"upgrade rel good --strategy canary --dry-run", []string{"hint: run 'slipway rollout plan'"}},
		{"upgrade rel good --strategy canary --force", []string{"leave --force and --recreate out"}},
		{"template rel good --verify", []string{"unpacked charts cannot be verified"}},
		{"template rel ./nowhere", []string{`path "./nowhere" not found`, "hint: give the path"}},
		{"template rel nowhere", []string{`path "nowhere" not found`, "hint: give the path"}},
		{"template rel repo/chart", []string{"repo repo not found"}},
		{"template rel oci://127.0.0.1:1/good/../chart", []string{"is no name of a repository"}},
		{"template rel https://127.0.0.1:1/a.tgz --offline", []string{"not in the cache, and --offline is set"}},
		{"template rel web --repo https://127.0.0.1:1 --offline", []string{"not a valid chart repository or cannot be reached"}},
		{"template Rel good", []string{`release name "Rel": invalid release name`}},
		{"template rel text.tgz", []string{"text.tgz", "does not appear to be a gzipped archive"}},
		{"template rel text.yaml", []string{"text.yaml", "expected a gzipped archive"}},
		{"template rel nochart", []string{"Chart.yaml file is missing"}},
		{"template rel noname", []string{"chart.metadata.name is required"}},
		{"template rel noversion", []string{`chart.metadata.version "one" is invalid`}},
		{"template rel badmetadata", []string{"Chart.yaml", "line 2"}},
		{"template rel badvalues", []string{"values.yaml", "line 2"}},
		{"template rel badschema", []string{"badschema"}},
		{"template rel schema", []string{"schema:", "at '/port'", "got string, want integer"}},
		{"template rel remote", []string{"https://127.0.0.1:1/schema.json"}},
		{"template rel syntax", []string{"syntax/templates/a.yaml:2", "> 2 | b: {{ if }}"}},
		{"template rel notyaml", []string{"notyaml/templates/a.yaml", "port: 80: 90", "hint: use --debug"}},
		{"template rel nil", []string{"nil/templates/a.yaml:1:", "nil pointer", "did you mean image (nil/values.yaml:1)?"}},
		{"template rel needs", []string{"missing in charts/ directory: db", "hint: fetch them"}},
		{"template rel needs --dependency-update", []string{"charts/db not found"}},
		{"template rel library", []string{"library charts are not installable"}},
		{"template rel good -s templates/b.yaml", []string{"could not find template templates/b.yaml in chart", "hint: the pattern"}},
		{"template rel good -f values.yaml", []string{"values.yaml", "line 3"}},
		{"template rel good -f list.yaml", []string{"list.yaml"}},
		{"template rel good -f nowhere.yaml", []string{"open nowhere.yaml"}},
		{"template rel good --set a", []string{`failed parsing --set data: key "a" has no value`}},
		{"template rel good --set-json a={", []string{"failed parsing --set-json data a={"}},
		{"template rel good --set-file a=nowhere", []string{"failed parsing --set-file data", "nowhere"}},
		{"template rel good --post-renderer ./nowhere", []string{"unable to find binary at ./nowhere"}},
		{"template rel good --labels owner=me", []string{"system reserved label name"}},
		{"template rel nil --output-dir out", []string{"nil pointer"}},
		{"template rel good --strict --set image=null", []string{"good/templates/a.yaml:1"}},
		{"package", []string{"need at least one argument", "hint: an example"}},
		{"package nowhere", []string{"stat nowhere"}},
		{"package text.tgz", []string{"text.tgz is not a folder", "hint: name the folder"}},
		{"package good --version one", []string{`chart version "one"`, "hint: versions look like"}},
		{"package good --sign", []string{"--key is required", "hint: name the key"}},
		{"package needs", []string{"missing in charts/ directory: db", "hint: fetch them"}},
		{"package noname", []string{"chart.metadata.name is required"}},
		{"create", []string{`"slipway create" requires 1 argument`}},
		{"create nowhere/web", []string{"nowhere"}},
		{"create bad!name", []string{"chart name must match the regular expression"}},
		{"create web --starter nowhere", []string{"could not load", "nowhere"}},
		{"create text.yaml", []string{"text.yaml already exists and is not a directory"}},
		{"show chart", []string{`"slipway show chart" requires 1 argument`}},
		{"show values good --jsonpath {.a", []string{"error parsing jsonpath {.a", "hint: an example"}},
		{"show values good --jsonpath {.nowhere}", []string{"nowhere is not found", "hint: an example"}},
		{"lint nowhere", []string{"1 chart(s) linted, 1 chart(s) failed"}},
		{"lint good --output xml", []string{"--output", "allowed are text and json"}},
		{"lint syntax", []string{"1 chart(s) failed"}},
		{"values explain image.tagg good", []string{"image.tagg is not set in chart good", "hint: did you mean image.tag?"}},
		{"values explain image.tag good --set image.tag=null", []string{"--set image.tag=null removes it", "hint: a null"}},
		{"values explain a", []string{"requires 2 arguments"}},
		{"version a", []string{"accepts no arguments"}},
		{"version --template {{", []string{"template"}},
		{"completion tcsh", []string{`unknown command "tcsh"`}},
	} {
		t.Run(test.args, func(t *testing.T) {
			dir := t.TempDir()
			extract(t, dir, badCharts)
			t.Chdir(dir)
			before := snapshot(t, dir)
			code, stdout, stderr := run(t, strings.Fields(test.args)...)
			if code != exitBadInput {
				t.Errorf("exit code %d, want %d", code, exitBadInput)
			}
			if !strings.Contains(stderr, "slipway: error: ") {
				t.Errorf("no error line:\n%s", stderr)
			}
			for _, want := range test.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("standard error lacks %q:\n%s", want, stderr)
				}
			}
			if diff := cmp.Diff(before, snapshot(t, dir)); diff != "" {
				t.Errorf("files changed (- before, + after)\n%s\n%s", diff, stdout)
			}
		})
	}
}

// run runs one command line in this process.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, messages bytes.Buffer
	code = Run(t.Context(), Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &messages,
		Getenv: func(name string) string { return map[string]string{"HOME": "nobody"}[name] }, Now: func() time.Time { return time.Unix(1700000000, 0) },
		Backend: backend.Kubernetes{},
	})
	return code, out.String(), messages.String()
}

// extract writes the files of a txtar archive.
func extract(t *testing.T, dir, archive string) {
	t.Helper()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// snapshot gives the contents of all files below a folder; folders are there with a slash.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			all[name+"/"] = ""
			return nil
		}
		data, err := os.ReadFile(name)
		all[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
