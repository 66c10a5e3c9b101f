package cluster

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/rollout"
)

func TestWhatIsLeftOfReleasesThatAreGoneIsFound(t *testing.T) {
	f := newFixture(t)
	r := f.rollouts(0)
	exists := func(_ context.Context, namespace, name string) (bool, error) {
		return namespace == f.namespace && name != "gone", nil
	}
	for _, name := range []string{"gone", "there"} {
		save(t, r, f.state(name), nil)
		for _, id := range []string{"id-" + name, "other"} {
			if err := r.Freeze(t.Context(), name, id, []byte("target")); err != nil {
				t.Fatal(err)
			}
		}
		plans := NewPlans(f.Kubernetes(), f.namespace, r.now)
		if _, err := plans.Save(t.Context(), name, "p", []byte("plan"), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	torn := f.state("torn")
	torn.State.Format = 2
	save(t, r, torn, nil)
	if err := r.Freeze(t.Context(), "torn", "unknown", []byte("target")); err != nil {
		t.Fatal(err)
	}
	f.apply(`{apiVersion: v1, kind: Secret, metadata: {name: theirs, labels: {app.kubernetes.io/managed-by: slipway}}}`)

	find := func(after time.Duration) []Orphan {
		t.Helper()
		orphans, err := f.rollouts(after).Orphans(t.Context(), f.namespace, exists)
		if err != nil {
			t.Fatal(err)
		}
		return orphans
	}
	names := func(orphans []Orphan) []string {
		var list []string
		for _, o := range orphans {
			list = append(list, o.Name)
		}
		return list
	}
	// Before its time has passed, a target may be one whose state is about to be saved.
	if diff := cmp.Diff([]string{"slipway.rollout.gone"}, names(find(0))); diff != "" {
		t.Errorf("at once:\n%s", diff)
	}
	late := find(48 * time.Hour)
	want := []string{
		"slipway.plan.gone.p", "slipway.rollout-target.gone.id-gone", "slipway.rollout-target.gone.other",
		"slipway.rollout-target.there.other", "slipway.rollout.gone",
	}
	if diff := cmp.Diff(want, names(late)); diff != "" {
		t.Errorf("two days later:\n%s", diff)
	}

	// One of them is taken into use again.
	again, err := r.State(t.Context(), "gone")
	if err != nil {
		t.Fatal(err)
	}
	again.State.Phase = rollout.Preparing
	save(t, r, again, nil)
	for _, o := range late {
		err := r.RemoveOrphan(t.Context(), o)
		if inUse := o.Name == "slipway.rollout.gone"; inUse != errors.Is(err, release.ErrConflict) || !inUse && err != nil {
			t.Errorf("%s: %v", o.Name, err)
		}
		if err := r.RemoveOrphan(t.Context(), o); err != nil && !errors.Is(err, release.ErrConflict) {
			t.Errorf("%s for the second time: %v", o.Name, err)
		}
	}
	if diff := cmp.Diff([]string{"slipway.rollout.gone"}, names(find(48*time.Hour))); diff != "" {
		t.Errorf("after they were removed:\n%s", diff)
	}
	refused := errors.New("refused")
	if _, err := r.Orphans(t.Context(), f.namespace, func(context.Context, string, string) (bool, error) { return false, refused }); !errors.Is(err, refused) {
		t.Errorf("records that cannot be read: %v", err)
	}
}
