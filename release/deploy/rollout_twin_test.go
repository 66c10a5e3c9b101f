package deploy_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/deploy/rollouttest"
	"github.com/e6d26078/slipway/release/rollout"
)

// TestAPromotionLeavesWhatHelmLeaves promotes rollouts, and has Helm upgrade a
// twin in another namespace. Both end the same. What an abort leaves is compared
// in TestInvariantsOfRollouts.
func TestAPromotionLeavesWhatHelmLeaves(t *testing.T) {
	t.Parallel()
	type pair struct {
		*scenario
		strategy rollout.Strategy
		tool     string
	}
	random := dice("twins of rollouts")
	var pairs []pair
	for _, s := range scenarios() {
		var all []pair
		for _, strategy := range []rollout.Strategy{rollout.Canary, rollout.BlueGreen} {
			if s.only != "" && s.only != strategy {
				continue
			}
			all = append(all, pair{s, strategy, "helm3"}, pair{s, strategy, "helm4"})
		}
		if !sweepsAll() {
			all = all[random.IntN(len(all)):][:1]
		}
		pairs = append(pairs, all...)
	}
	if !sweepsAll() {
		random.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
		pairs = pairs[:4]
	}
	for _, p := range pairs {
		t.Run(fmt.Sprintf("%s %s %s", p.scenario, p.strategy, p.tool), func(t *testing.T) {
			t.Parallel()
			theirs := launchOf(t, clustertest.Shared(t), p.scenario, p.strategy)
			theirs.install(t, p.tool, p.base, "install")
			theirs.install(t, p.tool, p.target, "upgrade")
			ours := newLaunch(t, p.scenario, p.strategy, p.tool)
			ours.promoteAll(t, ours.start(t))
			ours.settle(t)
			if diff := cmp.Diff(theirs.left(t), ours.left(t)); diff != "" {
				t.Errorf("(-helm +slipway):\n%s", diff)
			}
			questions := []string{"values", "notes"}
			// Helm 4 writes the documents with other blank lines.
			// #DIFFERS what only changes configuration gets an annotation, so that the documents are written anew
			if p.tool == "helm3" && p.scenario.name != "configuration" {
				questions = append(questions, "manifest", "hooks")
			}
			for _, what := range questions {
				question := []string{"get", what, "fleet"}
				if diff := cmp.Diff(theirs.ask(t, peer(t, p.tool), theirs.namespace, question...), ours.ask(t, peer(t, p.tool), ours.namespace, question...)); diff != "" {
					t.Errorf("helm get %s (-helm's record +slipway's):\n%s", what, diff)
				}
			}
			if diff := cmp.Diff(theirs.history(t), ours.history(t)); diff != "" {
				t.Errorf("history (-helm +slipway):\n%s", diff)
			}
		})
	}
}

// left are the objects and the images of pods.
func (l *launch) left(t *testing.T) map[string]any {
	t.Helper()
	found := l.objects(t, l.namespace)
	images := map[string]int{}
	for _, image := range l.pods(t) {
		images[image]++
	}
	found["pods"] = images
	if strings.HasPrefix(l.scenario.name, "configuration") {
		// #DIFFERS what only changes configuration restarts the pods that use it: Helm leaves them as they are
		deployment, _ := found["Deployment/fleet-web"].(map[string]any)
		spec, _ := deployment["spec"].(map[string]any)
		template, _ := spec["template"].(map[string]any)
		meta, _ := template["metadata"].(map[string]any)
		notes, _ := meta["annotations"].(map[string]any)
		maps.DeleteFunc(notes, func(name string, _ any) bool { return strings.HasPrefix(name, "slipway.dev/") })
		if len(notes) == 0 {
			delete(meta, "annotations")
		}
	}
	return found
}

// TestASecretRotatedDuringACanary stops the promotion until a person decides.
func TestASecretRotatedDuringACanary(t *testing.T) {
	t.Parallel()
	s := scenarioNamed("configuration with a checksum")
	for _, test := range []struct {
		name    string
		options *deploy.PromoteOptions // nil aborts
		want    string
	}{
		{"kept", &deploy.PromoteOptions{KeepLive: true}, "rotated"},
		{"overwritten", &deploy.PromoteOptions{UseFrozen: true}, "two"},
		{"aborted", nil, "rotated"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := newLaunch(t, s, rollout.Canary, "slipway")
			state := l.start(t)
			for state.Step < len(state.Steps)-2 {
				state = l.promote(t)
			}
			patch := []byte(`{"stringData": {"password": "rotated"}}`)
			secrets := l.client.CoreV1().Secrets(l.namespace)
			if _, err := secrets.Patch(background, "fleet-secret", types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
				t.Fatal(err)
			}
			var failure *deploy.Error
			var changed *deploy.ChangedConfigError
			_, err := deploy.PromoteRollout(background, l.config, "fleet", deploy.PromoteOptions{})
			if !errors.As(err, &failure) || failure.Outcome != deploy.Failed || !errors.As(err, &changed) {
				t.Fatalf("a promotion over a rotated Secret: %v", err)
			}
			if test.options == nil {
				l.abort(t)
			} else if result, err := deploy.PromoteRollout(background, l.config, "fleet", *test.options); err != nil || result.State.Phase != rollout.Done {
				t.Fatalf("%+v, %v", result, err)
			}
			l.settle(t)
			secret, err := secrets.Get(background, "fleet-secret", metav1.GetOptions{})
			if err != nil || string(secret.Data["password"]) != test.want {
				t.Errorf("the password is %q, %v", secret.Data["password"], err)
			}
			l.judge(t, l.recorder.Cut(t), []string{})
		})
	}
}

// TestDoubledLoadAtFullWeight has the load double while the canary serves
// alone: what the autoscaler scales is what serves. There are no metrics in this
// cluster: the test writes what the autoscaler would, to what its scaleTargetRef names.
func TestDoubledLoadAtFullWeight(t *testing.T) {
	t.Parallel()
	s := scenarioNamed("autoscaler")
	for _, strategy := range []rollout.Strategy{rollout.Canary, rollout.BlueGreen} {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			l := newLaunch(t, s, strategy, "helm3")
			l.scenario.choose = nil
			before := l.scaler(t)
			result, err := deploy.StartRollout(background, l.config, "fleet", l.chart, s.target, fullGate(strategy))
			if err != nil {
				t.Fatal(err)
			}
			for result.State.Step < len(result.State.Steps)-1 {
				result.State = l.promote(t)
			}
			ref := l.scaler(t)["scaleTargetRef"].(map[string]any)
			l.scale(t, ref["name"].(string), 8)
			l.await(t, "8 pods of the new version serve", func() bool { return l.serving(t)["2"] == 8 })
			if old := l.serving(t)["1"]; old != 0 {
				t.Errorf("%d pods of the old version serve", old)
			}
			l.recorder.Cut(t)
			l.promoteAll(t, result.State)
			l.settle(t)
			trace := l.recorder.Cut(t)
			if floor := trace.Start().Floors()["fleet-web"]; floor != 8 {
				t.Errorf("the floor is %d", floor)
			}
			for _, v := range trace.Capacity(rollouttest.Judgement{}) {
				t.Error(v)
			}
			if n := l.serving(t)["2"]; n != 8 {
				t.Errorf("%d pods serve in the end", n)
			}
			if diff := cmp.Diff(before, l.scaler(t)); diff != "" {
				t.Errorf("the autoscaler (-before +after):\n%s", diff)
			}
		})
	}
}

// fullGate has a gate at full weight.
func fullGate(strategy rollout.Strategy) deploy.StartOptions {
	if strategy == rollout.BlueGreen {
		return quick(strategy)
	}
	return quick(strategy, 20, 100)
}

// scaler is the specification of the autoscaler.
func (l *launch) scaler(t *testing.T) map[string]any {
	t.Helper()
	object, _ := l.objects(t, l.namespace)["HorizontalPodAutoscaler/fleet-web"].(map[string]any)
	spec, ok := object["spec"].(map[string]any)
	if !ok {
		t.Fatalf("no autoscaler: %v", object)
	}
	return spec
}

// serving counts the ready endpoints of the Service "fleet-web" by version.
func (l *launch) serving(t *testing.T) map[string]int {
	t.Helper()
	pods := l.pods(t)
	list, err := l.client.DiscoveryV1().EndpointSlices(l.namespace).List(background, metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=fleet-web"})
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, slice := range list.Items {
		for _, e := range slice.Endpoints {
			if e.Conditions.Ready != nil && *e.Conditions.Ready {
				image := pods[e.TargetRef.Name]
				version, _, _ := strings.Cut(strings.TrimPrefix(image, "example.test/app-"), ":")
				count[version]++
			}
		}
	}
	return count
}
