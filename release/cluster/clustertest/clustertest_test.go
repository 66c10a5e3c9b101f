package clustertest

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// pod is a pod's specification that plays a part, in JSON.
func pod(restart, part string) string {
	return fmt.Sprintf(`{"metadata": {"labels": {"app": "%[2]s"}, "annotations": {"slipway.dev/stage": "%[2]s"}},
		"spec": {"restartPolicy": "%[1]s", "containers": [{"name": "main", "image": "example.com/app:1"}]}}`, restart, part)
}

func deployment(part string) string {
	return fmt.Sprintf(`{"metadata": {"name": "%[1]s"}, "spec": {"replicas": 2,
		"selector": {"matchLabels": {"app": "%[1]s"}}, "template": %[2]s}}`, part, pod("Always", part))
}

func service(part string) string {
	return fmt.Sprintf(`{"metadata": {"name": "%[1]s"}, "spec": {"selector": {"app": "%[1]s"}, "ports": [{"port": 80}]}}`, part)
}

func job(part string) string {
	return fmt.Sprintf(`{"metadata": {"name": "%s"}, "spec": {"backoffLimit": 0, "template": %s}}`, part, pod("Never", part))
}

const (
	deployments = "/apis/apps/v1/namespaces/%s/deployments"
	services    = "/api/v1/namespaces/%s/services"
	pods        = "/api/v1/namespaces/%s/pods"
	jobs        = "/apis/batch/v1/namespaces/%s/jobs"
	endpoints   = "/apis/discovery.k8s.io/v1/namespaces/%s/endpointslices"
)

func TestPodsPlayTheirPart(t *testing.T) {
	c := Shared(t)
	t.Parallel()
	tests := []struct {
		name   string
		make   [][2]string // collection and object
		watch  string      // collection
		expect func(list string) bool
	}{
		{"a Deployment gets pods and its Service ready endpoints",
			[][2]string{{deployments, deployment("ready")}, {services, service("ready")}}, endpoints, has(`"ready":true`)},
		{"pods that are never ready leave a Service without ready endpoints",
			[][2]string{{deployments, deployment("never-ready")}, {services, service("never-ready")}}, endpoints, has(`"ready":false`)},
		{"a slow Deployment becomes available", [][2]string{{deployments, deployment("slow")}}, deployments, has(`"availableReplicas":2`)},
		{"a Job completes", [][2]string{{jobs, job("complete")}}, jobs, has(`"type":"Complete","status":"True"`)},
		{"a Job fails", [][2]string{{jobs, job("fail")}}, jobs, has(`"type":"Failed","status":"True"`)},
		{"a pod of restart policy Never completes", [][2]string{{pods, named("once", pod("Never", "complete"))}}, pods,
			has(`"phase":"Succeeded"`)},
		{"a pod fails with an exit code", [][2]string{{pods, named("bad", pod("Never", "fail"))}}, pods,
			has(`"phase":"Failed"`, `"exitCode":1`)},
		{"a crash loop restarts again and again", [][2]string{{deployments, deployment("crash-loop")}}, pods,
			has(`"reason":"CrashLoopBackOff"`, `"restartCount":3`)},
		{"an image cannot be pulled", [][2]string{{deployments, deployment("image-pull")}}, pods, has(`"reason":"ImagePullBackOff"`)},
		{"a claim is bound", [][2]string{{"/api/v1/namespaces/%s/persistentvolumeclaims",
			`{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}`}},
			"/api/v1/namespaces/%s/persistentvolumeclaims", has(`"phase":"Bound"`)},
		{"a load balancer gets an address", [][2]string{{services,
			`{"metadata": {"name": "front"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}`}}, services, has(`"ip":"192.0.2.1"`)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := client(t, c.RESTConfig(t), c.Namespace(t))
			for _, object := range test.make {
				a.must(http.MethodPost, object[0], object[1])
			}
			a.await(test.watch, test.expect)
		})
	}
}

func TestADeletedPodGoesAtOnceOrAfterAWhile(t *testing.T) {
	c := Shared(t)
	t.Parallel()
	a := client(t, c.RESTConfig(t), c.Namespace(t))
	for _, part := range []string{"ready", "slow-deletion"} {
		a.must(http.MethodPost, pods, named(part, pod("Always", part)))
	}
	a.await(pods, func(list string) bool { return strings.Count(list, `"type":"Ready","status":"True"`) == 2 })
	for _, part := range []string{"ready", "slow-deletion"} {
		a.must(http.MethodDelete, pods+"/"+part, "")
	}
	a.await(pods, func(list string) bool {
		return !strings.Contains(list, `"name":"ready"`) && strings.Contains(list, `"deletionTimestamp"`)
	})
	a.await(pods, func(list string) bool { return strings.Contains(list, `"items":[]`) })
}

// A hook is deleted and made again under its name. What was decided about the first pod is not done to the second.
func TestAPodThatTookTheNameOfADeletedOneStays(t *testing.T) {
	c := Shared(t)
	t.Parallel()
	a := client(t, c.RESTConfig(t), c.Namespace(t))
	var made sync.WaitGroup
	for i := range 4 {
		name := fmt.Sprintf("again-%d", i)
		made.Go(func() {
			body := named(name, pod("Always", "ready"))
			for round := range 60 {
				if _, err := a.send(http.MethodPost, pods, body); err != nil {
					t.Errorf("%s, round %d: %v", name, round, err)
					return
				}
				for !a.is(name, `"ready":true`) {
					if t.Context().Err() != nil || !a.is(name, `"uid"`) {
						t.Errorf("%s, round %d: the new pod has been deleted", name, round)
						return
					}
				}
				if _, err := a.send(http.MethodDelete, pods+"/"+name, ""); err != nil {
					t.Errorf("%s, round %d: %v", name, round, err)
					return
				}
				for a.is(name, `"uid"`) {
				}
			}
		})
	}
	made.Wait()
}

func TestLogsAreServed(t *testing.T) {
	c := Shared(t)
	t.Parallel()
	a := client(t, c.RESTConfig(t), c.Namespace(t))
	a.must(http.MethodPost, pods, named("bad", pod("Never", "fail")))
	a.must(http.MethodPost, pods, strings.Replace(named("told", pod("Always", "ready")),
		`"slipway.dev/stage"`, `"slipway.dev/logs": "one\ntwo\nthree", "slipway.dev/stage"`, 1))
	a.must(http.MethodPost, pods, named("absent", pod("Always", "image-pull")))
	a.await(pods, has(`"phase":"Failed"`, `"ready":true`, "ImagePullBackOff"))
	tests := []struct{ path, want string }{
		{"/bad/log", "main started\nmain failed with exit code 1\n"},
		{"/told/log", "one\ntwo\nthree\n"},
		{"/told/log?tailLines=2", "two\nthree\n"},
	}
	for _, test := range tests {
		if got := a.must(http.MethodGet, pods+test.path, ""); got != test.want {
			t.Errorf("%s: got %q, want %q", test.path, got, test.want)
		}
	}
	if got, err := a.send(http.MethodGet, pods+"/absent/log", ""); err == nil || !strings.Contains(err.Error(), "waiting to start") {
		t.Errorf("the log of a container that has not started: got %q, error %v", got, err)
	}
}

func TestUsersHaveTheRightsTheyAreGiven(t *testing.T) {
	c := Shared(t)
	t.Parallel()
	namespace := c.Namespace(t)
	config, err := clientcmd.BuildConfigFromFlags("", c.KubeconfigFor(t, "viewer"))
	if err != nil {
		t.Fatal(err)
	}
	admin, viewer := client(t, c.RESTConfig(t), namespace), client(t, config, namespace)
	if _, err := viewer.send(http.MethodGet, pods, ""); err == nil || !strings.Contains(err.Error(), "status 403") {
		t.Fatalf("a viewer without a role read pods: %v", err)
	}
	admin.must(http.MethodPost, "/apis/rbac.authorization.k8s.io/v1/namespaces/%s/rolebindings",
		`{"metadata": {"name": "view"}, "subjects": [{"kind": "User", "name": "viewer", "apiGroup": "rbac.authorization.k8s.io"}],
		"roleRef": {"kind": "ClusterRole", "name": "view", "apiGroup": "rbac.authorization.k8s.io"}}`)
	viewer.await(pods, has(`"items":[]`))
}

func TestNothingIsLeftOfAStoppedCluster(t *testing.T) {
	path := program(t)
	for _, ending := range []string{"stopped", "killed"} {
		t.Run(ending, func(t *testing.T) {
			t.Parallel() // two clusters at once
			c, err := start(path)
			if err != nil {
				t.Fatal(err)
			}
			a := client(t, c.RESTConfig(t), c.Namespace(quiet{t}))
			a.must(http.MethodPost, pods, named("some", pod("Always", "ready")))
			a.await(pods, has(`"ready":true`))
			processes := append(childrenOf(t, c.cmd.Process.Pid), c.cmd.Process.Pid)
			if len(processes) != 6 {
				t.Fatalf("the cluster has %d processes, want 6", len(processes))
			}
			if ending == "killed" {
				if err := c.cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			} else if err := c.stop(); err != nil {
				t.Fatal(err)
			}
			<-c.exited
			gone := func() bool {
				_, err := os.Stat(c.dir)
				return os.IsNotExist(err) && !slices.ContainsFunc(processes, func(pid int) bool { return alive(t, pid) })
			}
			if ending == "stopped" && !gone() {
				t.Error("something is left after stop has returned")
			}
			for deadline := time.Now().Add(time.Minute); !gone(); time.Sleep(20 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("a minute later %s or one of the processes %v is still there", c.dir, processes)
				}
			}
		})
	}
}

func TestAProgramThatIsNoClusterIsAnError(t *testing.T) {
	other, err := exec.LookPath("false")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/does/not/exist", other} {
		if c, err := start(path); err == nil {
			t.Errorf("%s: started", path)
			_ = c.stop()
		}
	}
}

// quiet is a test whose cleanups never run: the cluster ends before they would.
type quiet struct{ testing.TB }

func (quiet) Cleanup(func()) {}

func named(name, pod string) string {
	return strings.Replace(pod, `{"metadata": {`, `{"metadata": {"name": "`+name+`", `, 1)
}

func has(parts ...string) func(string) bool {
	return func(list string) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(list, part) })
	}
}

// namespaced sends requests about one namespace; paths have %s in its place.
type namespaced struct {
	t         *testing.T
	client    *http.Client
	host      string
	namespace string
}

func client(t *testing.T, config *rest.Config, namespace string) namespaced {
	t.Helper()
	c, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	return namespaced{t, c, config.Host, namespace}
}

func (n namespaced) send(method, path, body string) (string, error) {
	answer, err := send(n.client, method, n.host+fmt.Sprintf(path, n.namespace), body)
	return string(answer), err
}

func (n namespaced) must(method, path, body string) string {
	n.t.Helper()
	answer, err := n.send(method, path, body)
	if err != nil {
		n.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer
}

// is tells whether there is a pod, and something in it.
func (n namespaced) is(pod, part string) bool {
	answer, err := n.send(http.MethodGet, pods+"/"+pod, "")
	return err == nil && strings.Contains(answer, part)
}

// await reads a collection until it is as expected.
func (n namespaced) await(path string, expect func(list string) bool) {
	n.t.Helper()
	last := ""
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		answer, err := n.send(http.MethodGet, path, "")
		if err != nil {
			last = err.Error()
			continue
		}
		if last = answer; expect(last) {
			return
		}
	}
	n.t.Fatalf("%s is still not as expected: %s", path, last)
}

func childrenOf(t *testing.T, parent int) []int {
	var found []int
	for pid, of := range processes(t) {
		if of == parent {
			found = append(found, pid)
		}
	}
	return found
}

func alive(t *testing.T, pid int) bool {
	_, ok := processes(t)[pid]
	return ok
}

// processes maps the id of each process to its parent's.
func processes(t *testing.T) map[int]int {
	t.Helper()
	out, err := exec.Command("ps", "-A", "-o", "pid=", "-o", "ppid=", "-o", "stat=").Output()
	if err != nil {
		t.Fatal(err)
	}
	found := map[int]int{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) < 3 || strings.HasPrefix(fields[2], "Z") {
			continue
		}
		pid, err := strconv.Atoi(fields[0])
		if err != nil {
			t.Fatal(err)
		}
		if found[pid], err = strconv.Atoi(fields[1]); err != nil {
			t.Fatal(err)
		}
	}
	return found
}
