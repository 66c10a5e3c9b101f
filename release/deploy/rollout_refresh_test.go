package deploy_test

import (
	"errors"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/deploy/rollouttest"
	"github.com/e6d26078/slipway/release/rollout"
)

// TestASecretRotatedIsTakenUp has a promotion stop at the commit, where the
// canary serves alone, because somebody has rotated a Secret.
func TestASecretRotatedIsTakenUp(t *testing.T) {
	t.Parallel()
	base := map[string]any{"deployments": map[string]any{"web": 4}, "config": "hello", "secret": "one", "checksum": true}
	for _, test := range []struct {
		name   string
		target map[string]any
		rolls  bool // the canary has a copy of the Secret, so that its pods have to be made anew
	}{
		{"not changed by the target", with(base, map[string]any{"version": "2"}), false},
		{"changed by the target, too", with(base, map[string]any{"version": "2", "config": "bye", "secret": "two"}), true},
	} {
		for _, strategy := range []rollout.Strategy{rollout.Canary, rollout.BlueGreen} {
			t.Run(test.name+", "+string(strategy), func(t *testing.T) {
				t.Parallel()
				s := &scenario{name: test.name, base: base, target: test.target, services: []string{"fleet-web"}, hooks: []string{}}
				l := newLaunch(t, s, strategy, "slipway")
				state := l.start(t)
				for step := 2; step < len(state.Steps) || strategy == rollout.BlueGreen && state.Step == 0; step++ {
					state = l.promote(t)
				}
				secrets := l.client.CoreV1().Secrets(l.namespace)
				patch := []byte(`{"stringData": {"password": "rotated"}}`)
				if _, err := secrets.Patch(background, "fleet-secret", types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
					t.Fatal(err)
				}
				var changed *deploy.ChangedConfigError
				if _, err := deploy.PromoteRollout(background, l.config, "fleet", deploy.PromoteOptions{}); !errors.As(err, &changed) {
					t.Fatalf("a promotion over a rotated Secret: %v", err)
				}
				_, err := deploy.RefreshRollout(background, l.config, "fleet", deploy.PromoteOptions{})
				var failure *deploy.Error
				switch {
				case !test.rolls && err != nil:
					t.Fatalf("refresh: %v", err)
				case test.rolls && (!errors.As(err, &failure) || failure.Outcome != deploy.Refused):
					t.Fatalf("refresh of what serves alone: %v", err)
				case test.rolls:
					if _, err := deploy.UndoRollout(background, l.config, "fleet", deploy.AbortOptions{}); err != nil {
						t.Fatalf("undo: %v", err)
					}
					if _, err := deploy.RefreshRollout(background, l.config, "fleet", deploy.PromoteOptions{}); err != nil {
						t.Fatalf("refresh: %v", err)
					}
				}
				state = l.promote(t)
				l.promoteAll(t, state)
				l.settle(t)
				secret, err := secrets.Get(background, "fleet-secret", metav1.GetOptions{})
				if err != nil || string(secret.Data["password"]) != "rotated" {
					t.Errorf("the password is %q, %v", secret.Data["password"], err)
				}
				// While pods of the canary are made anew there may be one more than its share.
				for _, v := range l.recorder.Cut(t).Capacity(rollouttest.Judgement{Release: "fleet"}) {
					t.Error(v)
				}
			})
		}
	}
}
