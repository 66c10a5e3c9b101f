package cluster

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

// release reads the objects of a release from YAML documents, in namespace ns.
func releaseOf(t *testing.T, documents ...string) []manifest.Object {
	t.Helper()
	all := make([]manifest.Object, len(documents))
	for i, document := range documents {
		u := object(t, document)
		all[i] = manifest.Object{
			Ref:    manifest.Ref{APIVersion: u.GetAPIVersion(), Kind: u.GetKind(), Namespace: u.GetNamespace(), Name: u.GetName()},
			Fields: u.Object,
		}
		if all[i].Namespace == "" {
			all[i].Namespace = "ns"
		}
	}
	return all
}

// tell gives a tracker objects as the API server would have them.
func tell(t *testing.T, k *tracker, documents ...string) {
	t.Helper()
	for _, document := range documents {
		u := object(t, document)
		if u.GetNamespace() == "" {
			u.SetNamespace("ns")
		}
		switch u.GetKind() {
		case "EndpointSlice":
			k.updateSlice(u)
			continue
		case "Event":
			k.refusal(u)
			continue
		case "Pod":
			k.updatePod(u)
		}
		for _, g := range k.groups() {
			if g.kind.kind == u.GetKind() {
				k.update(g, u)
			}
		}
	}
	k.settle(nil)
}

// states are what is known of each target, in words.
func states(k *tracker) string {
	var lines []string
	for _, g := range k.targets {
		v := g.state()
		line := g.ref.Kind + " " + g.ref.Name + ": " + [...]string{"waiting", "ready", "troubled", "failed"}[v.state]
		if v.message != "" {
			line += ": " + v.message
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

const (
	webDeployment = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web, tier: front}}}}}"
	webService    = "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}}}"
	webReady      = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, uid: d1, generation: 1}, spec: {replicas: 2, selector: {matchLabels: {app: web}}}, status: {observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2, conditions: [{type: Available, status: 'True'}]}}"
	webStarting   = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, uid: d1, generation: 1}, spec: {replicas: 2, selector: {matchLabels: {app: web}}}, status: {observedGeneration: 1, replicas: 2, updatedReplicas: 2}}"
	webNone       = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, uid: d1, generation: 1}, spec: {replicas: 0}, status: {observedGeneration: 1, conditions: [{type: Available, status: 'True'}]}}"
	webPaused     = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, uid: d1, generation: 1}, spec: {replicas: 2, paused: true}, status: {observedGeneration: 1}}"
	endpointReady = "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}, endpoints: [{conditions: {ready: false}}, {conditions: {ready: true}}]}"
	endpointNone  = "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}, endpoints: [{conditions: {ready: false}}]}"
	endpointQuiet = "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}, endpoints: [{addresses: [10.0.0.1]}]}"
)

func TestAServiceIsReadyWhenWhatItOpensIsUp(t *testing.T) {
	const daemon = "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: web}, spec: {template: {metadata: {labels: {app: web}}}}}"
	tests := []struct {
		name    string
		release []string
		live    []string
		want    string
	}{
		{"nothing is up yet", []string{webService, webDeployment}, []string{webStarting},
			"Service web: waiting: no endpoint is ready\nDeployment web: waiting: 0 of 2 replicas are ready"},
		{"an endpoint is ready", []string{webService, webDeployment}, []string{webReady, endpointReady},
			"Service web: ready\nDeployment web: ready"},
		{"an endpoint that does not say so is ready", []string{webService, webDeployment}, []string{webReady, endpointQuiet},
			"Service web: ready\nDeployment web: ready"},
		{"the pods are ready and the endpoints are not", []string{webService, webDeployment}, []string{webReady, endpointNone},
			"Service web: troubled: no ready endpoint, although 2 pods of the workloads that it selects are ready\nDeployment web: ready"},
		{"its workload has no replicas", []string{webService, webDeployment}, []string{webNone},
			"Service web: ready: not waited for: the workloads that it selects have no replicas\nDeployment web: ready"},
		{"its workload is paused", []string{webService, webDeployment}, []string{webPaused},
			"Service web: ready: not waited for: the workloads that it selects have no replicas\nDeployment web: ready"},
		{"no node wants its daemon set", []string{webService, daemon},
			[]string{"{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: web, uid: a, generation: 1}, status: {observedGeneration: 1, desiredNumberScheduled: 0}}"},
			"Service web: ready: not waited for: the workloads that it selects have no replicas\nDaemonSet web: ready"},
		{"it selects nothing of the release", []string{"{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: other}}}", webDeployment}, []string{webReady},
			"Service web: ready: not waited for: it selects no pods of the release\nDeployment web: ready"},
		{"it selects a single pod by what its controller labels it with",
			[]string{"{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web, statefulset.kubernetes.io/pod-name: web-0}}}", webDeployment}, []string{webReady},
			"Service web: ready: not waited for: it selects no pods of the release\nDeployment web: ready"},
		{"its workload is in another namespace", []string{"{apiVersion: v1, kind: Service, metadata: {name: web, namespace: other}, spec: {selector: {app: web}}}", webDeployment}, []string{webReady},
			"Service web: ready: not waited for: it selects no pods of the release\nDeployment web: ready"},
		{"it has no selector", []string{"{apiVersion: v1, kind: Service, metadata: {name: web}}", webDeployment}, []string{webReady}, "Deployment web: ready"},
		{"it is a name for something outside", []string{"{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {type: ExternalName, externalName: a.example, selector: {app: web}}}", webDeployment}, []string{webReady}, "Deployment web: ready"},
		{"it selects a pod that has ended", []string{webService, "{apiVersion: v1, kind: Pod, metadata: {name: once, labels: {app: web}}}"},
			[]string{"{apiVersion: v1, kind: Pod, metadata: {name: once, uid: a}, status: {phase: Succeeded}}"},
			"Service web: ready: not waited for: the workloads that it selects have no replicas\nPod once: ready"},
		{"it selects the pods of a job", []string{webService, "{apiVersion: batch/v1, kind: Job, metadata: {name: once}, spec: {template: {metadata: {labels: {app: web}}}}}"}, nil,
			"Service web: ready: not waited for: it selects no pods of the release"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := newTracker(releaseOf(t, tt.release...), false, assess)
			tell(t, k, tt.live...)
			if got := states(k); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestTroubleOfPodsIsTheirWorkloads(t *testing.T) {
	const waits = "status: {phase: Pending, containerStatuses: [{name: app, image: a, imageID: '', ready: false, restartCount: 0, state: {waiting: {reason: %}}}]}}"
	webPod := func(uid, reason string) string {
		return "{apiVersion: v1, kind: Pod, metadata: {name: web-5d-x, uid: " + uid + ", labels: {pod-template-hash: 5d}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-5d, uid: rs, controller: true}]}, " +
			strings.Replace(waits, "%", reason, 1)
	}
	k := newTracker(releaseOf(t, webDeployment), false, assess)
	tell(t, k, webStarting, webPod("p1", "ErrImagePull"))
	first := k.suspicions()
	if want := "Deployment web: troubled: pod web-5d-x: container app: ErrImagePull"; states(k) != want {
		t.Errorf("got %s, want %s", states(k), want)
	}
	tell(t, k, webPod("p1", "ImagePullBackOff"))
	for s := range k.suspicions() {
		if !first[s] {
			t.Errorf("the back-off after a pull that failed is taken for a new trouble: %v", s)
		}
		k.ignore(s)
	}
	tell(t, k, webPod("p1", "ImagePullBackOff"))
	if len(k.suspicions()) != 0 {
		t.Errorf("a pod that is ignored still counts: %v", k.suspicions())
	}
	tell(t, k, webPod("p2", "ImagePullBackOff"))
	if len(k.suspicions()) != 1 {
		t.Errorf("its successor does not count: %v", k.suspicions())
	}
	k.listPods("ns", nil)
	if len(k.suspicions()) != 0 {
		t.Errorf("a pod that is gone still counts: %v", k.suspicions())
	}
}

func TestAJobDecidesItselfWhenItsPodsHaveCrashedTooOften(t *testing.T) {
	const job = "{apiVersion: batch/v1, kind: Job, metadata: {name: once, uid: j1}}"
	pod := func(reason string) string {
		return "{apiVersion: v1, kind: Pod, metadata: {name: once-x, uid: p1, ownerReferences: [{apiVersion: batch/v1, kind: Job, name: once, uid: j1, controller: true}]}, " +
			"status: {phase: Running, containerStatuses: [{name: app, image: a, imageID: '', ready: false, restartCount: 0, state: {waiting: {reason: " + reason + "}}}]}}"
	}
	k := newTracker(releaseOf(t, job), true, assess)
	tell(t, k, job, pod("CrashLoopBackOff"))
	if got := k.suspicions(); len(got) != 0 {
		t.Errorf("a crash loop counts: %v", got)
	}
	tell(t, k, pod("InvalidImageName"))
	if got := k.suspicions(); len(got) != 1 {
		t.Errorf("an invalid image does not count: %v", got)
	}
}

func TestARefusedPodIsTroubleUntilAPodIsMade(t *testing.T) {
	const set = "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, uid: s1}, spec: {replicas: 2}, status: {replicas: %}}"
	const event = "{apiVersion: v1, kind: Event, metadata: {name: e}, involvedObject: {uid: s1}, message: exceeded quota}"
	k := newTracker(releaseOf(t, strings.Replace(set, "%", "0", 1)), false, assess)
	tell(t, k, strings.Replace(set, "%", "0", 1), event)
	if want := "StatefulSet db: troubled: exceeded quota"; states(k) != want {
		t.Errorf("got %s, want %s", states(k), want)
	}
	tell(t, k, strings.Replace(set, "%", "1", 1))
	if len(k.suspicions()) != 0 {
		t.Errorf("it still counts: %s", states(k))
	}
}

func TestOnlyWhatHasToBeWaitedForIsTracked(t *testing.T) {
	documents := []string{
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}",
		"{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a}}",
		"{apiVersion: batch/v1, kind: CronJob, metadata: {name: a}}",
		"{apiVersion: batch/v1, kind: Job, metadata: {name: once}}",
		"{apiVersion: example.com/v1, kind: Ingress, metadata: {name: custom}}",
	}
	for jobs, want := range map[bool]string{false: "Ingress custom: waiting: not seen yet", true: "Job once: waiting: not seen yet\nIngress custom: waiting: not seen yet"} {
		if got := states(newTracker(releaseOf(t, documents...), jobs, assess)); got != want {
			t.Errorf("with jobs %v: got %s, want %s", jobs, got, want)
		}
	}
}

func TestClaimsThatAreBoundLateAreNotWaitedFor(t *testing.T) {
	const claim = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, uid: c1}, spec: {storageClassName: lazy}, status: {phase: Pending}}"
	k := newTracker(releaseOf(t, claim), false, assess)
	tell(t, k, claim)
	if want := "PersistentVolumeClaim data: waiting: it is not bound"; states(k) != want {
		t.Errorf("got %s, want %s", states(k), want)
	}
	k.lateBinding = func(class string) bool { return class == "lazy" }
	k.settle(nil)
	if want := "PersistentVolumeClaim data: ready: not waited for: it is bound when a pod uses it"; states(k) != want {
		t.Errorf("got %s, want %s", states(k), want)
	}
}

func TestProgressIsToldOnlyWhenItChanges(t *testing.T) {
	k := newTracker(releaseOf(t, webService, webDeployment), false, assess)
	steps := []struct {
		live []string
		want []string
	}{
		{[]string{webStarting}, []string{"Service ns/web false no endpoint is ready", "Deployment ns/web false 0 of 2 replicas are ready"}},
		{[]string{webStarting}, nil},
		{[]string{webReady, endpointReady}, []string{"Service ns/web true ", "Deployment ns/web true "}},
		{[]string{endpointReady}, nil},
	}
	for i, step := range steps {
		tell(t, k, step.live...)
		var got []string
		for _, p := range k.news() {
			got = append(got, words(p))
		}
		if !slices.Equal(got, step.want) {
			t.Errorf("step %d: got %q, want %q", i, got, step.want)
		}
	}
}

func words(p deploy.Progress) string {
	state := " false "
	if p.Ready {
		state = " true "
	}
	return p.Ref.String() + state + p.Message
}

func TestAnObjectThatIsMissingIsInTrouble(t *testing.T) {
	k := newTracker(releaseOf(t, webDeployment), false, assess)
	k.list(k.groups()[0], []unstructured.Unstructured{})
	if want := "Deployment web: troubled: it is not there"; states(k) != want {
		t.Errorf("got %s, want %s", states(k), want)
	}
}

func TestPodsAreSelectedByWhatWorkloadsHaveInCommon(t *testing.T) {
	workload := func(labels ...any) *target {
		m := map[string]any{}
		for i := 0; i < len(labels); i += 2 {
			m[labels[i].(string)] = labels[i+1]
		}
		return &target{pods: map[string]any{"matchLabels": m}}
	}
	tests := []struct {
		name      string
		workloads []*target
		want      string
	}{
		{"one workload", []*target{workload("app", "web", "release", "r")}, "app in (web),release in (r)"},
		{"two with a common label", []*target{workload("app", "web", "release", "r"), workload("app", "db", "release", "r", "role", "x")}, "app in (db,web),release in (r)"},
		{"two with nothing in common", []*target{workload("app", "web"), workload("name", "db")}, ""},
		{"one that has not been seen", []*target{workload("app", "web"), {}}, ""},
		{"a replication controller", []*target{{pods: map[string]any{"app": "web"}}}, "app in (web)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := commonSelector(tt.workloads); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestValuesOfSecretsAreMasked(t *testing.T) {
	d := &detailer{}
	d.hide(releaseOf(t,
		"{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {password: aHVudGVyMg==, short: YWI=}, stringData: {key: \"first line\\nsecond line\", longer: hunter2-and-more}}",
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {word: visible}}"))
	got := d.mask("hunter2 aHVudGVyMg== hunter2-and-more ab second line visible")
	if want := "*** *** *** ab *** visible"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
