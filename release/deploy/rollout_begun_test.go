package deploy_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/plan"
	"github.com/e6d26078/slipway/release/rollout"
)

// installedFleet is the chart that is launched in steps, installed in a new namespace.
func installedFleet(t *testing.T) deploy.RolloutConfig {
	t.Helper()
	api := clustertest.Shared(t)
	config, err := newRolloutConfig(api.RESTConfig(t), api.Namespace(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	change := deploy.ChangeOptions{Wait: true}
	if _, err := deploy.Install(background, config.Config, "fleet", fleet(t), nil, deploy.InstallOptions{ChangeOptions: change}); err != nil {
		t.Fatal(err)
	}
	return config
}

// TestARolloutIsTakenBackBeforeItsRecord ends the process of a start when the
// state of the rollout is stored and its record is not.
func TestARolloutIsTakenBackBeforeItsRecord(t *testing.T) {
	t.Parallel()
	for _, phase := range []rollout.Phase{rollout.Planned, rollout.Preparing} {
		t.Run(string(phase), func(t *testing.T) {
			t.Parallel()
			config := installedFleet(t)
			ctx, cancel := context.WithCancel(background)
			defer cancel()
			interrupted := config
			interrupted.Changed = func(_, after *rollout.State) {
				if after.Phase == phase {
					cancel()
				}
			}
			if _, err := deploy.StartRollout(ctx, interrupted, "fleet", fleet(t), map[string]any{"version": "2"}, quick(rollout.Canary, 50)); err == nil {
				t.Fatal("the start was not interrupted")
			}
			if past, err := config.Store.History(background, "fleet"); err != nil || len(past) != 1 {
				t.Fatalf("history: %+v, %v", past, err)
			}
			result, err := deploy.AbortRollout(background, config, "fleet", deploy.AbortOptions{})
			if err != nil || result.State.Phase != rollout.Aborted {
				t.Fatalf("abort: %v", err)
			}
			if _, err := config.Rollouts.State(background, "fleet"); !errors.Is(err, release.ErrNotFound) {
				t.Errorf("the state of the rollout is there still: %v", err)
			}
			if _, err := deploy.Upgrade(background, config.Config, "fleet", fleet(t), map[string]any{"version": "2"}, deploy.UpgradeOptions{}); err != nil {
				t.Errorf("an upgrade after that: %v", err)
			}
		})
	}
}

// TestWhatARolloutLeftIsNotForgotten has somebody delete the records of a rollout
// that is under way, and others look at the release before and after that: an
// upgrade is refused each time, until recover has brought everything back.
func TestWhatARolloutLeftIsNotForgotten(t *testing.T) {
	t.Parallel()
	config := installedFleet(t)
	if _, err := deploy.StartRollout(background, config, "fleet", fleet(t), map[string]any{"version": "2"}, quick(rollout.BlueGreen)); err != nil {
		t.Fatal(err)
	}
	upgrade := func() error {
		_, err := deploy.Upgrade(background, config.Config, "fleet", fleet(t), map[string]any{"version": "3"}, deploy.UpgradeOptions{})
		return err
	}
	var pending *deploy.PendingError
	if err := upgrade(); !errors.As(err, &pending) {
		t.Fatalf("upgrade during a rollout: %v", err)
	}
	if err := config.Store.Delete(background, "fleet", 2); err != nil {
		t.Fatal(err)
	}
	var bypassed *deploy.BypassedError
	for range 2 {
		if err := upgrade(); !errors.As(err, &bypassed) {
			t.Errorf("upgrade without the rollout's record: %v", err)
		}
	}
	if err := config.Rollouts.Delete(background, "fleet"); err != nil {
		t.Fatal(err)
	}
	_, err := deploy.PromoteRollout(background, config, "fleet", deploy.PromoteOptions{})
	if !errors.Is(err, deploy.ErrNoRollout) {
		t.Errorf("promote without a rollout: %v", err)
	}
	if _, err := deploy.AbortRollout(background, config, "fleet", deploy.AbortOptions{}); err != nil {
		t.Errorf("abort without a rollout: %v", err)
	}
	for _, confirm := range []bool{false, true} {
		found, err := deploy.RecoverRollout(background, config, "fleet", deploy.RecoverOptions{Confirm: confirm})
		if err != nil || found.How == "" || len(found.Restore) == 0 || found.Done != confirm {
			t.Errorf("recover: %+v, %v", found, err)
		}
	}
	if err := upgrade(); err != nil {
		t.Errorf("upgrade after recover: %v", err)
	}
}

// TestWhatWasThereBeforeARolloutStays has an object that is new in the target,
// and that somebody made and marked for the release beforehand.
func TestWhatWasThereBeforeARolloutStays(t *testing.T) {
	t.Parallel()
	config := installedFleet(t)
	ref := manifest.Ref{APIVersion: "v1", Kind: "ConfigMap", Namespace: config.Namespace, Name: "fleet-extra-new"}
	data := map[string]any{"extra": "precious"}
	byHand := plan.Own(manifest.Object{Ref: ref, Fields: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": ref.Name}, "data": data,
	}}, "fleet", config.Namespace)
	if _, err := config.Cluster.Apply(background, byHand, deploy.ApplyOptions{CreateOnly: true}); err != nil {
		t.Fatal(err)
	}
	values := map[string]any{"version": "2", "extra": "new"}
	if _, err := deploy.StartRollout(background, config, "fleet", fleet(t), values, quick(rollout.Canary, 50)); err != nil {
		t.Fatal(err)
	}
	if _, err := deploy.AbortRollout(background, config, "fleet", deploy.AbortOptions{}); err != nil {
		t.Fatal(err)
	}
	live, err := config.Cluster.Read(background, []manifest.Ref{ref})
	if err != nil || !reflect.DeepEqual(live[ref]["data"], any(data)) {
		t.Errorf("after the rollout was taken back: %v, %v", live[ref]["data"], err)
	}
}

// TestARolloutTakesWhatItMay has somebody else's object and somebody else's
// change of a field in the way of the target, and a start that may take both.
func TestARolloutTakesWhatItMay(t *testing.T) {
	t.Parallel()
	api := clustertest.Shared(t)
	config, err := newRolloutConfig(api.RESTConfig(t), api.Namespace(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{"config": "hello"}
	change := deploy.ChangeOptions{Wait: true}
	if _, err := deploy.Install(background, config.Config, "fleet", fleet(t), values, deploy.InstallOptions{ChangeOptions: change}); err != nil {
		t.Fatal(err)
	}
	maps := kubernetes.NewForConfigOrDie(api.RESTConfig(t)).CoreV1().ConfigMaps(config.Namespace)
	theirs := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "fleet-extra-new"}}
	if _, err := maps.Create(background, theirs, metav1.CreateOptions{FieldManager: "somebody"}); err != nil {
		t.Fatal(err)
	}
	ours, err := maps.Get(background, "fleet-config", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for key := range ours.Data {
		ours.Data[key] = "by hand"
	}
	if _, err := maps.Update(background, ours, metav1.UpdateOptions{FieldManager: "somebody"}); err != nil {
		t.Fatal(err)
	}
	values = map[string]any{"config": "bye", "version": "2", "extra": "new"}
	options := quick(rollout.Canary, 50)
	var refused *deploy.RefusedError
	if _, err := deploy.StartRollout(background, config, "fleet", fleet(t), values, options); !errors.As(err, &refused) || len(refused.Changes) != 2 {
		t.Fatalf("a start that may take nothing: %v", err)
	}
	options.TakeOwnership, options.TakeConflicts = true, true
	if _, err := deploy.StartRollout(background, config, "fleet", fleet(t), values, options); err != nil {
		t.Fatal(err)
	}
	result, err := deploy.PromoteRollout(background, config, "fleet", deploy.PromoteOptions{})
	if err != nil || result.State.Phase != rollout.Done {
		t.Fatalf("promote: %v", err)
	}
	drifts, err := deploy.Drift(background, config.Config, "fleet")
	if err != nil || drifts.Found() {
		t.Errorf("the target is not what is live: %+v, %v", drifts, err)
	}
}
