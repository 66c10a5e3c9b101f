package traffic_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/release/cluster"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/cluster/traffic"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/derive"
	"github.com/e6d26078/slipway/release/manifest"
)

const charts = `
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  parentRefs: [{name: public, sectionName: https}, {name: internal, port: 80}]
  hostnames: [web.example]
  rules:
  - matches: [{path: {type: PathPrefix, value: /}}]
    backendRefs:
    - {name: web, port: 80, weight: 3, filters: [{type: RequestHeaderModifier, requestHeaderModifier: {add: [{name: a, value: b}]}}]}
    - {name: web, port: 81, weight: 1}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: web}
spec:
  parentRefs: [{name: public}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web.example]
  http: [{match: [{uri: {prefix: /}}], route: [{destination: {host: web, port: {number: 80}}, headers: {request: {set: {a: b}}}}]}]
  tcp: [{match: [{port: 81}], route: [{destination: {host: web}, weight: 30}, {destination: {host: old.example}, weight: 70}]}]
---
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: {name: early}
spec: {hosts: [early.example], http: [{route: [{destination: {host: web}}]}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web}
spec: {host: web, trafficPolicy: {loadBalancer: {simple: LEAST_REQUEST}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, annotations: {nginx.ingress.kubernetes.io/rewrite-target: /}}
spec:
  ingressClassName: nginx
  rules: [{host: web.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
`

// server is a namespace of an API server that has the kinds of all routers.
type server struct {
	*cluster.Client
	t         *testing.T
	cluster   *clustertest.Cluster
	namespace string
	objects   []manifest.Object
}

func newServer(t *testing.T) *server {
	t.Helper()
	c := clustertest.Shared(t)
	for _, router := range traffic.All() {
		for _, kind := range router.Kinds() {
			if !strings.HasSuffix(kind, ".networking.k8s.io") || strings.HasSuffix(kind, "gateway.networking.k8s.io") {
				c.InstallCRDs(t, kind)
			}
		}
	}
	client, err := cluster.New(c.RESTConfig(t), cluster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Client: client, t: t, cluster: c, namespace: c.Namespace(t)}
	all, err := manifest.Objects(charts)
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := s.Resolve(t.Context(), all, s.namespace)
	if err != nil || len(resolved.Unknown) > 0 {
		t.Fatalf("unknown %v, %v", resolved.Unknown, err)
	}
	s.objects = resolved.Objects
	s.apply(s.objects)
	return s
}

// apply applies objects and returns them as they are then.
func (s *server) apply(objects []manifest.Object) []derive.Fields {
	s.t.Helper()
	var live []derive.Fields
	for _, o := range objects {
		if metadata, ok := o.Fields["metadata"].(map[string]any); ok && metadata["namespace"] == nil {
			metadata["namespace"] = s.namespace
		}
		is, err := s.Apply(s.t.Context(), o, deploy.ApplyOptions{})
		if err != nil {
			s.t.Fatalf("%s: %v", o.Ref, err)
		}
		live = append(live, is)
	}
	return live
}

// weights are those of an object, in order, as text.
func weights(value any) []string {
	var all []string
	switch v := value.(type) {
	case map[string]any:
		if weight, ok := v["weight"]; ok {
			all = append(all, fmt.Sprint(weight))
		}
		for _, key := range []string{"spec", "rules", "backendRefs", "http", "tcp", "route", "metadata", "annotations"} {
			all = append(all, weights(v[key])...)
		}
		if weight, ok := v["nginx.ingress.kubernetes.io/canary-weight"]; ok {
			all = append(all, fmt.Sprint(weight))
		}
	case []any:
		for _, item := range v {
			all = append(all, weights(item)...)
		}
	}
	return all
}

func TestTheAPIServerTakesWhatRoutersMake(t *testing.T) {
	s := newServer(t)
	services := map[string]string{"web": "web-canary"}
	want := map[string]map[int]string{
		"gateway": {0: "HTTPRoute 3 0 1 0 GRPCRoute 1 0", 30: "HTTPRoute 21 9 7 3 GRPCRoute 7 3", 100: "HTTPRoute 0 3 0 1 GRPCRoute 0 1"},
		"istio": {
			0:   "VirtualService 100 0 30 0 70 VirtualService 100 0 DestinationRule",
			30:  "VirtualService 70 30 21 9 70 VirtualService 70 30 DestinationRule",
			100: "VirtualService 0 100 0 30 70 VirtualService 0 100 DestinationRule",
		},
		"nginx": {0: "Ingress 0", 30: "Ingress 30", 100: "Ingress 100"},
	}
	for _, router := range traffic.All() {
		for _, weight := range []int{0, 30, 100} {
			split, err := router.Split(s.objects, services, weight)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i, live := range s.apply(split) {
				got = append(append(got, split[i].Kind), weights(live)...)
			}
			if diff := cmp.Diff(want[router.Name()][weight], strings.Join(got, " ")); diff != "" {
				t.Errorf("%s at %d per cent:\n%s", router.Name(), weight, diff)
			}
			for _, o := range split {
				if kind := o.Kind + "." + o.Group(); !strings.Contains(strings.Join(router.Kinds(), " "), kind) {
					t.Errorf("%s makes %s, which is none of its kinds", router.Name(), kind)
				}
			}
		}
	}
}

func TestARouteSettlesWhenItsBackendIsThere(t *testing.T) {
	s := newServer(t)
	s.cluster.AcceptRoutes(t, s.namespace)
	router := traffic.Gateway{}
	routes, err := router.Split(s.objects, map[string]string{"web": "web-canary"}, 20)
	if err != nil {
		t.Fatal(err)
	}
	for i, live := range s.apply(routes) {
		if ok, _ := router.Settled(live); ok {
			t.Errorf("%s has settled at once", routes[i].Ref)
		}
	}
	for _, route := range routes {
		s.await(route.Ref, "ResolvedRefs is False: BackendNotFound said by a mock")
	}
	canary, err := manifest.Objects("{apiVersion: v1, kind: Service, metadata: {name: web-canary}, spec: {ports: [{port: 80}]}}")
	if err != nil {
		t.Fatal(err)
	}
	canary[0].Namespace = s.namespace
	s.apply(canary)
	for _, route := range routes {
		s.await(route.Ref, "")
	}
}

// await waits until a route is settled, or is not for a reason.
func (s *server) await(ref manifest.Ref, want string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	for why := ""; ; {
		live, err := s.Read(ctx, []manifest.Ref{ref})
		if err != nil {
			s.t.Fatalf("%s is still not %q but %q: %v", ref, want, why, err)
		}
		ok := false
		if ok, why = (traffic.Gateway{}).Settled(live[ref]); ok == (want == "") && strings.HasSuffix(why, want) {
			return
		}
	}
}
