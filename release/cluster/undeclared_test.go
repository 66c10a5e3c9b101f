package cluster

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/release/deploy"
)

// odd has fields that its kind does not have: within items of lists that are
// told apart by one field, by two, by their place; at its top; with dots in their names.
const odd = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, replicas: 3, spec: {
	selector: {matchLabels: {app: web}},
	template: {
		metadata: {labels: {app: web}},
		example.com/role: reader,
		spec: {
			volumes: [{name: logs, emptyDir: {}}, {name: data, emptyDir: {size: 1Gi}}],
			tolerations: [{key: a, operator: Exists, why: because}],
			containers: [{name: web, image: web, ports: [{containerPort: 80, nmae: http}, {containerPort: 80, protocol: UDP}]}]}}}}`

func TestFieldsThatAKindDoesNotHaveAreLeftOut(t *testing.T) {
	f := newFixture(t)
	var warnings []string
	f.options.Warn = func(message string) { warnings = append(warnings, message) }
	for _, options := range []deploy.ApplyOptions{{DryRun: true}, {}} {
		live, err := f.Apply(t.Context(), f.object(odd), options)
		if err != nil {
			t.Fatal(err)
		}
		if got := nested(live, "spec", "template", "spec", "volumes"); !cmp.Equal(got, parse(t, `volumes: [{name: logs, emptyDir: {}}, {name: data, emptyDir: {}}]`)["volumes"]) {
			t.Errorf("the volumes are %v", got)
		}
		if ports, _ := firstContainer(live)["ports"].([]any); len(ports) != 2 {
			t.Errorf("the ports are %v", ports)
		}
	}
	const paths = `.replicas, .spec.template.example.com/role, .spec.template.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"].nmae, ` +
		`.spec.template.spec.tolerations[0].why, .spec.template.spec.volumes[name="data"].emptyDir.size`
	want := "Deployment " + f.namespace + "/web sets fields that its kind does not have; they are left out: " + paths
	if diff := cmp.Diff([]string{want, want}, warnings); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutFields(t *testing.T) {
	document := func() map[string]any { return parse(t, odd) }
	for path, left := range map[string]bool{
		`.replicas`:                       false,
		`.replica`:                        true,
		`.spec.template.example.com/role`: false,
		`.spec.template.example`:          true,
		`.spec.template.spec.volumes[name="data"].emptyDir.size`:                                 false,
		`.spec.template.spec.volumes[name="logs"].emptyDir.size`:                                 true,
		`.spec.template.spec.volumes[1].emptyDir.size`:                                           false,
		`.spec.template.spec.volumes[0].emptyDir.size`:                                           true,
		`.spec.template.spec.volumes[name="data"`:                                                true,
		`.spec.template.spec.volumes[name=`:                                                      true,
		`.spec.template.spec.volumes[="data"].emptyDir.size`:                                     true,
		`.spec.template.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"].nmae`: false,
		`.spec.template.spec.containers[name="web"].ports[containerPort=80,protocol="UDP"].nmae`: false, // who has no protocol may have any
		`.spec.template.spec.containers[name="web"].ports[containerPort=81,protocol="TCP"].nmae`: true,
	} {
		given := document()
		got, found := withoutFields(given, []string{path})
		if unchanged := cmp.Equal(got, document()); unchanged != left || slices.Contains(found, path) == left {
			t.Errorf("%s: unchanged is %v, found %v", path, unchanged, found)
		}
		if !cmp.Equal(given, document()) {
			t.Errorf("%s: the document given has changed", path)
		}
	}
}
