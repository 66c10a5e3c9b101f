package cluster

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/release/deploy"
)

const twice = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers: [{name: i, image: i, env: [{name: A, value: "1"}]}]
      containers: [{name: c, image: i, env: [{name: A, value: "1"}, {name: B, value: "2"}, {name: A, value: "3"}]}]
`

func TestTheLastOfVariablesWithOneNameCounts(t *testing.T) {
	fields := parse(t, twice)
	got, names := withoutDuplicates(fields)
	if diff := cmp.Diff([]string{"A"}, names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(parse(t, strings.Replace(twice, `{name: A, value: "1"}, {name: B`, `{name: B`, 1)), got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(parse(t, twice), fields); diff != "" {
		t.Errorf("the document was changed: %s", diff)
	}
	if same, names := withoutDuplicates(got); names != nil || !cmp.Equal(same, got) {
		t.Errorf("again: %v", names)
	}
}

func TestADocumentWithDuplicatesIsApplied(t *testing.T) {
	f := newFixture(t)
	var warnings []string
	f.options.Warn = func(message string) { warnings = append(warnings, message) }
	o := f.object(twice)
	for _, options := range []deploy.ApplyOptions{{DryRun: true}, {}} {
		live, err := f.Apply(t.Context(), o, options)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(parse(t, `env: [{name: B, value: "2"}, {name: A, value: "3"}]`)["env"], firstContainer(live)["env"]); diff != "" {
			t.Error(diff)
		}
	}
	want := "Deployment " + f.namespace + `/web sets environment variables more than once, of which the last counts: ["A"]`
	if diff := cmp.Diff([]string{want, want}, warnings); diff != "" {
		t.Error(diff)
	}
}
