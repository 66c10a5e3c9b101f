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

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/e6d26078/slipway/cmd/internal/backend"
	"github.com/e6d26078/slipway/release/policy"
)

// publishedSchema compiles a schema of docs/schema.
func publishedSchema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	schema, err := compilePublished(name)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestPreflightsJSONIsAsPublished(t *testing.T) {
	schema := publishedSchema(t, "preflight.v1.json")
	charts := filepath.Join("..", "..", "..", "testdata", "charts-policy")
	for _, args := range [][]string{
		{"clean"}, {"probe-missing"}, {"latest", "--policy-file", "denied.yaml"}, {"never-drained", "--policy", "p.rego"}, {"two-budgets", "--policy", "p.rego", "--policy-combine"},
	} {
		dir := t.TempDir()
		write := func(name, text string) string {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		args[0] = filepath.Join(charts, args[0])
		for i, arg := range args {
			switch arg {
			case "denied.yaml":
				args[i] = write(arg, "apiVersion: slipway.dev/policy/v1\nchecks: {image-latest: deny}\nexceptions:\n- {check: image-latest, object: Pod/*, reason: a test, until: 2999-12-31}\n")
			case "p.rego":
				args[i] = write(arg, "package main\n\nwarn contains {\"msg\": \"x\", \"more\": [1]} if true\n")
			}
		}
		var out, faults bytes.Buffer
		code := Run(context.Background(), Env{
			Args: append([]string{"preflight", "shop", "-o", "json"}, args...), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &faults,
			Getenv: func(string) string { return "" }, Now: time.Now, Backend: backend.Kubernetes{},
		})
		if code != exitDone && code != exitBadInput {
			t.Errorf("%v: exit code %d\n%s", args, code, faults.String())
		}
		var doc any
		if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
			t.Errorf("%v: %v\n%s", args, err, out.String())
			continue
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%v: %v", args, err)
		}
	}
}

// TestTheSchemaOfPolicyFilesTakesWhatIsRead holds the published schema against
// what is read: both take and refuse the same.
func TestTheSchemaOfPolicyFilesTakesWhatIsRead(t *testing.T) {
	schema := publishedSchema(t, "policy.v1.json")
	all := "apiVersion: slipway.dev/policy/v1\nchecks: {'*': warn"
	for _, b := range policy.Builtins() {
		all += ", " + b.Name + ": off"
	}
	for text, good := range map[string]bool{
		"apiVersion: slipway.dev/policy/v1\n": true,
		all + "}\n":                           true,
		"apiVersion: slipway.dev/policy/v1\nexceptions:\n- {check: 'rego/main.deny', object: Deployment/*, namespace: prod, reason: r, until: '2027-01-31'}\n": true,
		"apiVersion: slipway.dev/policy/v2\n": false,
		"checks: {}\n":                        false,
		"apiVersion: slipway.dev/policy/v1\nchecks: {image-latest: error}\n":                                    false,
		"apiVersion: slipway.dev/policy/v1\nchecks: {image: warn}\n":                                            false,
		"apiVersion: slipway.dev/policy/v1\nexceptions: {}\n":                                                   false,
		"apiVersion: slipway.dev/policy/v1\nexceptions: [{check: image-latest}]\n":                              false,
		"apiVersion: slipway.dev/policy/v1\nexceptions: [{reason: r}]\n":                                        false,
		"apiVersion: slipway.dev/policy/v1\nexceptions: [{check: image-latest, reason: r, object: web}]\n":      false,
		"apiVersion: slipway.dev/policy/v1\nexceptions: [{check: image-latest, reason: r, until: next week}]\n": false,
		"apiVersion: slipway.dev/policy/v1\nexceptions: [{check: image-latest, reason: r, who: me}]\n":          false,
		"apiVersion: slipway.dev/policy/v1\nmore: 1\n":                                                          false,
	} {
		_, err := policy.ParseConfig([]byte(text), "policy.yaml", time.Now())
		if (err == nil) != good {
			t.Errorf("%s\nis read: %v", text, err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "policy.yaml:") {
			t.Errorf("%s\nthe error names no line: %v", text, err)
		}
		var doc any
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); (err == nil) != good {
			t.Errorf("%s\nthe schema: %v", text, err)
		}
	}
}
