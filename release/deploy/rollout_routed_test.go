package deploy_test

import (
	"fmt"
	"testing"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/cluster/traffic"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
)

// routed is a chart with a Deployment, a Service, and a route to it and to another one.
const routed = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web-{{ .Values.version }}:ready"}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  parentRefs: [{name: gateway}]
  rules:
  - backendRefs: [{name: web, port: 80}]
`

// backends are the weights of the live route by Service.
func backends(t *testing.T, config deploy.RolloutConfig) map[string]int64 {
	t.Helper()
	ref := manifest.Ref{APIVersion: "gateway.networking.k8s.io/v1", Kind: "HTTPRoute", Namespace: config.Namespace, Name: "web"}
	live, err := config.Cluster.Read(background, []manifest.Ref{ref})
	if err != nil {
		t.Fatal(err)
	}
	weights := map[string]int64{}
	spec := live[ref]["spec"].(map[string]any)
	for _, rule := range spec["rules"].([]any) {
		for _, b := range rule.(map[string]any)["backendRefs"].([]any) {
			backend := b.(map[string]any)
			weights[backend["name"].(string)] = backend["weight"].(int64)
		}
	}
	return weights
}

// The gateway's status comes from a mock: see clustertest.AcceptRoutes.
func TestARolloutBehindAGateway(t *testing.T) {
	t.Parallel()
	c := clustertest.Shared(t)
	c.InstallCRDs(t, "HTTPRoute.gateway.networking.k8s.io")
	namespace := c.Namespace(t)
	c.AcceptRoutes(t, namespace)
	config, err := newRolloutConfig(c.RESTConfig(t), namespace, 0)
	if err != nil {
		t.Fatal(err)
	}
	config.Routers = traffic.All()
	config.Observe = func(n deploy.Notice) { t.Logf("%s %s %s %s", n.Step, n.Ref, n.Action, n.Message) }
	files := []*chart.File{
		{Name: "Chart.yaml", Data: []byte("apiVersion: v2\nname: routed\nversion: 1.0.0\n")},
		{Name: "templates/all.yaml", Data: []byte(routed)},
	}
	routedChart, err := chart.LoadFiles(files)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := deploy.Install(background, config.Config, "web", routedChart, map[string]any{"version": "1"}, deploy.InstallOptions{ChangeOptions: deploy.ChangeOptions{Wait: true}}); err != nil {
		t.Fatal(err)
	}
	options := quick(rollout.Canary, 10, 50)
	options.Derive.Router = "gateway"
	result, err := deploy.StartRollout(background, config, "web", routedChart, map[string]any{"version": "2"}, options)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"map[web:9 web-preview:1]", "map[web:1 web-preview:1]"} {
		if result.State.Phase != rollout.Gate {
			t.Fatalf("it is %s", result.State.Phase)
		}
		if got := fmt.Sprint(backends(t, config)); got != want {
			t.Errorf("at step %d the route sends to %s and not to %s", result.State.Step+1, got, want)
		}
		if result, err = deploy.PromoteRollout(background, config, "web", deploy.PromoteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(backends(t, config)); result.State.Phase != rollout.Done || got != "map[web:1]" {
		t.Errorf("it is %s, and the route sends to %s", result.State.Phase, got)
	}
	// And another one is taken back.
	if _, err := deploy.StartRollout(background, config, "web", routedChart, map[string]any{"version": "3"}, options); err != nil {
		t.Fatal(err)
	}
	if _, err := deploy.AbortRollout(background, config, "web", deploy.AbortOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(backends(t, config)); got != "map[web:1]" {
		t.Errorf("after the abort the route sends to %s", got)
	}
}
