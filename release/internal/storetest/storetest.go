// Package storetest says what every store of records does, as one table of
// tests that each store runs.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart"
	helm "helm.sh/helm/v3/pkg/release"
	helmtime "helm.sh/helm/v3/pkg/time"

	"github.com/e6d26078/slipway/release"
)

// Store is what package deploy asks of a store, and the listing.
type Store interface {
	History(ctx context.Context, name string) ([]release.Meta, error)
	List(ctx context.Context, options release.ListOptions) ([]release.Meta, error)
	Get(ctx context.Context, name string, version int) (*release.Record, error)
	Create(ctx context.Context, r *release.Record) error
	Update(ctx context.Context, r *release.Record) error
	Delete(ctx context.Context, name string, version int) error
}

// Now is the clock that a store under test is given.
func Now() time.Time { return time.Date(2026, 5, 4, 3, 2, 1, 500, time.UTC) }

// Record is a revision with a bit of everything.
func Record(namespace, name string, version int, status release.Status) *release.Record {
	at := helmtime.Time{Time: time.Date(2026, 1, 2, 3, 4, 5, 678900000, time.FixedZone("", 2*3600))}
	return &release.Record{
		Release: &helm.Release{
			Name: name, Namespace: namespace, Version: version,
			Info: &helm.Info{FirstDeployed: at, LastDeployed: at, Status: status, Description: "a <b> & c", Notes: "Hello\n"},
			Chart: &chart.Chart{
				Metadata:  &chart.Metadata{APIVersion: "v2", Name: "web", Version: "1.2.3", AppVersion: "7.0"},
				Templates: []*chart.File{{Name: "templates/cm.yaml", Data: []byte("kind: ConfigMap\n")}},
				Values:    map[string]any{"replicas": 2.0, "none": nil},
				Files:     []*chart.File{{Name: "README.md", Data: []byte("# web\n")}},
			},
			Config:   map[string]any{"replicas": 3.0},
			Manifest: "---\n# Source: web/templates/cm.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cm\n",
			Hooks: []*helm.Hook{{
				Name: "job", Kind: "Job", Path: "web/templates/job.yaml", Manifest: "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: job\n",
				Events: []helm.HookEvent{helm.HookPreInstall}, Weight: -5,
				DeletePolicies: []helm.HookDeletePolicy{helm.HookSucceeded},
				LastRun:        helm.HookExecution{StartedAt: at, Phase: helm.HookPhaseRunning},
			}},
			Labels: map[string]string{"team": "blue"},
		},
		ApplyMethod: "ssa",
		Operation: &release.Operation{
			ID: "01JZ0000000000000000000000", Kind: "upgrade", Owner: "ci/42", Inputs: "sha256:00",
			Audit: release.Audit{Actor: "ann", Images: []string{"web@sha256:11"}},
		},
	}
}

// Run tests a store of a namespace. Each test opens it and works on a release
// of its own, so that it may be the same for all.
func Run(t *testing.T, namespace string, open func(t *testing.T) Store) {
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.run(t, &fixture{Store: open(t), namespace: namespace, name: fmt.Sprintf("web%d", i)})
		})
	}
}

// fixture is a store and the release that a test works on.
type fixture struct {
	Store
	namespace, name string
}

func (f *fixture) record(version int, status release.Status) *release.Record {
	return Record(f.namespace, f.name, version, status)
}

func (f *fixture) create(t *testing.T, records ...*release.Record) {
	t.Helper()
	for _, r := range records {
		if err := f.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

func (f *fixture) get(t *testing.T, version int) *release.Record {
	t.Helper()
	r, err := f.Get(t.Context(), f.name, version)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var tests = []struct {
	name string
	run  func(t *testing.T, f *fixture)
}{
	{"a revision is read as it was created", readBack},
	{"a release that does not exist has no history", func(t *testing.T, f *fixture) {
		if list, err := f.History(t.Context(), f.name); len(list) != 0 || err != nil {
			t.Fatalf("got %v, %v", list, err)
		}
	}},
	{"history is in the order of revisions and knows what a listing knows", history},
	{"what is not there is not found", func(t *testing.T, f *fixture) {
		_, err := f.Get(t.Context(), f.name, 1)
		WantError(t, err, release.ErrNotFound)
		WantError(t, f.Update(t.Context(), f.record(1, release.StatusDeployed)), release.ErrNotFound)
		WantError(t, f.Delete(t.Context(), f.name, 1), release.ErrNotFound)
	}},
	{"a revision is created once", func(t *testing.T, f *fixture) {
		f.create(t, f.record(1, release.StatusPendingInstall))
		WantError(t, f.Create(t.Context(), f.record(1, release.StatusDeployed)), release.ErrExists)
		if got := f.get(t, 1).Info.Status; got != release.StatusPendingInstall {
			t.Fatalf("the second one has replaced it: %s", got)
		}
	}},
	{"an update needs the token of the last write", compareAndSwap},
	{"an update without a token replaces whatever is there", func(t *testing.T, f *fixture) {
		f.create(t, f.record(1, release.StatusPendingInstall))
		r := f.record(1, release.StatusFailed)
		if err := f.Update(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if got := f.get(t, 1); got.Info.Status != release.StatusFailed || got.Token != r.Token {
			t.Fatalf("got %s, token %q, want that of the update %q", got.Info.Status, got.Token, r.Token)
		}
	}},
	{"an update keeps the time of creation and changes labels", func(t *testing.T, f *fixture) {
		f.create(t, f.record(1, release.StatusPendingInstall))
		r := f.get(t, 1)
		r.Release.Labels = map[string]string{"team": "red"}
		if err := f.Update(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		got := f.get(t, 1)
		want := Now().Truncate(time.Second)
		if !got.CreatedAt.Equal(want) || !got.ModifiedAt.Equal(want) || got.Release.Labels["team"] != "red" {
			t.Fatalf("created %s, modified %s, labels %v", got.CreatedAt, got.ModifiedAt, got.Release.Labels)
		}
	}},
	{"a deleted revision is gone and its number is free", func(t *testing.T, f *fixture) {
		f.create(t, f.record(1, release.StatusSuperseded), f.record(2, release.StatusDeployed))
		if err := f.Delete(t.Context(), f.name, 1); err != nil {
			t.Fatal(err)
		}
		list, err := f.History(t.Context(), f.name)
		if err != nil || len(list) != 1 || list[0].Version != 2 {
			t.Fatalf("got %v, %v", list, err)
		}
		f.create(t, f.record(1, release.StatusDeployed))
	}},
	{"labels that are the store's own are not a user's", func(t *testing.T, f *fixture) {
		r := f.record(1, release.StatusDeployed)
		r.Operation = nil
		r.Release.Labels = map[string]string{"owner": "me", "status": "failed", "slipway.dev/operation": "v1.X", "a": "b"}
		f.create(t, r)
		got := f.get(t, 1)
		if diff := cmp.Diff(map[string]string{"a": "b"}, got.Release.Labels); diff != "" || got.Operation != nil {
			t.Fatalf("operation %v, labels:\n%s", got.Operation, diff)
		}
	}},
	{"a listing chooses by state, selector, namespace and number", listing},
	{"fields of a later Helm are kept by an update", func(t *testing.T, f *fixture) {
		r, err := release.Decode(fmt.Appendf(nil, `{"name":%q,"version":1,"namespace":%q,"info":{"status":"deployed","rollback_revision":4},"later":[1]}`, f.name, f.namespace))
		if err != nil {
			t.Fatal(err)
		}
		f.create(t, r)
		r = f.get(t, 1)
		r.Info.Status = release.StatusSuperseded
		if err := f.Update(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		data, err := f.get(t, 1).JSON()
		want := fmt.Sprintf(`{"name":%q,"info":{"first_deployed":"","last_deployed":"","deleted":"","status":"superseded","rollback_revision":4},"version":1,"namespace":%q,"later":[1]}`, f.name, f.namespace)
		if err != nil || string(data) != want {
			t.Fatalf("error %v, got\n%s, want\n%s", err, data, want)
		}
	}},
}

func readBack(t *testing.T, f *fixture) {
	want := f.record(1, release.StatusPendingInstall)
	f.create(t, want)
	if want.Token == "" {
		t.Fatal("no token")
	}
	got := f.get(t, 1)
	wantJSON, err := want.JSON()
	if err != nil {
		t.Fatal(err)
	}
	gotJSON, err := got.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if string(gotJSON) != string(wantJSON) {
		t.Fatalf("got\n%s\nwant\n%s", gotJSON, wantJSON)
	}
	if diff := cmp.Diff(want.Meta(), got.Meta()); diff != "" {
		t.Fatalf("beside the record (-want +got):\n%s", diff)
	}
	if want := Now().Truncate(time.Second); !got.CreatedAt.Equal(want) || !got.ModifiedAt.IsZero() {
		t.Fatalf("created %s, modified %s, want %s and never", got.CreatedAt, got.ModifiedAt, want)
	}
}

func history(t *testing.T, f *fixture) {
	first, ninth, tenth := f.record(1, release.StatusSuperseded), f.record(9, release.StatusSuperseded), f.record(10, release.StatusDeployed)
	first.Operation = nil // Helm's
	f.create(t, tenth, first, ninth)
	f.create(t, Record(f.namespace, f.name+"-x", 1, release.StatusDeployed))
	got, err := f.History(t.Context(), f.name)
	if err != nil {
		t.Fatal(err)
	}
	want := []release.Meta{first.Meta(), ninth.Meta(), tenth.Meta()}
	want[0].Chart, want[0].AppVersion = "", "" // not known without reading the record
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}

func compareAndSwap(t *testing.T, f *fixture) {
	f.create(t, f.record(1, release.StatusPendingInstall))
	mine, theirs := f.get(t, 1), f.get(t, 1)
	theirs.Info.Status = release.StatusFailed
	if err := f.Update(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	mine.Info.Status = release.StatusDeployed
	WantError(t, f.Update(t.Context(), mine), release.ErrConflict)
	if got := f.get(t, 1).Info.Status; got != release.StatusFailed {
		t.Fatalf("the record is %s after a conflict", got)
	}
	theirs.Info.Status = release.StatusUninstalling
	if err := f.Update(t.Context(), theirs); err != nil {
		t.Fatalf("a second update with the token of the first: %v", err)
	}
}

func listing(t *testing.T, f *fixture) {
	other := Record(f.namespace, f.name+"-b", 1, release.StatusFailed)
	other.Release.Labels["group"] = f.name
	first, second := f.record(1, release.StatusSuperseded), f.record(2, release.StatusDeployed)
	for _, r := range []*release.Record{first, second} {
		r.Release.Labels["group"] = f.name
	}
	f.create(t, second, other, first)
	mine := "group=" + f.name
	for _, test := range []struct {
		name    string
		options release.ListOptions
		want    []release.Meta
	}{
		{"all", release.ListOptions{Selector: mine}, []release.Meta{first.Meta(), second.Meta(), other.Meta()}},
		{"states", release.ListOptions{Selector: mine, States: []release.Status{release.StatusFailed, release.StatusDeployed}}, []release.Meta{second.Meta(), other.Meta()}},
		{"a label of Helm's", release.ListOptions{Selector: mine + ",version notin (1)"}, []release.Meta{second.Meta()}},
		{"a namespace", release.ListOptions{Selector: mine, Namespace: f.namespace, Limit: 3}, []release.Meta{first.Meta(), second.Meta(), other.Meta()}},
		{"another namespace", release.ListOptions{Selector: mine, Namespace: "elsewhere"}, nil},
	} {
		got, err := f.List(t.Context(), test.options)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	if got, err := f.List(t.Context(), release.ListOptions{Selector: mine, Limit: 2}); err != nil || len(got) != 2 {
		t.Errorf("a limit of 2: %d, %v", len(got), err)
	}
	if _, err := f.List(t.Context(), release.ListOptions{Selector: "=,"}); err == nil {
		t.Error("a selector that is none gave no error")
	}
}

func WantError(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("got error %v, want %v", got, want)
	}
}
