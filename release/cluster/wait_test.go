package cluster

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

func wantRequests(t *testing.T, got map[string]int, want ...string) {
	t.Helper()
	expected := map[string]int{}
	for _, r := range want {
		expected[r]++
	}
	if !maps.Equal(got, expected) {
		t.Errorf("requests: got %v, want %v", got, expected)
	}
}

// wantNotReady is the only object that is not ready according to an error.
func wantNotReady(t *testing.T, err error, timeout bool, reason string) deploy.NotReady {
	t.Helper()
	var e *deploy.NotReadyError
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a NotReadyError", err)
	}
	if e.Timeout != timeout || len(e.Objects) != 1 || e.Objects[0].Reason != reason {
		t.Fatalf("got %+v, want reason %q", e, reason)
	}
	return e.Objects[0]
}

func TestAReadyReleaseCostsOneListOfEachKind(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var documents []string
	for _, name := range []string{"a", "b", "c"} {
		documents = append(documents, playing(name, "ready", 2), serviceOf(name),
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: "+name+"}}")
	}
	release := r.install(t, documents...)
	if err := r.Wait(r.ctx, release, deploy.WaitOptions{}); err != nil {
		t.Fatal(err)
	}
	r.requests.taken()
	if err := r.Wait(r.ctx, release, deploy.WaitOptions{}); err != nil {
		t.Fatal(err)
	}
	wantRequests(t, r.requests.taken(), "list deployments", "list endpointslices")
}

func TestAWaitCostsOneListAndWatchOfEachKindThatIsNotReady(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var documents []string
	for _, name := range []string{"a", "b", "c"} {
		documents = append(documents, playing(name, "slow", 2), serviceOf(name))
	}
	const quick = "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: quick}, spec: {replicas: 0, selector: {matchLabels: {app: quick}}, template: {metadata: {labels: {app: quick}}, spec: {containers: [{name: main, image: a}]}}}}"
	release := r.install(t, append(documents, quick)...)
	r.until(t, release[6].Ref, func(u *unstructured.Unstructured) bool { return assess(u).state == ready && observed(u) })
	r.requests.taken()
	var progress told
	if err := r.Wait(r.ctx, release, deploy.WaitOptions{Progress: progress.note}); err != nil {
		t.Fatal(err)
	}
	wantRequests(t, r.requests.taken(), "list statefulsets", "list deployments", "watch deployments",
		"list endpointslices", "watch endpointslices", "list pods", "watch pods")
	if !slices.Contains(progress, "Deployment "+r.namespace+"/a false 0 of 2 replicas are ready") {
		t.Errorf("nothing was told on the way: %q", progress)
	}
	if !slices.Contains(progress, "Service "+r.namespace+"/a true ") {
		t.Errorf("the Service is not told to be ready: %q", progress)
	}
	if last := progress[len(progress)-1]; !strings.Contains(last, " true ") {
		t.Errorf("the last thing told is not that something is ready: %q", progress)
	}
}

func TestAWaitFailsFast(t *testing.T) {
	t.Parallel()
	const (
		quota    = "{apiVersion: v1, kind: ResourceQuota, metadata: {name: none}, spec: {hard: {pods: '0'}}}"
		stateful = "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web}, spec: {serviceName: web, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: main, image: a}]}}}}"
		nowhere  = "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: web}, spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: main, image: a, resources: {requests: {cpu: 100k}}}]}}}}"
		deadline = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {progressDeadlineSeconds: 1, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}, annotations: {slipway.dev/stage: never-ready}}, spec: {containers: [{name: main, image: a}]}}}}"
	)
	tests := []struct {
		name     string
		release  []string
		reason   string
		message  string
		detail   []string // parts of it
		unwanted string
	}{
		{"an image that cannot be pulled", []string{playing("web", "image-pull", 1)}, "ImagePullBackOff", "container main: ImagePullBackOff", []string{"Warning Failed: Failed to pull image"}, ""},
		{"a crash loop", []string{
			"{apiVersion: v1, kind: Secret, metadata: {name: login}, stringData: {password: correct-horse}}",
			playing("web", "crash-loop", 1, `slipway.dev/logs: "starting\nno login with correct-horse"`)},
			"CrashLoopBackOff", "exit code 1", []string{"Warning BackOff", "starting", "no login with ***", "before its restart"}, "correct-horse"},
		{"a pod that fits no node", []string{nowhere}, "Unschedulable", "Insufficient cpu", []string{"FailedScheduling"}, ""},
		{"a Deployment over its quota", []string{quota, playing("web", "ready", 1)}, "FailedCreate", "exceeded quota", nil, ""},
		{"a StatefulSet over its quota", []string{quota, stateful}, "FailedCreate", "exceeded quota", []string{"Warning FailedCreate"}, ""},
		{"a Job that fails", []string{jobOf("web", "fail", `, slipway.dev/logs: "no such table"`)}, "BackoffLimitExceeded", "backoff limit", []string{"no such table", "Normal SuccessfulCreate"}, ""},
		{"a Deployment past its deadline", []string{deadline}, "ProgressDeadlineExceeded", "timed out progressing", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			release := r.install(t, tt.release...)
			err := r.Wait(r.ctx, release, deploy.WaitOptions{Jobs: true, Settle: settle})
			got := wantNotReady(t, err, false, tt.reason)
			if got.Ref.Name != "web" || !strings.Contains(got.Message, tt.message) {
				t.Errorf("got %s: %s, want web: %s", got.Ref, got.Message, tt.message)
			}
			detail := strings.Join(got.Detail, "\n")
			for _, part := range tt.detail {
				if !strings.Contains(detail, part) {
					t.Errorf("the detail does not say %q:\n%s", part, detail)
				}
			}
			if tt.unwanted != "" && strings.Contains(detail+err.Error(), tt.unwanted) {
				t.Errorf("the detail has %q in it:\n%s", tt.unwanted, detail)
			}
		})
	}
}

func TestPodsOfAFormerRevisionDoNotFailAWait(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	release := r.install(t, playing("web", "image-pull", 1))
	err := r.Wait(r.ctx, release, deploy.WaitOptions{Settle: settle})
	wantNotReady(t, err, false, "ImagePullBackOff")
	r.requests.taken()

	r.patch(t, release[0].Ref, `{"spec":{"template":{"metadata":{"annotations":{"slipway.dev/stage":"slow"}}}}}`)
	if err := r.Wait(r.ctx, release, deploy.WaitOptions{Settle: settle}); err != nil {
		t.Fatal(err)
	}
	if asked := r.requests.taken()["list replicasets"]; asked != 1 {
		t.Errorf("asked %d times which revision is the current one, want 1", asked)
	}
}

func TestAPodThatWillSoonHaveANodeDoesNotFailAWait(t *testing.T) {
	t.Parallel()
	unfit := func(more, spec string) string {
		return "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {" + more + "selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, " +
			"spec: {" + spec + "containers: [{name: main, image: a, resources: {requests: {cpu: 100k}}}]}}}}"
	}
	tests := map[string]func(t *testing.T, r *rig) []manifest.Object{
		"an autoscaler makes a node": func(t *testing.T, r *rig) []manifest.Object {
			release := r.install(t, unfit("", ""))
			pod := r.firstPod(t)
			r.install(t, "{apiVersion: v1, kind: Event, metadata: {name: scale}, reason: TriggeredScaleUp, involvedObject: {kind: Pod, namespace: "+r.namespace+", name: "+pod.Name+", uid: "+string(pod.UID)+"}}")
			return release
		},
		"its volume is being made": func(t *testing.T, r *rig) []manifest.Object {
			r.install(t, "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {storageClassName: slow, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}")
			return r.install(t, unfit("", "volumes: [{name: data, persistentVolumeClaim: {claimName: data}}], "))
		},
		"its predecessor is about to end": func(t *testing.T, r *rig) []manifest.Object {
			release := r.install(t, playing("web", "slow-deletion", 1, "slipway.dev/delay: 30s"))
			if err := r.Wait(r.ctx, release, deploy.WaitOptions{}); err != nil {
				t.Fatal(err)
			}
			pod := manifest.Ref{APIVersion: "v1", Kind: "Pod", Namespace: r.namespace, Name: r.firstPod(t).Name}
			r.patch(t, release[0].Ref, `{"spec":{"strategy":{"rollingUpdate":{"maxUnavailable":1}},"template":{"spec":{"nodeSelector":{"no":"where"}}}}}`)
			r.until(t, pod, func(live *unstructured.Unstructured) bool { return live.GetDeletionTimestamp() != nil })
			return release
		},
	}
	for name, install := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			release := install(t, r)
			ctx, cancel := context.WithTimeout(r.ctx, 5*settle)
			defer cancel()
			wantNotReady(t, r.Wait(ctx, release, deploy.WaitOptions{Settle: settle}), true, "Unschedulable")
		})
	}
}

func TestAWaitThatTakesTooLongSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	release := r.install(t, playing("web", "never-ready", 2, `slipway.dev/logs: "waiting for the moon"`), playing("fine", "ready", 1),
		"{apiVersion: batch/v1, kind: Job, metadata: {name: later}, spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: main, image: a}]}}}}")
	if err := r.Wait(r.ctx, release[1:], deploy.WaitOptions{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(r.ctx, 2*time.Second)
	defer cancel()
	got := wantNotReady(t, r.Wait(ctx, release, deploy.WaitOptions{Settle: settle}), true, "")
	if got.Ref != release[0].Ref || got.Message != "0 of 2 replicas are ready" {
		t.Errorf("got %s: %s", got.Ref, got.Message)
	}
	if !strings.Contains(strings.Join(got.Detail, "\n"), "waiting for the moon") {
		t.Errorf("the detail has no log: %q", got.Detail)
	}
}

func TestAWaitThatIsCancelledSaysWhy(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	release := r.install(t, playing("web", "never-ready", 1))
	ctx, cancel := context.WithCancelCause(r.ctx)
	why := errors.New("enough")
	err := r.Wait(ctx, release, deploy.WaitOptions{Progress: func(deploy.Progress) { cancel(why) }})
	if !errors.Is(err, why) {
		t.Errorf("got %v, want %v", err, why)
	}
}

func TestAWaitSurvivesALostConnection(t *testing.T) {
	t.Parallel()
	c := clustertest.Shared(t)
	config := c.RESTConfig(t)
	u, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, u.Host)
	config.Host = "https://" + p.Addr().String()
	r := newRigFor(t, config, c.Namespace(t))
	release := r.install(t, serviceOf("web"), playing("web", "never-ready", 1))

	cut := sync.OnceFunc(func() {
		p.cut()
		direct := newRigFor(t, c.RESTConfig(t), r.namespace)
		direct.patch(t, release[1].Ref, `{"spec":{"template":{"metadata":{"annotations":{"slipway.dev/stage":"ready"}}}}}`)
	})
	err = r.Wait(r.ctx, release, deploy.WaitOptions{Progress: func(p deploy.Progress) {
		if p.Message == "0 of 1 replicas are ready" && r.requests.seen("watch deployments") > 0 {
			cut()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := r.requests.taken()
	if got["list deployments"] != 1 || got["watch deployments"] < 2 {
		t.Errorf("got %v, want one list and another watch of the Deployments", got)
	}
}

func TestAWaitForAServerThatHasGoneSaysSo(t *testing.T) {
	t.Parallel()
	c := clustertest.Shared(t)
	config := c.RESTConfig(t)
	u, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, u.Host)
	config.Host = "https://" + p.Addr().String()
	r := newRigFor(t, config, c.Namespace(t))
	release := r.install(t, playing("web", "never-ready", 1))
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p.cut()
	// client-go tries a request again after a second when its connection was cut.
	ctx, cancel := context.WithTimeout(r.ctx, 5*time.Second)
	defer cancel()
	got := wantNotReady(t, r.Wait(ctx, release, deploy.WaitOptions{}), true, "")
	if !strings.HasPrefix(got.Message, "not seen yet; the API server could not be asked: ") {
		t.Errorf("got %q", got.Message)
	}
}

func TestAWaitEndsWhenTheCredentialsDo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	release := r.install(t, playing("web", "never-ready", 1))
	r.requests.instead = func(request *http.Request) *http.Response {
		if request.URL.Query().Get("watch") != "true" || resourceIn(request.URL) != "deployments" {
			return nil
		}
		return &http.Response{StatusCode: http.StatusUnauthorized, Header: http.Header{}, Body: http.NoBody, Request: request}
	}
	err := r.Wait(r.ctx, release, deploy.WaitOptions{})
	var unreachable *deploy.UnreachableError
	if !errors.As(err, &unreachable) || !unreachable.Unauthenticated {
		t.Errorf("got %v, want that the credentials are not accepted", err)
	}
}

func TestAnObjectThatSomebodyDeletesFailsAWait(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	release := r.install(t, playing("web", "never-ready", 1))
	var once sync.Once
	err := r.Wait(r.ctx, release, deploy.WaitOptions{Settle: settle, Progress: func(p deploy.Progress) {
		once.Do(func() {
			if err := r.Delete(r.ctx, p.Ref, deploy.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		})
	}})
	wantNotReady(t, err, false, "NotFound")
}

func TestAWaitListsAgainWhenItsVersionIsTooOld(t *testing.T) {
	t.Parallel()
	const gone = `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version","reason":"Expired","code":410}`
	answers := map[string]struct {
		status int
		body   string
	}{
		"answered by an error":      {http.StatusGone, gone},
		"told by the watch's event": {http.StatusOK, `{"type":"ERROR","object":` + gone + "}\n"},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			var first atomic.Bool
			r.requests.instead = func(request *http.Request) *http.Response {
				if request.URL.Query().Get("watch") != "true" || resourceIn(request.URL) != "deployments" || first.Swap(true) {
					return nil
				}
				return &http.Response{
					StatusCode: answer.status, Header: http.Header{"Content-Type": {"application/json"}},
					Body: io.NopCloser(strings.NewReader(answer.body)), Request: request,
				}
			}
			release := r.install(t, playing("web", "slow", 1, "slipway.dev/delay: 1s"))
			r.requests.taken()
			if err := r.Wait(r.ctx, release, deploy.WaitOptions{}); err != nil {
				t.Fatal(err)
			}
			got := r.requests.taken()
			if got["list deployments"] != 2 || got["watch deployments"] != 2 {
				t.Errorf("got %v, want two lists and two watches of the Deployments", got)
			}
		})
	}
}

func TestAWaitNeedsPermissionOnlyForTheObjectsThemselves(t *testing.T) {
	t.Parallel()
	admin := newRig(t)
	release := admin.install(t, serviceOf("web"), playing("web", "slow", 1), playing("too", "slow", 1))
	admin.install(t,
		"{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: wait}, rules: [{apiGroups: [apps], resources: [deployments], verbs: [list, watch]}]}",
		"{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: wait}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: wait}, subjects: [{kind: User, name: deployer, apiGroup: rbac.authorization.k8s.io}]}")
	deployer := admin.as(t, "deployer")
	awaitRights(t, deployer.Client, Permission{Verb: "watch", Group: "apps", Resource: "deployments", Namespace: admin.namespace})
	var progress told
	if err := deployer.Wait(admin.ctx, release, deploy.WaitOptions{Progress: progress.note}); err != nil {
		t.Fatal(err)
	}
	if want := "Service " + admin.namespace + "/web true not waited for: its EndpointSlices cannot be read"; !slices.Contains(progress, want) {
		t.Errorf("got %q, want %q among it", progress, want)
	}
	err := admin.as(t, "nobody").Wait(admin.ctx, release, deploy.WaitOptions{})
	var forbidden *deploy.ForbiddenError
	if !errors.As(err, &forbidden) || forbidden.Verb != "list" || forbidden.Resource != "deployments" || forbidden.Namespace != admin.namespace {
		t.Errorf("got %#v, want that deployments must not be listed", err)
	}
}
