package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

// ask prints what templates see of a cluster.
const ask = `
apiVersion: v1
kind: ConfigMap
metadata: {name: probe}
data:
  version: {{ .Capabilities.KubeVersion | toJson | quote }}
  kinds: {{ .Capabilities.APIVersions | toJson | quote }}
  {{- range $i, $l := .Values.lookups }}
  lookup{{ $i }}: {{ lookup (index $l 0) (index $l 1) (index $l 2) (index $l 3) | toJson | quote }}
  {{- end }}
`

func TestTemplatesSeeTheClusterAsInHelm(t *testing.T) {
	f := newFixture(t)
	f.apply(`{apiVersion: v1, kind: Secret, metadata: {name: known}, stringData: {a: "1"}}`)
	lookups := [][]string{
		{"v1", "Secret", f.namespace, "known"},
		{"v1", "Secret", f.namespace, "missing"},
		{"v1", "Secret", f.namespace, ""},
		{"v1", "ConfigMap", "no-such-namespace", ""},
		{"v1", "Secret", "", "known"},
		{"v1", "Namespace", "", f.namespace},
		{"v1", "Namespace", "default", f.namespace},
		{"v1", "NoSuchKind", f.namespace, "x"},
		// #DIFFERS without a name Helm answers with what the root of the API serves; we with nothing.
		{"apps/v1", "NoSuchKind", f.namespace, "x"},
		{"apps/v1", "Deployment", f.namespace, ""},
	}
	values, err := json.Marshal(lookups)
	if err != nil {
		t.Fatal(err)
	}
	chart := chartOf(t, map[string]string{"probe.yaml": ask})
	rendered := f.helm("3", "install", "shop", chart, "--dry-run=server", "--set-json", "lookups="+string(values))
	data, _ := parse(t, rendered[strings.Index(rendered, "# Source"):])["data"].(map[string]any)

	capabilities, err := f.Capabilities(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(decode(t, data["version"]), decode(t, encode(t, capabilities.KubeVersion))); diff != "" {
		t.Errorf("version: %s", diff)
	}
	var kinds []string
	if err := json.Unmarshal([]byte(data["kinds"].(string)), &kinds); err != nil {
		t.Fatal(err)
	}
	slices.Sort(kinds)
	if diff := cmp.Diff(kinds, []string(capabilities.APIVersions)); diff != "" {
		t.Errorf("kinds: %s", diff)
	}
	lookup := f.Lookup(t.Context())
	for i, l := range lookups {
		found, err := lookup(l[0], l[1], l[2], l[3])
		if err != nil {
			t.Errorf("lookup %q: %v", l, err)
			continue
		}
		want := decode(t, data[fmt.Sprint("lookup", i)])
		if diff := cmp.Diff(withoutVersion(want), withoutVersion(decode(t, encode(t, found)))); diff != "" {
			t.Errorf("lookup %q: %s", l, diff)
		}
	}
}

// withoutVersion drops the version of a list, which changes all the time.
func withoutVersion(v any) any {
	if m, ok := v.(map[string]any); ok && m["items"] != nil {
		delete(m, "metadata")
	}
	return v
}

func encode(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func decode(t *testing.T, v any) any {
	t.Helper()
	text, _ := v.(string)
	var decoded any
	if err := json.Unmarshal([]byte(text), &decoded); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return decoded
}

func TestALookupThatCannotBeAnsweredIsAnError(t *testing.T) {
	f := newFixture(t)
	if _, err := f.Lookup(t.Context())("no.such.group/v1", "Thing", "", "x"); err == nil {
		t.Error("a group that is not served")
	}
	other := f.as("looker", "get core configmaps")
	var forbidden *deploy.ForbiddenError
	if _, err := other.Lookup(t.Context())("v1", "Secret", f.namespace, ""); !errors.As(err, &forbidden) || forbidden.Verb != "list" {
		t.Errorf("without permission: %v", err)
	}
}

func TestDiscoveryCostsThreeRequestsOnce(t *testing.T) {
	f := newFixture(t)
	f.connect(ConnectOptions{Kubeconfig: f.cluster.Kubeconfig()})
	made := f.requests.during(func() {
		for range 3 {
			if _, err := f.Capabilities(t.Context()); err != nil {
				t.Fatal(err)
			}
			f.object(byKubectl)
			if _, err := f.Mapper(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
	slices.Sort(made)
	if diff := cmp.Diff([]string{"GET /api", "GET /apis", "GET /version"}, made); diff != "" {
		t.Error(diff)
	}
}

func TestReferencesAreResolved(t *testing.T) {
	f := newFixture(t)
	object := func(apiVersion, kind, namespace string) manifest.Object {
		metadata := map[string]any{"name": "x"}
		if namespace != "" {
			metadata["namespace"] = namespace
		}
		return manifest.Object{
			Ref:    manifest.Ref{APIVersion: apiVersion, Kind: kind, Namespace: namespace, Name: "x"},
			Fields: map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": metadata},
		}
	}
	resolved, err := f.Resolve(t.Context(), []manifest.Object{
		object("v1", "ConfigMap", ""),
		object("v1", "ConfigMap", "other"),
		object("rbac.authorization.k8s.io/v1", "ClusterRole", "other"),
		object("extensions/v1beta1", "Ingress", ""),
		object("apps/v1", "Scale", ""),
		object("v1", "Namespace", ""),
	}, "prod")
	if err != nil {
		t.Fatal(err)
	}
	var refs []string
	for _, o := range resolved.Objects {
		refs = append(refs, o.Ref.String())
	}
	if diff := cmp.Diff([]string{"ConfigMap prod/x", "ConfigMap other/x", "ClusterRole x", "Namespace x"}, refs); diff != "" {
		t.Error(diff)
	}
	if got := resolved.Objects[2].Fields["metadata"]; !cmp.Equal(got, map[string]any{"name": "x"}) {
		t.Errorf("outside namespaces: %v", got)
	}
	if len(resolved.Unknown) != 2 || resolved.Unknown[0].Kind != "Ingress" || resolved.Unknown[1].Kind != "Scale" {
		t.Errorf("unknown: %v", resolved.Unknown)
	}
}

func TestANewKindIsFoundWithoutRefresh(t *testing.T) {
	f := newFixture(t)
	if _, err := f.Capabilities(t.Context()); err != nil {
		t.Fatal(err)
	}
	name := "gadget" + strings.TrimLeft(f.namespace[strings.LastIndex(f.namespace, "-")+1:], "0123456789")
	kind := strings.ToUpper(name[:1]) + name[1:]
	crd := f.apply(fmt.Sprintf(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[1]ss.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: %[2]s, plural: %[1]ss, singular: %[1]s}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`, name, kind))
	ref := manifest.Ref{APIVersion: "example.com/v1", Kind: kind, Namespace: f.namespace, Name: "one"}
	o := manifest.Object{Ref: ref, Fields: parse(t, fmt.Sprintf(`{apiVersion: example.com/v1, kind: %s, metadata: {name: one}, spec: {a: 1}}`, kind))}
	if _, err := f.Apply(t.Context(), o, deploy.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	resolved, err := f.Resolve(t.Context(), []manifest.Object{o}, "default")
	if err != nil || len(resolved.Unknown) > 0 {
		t.Errorf("%v, %v", resolved.Unknown, err)
	}
	definition := manifest.Ref{APIVersion: "apiextensions.k8s.io/v1", Kind: "CustomResourceDefinition", Name: nested(crd, "metadata", "name").(string)}
	if err := f.Delete(t.Context(), definition, deploy.DeleteOptions{}); err != nil {
		t.Error(err)
	}
}

func TestAGroupWhoseServerDoesNotAnswerIsLeftOut(t *testing.T) {
	s := newScripted(t)
	s.mux.HandleFunc("GET /apis/metrics.example.com/v1", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusServiceUnavailable, "down")
	})
	capabilities, err := s.client.Capabilities(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"metrics.example.com/v1", "v1", "v1/ConfigMap", "v1/Odd"}
	if diff := cmp.Diff(want, []string(capabilities.APIVersions)); diff != "" {
		t.Error(diff)
	}
	object := manifest.Object{Ref: manifest.Ref{APIVersion: "metrics.example.com/v1", Kind: "Thing", Name: "x"}}
	_, err = s.client.Resolve(t.Context(), []manifest.Object{object}, "n")
	var retryable *RetryableError
	if !errors.As(err, &retryable) {
		t.Errorf("an object of it: %v", err)
	}
	known := manifest.Object{Ref: manifest.Ref{APIVersion: "v1", Kind: "ConfigMap", Name: "x"}}
	if _, err := s.client.Resolve(t.Context(), []manifest.Object{known}, "n"); err != nil {
		t.Errorf("an object of another: %v", err)
	}
}
