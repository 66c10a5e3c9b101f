package rollouttest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"github.com/e6d26078/slipway/release/cluster"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/deploy/rollouttest"
	"github.com/e6d26078/slipway/release/rollout"
)

// hand rolls a Deployment "web" out by single writes, as people do.
type hand struct {
	*testing.T
	client    kubernetes.Interface
	namespace string
	recorder  *rollouttest.Recorder
	states    *cluster.Rollouts
	stored    deploy.StoredRollout
	lock      deploy.Lock
	stage     string // of its pods
}

func newHand(t *testing.T, stage string) *hand {
	api := clustertest.Shared(t)
	rc := api.RESTConfig(t)
	h := &hand{T: t, client: kubernetes.NewForConfigOrDie(rc), namespace: api.Namespace(t), stage: stage}
	h.states = cluster.NewRollouts(h.client, h.namespace, time.Now)
	h.deployment("web", "1", nil)
	h.must(h.client.CoreV1().Services(h.namespace).Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "web"}, Ports: []corev1.ServicePort{{Port: 80}}},
	}, metav1.CreateOptions{}))
	h.endpoints(func(ready, canary int) bool { return ready == 4 })
	h.recorder = rollouttest.Record(t, rc, h.namespace)
	locks, err := cluster.NewLeases(h.client, h.namespace, cluster.LeaseOptions{})
	h.must(nil, err)
	h.lock, err = locks.Acquire(t.Context(), "rel", deploy.Holder{Owner: "hand", Operation: "hand"})
	h.must(nil, err)
	h.stored.State = rollout.State{
		Format: 1, ID: "hand", Release: "rel", Namespace: h.namespace, Base: 1, Revision: 2,
		Steps: []rollout.Step{{Weight: 50}, {Weight: 100}},
	}
	return h
}

func (h *hand) must(_ any, err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *hand) deployment(name, version string, replicas *int32) {
	labels := map[string]string{"app": "web"}
	if replicas == nil {
		replicas = ptr.To[int32](4)
	}
	h.must(h.client.AppsV1().Deployments(h.namespace).Create(h.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "example.test/web-" + version + ":" + h.stage}}},
			},
		},
	}, metav1.CreateOptions{}))
}

// patch changes a Deployment or Service by a merge patch.
func (h *hand) patch(kind, name, patch string) {
	h.Helper()
	var err error
	if kind == "service" {
		_, err = h.client.CoreV1().Services(h.namespace).Patch(h.Context(), name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
	} else {
		_, err = h.client.AppsV1().Deployments(h.namespace).Patch(h.Context(), name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
	}
	h.must(nil, err)
}

func (h *hand) pause(name string, paused bool) {
	h.patch("deployment", name, fmt.Sprintf(`{"spec": {"paused": %t}}`, paused))
}

func (h *hand) image(version string) {
	h.patch("deployment", "web", `{"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "example.test/web-`+version+`:`+h.stage+`"}]}}}}`)
}

// pin selects the pods of a ReplicaSet, "" for all.
func (h *hand) pin(hash string) {
	if hash == "" {
		h.patch("service", "web", `{"spec": {"selector": {"pod-template-hash": null}}}`)
		return
	}
	h.patch("service", "web", `{"spec": {"selector": {"pod-template-hash": "`+hash+`"}}}`)
}

func (h *hand) phase(phase rollout.Phase, committed bool) {
	h.stored.State.Phase, h.stored.State.Committed = phase, committed
	if phase == rollout.Committing {
		h.stored.State.Step = 1
	}
	h.must(nil, h.states.Save(h.Context(), &h.stored))
}

// hash is that of the ReplicaSet with the pods of a version.
func (h *hand) hash(version string) string {
	sets, err := h.client.AppsV1().ReplicaSets(h.namespace).List(h.Context(), metav1.ListOptions{})
	h.must(nil, err)
	for _, s := range sets.Items {
		if strings.Contains(s.Spec.Template.Spec.Containers[0].Image, "web-"+version+":") {
			return s.Labels["pod-template-hash"]
		}
	}
	h.Fatal("no ReplicaSet of version", version)
	return ""
}

// endpoints waits until the ready endpoints are as they should be.
func (h *hand) endpoints(wanted func(ready, canary int) bool) {
	h.Helper()
	var ready, canary int
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		list, err := h.client.DiscoveryV1().EndpointSlices(h.namespace).List(h.Context(), metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=web"})
		h.must(nil, err)
		ready, canary = 0, 0
		for _, slice := range list.Items {
			for _, e := range slice.Endpoints {
				if ptr.Deref(e.Conditions.Ready, false) {
					ready++
					if strings.HasPrefix(e.TargetRef.Name, "web-r2-") {
						canary++
					}
				}
			}
		}
		if wanted(ready, canary) {
			return
		}
	}
	h.Fatalf("there are %d ready endpoints, %d of the canary", ready, canary)
}

// canary brings up as many pods of the new version as of the old one, up to the gate.
func (h *hand) canary() {
	h.phase(rollout.Scaling, false)
	h.deployment("web-r2", "2", nil)
	h.endpoints(func(ready, canary int) bool { return ready == 8 })
	h.phase(rollout.Gate, false)
}

func (h *hand) switched() {
	h.phase(rollout.Shifting, false)
	h.pause("web", true)
	h.pause("web-r2", true)
	h.pin(h.hash("2"))
	h.endpoints(func(ready, canary int) bool { return ready == 4 && canary == 4 })
}

func (h *hand) promote() {
	h.canary()
	h.switched()
	h.phase(rollout.Committing, true)
	h.image("2")
	orphan := metav1.DeletePropagationOrphan
	h.must(nil, h.client.AppsV1().Deployments(h.namespace).Delete(h.Context(), "web-r2", metav1.DeleteOptions{PropagationPolicy: &orphan}))
	h.phase(rollout.Resuming, true)
	h.pause("web", false)
	h.complete()
	h.pin("")
	h.endpoints(func(ready, _ int) bool { return ready == 4 })
	h.phase(rollout.Done, true)
}

// complete waits until the Deployment "web" has the pods it wants and no others.
func (h *hand) complete() {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		d, err := h.client.AppsV1().Deployments(h.namespace).Get(h.Context(), "web", metav1.GetOptions{})
		h.must(nil, err)
		s := d.Status
		if s.ObservedGeneration >= d.Generation && s.UpdatedReplicas == 4 && s.ReadyReplicas == 4 && s.Replicas == 4 {
			return
		}
		if time.Now().After(deadline) {
			h.Fatalf("%+v", s)
		}
	}
}

func (h *hand) abort() {
	h.canary()
	h.phase(rollout.Clearing, false)
	h.must(nil, h.client.AppsV1().Deployments(h.namespace).Delete(h.Context(), "web-r2", metav1.DeleteOptions{}))
	h.endpoints(func(ready, _ int) bool { return ready == 4 })
	h.phase(rollout.Aborted, false)
}

// TestAGoodHand rolls out as rollout.md says.
func TestAGoodHand(t *testing.T) {
	for name, do := range map[string]func(h *hand){"promoted": (*hand).promote, "aborted": (*hand).abort} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHand(t, "slow-deletion")
			do(h)
			trace := h.recorder.Cut(t)
			for _, v := range trace.Judge(rollouttest.Judgement{Release: "rel", Hooks: []string{}}) {
				t.Error(v)
			}
			p := rollouttest.Plane{Random: rand.New(rand.NewPCG(1, 1)), Each: 20, Gate: 5000}
			p.Run(trace, []string{"web"})
			if len(p.Failed) > 0 || p.Sent < 1000 {
				t.Errorf("%d of %d requests failed: %q", len(p.Failed), p.Sent, p.Failed[:min(3, len(p.Failed))])
			}
			if len(p.Shares) != 1 || !p.Shares[0].Within(0.5, 1) {
				t.Errorf("shares %+v", p.Shares)
			}
		})
	}
}

// TestABadHand does what people do wrong.
func TestABadHand(t *testing.T) {
	for _, test := range []struct {
		name    string
		do      func(h *hand)
		blamed  []string
		dropped bool
	}{
		{"a pinned Deployment is restarted", func(h *hand) {
			h.pin(h.hash("1"))
			h.patch("deployment", "web", `{"spec": {"template": {"metadata": {"annotations": {"restarted": "now"}}}}}`)
			h.endpoints(func(ready, _ int) bool { return ready == 0 })
		}, []string{rollouttest.PinsName, rollouttest.CapacityName}, true},
		{"the canary is deleted at once after the commit", func(h *hand) {
			h.canary()
			h.switched()
			h.phase(rollout.Committing, true)
			h.must(nil, h.client.AppsV1().Deployments(h.namespace).Delete(h.Context(), "web-r2", metav1.DeleteOptions{}))
			h.endpoints(func(ready, _ int) bool { return ready == 0 })
		}, []string{rollouttest.CanaryName, rollouttest.CapacityName, rollouttest.PinsName}, true},
		{"stable is scaled down too early", func(h *hand) {
			h.phase(rollout.Scaling, false)
			h.deployment("web-r2", "2", ptr.To[int32](3))
			h.endpoints(func(ready, _ int) bool { return ready == 7 })
			h.patch("deployment", "web", `{"spec": {"replicas": 0}}`)
			h.endpoints(func(ready, _ int) bool { return ready == 3 })
			h.phase(rollout.Gate, false)
		}, []string{rollouttest.ExposureName, rollouttest.CapacityName}, false},
		{"the lock is not held", func(h *hand) {
			h.must(nil, h.lock.Release(context.Background()))
			h.canary()
		}, []string{rollouttest.WriterName}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHand(t, "ready")
			test.do(h)
			trace := h.recorder.Cut(t)
			found := map[string]bool{}
			for _, v := range trace.Judge(rollouttest.Judgement{Release: "rel"}) {
				found[v.Invariant] = true
			}
			for _, name := range test.blamed {
				if !found[name] {
					t.Errorf("%q was not found, but %v", name, found)
				}
				delete(found, name)
			}
			if len(found) > 0 {
				t.Errorf("blamed on %v as well", found)
			}
			p := rollouttest.Plane{Random: rand.New(rand.NewPCG(1, 1)), Each: 20}
			p.Run(trace, []string{"web"})
			// Whether one falls into the gap depends on the machine; plane_test.go holds that it would be found.
			t.Logf("%d of %d requests failed, some expected: %v", len(p.Failed), p.Sent, test.dropped)
		})
	}
}
