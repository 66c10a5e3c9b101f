package cluster

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/e6d26078/slipway/release/deploy"
)

var _ deploy.Lister = (*Client)(nil)

func namesOf(list []deploy.Live) []string {
	names := make([]string, len(list))
	for i, live := range list {
		names[i], _ = nested(live, "metadata", "name").(string)
	}
	slices.Sort(names)
	return names
}

func TestObjectsAreListedByKindAndLabels(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{"a", "b", "c"} {
		side := map[bool]string{true: "canary", false: "stable"}[name == "c"]
		f.apply(fmt.Sprintf(`{apiVersion: v1, kind: Service, metadata: {name: %s, labels: {side: %s}}, spec: {ports: [{port: 80}]}}`, name, side))
	}
	f.apply(`{apiVersion: v1, kind: Secret, metadata: {name: own}}`)
	f.apply(`{apiVersion: v1, kind: Secret, metadata: {name: sh.helm.release.v1.web.v1}, type: helm.sh/release.v1}`)
	tests := []struct {
		apiVersion, kind, selector string
		want                       []string
	}{
		{"v1", "Service", "", []string{"a", "b", "c"}},
		{"v1", "Service", "side=stable", []string{"a", "b"}},
		{"v1", "Service", "side in (canary)", []string{"c"}},
		{"v1", "Service", "side=other", []string{}},
		{"v1", "Secret", "", []string{"own"}},
		{"example.com/v1", "Nothing", "", []string{}},
	}
	for _, test := range tests {
		list, err := f.List(t.Context(), test.apiVersion, test.kind, f.namespace, test.selector)
		if err != nil {
			t.Fatal(err)
		}
		if got := namesOf(list); !slices.Equal(got, test.want) {
			t.Errorf("%s %q: got %v, want %v", test.kind, test.selector, got, test.want)
		}
		for _, live := range list {
			if live["kind"] != test.kind || live["apiVersion"] != test.apiVersion {
				t.Errorf("%s %s was listed among %s", live["apiVersion"], live["kind"], test.kind)
			}
		}
	}
	everywhere, err := f.List(t.Context(), "v1", "Namespace", "", "")
	if err != nil || !slices.Contains(namesOf(everywhere), f.namespace) {
		t.Errorf("namespaces %v, %v", namesOf(everywhere), err)
	}
}

func TestAListMayHaveManyPages(t *testing.T) {
	s := newScripted(t)
	s.collection("/api/v1/namespaces/n/configmaps", 1200)
	list, err := s.client.List(t.Context(), "v1", "ConfigMap", "n", "")
	if err != nil || len(list) != 1200 {
		t.Fatalf("%d objects, %v", len(list), err)
	}
	if pages := s.count("GET /api/v1/namespaces/n/configmaps"); pages != 3 {
		t.Errorf("%d requests", pages)
	}
}

func TestAListNamesTheMissingRight(t *testing.T) {
	f := newFixture(t).as("lister", "get core services")
	_, err := f.List(t.Context(), "v1", "Service", f.namespace, "")
	var forbidden *deploy.ForbiddenError
	if !errors.As(err, &forbidden) || forbidden.Verb != "list" || forbidden.Resource != "services" || forbidden.Namespace != f.namespace {
		t.Errorf("error %v", err)
	}
}
