package release_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chartutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/internal/storetest"
)

func TestKeys(t *testing.T) {
	for key, want := range map[string]struct {
		name    string
		version int
	}{
		"sh.helm.release.v1.web.v1":      {"web", 1},
		"sh.helm.release.v1.web.v2.v10":  {"web.v2", 10},
		"sh.helm.release.v1.web.v01":     {},
		"sh.helm.release.v1.web.v+1":     {},
		"sh.helm.release.v1.web.v0":      {},
		"sh.helm.release.v1..v1":         {},
		"sh.helm.release.v1.web":         {},
		"sh.helm.release.v2.web.v1":      {},
		"sh.helm.release.v1.web.v9e9999": {},
		"":                               {},
	} {
		name, version, ok := release.ParseKey(key)
		if name != want.name || version != want.version || ok != (want.name != "") {
			t.Errorf("%s: %q, %d, %v", key, name, version, ok)
		}
		if ok && release.Key(name, version) != key {
			t.Errorf("%s and back is %s", key, release.Key(name, version))
		}
	}
}

func TestMetaIsReadAsItWasStored(t *testing.T) {
	r := storetest.Record("prod", "web", 3, release.StatusFailed)
	r.CreatedAt, r.ModifiedAt = time.Unix(1700000000, 0).UTC(), time.Unix(1700000001, 0).UTC()
	want := r.Meta()
	labels := want.StoredLabels()
	annotations, err := want.StoredAnnotations()
	if err != nil {
		t.Fatal(err)
	}
	got, ok := release.ReadMeta(release.Key("web", 3), "prod", labels, annotations)
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{
		"name": "web", "owner": "helm", "status": "failed", "version": "3", "createdAt": "1700000000", "modifiedAt": "1700000001",
		"team": "blue", "slipway.dev/operation": "v3.01JZ0000000000000000000000",
	}, labels); diff != "" {
		t.Fatalf("labels (-want +got):\n%s", diff)
	}
}

func TestLabelsAreThoseOfHelm(t *testing.T) {
	helms, secrets := helmStore()
	r := storetest.Record("prod", "web", 3, release.StatusFailed)
	r.Operation = nil
	if err := helms.Create("key", r.Release); err != nil {
		t.Fatal(err)
	}
	s, err := secrets.Get(t.Context(), "key", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m, _ := release.ReadMeta(release.Key("web", 3), "prod", s.Labels, nil)
	if diff := cmp.Diff(s.Labels, m.StoredLabels()); diff != "" {
		t.Fatalf("(-Helm +ours):\n%s", diff)
	}
}

func TestWhoseRecordItIs(t *testing.T) {
	annotation := map[string]string{"slipway.dev/operation": `{"id":"A","inputs":"x"}`, "slipway.dev/chart": "web-1"}
	for _, test := range []struct {
		name        string
		label       string
		annotations map[string]string
		want        *release.Operation
		chart       string
	}{
		{"ours", "v3.A", annotation, &release.Operation{ID: "A", Inputs: "x"}, "web-1"},
		{"ours, rewritten by Helm", "v3.A", nil, &release.Operation{ID: "A"}, ""},
		{"ours, with the annotation of another operation", "v3.B", annotation, &release.Operation{ID: "B"}, ""},
		{"ours, with an annotation that is broken", "v3.A", map[string]string{"slipway.dev/operation": "{"}, &release.Operation{ID: "A"}, ""},
		{"Helm's, with a label copied from revision 2", "v2.A", annotation, nil, ""},
		{"Helm's, with a label copied from revision 31", "v31.A", annotation, nil, ""},
		{"a label without an id", "v3.", annotation, nil, ""},
		{"an annotation alone", "", annotation, nil, ""},
	} {
		m, ok := release.ReadMeta(release.Key("web", 3), "prod", map[string]string{"slipway.dev/operation": test.label}, test.annotations)
		if diff := cmp.Diff(test.want, m.Operation); diff != "" || !ok || m.Chart != test.chart || len(m.Labels) != 0 {
			t.Errorf("%s: %+v\n%s", test.name, m, diff)
		}
	}
}

func TestNamesAreThoseOfHelm(t *testing.T) {
	for _, name := range []string{
		"", "a", "web", "web-1", "web.prod", "1", "-a", "a-", "a.", ".a", "a..b", "a.-b", "A", "a_b", "a b", "ä", "a\n",
		strings.Repeat("a", 53), strings.Repeat("a", 54),
	} {
		want, got := chartutil.ValidateReleaseName(name), release.ValidateName(name)
		if (want == nil) != (got == nil) || got != nil && !errors.Is(got, release.ErrName) {
			t.Errorf("%q: Helm says %v, we say %v", name, want, got)
		}
	}
}
