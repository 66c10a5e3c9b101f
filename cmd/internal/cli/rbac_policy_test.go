package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy/permission"
	"github.com/e6d26078/slipway/release/policy"
)

// comparedChart has everything that is compared with what is in the cluster.
var comparedChart = map[string]string{
	"Chart.yaml":  "apiVersion: v2\nname: web\nversion: 1.0.0\n",
	"values.yaml": "app: web\nhost: a.example\n",
	"templates/objects.yaml": `
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  selector: {matchLabels: {app: {{ .Values.app }}}}
  template:
    metadata: {labels: {app: {{ .Values.app }}}, annotations: {slipway.dev/stage: ready}}
    spec: {containers: [{name: main, image: "example.com/app:1"}]}
---
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec: {selector: {app: {{ .Values.app }}}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}-operated}
spec: {selector: {made-by: operator}, ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: {{ .Release.Name }}}
spec:
  rules:
  - host: {{ .Values.host }}
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
`,
}

// TestTheRightsOfPoliciesAreExact runs the comparison of preflight with what is
// in the cluster as a user who has exactly the rights that "rbac" prints for
// it: nothing is left out then. Without any one of them the kind that was not
// looked at is named, and nothing is found in its place.
func TestTheRightsOfPoliciesAreExact(t *testing.T) {
	c := clustertest.Shared(t)
	chart := writeChart(t, comparedChart)
	rules := allRules(t, permission.Preflight, permission.Options{}, chart)
	var resources []string
	for _, r := range rules {
		resources = append(resources, r.Resource)
		if !slices.Equal(r.Verbs, []string{"list"}) || !r.Optional || r.Everywhere != (r.Resource == "ingresses") {
			t.Errorf("more or less than the right to list: %+v", r)
		}
	}
	if want := []string{"ingresses", "services", "pods", "deployments", "statefulsets", "daemonsets"}; !slices.Equal(resources, want) {
		t.Fatalf("rights for %v, want %v", resources, want)
	}
	look := func(t *testing.T, rules []permission.Rule) string {
		t.Helper()
		r := newRights(t, c, "", chart)
		r.user, r.impersonated = "user-"+r.namespace, true
		r.must(r.run("admin", step{exitDone, "install taken CHART --set host=" + r.namespace + ".example"}))
		// another namespace's, for the Ingress of one host
		other := newRights(t, c, "", chart)
		r.must(other.run("admin", step{exitDone, "install far CHART --set app=far,host=far-" + r.namespace + ".example"}))
		_, err := r.admin.CoreV1().Pods(r.namespace).Create(context.Background(), &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "operated", Labels: map[string]string{"made-by": "operator"}},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "example.com/app:1"}}},
		}, metav1.CreateOptions{}) // of no release
		r.must(err)
		r.grant(rules)
		code, stdout, stderr := r.slipway(r.user, "preflight", "new", "CHART", "--live", "--set", "host=far-"+r.namespace+".example")
		if code != exitDone {
			t.Fatalf("exit code %d\n%s", code, stderr)
		}
		return stdout
	}
	shown := map[string]string{
		"ingresses":    "[WARN] ingress-conflict: ",
		"services":     "would get the requests of the live Service ",
		"deployments":  "matches the pods of the live Deployment ",
		"pods":         "", // without them it is not known whether a selector is one of nothing
		"statefulsets": "", "daemonsets": "",
	}
	t.Run("with every right", func(t *testing.T) {
		t.Parallel()
		out := look(t, rules)
		for _, text := range shown {
			if !strings.Contains(out, text) {
				t.Errorf("%q is not found\n%s", text, out)
			}
		}
		if strings.Contains(out, "note: ") || strings.Contains(out, "selector-no-match") {
			t.Errorf("something was left out\n%s", out)
		}
	})
	for i, rule := range rules {
		t.Run("without "+rule.Resource, func(t *testing.T) {
			t.Parallel()
			out := look(t, slices.Delete(slices.Clone(rules), i, i+1))
			if strings.Count(out, "note: ") != 1 || !strings.Contains(strings.ToLower(out), fmt.Sprintf("note: not compared with all live %s: ", rule.Resource)) {
				t.Errorf("it is not said that %s could not be looked at\n%s", rule.Resource, out)
			}
			for resource, text := range shown {
				if text != "" && strings.Contains(out, text) != (resource != rule.Resource) {
					t.Errorf("%q found: %t\n%s", text, resource == rule.Resource, out)
				}
			}
		})
	}
}

// TestRightsOfPoliciesAreThoseOfWhatIsCompared holds the rights against what is
// looked at, kind by kind: no rights for what a chart has nothing to compare with.
func TestRightsOfPoliciesAreThoseOfWhatIsCompared(t *testing.T) {
	pods := "template: {metadata: {labels: {a: b}}, spec: {containers: [{name: x}]}}"
	for kind, object := range map[string]string{
		"ConfigMap":               "apiVersion: v1\n",
		"Ingress":                 "apiVersion: networking.k8s.io/v1\n",
		"Service":                 "apiVersion: v1\nspec: {selector: {a: b}}\n",
		"Deployment":              "apiVersion: apps/v1\nspec: {selector: {matchLabels: {a: b}}, " + pods + "}\n",
		"DaemonSet":               "apiVersion: apps/v1\nspec: {selector: {matchLabels: {a: b}}, " + pods + "}\n",
		"Job":                     "apiVersion: batch/v1\nspec: {" + pods + "}\n",
		"Pod":                     "apiVersion: v1\nspec: {containers: [{name: x}]}\n",
		"PodDisruptionBudget":     "apiVersion: policy/v1\nspec: {selector: {matchLabels: {a: b}}}\n",
		"NetworkPolicy":           "apiVersion: networking.k8s.io/v1\nspec: {podSelector: {matchLabels: {a: b}}}\n",
		"HorizontalPodAutoscaler": "apiVersion: autoscaling/v2\nspec: {scaleTargetRef: {kind: Deployment, name: x, apiVersion: apps/v1}}\n",
	} {
		text := object + "kind: " + kind + "\nmetadata: {name: x}\n"
		chart := writeChart(t, map[string]string{"Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "templates/x.yaml": text})
		var allowed, compared []string
		for _, r := range allRules(t, permission.Preflight, permission.Options{}, chart) {
			allowed = append(allowed, fmt.Sprintf("%s everywhere=%t", r.Resource, r.Everywhere))
		}
		set, err := policy.NewSet("r", "n", text, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range policy.LiveKinds(set, &policy.Config{}) {
			compared = append(compared, fmt.Sprintf("%s everywhere=%t", strings.ToLower(plural(k.Kind)), k.Everywhere))
		}
		if !slices.Equal(allowed, compared) {
			t.Errorf("%s: rights for %q, and %q are looked at", kind, allowed, compared)
		}
	}
}

// TestChecksThatAreOffLookAtNothing has each check that compares with the
// cluster turned off: what only it looks at is not asked for.
func TestChecksThatAreOffLookAtNothing(t *testing.T) {
	a := &app{env: Env{Getenv: func(string) string { return "" }, Stderr: &bytes.Buffer{}}}
	content, err := a.chartContent(context.Background(), &rbacOptions{}, writeChart(t, comparedChart))
	if err != nil {
		t.Fatal(err)
	}
	set := &policy.Set{Release: "r", Namespace: "n", Objects: content.Objects}
	for off, want := range map[string]string{
		"ingress-conflict":  "Service Pod Deployment StatefulSet DaemonSet",
		"selector-foreign":  "Ingress Pod Deployment StatefulSet DaemonSet", // by which the release's own pods are told
		"selector-no-match": "Ingress Service Deployment StatefulSet DaemonSet",
		"ingress-conflict selector-foreign selector-no-match": "",
	} {
		config := &policy.Config{Severities: map[string]policy.Severity{}}
		for _, check := range strings.Fields(off) {
			config.Severities[check] = policy.Off
		}
		var kinds []string
		for _, k := range policy.LiveKinds(set, config) {
			kinds = append(kinds, k.Kind)
		}
		if got := strings.Join(kinds, " "); got != want {
			t.Errorf("without %s: %s are looked at, want %s", off, got, want)
		}
	}
}

// TestOperationsCompareUnderTheirRights runs upgrades that policies check under
// the rights of "rbac upgrade", with --policy and without.
func TestOperationsCompareUnderTheirRights(t *testing.T) {
	c := clustertest.Shared(t)
	chart := writeChart(t, comparedChart)
	for _, with := range []bool{true, false} {
		t.Run(fmt.Sprintf("--policy %t", with), func(t *testing.T) {
			t.Parallel()
			r := newRights(t, c, "", chart)
			r.user, r.impersonated = "user-"+r.namespace, true
			r.must(r.run("admin", step{exitDone, "install one CHART --set host=" + r.namespace + ".example"}))
			r.grant(allRules(t, permission.Upgrade, permission.Options{Policy: with}, chart))
			file := filepath.Join(r.dir, "policy.yaml")
			r.must(os.WriteFile(file, []byte("apiVersion: slipway.dev/policy/v1\n"), 0o600))
			code, _, stderr := r.slipway(r.user, "upgrade", "one", "CHART", "--policy-file", file)
			if code != exitDone {
				t.Fatalf("exit code %d\n%s", code, stderr)
			}
			want := 4 // objects of its own kinds in its namespace an upgrade may list anyway
			if with {
				want = 0
			}
			if got := strings.Count(stderr, "warning: policy: not compared with all live "); got != want {
				t.Errorf("%d kinds are told as not looked at, want %d\n%s", got, want, stderr)
			}
		})
	}
}
