package cluster

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

func TestManyObjectsAreReadByOneList(t *testing.T) {
	f := newFixture(t)
	var refs []manifest.Ref
	for i := range 6 {
		refs = append(refs, f.object(fmt.Sprintf(`{apiVersion: v1, kind: ConfigMap, metadata: {name: c%d}}`, i)).Ref)
		refs = append(refs, f.object(fmt.Sprintf(`{apiVersion: v1, kind: Secret, metadata: {name: s%d}}`, i)).Ref)
		if i != 5 {
			f.apply(fmt.Sprintf(`{apiVersion: v1, kind: ConfigMap, metadata: {name: c%d}, data: {a: "%d"}}`, i, i))
			f.apply(fmt.Sprintf(`{apiVersion: v1, kind: Secret, metadata: {name: s%d}, stringData: {a: "%d"}}`, i, i))
		}
	}
	refs = append(refs, f.object(`{apiVersion: v1, kind: Service, metadata: {name: missing}}`).Ref)
	refs = append(refs, manifest.Ref{APIVersion: "v1", Kind: "Namespace", Name: f.namespace})
	refs = append(refs, manifest.Ref{APIVersion: "example.com/v1", Kind: "Nothing", Name: "x", Namespace: f.namespace})
	var live map[manifest.Ref]deploy.Live
	made := f.requests.during(func() {
		var err error
		if live, err = f.Read(t.Context(), refs); err != nil {
			t.Fatal(err)
		}
	})
	if len(made) != 4 {
		t.Errorf("requests %v", made)
	}
	if len(live) != 11 {
		t.Errorf("%d objects: %v", len(live), live)
	}
	for _, ref := range refs {
		object := live[ref]
		if object == nil {
			continue
		}
		if object["kind"] != ref.Kind || object["apiVersion"] != ref.APIVersion || nested(object, "metadata", "name") != ref.Name {
			t.Errorf("%v is %v", ref, object)
		}
	}
}

func TestObjectsAreReadOneByOneWithoutThePermissionToList(t *testing.T) {
	f := newFixture(t)
	var refs []manifest.Ref
	for i := range 6 {
		document := fmt.Sprintf(`{apiVersion: v1, kind: ConfigMap, metadata: {name: c%d}}`, i)
		f.apply(document)
		refs = append(refs, f.object(document).Ref)
	}
	getter := f.as("getter", "get core configmaps")
	live, err := getter.Read(t.Context(), refs)
	if err != nil || len(live) != 6 {
		t.Errorf("%d objects, %v", len(live), err)
	}
	nobody := f.as("nobody-here", "list core secrets")
	var forbidden *deploy.ForbiddenError
	if _, err := nobody.Read(t.Context(), refs); !errors.As(err, &forbidden) || forbidden.Verb != "get" || forbidden.Resource != "configmaps" {
		t.Errorf("error %v", err)
	}
}

func TestAFarBiggerCollectionIsNotReadToItsEnd(t *testing.T) {
	// 1,200 objects of which 6 are wanted, the last by name.
	s := newScripted(t)
	s.collection("/api/v1/namespaces/n/configmaps", 1200)
	var refs []manifest.Ref
	for i := range 6 {
		refs = append(refs, manifest.Ref{APIVersion: "v1", Kind: "ConfigMap", Namespace: "n", Name: fmt.Sprintf("c%04d", 1194+i)})
	}
	live, err := s.client.Read(t.Context(), refs)
	if err != nil || len(live) != 6 {
		t.Fatalf("%d objects, %v", len(live), err)
	}
	if got := s.count("GET /api/v1/namespaces/n/configmaps"); got != 1 {
		t.Errorf("%d lists", got)
	}
	if got := s.count("GET /api/v1/namespaces/n/configmaps/"); got != 6 {
		t.Errorf("%d reads of one", got)
	}

	// 600 of them wanted.
	s.forget()
	refs = refs[:0]
	for i := range 600 {
		refs = append(refs, manifest.Ref{APIVersion: "v1", Kind: "ConfigMap", Namespace: "n", Name: fmt.Sprintf("c%04d", 2*i)})
	}
	live, err = s.client.Read(t.Context(), refs)
	if err != nil || len(live) != 600 {
		t.Fatalf("%d objects, %v", len(live), err)
	}
	if got := s.count("GET /api/v1/namespaces/n/configmaps"); got != 3 {
		t.Errorf("%d lists", got)
	}
	if got := s.count("GET /api/v1/namespaces/n/configmaps/"); got != 0 {
		t.Errorf("%d reads of one", got)
	}
}

func TestRecordsOfReleasesAreNotReadWithSecrets(t *testing.T) {
	f := newFixture(t)
	f.apply(`{apiVersion: v1, kind: Secret, type: helm.sh/release.v1, metadata: {name: sh.helm.release.v1.other.v1}, stringData: {release: "x"}}`)
	refs := []manifest.Ref{{APIVersion: "v1", Kind: "Secret", Namespace: f.namespace, Name: "sh.helm.release.v1.other.v1"}}
	for i := range 6 {
		refs = append(refs, manifest.Ref{APIVersion: "v1", Kind: "Secret", Namespace: f.namespace, Name: fmt.Sprint("s", i)})
	}
	var live map[manifest.Ref]deploy.Live
	made := f.requests.during(func() {
		var err error
		if live, err = f.Read(t.Context(), refs); err != nil {
			t.Fatal(err)
		}
	})
	want := []string{
		"GET /api/v1/namespaces/" + f.namespace + "/secrets",
		"GET /api/v1/namespaces/" + f.namespace + "/secrets/sh.helm.release.v1.other.v1",
	}
	if diff := cmp.Diff(want, made); diff != "" || len(live) != 1 {
		t.Errorf("%s, %d objects", diff, len(live))
	}
}
