package deploy_test

import (
	"net/http"
	"regexp"
	"slices"
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
	q.mu.Lock()
	defer q.mu.Unlock()
	all := slices.DeleteFunc(slices.Clone(q.seen), func(s string) bool { return !regexp.MustCompile(pattern).MatchString(s) })
	slices.Sort(all)
	return all
}

func TestAnUpgradeThatChangesNothingAsksForLittle(t *testing.T) {
	api := clustertest.Shared(t)
	namespace := api.Namespace(t)
	var asked requests
	rc := api.RESTConfig(t)
	rc.Wrap(asked.wrap)
	c, err := chart.Load("../../testdata/charts/shop")
	if err != nil {
		t.Fatal(err)
	}
	options := deploy.ChangeOptions{NoHooks: true}
	if _, err := deploy.Install(t.Context(), configFor(t, rc, namespace), "shop", c, nil, deploy.InstallOptions{ChangeOptions: options}); err != nil {
		t.Fatal(err)
	}
	asked.seen = nil
	if _, err := deploy.Upgrade(t.Context(), configFor(t, rc, namespace), "shop", c, nil, deploy.UpgradeOptions{ChangeOptions: options}); err != nil {
		t.Fatal(err)
	}
	core := "/api/v1/namespaces/" + namespace
	lease := "/apis/coordination.k8s.io/v1/namespaces/" + namespace + "/leases/slipway-shop"
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
