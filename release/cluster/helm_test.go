package cluster

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

// sample is a Deployment whose template has a field that a later revision drops.
const sample = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  {{- if .Values.extra }}
  labels: {extra: label}
  {{- end }}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      {{- if .Values.extra }}
      terminationGracePeriodSeconds: 5
      {{- end }}
      containers:
      - name: web
        image: "web:{{ .Values.tag }}"
        {{- if .Values.extra }}
        env: [{name: EXTRA, value: "1"}]
        {{- end }}
`

// rendered is the sample as slipway would apply it, with what Helm marks objects by.
func (f *fixture) rendered(tag string) manifest.Object {
	return f.object(fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app.kubernetes.io/managed-by: Helm}
  annotations: {meta.helm.sh/release-name: shop, meta.helm.sh/release-namespace: %s}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "web:%s"}
`, f.namespace, tag))
}

func TestWhatHelm3LeftIsHandedOver(t *testing.T) {
	f := newFixture(t)
	chart := chartOf(t, map[string]string{"web.yaml": sample, "settings.yaml": `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: "1", b: "1"}
`})
	f.helm("3", "install", "shop", chart, "--set", "tag=1,extra=true")
	o := f.rendered("2")
	live := f.live(o.Ref)
	if diff := cmp.Diff([]string{"helm Update"}, managersOf(live)); diff != "" {
		t.Fatalf("Helm has other managers by now: %s", diff)
	}
	if f.MayConflict(live, o.Fields) {
		t.Error("a conflict is foreseen")
	}
	dry, err := f.Apply(t.Context(), o, deploy.ApplyOptions{Live: live, DryRun: true})
	if err != nil {
		t.Fatalf("dry run: %v", err)
	}
	if got := nested(firstContainer(dry), "image"); got != "web:2" {
		t.Errorf("a dry run gives image %v", got)
	}
	if live, err = f.Apply(t.Context(), o, deploy.ApplyOptions{Live: live}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"helm Apply"}, managersOf(live)); diff != "" {
		t.Error(diff)
	}
	checkNoExtras(t, live)

	// It takes one more request, once.
	o = f.object(`{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, annotations: {meta.helm.sh/release-name: shop}}, data: {a: "2"}}`)
	live = f.live(o.Ref)
	for _, want := range []int{2, 1} {
		made := f.requests.during(func() {
			if live, err = f.Apply(t.Context(), o, deploy.ApplyOptions{Live: live}); err != nil {
				t.Fatal(err)
			}
		})
		if len(made) != want {
			t.Errorf("%d requests: %v", len(made), made)
		}
		if diff := cmp.Diff(map[string]any{"a": "2"}, live["data"]); diff != "" {
			t.Error(diff)
		}
	}
}

func TestWhatAProgramWithHelmsLibraryLeftIsHandedOver(t *testing.T) {
	// Its field manager is the name of its executable.
	f := newFixture(t)
	const document = `{apiVersion: v1, kind: ConfigMap, metadata: {name: c, annotations: {meta.helm.sh/release-name: shop}}, data: {%s: "1"}}`
	before := f.object(fmt.Sprintf(document, "a"))
	r, err := f.resourceOf(t.Context(), before.Ref)
	if err != nil {
		t.Fatal(err)
	}
	live := f.createAs("helm-controller", r, before)
	live, err = f.Apply(t.Context(), f.object(fmt.Sprintf(document, "b")), deploy.ApplyOptions{Live: live})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"b": "1"}, live["data"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"helm Apply"}, managersOf(live)); diff != "" {
		t.Error(diff)
	}
}

func TestAnApplyThatWasNotToldOfTheLiveObjectHandsOverAllTheSame(t *testing.T) {
	f := newFixture(t)
	const document = `{apiVersion: v1, kind: ConfigMap, metadata: {name: c, annotations: {meta.helm.sh/release-name: shop}}, data: {%s}}`
	before := f.object(fmt.Sprintf(document, `a: "1", b: "1"`))
	r, err := f.resourceOf(t.Context(), before.Ref)
	if err != nil {
		t.Fatal(err)
	}
	f.createAs("helm", r, before)
	live, err := f.Apply(t.Context(), f.object(fmt.Sprintf(document, `a: "2"`)), deploy.ApplyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"a": "2"}, live["data"]); diff != "" {
		t.Error(diff)
	}
}

func TestHelmGoesOnAfterUs(t *testing.T) {
	for _, test := range []struct {
		helm, managers string
	}{{"3", "helm Apply, helm Update"}, {"4", "helm Apply"}} {
		t.Run("Helm "+test.helm, func(t *testing.T) {
			f := newFixture(t)
			chart := chartOf(t, map[string]string{"web.yaml": sample})
			f.helm(test.helm, "install", "shop", chart, "--set", "tag=1,extra=true")
			o := f.rendered("2")
			live, err := f.Apply(t.Context(), o, deploy.ApplyOptions{Live: f.live(o.Ref)})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"helm Apply"}, managersOf(live)); diff != "" {
				t.Errorf("after ours: %s", diff)
			}
			checkNoExtras(t, live)
			f.helm(test.helm, "upgrade", "shop", chart, "--set", "tag=3")
			live = f.live(o.Ref)
			if got := nested(firstContainer(live), "image"); got != "web:3" {
				t.Errorf("image %v", got)
			}
			if got := strings.Join(managersOf(live), ", "); got != test.managers {
				t.Errorf("after Helm's: %s", got)
			}
			o = f.rendered("4")
			live, err = f.Apply(t.Context(), o, deploy.ApplyOptions{Live: live})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"helm Apply"}, managersOf(live)); diff != "" {
				t.Errorf("after ours again: %s", diff)
			}
		})
	}
}

func firstContainer(live deploy.Live) map[string]any {
	containers, _ := nested(live, "spec", "template", "spec", "containers").([]any)
	if len(containers) == 0 {
		return nil
	}
	container, _ := containers[0].(map[string]any)
	return container
}

// checkNoExtras tells of fields that the chart no longer has.
func checkNoExtras(t *testing.T, live deploy.Live) {
	t.Helper()
	if nested(live, "metadata", "labels", "extra") != nil {
		t.Error("the label is there still")
	}
	if got := nested(live, "spec", "template", "spec", "terminationGracePeriodSeconds"); got != int64(30) {
		t.Errorf("the grace period is %v, not the default", got)
	}
	if firstContainer(live)["env"] != nil {
		t.Error("the environment is there still")
	}
}

// adopted is a document that kubectl applied, and the form in which a release takes it over.
const byKubectl = `
apiVersion: v1
kind: ConfigMap
metadata: {name: adopted, labels: {team: shop}}
data: {a: "1", mine: "1"}
`

func TestWhatKubectlLeftIsTakenOverOnAdoption(t *testing.T) {
	f := newFixture(t)
	before := f.object(byKubectl)
	r, err := f.resourceOf(t.Context(), before.Ref)
	if err != nil {
		t.Fatal(err)
	}
	live := f.createAs("kubectl-client-side-apply", r, before)
	const taken = `{apiVersion: v1, kind: ConfigMap,
		metadata: {name: adopted, labels: {app.kubernetes.io/managed-by: Helm}, annotations: {meta.helm.sh/release-name: shop}}, data: {%s}}`
	o := f.object(fmt.Sprintf(taken, `a: "2"`))
	if f.MayConflict(live, o.Fields) {
		t.Error("a conflict is foreseen")
	}
	for _, dry := range []bool{true, false} {
		live, err = f.Apply(t.Context(), o, deploy.ApplyOptions{Live: f.live(o.Ref), DryRun: dry})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]any{"a": "2", "mine": "1"}, live["data"]); diff != "" {
			t.Errorf("dry run %v: %s", dry, diff)
		}
	}
	// What the release took goes when the release drops it; what it never set stays.
	live, err = f.Apply(t.Context(), f.object(fmt.Sprintf(taken, `b: "1"`)), deploy.ApplyOptions{Live: live})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"b": "1", "mine": "1"}, live["data"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("shop", nested(live, "metadata", "labels", "team")); diff != "" {
		t.Error(diff)
	}
}
