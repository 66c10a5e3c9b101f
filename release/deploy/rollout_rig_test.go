package deploy_test

import (
	"encoding/json"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	autoscaling "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/analysis"
	"github.com/e6d26078/slipway/release/cluster"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/deploy/rollouttest"
	"github.com/e6d26078/slipway/release/rollout"
)

const fleetPath = "../../testdata/charts/fleet"

// launch is a release "fleet" in a namespace of its own that is rolled out
// under observation.
type launch struct {
	*twin
	namespace string
	client    kubernetes.Interface
	gate      *gate // what slipway asks goes through it
	config    deploy.RolloutConfig
	recorder  *rollouttest.Recorder
	chart     *chart.Chart
	scenario  *scenario
	strategy  rollout.Strategy
}

// newLaunch installs the base of a scenario by helm3, helm4 or slipway, and begins to watch.
func newLaunch(t *testing.T, s *scenario, strategy rollout.Strategy, installer string) *launch {
	t.Helper()
	l := launchOf(t, clustertest.Shared(t), s, strategy)
	l.install(t, installer, s.base, "install")
	l.watch(t)
	return l
}

// launchOf is one in a new namespace, with nothing installed.
func launchOf(t *testing.T, api *clustertest.Cluster, s *scenario, strategy rollout.Strategy) *launch {
	t.Helper()
	rc := api.RESTConfig(t)
	l := &launch{
		twin:      twinOn(t, api),
		namespace: api.Namespace(t), client: kubernetes.NewForConfigOrDie(rc), scenario: s, strategy: strategy, gate: newGate(t, rc),
	}
	config, err := newConfig(&rest.Config{Host: l.gate.URL, QPS: -1}, l.namespace, 0)
	if err != nil {
		t.Fatal(err)
	}
	l.config = rolloutConfigOf(config)
	l.config.Owner = "build-1"
	if l.chart, err = chart.Load(fleetPath); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *launch) watch(t *testing.T) {
	t.Helper()
	l.recorder = rollouttest.Record(t, l.twin.config, l.namespace)
}

// install installs or upgrades with a tool and waits until all is ready.
func (l *launch) install(t *testing.T, tool string, values map[string]any, step string) {
	t.Helper()
	if tool == "slipway" {
		change := deploy.ChangeOptions{Wait: true, Timeout: time.Minute}
		var err error
		if step == "install" {
			_, err = deploy.Install(background, l.config.Config, "fleet", l.chart, values, deploy.InstallOptions{ChangeOptions: change})
		} else {
			_, err = deploy.Upgrade(background, l.config.Config, "fleet", l.chart, values, deploy.UpgradeOptions{ChangeOptions: change})
		}
		if err != nil {
			t.Fatal(err)
		}
	} else if output, err := l.helmCommand(t, tool, step, "fleet", fleetPath, "--wait", "-f", valuesFile(t, values)); err != nil {
		t.Fatalf("%s %s: %v\n%s", tool, step, err, output)
	}
	if l.scenario.autoscaled && step == "install" { // there are no metrics: what an autoscaler would do is done by hand
		l.scale(t, "fleet-web", 4)
	}
	l.settle(t)
}

func valuesFile(t *testing.T, values map[string]any) string {
	t.Helper()
	text, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "values.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// helmCommand runs helm3 or helm4 in the namespace.
func (l *launch) helmCommand(t *testing.T, tool string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(peer(t, tool), append(args, "-n", l.namespace)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+l.kubeconfig)
	output, err := cmd.CombinedOutput()
	return string(output), err
}

// scale does what an autoscaler does.
func (l *launch) scale(t *testing.T, name string, replicas int32) {
	t.Helper()
	_, err := l.client.AppsV1().Deployments(l.namespace).UpdateScale(background, name,
		&autoscaling.Scale{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: l.namespace}, Spec: autoscaling.ScaleSpec{Replicas: replicas}}, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// settle waits until every Deployment and StatefulSet has exactly the pods it
// wants, and no pod is on its way out.
func (l *launch) settle(t *testing.T) {
	t.Helper()
	l.await(t, "all workloads have what they want", func() bool {
		deployments, err := l.client.AppsV1().Deployments(l.namespace).List(background, metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		want := int32(0)
		for _, d := range deployments.Items {
			s := d.Status
			if s.ObservedGeneration < d.Generation || s.ReadyReplicas != *d.Spec.Replicas || s.Replicas != *d.Spec.Replicas {
				return false
			}
			want += *d.Spec.Replicas
		}
		sets, err := l.client.AppsV1().StatefulSets(l.namespace).List(background, metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range sets.Items {
			if s.Status.ObservedGeneration < s.Generation || s.Status.ReadyReplicas != *s.Spec.Replicas {
				return false
			}
			want += *s.Spec.Replicas
		}
		return len(l.pods(t)) == int(want) && l.endpointsFit(t)
	})
}

// endpointsFit reports whether every Service has its ready pods as endpoints and no others.
func (l *launch) endpointsFit(t *testing.T) bool {
	t.Helper()
	list, err := l.client.DiscoveryV1().EndpointSlices(l.namespace).List(background, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	behind := map[string]bool{}
	for _, slice := range list.Items {
		for _, e := range slice.Endpoints {
			if e.Conditions.Ready != nil && *e.Conditions.Ready && e.TargetRef != nil {
				behind[e.TargetRef.Name] = true
			}
		}
	}
	pods := l.pods(t)
	for name := range behind {
		if _, ok := pods[name]; !ok {
			return false
		}
	}
	workers := 0 // pods without a Service
	for name := range pods {
		if !behind[name] {
			workers++
		}
	}
	return workers == 0 || l.scenario.name == "three deployments" && len(behind) > 0
}

// pods are those that stay, but for Jobs': their images by name.
func (l *launch) pods(t *testing.T) map[string]string {
	t.Helper()
	list, err := l.client.CoreV1().Pods(l.namespace).List(background, metav1.ListOptions{LabelSelector: "!job-name"})
	if err != nil {
		t.Fatal(err)
	}
	pods := map[string]string{}
	for _, p := range list.Items {
		pods[p.Name] = p.Spec.Containers[0].Image
	}
	return pods
}

func (l *launch) await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not within a minute: " + what)
		}
	}
}

// options are those of the scenario.
func (l *launch) options() deploy.StartOptions {
	o := quick(l.strategy)
	if l.strategy == rollout.Canary {
		o = quick(l.strategy, 20, 50)
	}
	if l.scenario.choose != nil {
		l.scenario.choose(&o)
	}
	return o
}

func (l *launch) start(t *testing.T) *rollout.State {
	t.Helper()
	result, err := deploy.StartRollout(background, l.config, "fleet", l.chart, l.scenario.target, l.options())
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	return result.State
}

func (l *launch) promote(t *testing.T) *rollout.State {
	t.Helper()
	result, err := deploy.PromoteRollout(background, l.config, "fleet", deploy.PromoteOptions{Timeout: time.Minute})
	if err != nil {
		t.Fatalf("promote: %v", err)
	}
	return result.State
}

func (l *launch) abort(t *testing.T) {
	t.Helper()
	result, err := deploy.AbortRollout(background, l.config, "fleet", deploy.AbortOptions{Reason: "a test", Timeout: time.Minute})
	if err != nil {
		t.Fatalf("abort: %v", err)
	}
	if result.State == nil || result.State.Phase != rollout.Aborted {
		t.Fatalf("abort: %+v", result.State)
	}
}

// promoteAll goes through all gates.
func (l *launch) promoteAll(t *testing.T, s *rollout.State) {
	t.Helper()
	for s.Phase == rollout.Gate {
		s = l.promote(t)
	}
	if s.Phase != rollout.Done {
		t.Fatalf("it is %s: %s", s.Phase, s.Failure)
	}
}

// writes runs a command and returns its changing requests.
func (l *launch) writes(command func()) []string {
	before := len(l.gate.changed())
	command()
	return l.gate.changed()[before:]
}

// snapshot is everything that an abort has to bring back: objects, normalised,
// and the very pods behind Services. Where the canary takes the place of stable
// pods, as it always does for workers, they may be others.
func (l *launch) snapshot(t *testing.T) map[string]any {
	t.Helper()
	found := l.objects(t, l.namespace)
	for pod, image := range l.pods(t) {
		name := "Pod/" + pod
		if l.scenario.shrinks || !slices.ContainsFunc(l.scenario.services, func(s string) bool { return strings.HasPrefix(pod, s+"-") }) {
			name = "pods of either kind"
			count, _ := found[name].(map[string]int)
			if count == nil {
				count = map[string]int{}
			}
			count[image]++
			found[name] = count
			continue
		}
		found[name] = image
	}
	return found
}

// judge reports what a trace is blamed for.
func (l *launch) judge(t *testing.T, trace *rollouttest.Trace, hooks []string) {
	t.Helper()
	for _, v := range trace.Judge(rollouttest.Judgement{Release: "fleet", Tolerance: 5, Hooks: hooks, Floors: l.scenario.floors}) {
		t.Error(v)
	}
	phases := 0
	for _, e := range trace.Events {
		if e.State != nil && e.Object != nil {
			phases++
		}
	}
	floors := trace.Start().Floors()
	t.Logf("%d events, %d of them states of the rollout; floors %v", len(trace.Events), phases, floors)
	if len(floors) != len(l.scenario.services) || phases < 5 {
		t.Error("the trace does not show a rollout with its Services")
	}
}

// history are the statuses of the revisions.
func (l *launch) history(t *testing.T) []release.Status {
	t.Helper()
	past, err := l.config.Store.History(background, "fleet")
	if err != nil {
		t.Fatal(err)
	}
	var statuses []release.Status
	for _, m := range past {
		statuses = append(statuses, m.Status)
	}
	return statuses
}

// dice are random numbers that the seed decides, others for each test.
func dice(test string) *rand.Rand {
	h := fnv.New64a()
	_, _ = io.WriteString(h, os.Getenv("SLIPWAY_SEED")+test)
	return rand.New(rand.NewPCG(h.Sum64(), 3))
}

func sweepsAll() bool { return os.Getenv("SLIPWAY_SWEEP") == "all" }

func isOfRollout(name string) bool { return strings.Contains(name, "slipway.rollout") }

func withDefault(v, otherwise any) any {
	if v == nil {
		return otherwise
	}
	return v
}

// twinOn is a twin on a cluster that others use as well.
func twinOn(t *testing.T, api *clustertest.Cluster) *twin {
	t.Helper()
	rc := api.RESTConfig(t)
	return &twin{kubeconfig: api.Kubeconfig(), config: rc, dynamic: dynamic.NewForConfigOrDie(rc), discovery: discovery.NewDiscoveryClientForConfigOrDie(rc)}
}

// rolloutConfigOf is what rollouts act on, made from what releases act on.
func rolloutConfigOf(config deploy.Config) deploy.RolloutConfig {
	client := config.Cluster.(*cluster.Client)
	return deploy.RolloutConfig{
		Config: config, Rollouts: cluster.NewRollouts(client.Kubernetes(), config.Namespace, time.Now), Objects: client,
		Sampler: analysis.New(analysis.Options{Now: time.Now}),
	}
}
