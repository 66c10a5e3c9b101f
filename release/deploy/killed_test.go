package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
)

// The test binary serves as the process that is killed: with this variable
// set it runs one operation and ends.
const childVariable = "SLIPWAY_TEST_CHILD"

const lockedCode = 20

func TestMain(m *testing.M) {
	if operation := os.Getenv(childVariable); operation != "" {
		os.Exit(child(operation))
	}
	os.Exit(m.Run())
}

// child runs an operation on the release "shop" and gives the exit code.
func child(operation string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	config, err := newConfig(&rest.Config{Host: os.Getenv("SLIPWAY_TEST_SERVER"), QPS: -1}, os.Getenv("SLIPWAY_TEST_NAMESPACE"), leaseOf(os.Getenv("SLIPWAY_TEST_OWNER")))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	config.Owner = os.Getenv("SLIPWAY_TEST_OWNER")
	run := func() error { return operate(ctx, config, operation) }
	if strings.HasPrefix(operation, rolloutPrefix) {
		run = func() error { return operateRollout(ctx, rolloutConfigOf(config), operation) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		var failure *deploy.Error
		if errors.As(err, &failure) && failure.Outcome == deploy.Interrupted {
			return 143
		}
		if failure != nil && failure.Outcome == deploy.Locked {
			return lockedCode
		}
		return 4
	}
	return 0
}

// leaseOf is short where another process has to wait for its end.
func leaseOf(owner string) time.Duration {
	if owner == "" {
		return 5 * time.Second
	}
	return time.Minute
}

// operate runs one of the operations of the sweep.
func operate(ctx context.Context, config deploy.Config, operation string) error {
	c, err := chart.Load("../../testdata/charts/shop")
	if err != nil {
		return err
	}
	change := deploy.ChangeOptions{Wait: true, Timeout: time.Minute, HistoryMax: 3}
	switch operation {
	case "install":
		_, err = deploy.Install(ctx, config, "shop", c, firstValues(), deploy.InstallOptions{ChangeOptions: change})
	case "upgrade":
		_, err = deploy.Upgrade(ctx, config, "shop", c, secondValues(), deploy.UpgradeOptions{ChangeOptions: change})
	case "upgrade again":
		_, err = deploy.Upgrade(ctx, config, "shop", c, firstValues(), deploy.UpgradeOptions{ChangeOptions: change})
	case "rollback":
		_, err = deploy.Rollback(ctx, config, "shop", deploy.RollbackOptions{ChangeOptions: change, Revision: 1})
	case "uninstall":
		_, err = deploy.Uninstall(ctx, config, "shop", deploy.UninstallOptions{Wait: true, Timeout: time.Minute, IgnoreNotFound: true})
	default:
		err = fmt.Errorf("no operation %q", operation)
	}
	return err
}

func firstValues() map[string]any {
	return map[string]any{
		"extra":    map[string]any{"one": "1", "two": "2"},
		"policies": map[string]any{"post-install": "hook-succeeded", "pre-upgrade": "before-hook-creation,hook-succeeded"},
	}
}

func secondValues() map[string]any {
	return map[string]any{
		"greeting": "good evening", "replicas": 3, "extra": map[string]any{"two": "2", "three": "3"},
		"policies": map[string]any{"post-upgrade": "hook-succeeded"},
	}
}

// before names what has to have happened before an operation of the sweep.
var before = map[string][]string{
	"install": nil, "upgrade": {"install"}, "rollback": {"install", "upgrade", "upgrade again"}, "uninstall": {"install", "upgrade"},
}

// TestKilledOperationIsContinued kills a process before and after each of its
// changes to the cluster in turn, and runs the same command again. All points
// are tried with SLIPWAY_SWEEP=all, else a choice that SLIPWAY_SEED decides.
func TestKilledOperationIsContinued(t *testing.T) {
	api := clustertest.Start(t)
	var tried atomic.Int64
	t.Run("operations", func(t *testing.T) {
		for _, operation := range []string{"install", "upgrade", "rollback", "uninstall"} {
			whole := newSweep(t, api, operation)
			total := whole.run(t, 0, false)
			want := whole.state(t)
			if total < 8 {
				t.Fatalf("%s made only %d changes", operation, total)
			}
			for _, p := range points(operation, total) {
				tried.Add(1)
				t.Run(fmt.Sprintf("%s killed %s change %d of %d", operation, p, p.change, total), func(t *testing.T) {
					t.Parallel()
					broken := newSweep(t, api, operation)
					broken.owner = p.owner
					broken.run(t, p.change, p.after)
					broken.run(t, 0, false)
					if diff := cmp.Diff(want, broken.state(t)); diff != "" {
						t.Errorf("the state differs from that of an undisturbed run (-want +got):\n%s", diff)
					}
				})
			}
		}
	})
	t.Logf("%d kill points tried", tried.Load())
}

// point is a moment at which a process is killed.
type point struct {
	change int // counted from 1
	after  bool
	owner  string // "" has the second process wait for the first one's lock to end
}

func (p point) String() string {
	if p.after {
		return "after"
	}
	return "before"
}

// points are all moments, or a few of them.
func points(operation string, total int) []point {
	var all []point
	for change := 1; change <= total; change++ {
		all = append(all, point{change, false, "run-1"}, point{change, true, "run-1"})
	}
	if os.Getenv("SLIPWAY_SWEEP") == "all" {
		return all
	}
	h := fnv.New64a()
	io.WriteString(h, os.Getenv("SLIPWAY_SEED")+operation)
	random := rand.New(rand.NewPCG(h.Sum64(), 1))
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	some := all[:3]
	for i := range some {
		if some[i].change < total { // the last one ends the lock: only an owner who is named has a claim then
			some[i].owner = ""
			break
		}
	}
	return some
}

// sweep is one release in a namespace of its own, and a proxy between it and
// the API server.
type sweep struct {
	operation, namespace, owner string
	direct                      deploy.Config
	dynamic                     dynamic.Interface
	proxy                       *killer
	jobs                        func() map[string]int
}

func newSweep(t *testing.T, api *clustertest.Cluster, operation string) *sweep {
	t.Helper()
	rc := api.RESTConfig(t)
	s := &sweep{operation: operation, namespace: api.Namespace(t), owner: "run-1"}
	s.direct = configFor(t, rc, s.namespace)
	var err error
	if s.dynamic, err = dynamic.NewForConfig(rc); err != nil {
		t.Fatal(err)
	}
	for i, earlier := range before[operation] {
		s.direct.Owner = fmt.Sprint("setup-", i)
		if err := operate(background, s.direct, earlier); err != nil {
			t.Fatalf("%s: %v", earlier, err)
		}
	}
	s.jobs = s.watchJobs(t)
	s.proxy = newKiller(t, rc)
	return s
}

// run runs the operation in a process of its own. It is killed at a change, or
// with 0 is expected to succeed. The number of changes is returned.
func (s *sweep) run(t *testing.T, at int, after bool) int {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for {
		var output strings.Builder
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), childVariable+"="+s.operation, "SLIPWAY_TEST_SERVER="+s.proxy.URL,
			"SLIPWAY_TEST_NAMESPACE="+s.namespace, "SLIPWAY_TEST_OWNER="+s.owner)
		cmd.Stdout, cmd.Stderr = &output, &output
		s.proxy.aim(cmd, at, after)
		err = s.proxy.start(cmd)
		if err == nil {
			err = cmd.Wait()
		}
		count, killed := s.proxy.result()
		switch {
		case at > 0 && killed, at == 0 && err == nil:
			return count
		case at > 0:
			t.Fatalf("the process was not killed at change %d: it made %d (%v)\n%s", at, count, err, &output)
		case s.owner == "" && strings.Contains(output.String(), "is locked by") && time.Now().Before(deadline):
			time.Sleep(200 * time.Millisecond) // the lock of the killed process has to end first
		default:
			t.Fatalf("%s: %v\n%s", s.operation, err, &output)
		}
	}
}

// state is everything that two runs have to agree on.
func (s *sweep) state(t *testing.T) map[string]any {
	t.Helper()
	state := map[string]any{}
	for _, kind := range []schema.GroupVersionResource{
		{Version: "v1", Resource: "configmaps"}, {Version: "v1", Resource: "secrets"}, {Version: "v1", Resource: "services"},
		{Version: "v1", Resource: "persistentvolumeclaims"},
		{Group: "apps", Version: "v1", Resource: "deployments"}, {Group: "batch", Version: "v1", Resource: "jobs"},
	} {
		list, err := s.dynamic.Resource(kind).Namespace(s.namespace).List(background, metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range list.Items {
			if item.GetKind() == "Secret" && strings.HasPrefix(item.GetName(), "sh.helm.release.") || item.GetName() == "kube-root-ca.crt" {
				continue
			}
			state[item.GetKind()+"/"+item.GetName()] = essence(&item, s.namespace)
		}
	}
	state["jobs created"] = s.jobs()
	past, err := s.direct.Store.History(background, "shop")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range past {
		r, err := s.direct.Store.Get(background, "shop", m.Version)
		if err != nil {
			t.Fatal(err)
		}
		state[fmt.Sprint("revision ", m.Version)] = recordEssence(r)
	}
	return state
}

func recordEssence(r *release.Record) []string {
	lines := []string{string(r.Info.Status), r.Info.Description, r.Manifest, r.Info.Notes, fmt.Sprint(r.Config)}
	for _, h := range r.Hooks {
		lines = append(lines, h.Name+" "+string(h.LastRun.Phase))
	}
	return lines
}

// essence is an object without what differs from run to run.
func essence(object *unstructured.Unstructured, namespace string) map[string]any {
	fields := runtimeCopy(object.Object)
	meta := fields["metadata"].(map[string]any)
	for _, name := range []string{"uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "ownerReferences", "finalizers"} {
		delete(meta, name)
	}
	delete(fields, "status")
	if notes, ok := meta["annotations"].(map[string]any); ok {
		delete(notes, "slipway.dev/operation")
		maps.DeleteFunc(notes, func(name string, _ any) bool { // of controllers, some time later
			return strings.HasPrefix(name, "deployment.kubernetes.io/") || strings.HasPrefix(name, "pv.kubernetes.io/") || strings.HasPrefix(name, "volume.")
		})
	}
	return withoutRandom(fields, namespace, object.GetUID()).(map[string]any)
}

func runtimeCopy(m map[string]any) map[string]any {
	return (&unstructured.Unstructured{Object: m}).DeepCopy().Object
}

// isAllocated tells whether a field holds what the cluster gave out.
func isAllocated(field string) bool {
	return slices.Contains([]string{"clusterIP", "clusterIPs", "nodePort", "healthCheckNodePort", "volumeName"}, field)
}

// withoutRandom takes out the namespace's name, addresses and the ids that controllers put into labels.
func withoutRandom(v any, namespace string, uid any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if isAllocated(key) || strings.HasSuffix(key, "controller-uid") {
				delete(v, key)
				continue
			}
			v[key] = withoutRandom(value, namespace, uid)
		}
	case []any:
		for i := range v {
			v[i] = withoutRandom(v[i], namespace, uid)
		}
	case string:
		return strings.ReplaceAll(v, namespace, "NAMESPACE")
	}
	return v
}

// watchJobs counts the Jobs that are created, by name.
func (s *sweep) watchJobs(t *testing.T) func() map[string]int {
	t.Helper()
	jobs := s.dynamic.Resource(schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"}).Namespace(s.namespace)
	list, err := jobs.List(background, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	events, err := jobs.Watch(background, metav1.ListOptions{ResourceVersion: list.GetResourceVersion()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(events.Stop)
	var mu sync.Mutex
	count := map[string]int{}
	go func() {
		for e := range events.ResultChan() {
			if object, ok := e.Object.(*unstructured.Unstructured); ok && e.Type == "ADDED" {
				mu.Lock()
				count[object.GetName()]++
				mu.Unlock()
			}
		}
	}()
	return func() map[string]int {
		time.Sleep(100 * time.Millisecond) // for the last event to come in
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(count)
	}
}

// killer is a proxy to the API server that kills a process at a change.
type killer struct {
	*httptest.Server
	mu     sync.Mutex
	cmd    *exec.Cmd
	at     int
	after  bool
	count  int
	killed bool
}

func newKiller(t *testing.T, rc *rest.Config) *killer {
	t.Helper()
	transport, err := rest.TransportFor(rc)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(rc.Host)
	if err != nil {
		t.Fatal(err)
	}
	k := &killer{}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     roundTripper(func(r *http.Request) (*http.Response, error) { return k.roundTrip(transport, r) }),
		FlushInterval: -1,
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	k.Server = httptest.NewServer(proxy)
	t.Cleanup(func() {
		k.CloseClientConnections()
		k.Close()
	})
	return k
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var errKilled = errors.New("the process was killed")

func (k *killer) roundTrip(next http.RoundTripper, r *http.Request) (*http.Response, error) {
	if !isChange(r) {
		return next.RoundTrip(r)
	}
	k.mu.Lock()
	if k.killed {
		k.mu.Unlock()
		return nil, errKilled
	}
	k.count++
	hit := k.count == k.at
	if hit && !k.after {
		k.kill()
		k.mu.Unlock()
		return nil, errKilled
	}
	k.mu.Unlock()
	response, err := next.RoundTrip(r.WithContext(context.WithoutCancel(r.Context())))
	if hit {
		k.mu.Lock()
		k.kill()
		k.mu.Unlock()
	}
	return response, err
}

// isChange reports whether a request changes what an operation is about; the
// renewal of a lock and Events are no steps of it.
func isChange(r *http.Request) bool {
	if r.Method == http.MethodGet || r.URL.Query().Get("dryRun") != "" {
		return false
	}
	return !strings.Contains(r.URL.Path, "selfsubject") && !strings.HasSuffix(r.URL.Path, "/events")
}

func (k *killer) kill() {
	k.killed = true
	_ = k.cmd.Process.Signal(syscall.SIGKILL)
}

func (k *killer) aim(cmd *exec.Cmd, at int, after bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cmd, k.at, k.after, k.count, k.killed = cmd, at, after, 0, false
}

// start starts the process; no request is handled before its number is known.
func (k *killer) start(cmd *exec.Cmd) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return cmd.Start()
}

func (k *killer) result() (count int, killed bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.count, k.killed
}

// TestTerminatedOperationCanGoOn ends a process by SIGTERM while it waits for a hook.
func TestTerminatedOperationCanGoOn(t *testing.T) {
	api := clustertest.Start(t)
	whole := newSweep(t, api, "upgrade")
	total := whole.run(t, 0, false)
	want := whole.state(t)
	for _, at := range []int{3, total / 2, total - 2} {
		s := newSweep(t, api, "upgrade")
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), childVariable+"="+s.operation, "SLIPWAY_TEST_SERVER="+s.proxy.URL,
			"SLIPWAY_TEST_NAMESPACE="+s.namespace, "SLIPWAY_TEST_OWNER=")
		var output strings.Builder
		cmd.Stdout, cmd.Stderr = &output, &output
		s.proxy.aim(cmd, 0, false)
		if err := s.proxy.start(cmd); err != nil {
			t.Fatal(err)
		}
		for {
			if count, _ := s.proxy.result(); count >= at {
				break
			}
			time.Sleep(time.Millisecond)
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case <-ended:
		case <-time.After(4 * time.Second):
			t.Fatalf("the process was still there 4 s after SIGTERM at change %d", at)
		}
		if code := cmd.ProcessState.ExitCode(); code != 143 && code != 0 {
			t.Errorf("exit code %d after SIGTERM at change %d\n%s", code, at, &output)
		}
		if slices.Contains([]int{0}, cmd.ProcessState.ExitCode()) {
			continue // it had ended before the signal came
		}
		s.run(t, 0, false) // at once: the lock was given up
		if diff := cmp.Diff(want, s.state(t)); diff != "" {
			t.Errorf("SIGTERM at change %d: the state differs from that of an undisturbed run (-want +got):\n%s", at, diff)
		}
	}
}
