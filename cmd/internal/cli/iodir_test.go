package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// argumentsOf is what a params.json makes of a command line.
func argumentsOf(t *testing.T, text string, line ...string) ([]string, error) {
	t.Helper()
	dir := t.TempDir()
	writeTestFile(t, filepath.Join(dir, paramsFile), text)
	a := &app{env: Env{Getenv: func(string) string { return "" }, Now: time.Now}, ending: newEnding(noon)}
	args, err := a.withParams(newRoot(a), append(line, "--io-dir="+dir))
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], dir, "DIR")
	}
	return args, err
}

func writeTestFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestParametersAreTheFlagsOfTheirCommand(t *testing.T) {
	const head = `{"apiVersion": "slipway.dev/params/v1", `
	for text, want := range map[string]string{
		`"release": "web", "chart": "./web", "steps": "10,50"}`:      "rollout start --steps=10,50 --io-dir=DIR -- web ./web",
		`"values": ["a.yaml", "b,c.yaml"]}`:                          `rollout start --values=a.yaml --values="b,c.yaml" --io-dir=DIR`,
		`"set": {"a": {"b": 1, "c": {}}, "d.e": "x"}}`:               `rollout start --set-json=a.b=1 --set-json=a.c={} --set-json=d.e="x" --io-dir=DIR`,
		`"set": ["a=1,b=2", "c=3"]}`:                                 "rollout start --set=a=1,b=2 --set=c=3 --io-dir=DIR",
		`"total": true, "tolerance": 7, "drain": "0s", "key": "k"}`:  "rollout start --drain=0s --tolerance=7 --total=true --io-dir=DIR",
		`"labels": {"a": "1", "b": "x=y,z"}, "description": null}`:   `rollout start --labels=a=1 --labels="b=x=y,z" --io-dir=DIR`,
		`"release": "--kubeconfig=elsewhere", "chart": "--debug"}`:   "rollout start --io-dir=DIR -- --kubeconfig=elsewhere --debug",
		`"namespace": "--all", "dryRun": false, "gateTimeout": "0"}`: "rollout start --dry-run=false --gate-timeout=0 --namespace=--all --io-dir=DIR",
	} {
		args, err := argumentsOf(t, head+text, "rollout", "start")
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, strings.Join(args, " ")); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
	args, err := argumentsOf(t, head+`"release": "web", "owner": "b1"}`, "rollout", "abort", "--owner", "b2")
	if err != nil || strings.Join(args, " ") != "rollout abort --owner=b1 --owner b2 --io-dir=DIR -- web" {
		t.Errorf("the command line does not win: %v %v", args, err)
	}
}

func TestParametersThatACommandDoesNotHaveAreRefused(t *testing.T) {
	const head = `{"apiVersion": "slipway.dev/params/v1", `
	for text, want := range map[string]string{
		`{}`: "apiVersion has to be slipway.dev/params/v1",
		`{"apiVersion": "slipway.dev/params/v2"}`: "apiVersion has to be",
		`[]`:                           "has to be a JSON object",
		"{\n\"a\":\n?}":                "params.json:3: it is no JSON object",
		head + `"stpes": "10"}`:        `unknown parameter "stpes" of 'slipway rollout start'; did you mean steps?`,
		head + `"from-step": 1}`:       `unknown parameter "from-step"`,
		head + `"fromStep": 1}`:        `unknown parameter "fromStep"`,
		head + `"ioDir": "x"}`:         `unknown parameter "ioDir"`,
		head + `"steps": ["10"]}`:      "parameter steps: it takes one value",
		head + `"steps": {"10": 1}}`:   "parameter steps: it takes no object",
		head + `"values": [{"a": 1}]}`: "parameter values: it takes a list of texts",
		head + `"labels": {"a": []}}`:  "parameter labels: it takes an object of texts",
		head + `"release": ["web"]}`:   "parameter release has to be a text",
		head + `"key": 1}`:             "key has to be a text",
		head + `"set": ` + strings.Repeat(`{"a":`, 80) + "1" + strings.Repeat("}", 81): "nested too deeply",
	} {
		_, err := argumentsOf(t, text, "rollout", "start")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// runIn runs a command in which --io-dir is DIR, and gives its result.
func runIn(t *testing.T, dir string, line ...string) (code int, stderr string, r resultDoc) {
	t.Helper()
	var out, errs bytes.Buffer
	for i := range line {
		line[i] = strings.ReplaceAll(line[i], "DIR", dir)
	}
	code = Run(context.Background(), Env{
		Args: line, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Now: time.Now,
		Getenv:   func(string) string { return "" },
		HandOver: func(context.Context) error { return machineFault(os.ErrPermission) },
	})
	data, err := os.ReadFile(filepath.Join(dir, resultFile))
	if err != nil {
		t.Fatalf("exit code %d, %s: %v", code, errs.String(), err)
	}
	var document any
	if err := json.Unmarshal(data, &document); err != nil {
		t.Fatal(err)
	}
	if err := publishedSchema(t, "result.v1.json").Validate(document); err != nil {
		t.Errorf("%s: %v", data, err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return code, errs.String(), r
}

func TestEveryEndWritesAResult(t *testing.T) {
	for _, test := range []struct {
		params string
		line   string
		code   int
		want   resultDoc
	}{
		{`{"apiVersion": "slipway.dev/params/v1", "key": "k1", "release": "web", "nosuch": 1}`, "rollout promote --io-dir DIR", 2,
			resultDoc{Key: "k1", Command: "rollout promote", State: "refused", Release: "web"}},
		{`{"apiVersion": "slipway.dev/params/v1", "key": "k2", "release": "web"}`, "rollout promote --io-dir DIR --nosuch", 2,
			resultDoc{Key: "k2", Command: "rollout promote", State: "refused", Release: "web"}},
		{`{"apiVersion": "slipway.dev/params/v1", "key": "k3"}`, "rollout promote --io-dir DIR", 2,
			resultDoc{Key: "k3", Command: "rollout promote", State: "refused"}},
		{`{"apiVersion": "slipway.dev/params/v1", "key": "k4", "release": "web"}`, "rollout promote --io-dir DIR", 1,
			resultDoc{Key: "k4", Command: "rollout promote", State: "internal-error", Release: "web"}},
	} {
		dir := t.TempDir()
		writeTestFile(t, filepath.Join(dir, paramsFile), test.params)
		writeTestFile(t, filepath.Join(dir, resultFile), "stale")
		code, stderr, r := runIn(t, dir, strings.Fields(test.line)...)
		got := resultDoc{Key: r.Key, Command: r.Command, State: r.State, Release: r.Release}
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(rolloutEnd{})); diff != "" || code != test.code || r.ExitCode != code {
			t.Errorf("%s: exit code %d, %d in the result: %s%s", test.params, code, r.ExitCode, stderr, diff)
		}
		if r.Message == "" || len(r.Hints) == 0 || !strings.Contains(stderr, "slipway: hint: ") {
			t.Errorf("%s: nothing says what to do: %+v", test.params, r)
		}
	}
}

func TestAResultOfAnotherCommandIsGone(t *testing.T) {
	dir := t.TempDir()
	writeTestFile(t, filepath.Join(dir, resultFile), "stale")
	a := &app{env: Env{Now: time.Now, Getenv: func(string) string { return "" }}, ending: newEnding(noon)}
	if _, err := a.withParams(newRoot(&app{env: Env{Getenv: func(string) string { return "" }}}), []string{"rollout", "abort", "--io-dir", dir}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, resultFile)); !os.IsNotExist(err) {
		t.Errorf("it is there still: %v", err)
	}
}

func TestAFolderThatIsNotThereIsBadInput(t *testing.T) {
	if code, _ := handsOver([]string{"rollout", "abort", "web", "--io-dir", filepath.Join(t.TempDir(), "nosuch")}); code != exitBadInput {
		t.Errorf("exit code %d", code)
	}
}

func TestAProcessThatASignalEndsLeavesAResult(t *testing.T) {
	dir := t.TempDir()
	a := &app{env: Env{Now: time.Now}, ending: newEnding(noon)}
	a.ending.open(dir)
	last := &lastWords{}
	last.be(a.interrupted)
	last.say(signalled{os.Interrupt})
	data, err := os.ReadFile(filepath.Join(dir, resultFile))
	var r resultDoc
	if err != nil || json.Unmarshal(data, &r) != nil || r.ExitCode != exitInterrupt || r.State != "interrupted" {
		t.Errorf("%s %v", data, err)
	}
	if code := a.end(exitDone); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	if after, _ := os.ReadFile(filepath.Join(dir, resultFile)); !bytes.Equal(after, data) {
		t.Errorf("the result was written twice: %s", after)
	}
}

func TestValuesThatCannotBeReadAreNotShown(t *testing.T) {
	a := &app{fromParams: true}
	got := a.withoutParams(`UPGRADE FAILED: failed parsing --set-json data hunter2: key "hunter2" has no value`)
	if strings.Contains(got, "hunter2") || !strings.Contains(got, "UPGRADE FAILED: failed parsing --set-json data: ") {
		t.Error(got)
	}
	a.fromParams = false
	if got := a.withoutParams("failed parsing --set data: x"); got != "failed parsing --set data: x" {
		t.Error(got)
	}
}

func TestTheSchemaOfParametersKnowsThemAll(t *testing.T) {
	var good, bad any
	for text, into := range map[string]*any{
		`{"apiVersion": "slipway.dev/params/v1", "release": "web", "set": {"a": 1}, "fromStep": 1, "values": ["x"], "wait": true}`: &good,
		`{"apiVersion": "slipway.dev/params/v1", "nosuch": 1}`:                                                                     &bad,
	} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	s := publishedSchema(t, "params.v1.json")
	if err := s.Validate(good); err != nil {
		t.Error(err)
	}
	if s.Validate(bad) == nil {
		t.Error("an unknown parameter is good")
	}
}
