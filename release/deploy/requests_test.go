package deploy_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
)

// requests notes what is asked of an API server.
type requests struct {
	mu   sync.Mutex
	seen []string
}

func (q *requests) wrap(next http.RoundTripper) http.RoundTripper {
	return tripper(func(r *http.Request) (*http.Response, error) {
		q.mu.Lock()
		q.seen = append(q.seen, r.Method+" "+r.URL.Path)
		q.mu.Unlock()
		return next.RoundTrip(r)
	})
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// about are the requests that match, sorted.
func (q *requests) about(pattern string) []string {
	all := q.inOrder(pattern)
	slices.Sort(all)
	return all
}

func (q *requests) inOrder(pattern string) []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(q.seen), func(s string) bool { return !regexp.MustCompile(pattern).MatchString(s) })
}

// noted makes configurations for a new namespace, and notes what is asked with them.
func noted(t *testing.T) (connect func() deploy.Config, asked *requests) {
	api := clustertest.Shared(t)
	namespace := api.Namespace(t)
	asked = &requests{}
	rc := api.RESTConfig(t)
	rc.Wrap(asked.wrap)
	return func() deploy.Config { return configFor(t, rc, namespace) }, asked
}

func TestAnUpgradeThatChangesNothingAsksForLittle(t *testing.T) {
	connect, asked := noted(t)
	c, err := chart.Load("../../testdata/charts/shop")
	if err != nil {
		t.Fatal(err)
	}
	options := deploy.ChangeOptions{NoHooks: true}
	config := connect()
	if _, err := deploy.Install(t.Context(), config, "shop", c, nil, deploy.InstallOptions{ChangeOptions: options}); err != nil {
		t.Fatal(err)
	}
	asked.seen = nil
	if _, err := deploy.Upgrade(t.Context(), connect(), "shop", c, nil, deploy.UpgradeOptions{ChangeOptions: options}); err != nil {
		t.Fatal(err)
	}
	core := "/api/v1/namespaces/" + config.Namespace
	lease := "/apis/coordination.k8s.io/v1/namespaces/" + config.Namespace + "/leases/slipway-shop"
	records := core + "/secrets/sh.helm.release.v1.shop.v"
	changes := []string{
		"POST " + core + "/events", "POST " + core + "/secrets",
		"PUT " + records + "1", "PUT " + records + "2",
		"PUT " + lease, "PUT " + lease,
	}
	if diff := cmp.Diff(changes, asked.about("^(POST|PUT|PATCH|DELETE) /(api|apis/[^a].*)/")); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"GET " + records + "1"}, asked.about("^GET .*sh.helm.release")); diff != "" {
		t.Errorf("records read (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"GET /api", "GET /apis", "GET /version"}, asked.about("^GET /(api|apis|version)$")); diff != "" {
		t.Errorf("what is served (-want +got):\n%s", diff)
	}
}

func TestKindsThatGoTogetherAreSpreadOverTheirWave(t *testing.T) {
	connect, asked := noted(t)
	config := connect()
	config.Concurrency = 1
	c := chartOf(`
{{- range until 4 }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c{{ . }}}
{{- end }}
{{- range until 2 }}
---
apiVersion: v1
kind: Service
metadata: {name: s{{ . }}}
spec: {ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: d{{ . }}}
spec:
  selector: {matchLabels: {app: d{{ . }}}}
  template: {metadata: {labels: {app: d{{ . }}}}, spec: {containers: [{name: main, image: "example.com/app:1"}]}}
{{- end }}
`)
	if _, err := deploy.Install(t.Context(), config, "web", c, nil, deploy.InstallOptions{}); err != nil {
		t.Fatal(err)
	}
	core, apps := "PATCH /api/v1/namespaces/"+config.Namespace, "PATCH /apis/apps/v1/namespaces/"+config.Namespace
	want := []string{
		core + "/configmaps/c0", core + "/services/s0", core + "/configmaps/c1",
		core + "/configmaps/c2", core + "/services/s1", core + "/configmaps/c3",
		apps + "/deployments/d0", apps + "/deployments/d1",
	}
	if diff := cmp.Diff(want, asked.inOrder("^PATCH ")); diff != "" {
		t.Errorf("the order (-want +got):\n%s", diff)
	}
}

// TestAnInstallLooksAgainAtWhatWasThere has a release end while an install of the
// same name waits for its lock and has read the history already.
func TestAnInstallLooksAgainAtWhatWasThere(t *testing.T) {
	api := clustertest.Shared(t)
	namespace := api.Namespace(t)
	c := chartOf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n")
	other := configFor(t, api.RESTConfig(t), namespace)
	if _, err := deploy.Install(t.Context(), other, "web", c, nil, deploy.InstallOptions{}); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	var once, end sync.Once
	rc := api.RESTConfig(t)
	rc.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return tripper(func(r *http.Request) (*http.Response, error) {
			switch {
			case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/secrets"):
				defer once.Do(func() { close(read) })
			case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/leases"):
				<-read
				end.Do(func() {
					if _, err := deploy.Uninstall(t.Context(), other, "web", deploy.UninstallOptions{}); err != nil {
						t.Error(err)
					}
				})
			}
			return next.RoundTrip(r)
		})
	})
	result, err := deploy.Install(t.Context(), configFor(t, rc, namespace), "web", c, nil, deploy.InstallOptions{})
	if err != nil || result.Record.Version != 1 {
		t.Errorf("the name was free when the lock was taken: %v", err)
	}
}
