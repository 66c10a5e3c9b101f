package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/rollout"
)

var _ deploy.RolloutStore = (*Rollouts)(nil)

var rolloutTime = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// rollouts are those of the fixture's namespace, at a time after rolloutTime.
func (f *fixture) rollouts(after time.Duration) *Rollouts {
	return NewRollouts(f.Kubernetes(), f.namespace, func() time.Time { return rolloutTime.Add(after) })
}

func (f *fixture) state(name string) *deploy.StoredRollout {
	return &deploy.StoredRollout{State: rollout.State{
		Format: 1, ID: "id-" + name, Release: name, Namespace: f.namespace, Base: 3, Revision: 4,
		Settings: rollout.Settings{Strategy: rollout.Canary}, Phase: rollout.Planned, EnteredAt: rolloutTime,
		Steps: []rollout.Step{{Weight: 50, Counts: map[string]rollout.Split{"Deployment/web": {Stable: 3, Canary: 3}}}, {Weight: 100, Implied: true}},
	}}
}

// save saves a state and expects an error, or none.
func save(t *testing.T, r *Rollouts, s *deploy.StoredRollout, want error) {
	t.Helper()
	if err := r.Save(t.Context(), s); !errors.Is(err, want) {
		t.Fatalf("save %s: error %v, want %v", s.State.Release, err, want)
	}
}

// noise cannot be compressed.
func noise(n int) []byte {
	source := rand.New(rand.NewPCG(1, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(source.Uint32())
	}
	return b
}

func TestAStateIsComparedAndSwapped(t *testing.T) {
	f := newFixture(t)
	r := f.rollouts(0)
	if _, err := r.State(t.Context(), "web"); !errors.Is(err, release.ErrNotFound) {
		t.Fatalf("a rollout that does not exist: %v", err)
	}
	s := f.state("web")
	save(t, r, s, nil)
	read, err := r.State(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, read); diff != "" {
		t.Errorf("what was read is not what was saved (-saved +read):\n%s", diff)
	}

	second := f.state("web")
	second.State.ID = "another"
	save(t, r, second, release.ErrExists)

	s.State.Phase = rollout.Preparing
	save(t, r, s, nil)
	read.State.Phase = rollout.Scaling
	save(t, r, read, release.ErrConflict)
	if read, err = r.State(t.Context(), "web"); err != nil || read.State.Phase != rollout.Preparing || read.Token != s.Token {
		t.Errorf("after a conflict the state is %+v, %v", read, err)
	}

	if err := r.Delete(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	save(t, r, s, release.ErrConflict)
	if err := r.Delete(t.Context(), "web"); err != nil {
		t.Errorf("what is gone is deleted: %v", err)
	}
}

func TestAnAnswerThatWasLostIsNoConflict(t *testing.T) {
	f := newFixture(t)
	r := f.rollouts(0)
	s := f.state("web")
	save(t, r, s, nil)
	again := f.state("web")
	save(t, r, again, nil)
	before := *s
	s.State.Phase = rollout.Preparing
	save(t, r, s, nil)
	before.State.Phase = rollout.Preparing
	save(t, r, &before, nil)
	if again.Token == s.Token || before.Token != s.Token {
		t.Errorf("tokens %s, %s and %s", again.Token, s.Token, before.Token)
	}
}

func TestOfManyProcessesOneSaves(t *testing.T) {
	f := newFixture(t)
	stores := []*Rollouts{f.rollouts(0)}
	f.connect(ConnectOptions{Kubeconfig: f.cluster.Kubeconfig()}) // a client of its own
	stores = append(stores, f.rollouts(0))

	var token string
	for round := range 10 {
		errs := make([]error, 8)
		states := make([]*deploy.StoredRollout, len(errs))
		var savers sync.WaitGroup
		for i := range errs {
			states[i] = f.state("web")
			states[i].State.Failure = fmt.Sprintf("round %d saver %d", round, i)
			states[i].Token = token
			savers.Go(func() { errs[i] = stores[i%2].Save(t.Context(), states[i]) })
		}
		savers.Wait()
		won := slices.Index(errs, nil)
		if won < 0 {
			t.Fatalf("nobody has saved: %v", errs)
		}
		for i, err := range errs {
			want := release.ErrConflict
			if round == 0 {
				want = release.ErrExists
			}
			if i != won && !errors.Is(err, want) {
				t.Errorf("round %d: saver %d got %v, want %v", round, i, err, want)
			}
		}
		read, err := stores[0].State(t.Context(), "web")
		if err != nil || read.State.Failure != states[won].State.Failure {
			t.Fatalf("round %d: %q was read and %q was saved, %v", round, read.State.Failure, states[won].State.Failure, err)
		}
		token = read.Token
	}
}

func TestAStateThatIsTooLargeSaysWhatIs(t *testing.T) {
	f := newFixture(t)
	s := f.state("web")
	s.State.Notes = []string{fmt.Sprintf("%x", noise(2<<20))}
	err := f.rollouts(0).Save(t.Context(), s)
	if err == nil || !strings.Contains(err.Error(), "most of it is notes (4194308 bytes), ") {
		t.Errorf("error %v", err)
	}
}

func TestAStateThatCannotBeReadIsNamed(t *testing.T) {
	f := newFixture(t)
	r := f.rollouts(0)
	save(t, r, f.state("good"), nil)
	newer := f.state("newer")
	newer.State.Format = 2
	save(t, r, newer, nil)
	secrets := f.Kubernetes().CoreV1().Secrets(f.namespace)
	copied, err := secrets.Get(t.Context(), "slipway.rollout.good", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	copied.ObjectMeta = metav1.ObjectMeta{Name: "copied", Labels: copied.Labels}
	if _, err := secrets.Create(t.Context(), copied, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	f.apply(`{apiVersion: v1, kind: Secret, metadata: {name: slipway.rollout.other}, stringData: {state: x}}`)
	f.apply(`{apiVersion: v1, kind: Secret, metadata: {name: slipway.rollout.torn, labels: {slipway.dev/rollout: torn}}, type: slipway.dev/rollout, stringData: {state: x}}`)

	for name, want := range map[string]string{"newer": "it has format 2 and this version knows 1", "other": "holds no rollout", "torn": "EOF"} {
		if _, err := r.State(t.Context(), name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	list, err := r.List(t.Context(), f.namespace)
	if len(list) != 1 || list[0].State.Release != "good" {
		t.Errorf("listed %v", list)
	}
	for _, want := range []string{"/slipway.rollout.newer", "/slipway.rollout.torn", "/copied holds the rollout of release " + f.namespace + "/good"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestStatesOfAllNamespacesAreListed(t *testing.T) {
	f, g := newFixture(t), newFixture(t)
	save(t, f.rollouts(0), f.state("b"), nil)
	save(t, f.rollouts(0), f.state("a"), nil)
	save(t, g.rollouts(0), g.state("a"), nil)
	for namespace, want := range map[string]int{f.namespace: 2, g.namespace: 1, "": 3} {
		list, err := f.rollouts(0).List(t.Context(), namespace)
		if err != nil && (namespace != "" || strings.Contains(err.Error(), f.namespace) || strings.Contains(err.Error(), g.namespace)) {
			t.Fatal(err)
		}
		list = slices.DeleteFunc(list, func(s deploy.StoredRollout) bool { // other tests have some as well, good and bad
			return s.State.Namespace != f.namespace && s.State.Namespace != g.namespace
		})
		if len(list) != want || list[0].State.Release != "a" || list[0].Token == "" {
			t.Errorf("in %q there are %v", namespace, list)
		}
	}
	err := g.rollouts(0).Save(t.Context(), f.state("c"))
	if err == nil || !strings.Contains(err.Error(), "is in namespace") {
		t.Errorf("a state of another namespace: %v", err)
	}
}

func TestATargetMayBeLargerThanASecret(t *testing.T) {
	f := newFixture(t)
	r := f.rollouts(0)
	for _, size := range []int{0, 1, maxSecretBytes * 3} {
		target := noise(size)
		if err := r.Freeze(t.Context(), "web", "op", target); err != nil {
			t.Fatal(err)
		}
		read, err := r.Target(t.Context(), "web", "op")
		if err != nil || string(read) != string(target) {
			t.Fatalf("%d bytes of %d read, %v", len(read), size, err)
		}
	}
	// A smaller one is frozen over it: what is left of the larger one is nothing to it.
	if err := r.Freeze(t.Context(), "web", "op", []byte("small")); err != nil {
		t.Fatal(err)
	}
	if read, err := r.Target(t.Context(), "web", "op"); err != nil || string(read) != "small" {
		t.Errorf("read %d bytes, %v", len(read), err)
	}
	if _, err := r.Target(t.Context(), "web", "other"); !errors.Is(err, release.ErrNotFound) {
		t.Errorf("another id: %v", err)
	}
}

func TestATargetThatIsIncompleteIsNotUsed(t *testing.T) {
	f := newFixture(t)
	r := f.rollouts(0)
	secrets := f.Kubernetes().CoreV1().Secrets(f.namespace)
	freeze := func() {
		t.Helper()
		if err := r.Freeze(t.Context(), "web", "op", noise(maxSecretBytes*2)); err != nil {
			t.Fatal(err)
		}
	}
	freeze()
	if err := secrets.Delete(t.Context(), "slipway.rollout-target.web.op.2", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Target(t.Context(), "web", "op"); err == nil || !strings.Contains(err.Error(), "2 of its 3 Secrets are there") {
		t.Errorf("one part is missing: %v", err)
	}
	freeze()
	part, err := secrets.Get(t.Context(), "slipway.rollout-target.web.op.1", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	part.Data["target"][5]++
	if _, err := secrets.Update(t.Context(), part, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Target(t.Context(), "web", "op"); err == nil || !strings.Contains(err.Error(), "somebody has changed") {
		t.Errorf("one part was changed: %v", err)
	}
}

func TestTheStateIsDeletedLast(t *testing.T) {
	f := newFixture(t)
	r := f.rollouts(0)
	save(t, r, f.state("web"), nil)
	save(t, r, f.state("web2"), nil)
	for _, name := range []string{"web", "web2"} {
		if err := r.Freeze(t.Context(), name, "op", noise(maxSecretBytes+1)); err != nil {
			t.Fatal(err)
		}
	}
	made := f.requests.during(func() {
		if err := r.Delete(t.Context(), "web"); err != nil {
			t.Fatal(err)
		}
	})
	if last := made[len(made)-1]; len(made) != 4 || !strings.HasSuffix(last, "/secrets/slipway.rollout.web") {
		t.Errorf("requests %v", made)
	}
	left, err := f.List(t.Context(), "v1", "Secret", f.namespace, "slipway.dev/rollout")
	want := []string{"slipway.rollout-target.web2.op", "slipway.rollout-target.web2.op.1", "slipway.rollout.web2"}
	if diff := cmp.Diff(want, namesOf(left)); err != nil || diff != "" {
		t.Errorf("what is left, %v:\n%s", err, diff)
	}
}

func TestAQuotaIsNotTakenForAMissingRight(t *testing.T) {
	f := newFixture(t)
	f.apply(`{apiVersion: v1, kind: ResourceQuota, metadata: {name: none}, spec: {hard: {secrets: "0"}}}`)
	f.await(func() bool {
		quota := f.live(f.object(`{apiVersion: v1, kind: ResourceQuota, metadata: {name: none}}`).Ref)
		return nested(quota, "status", "hard", "secrets") == "0"
	})
	err := f.rollouts(0).Save(t.Context(), f.state("web"))
	var rejected *deploy.RejectedError
	if !errors.As(err, &rejected) || !strings.Contains(err.Error(), "exceeded quota") {
		t.Errorf("error %v", err)
	}
	err = f.as("reader", "get core secrets").rollouts(0).Freeze(t.Context(), "web", "op", nil)
	var forbidden *deploy.ForbiddenError
	if !errors.As(err, &forbidden) || forbidden.Verb != "create" || forbidden.Resource != "secrets" {
		t.Errorf("error %v", err)
	}
}

// await waits until a condition holds that a controller brings about.
func (f *fixture) await(holds func() bool) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), time.Minute)
	defer cancel()
	for !holds() {
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			f.t.Fatal("a condition has not come about in a minute")
		}
	}
}
