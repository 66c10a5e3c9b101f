package traffic

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/release/derive"
	"github.com/e6d26078/slipway/release/manifest"
)

// services are those whose traffic is divided, with their canaries.
var services = map[string]string{"web": "web-next", "api": "api-next"}

func decoded(t *testing.T, text string) []manifest.Object {
	t.Helper()
	all, err := manifest.Objects(text)
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		all[i].Namespace = "prod"
	}
	return all
}

// backends says what a rule's list of backends is: "web 9, web-next 1".
func backends(list []map[string]any, name ...string) string {
	var all []string
	for _, b := range list {
		all = append(all, fmt.Sprintf("%v %v", at[string](b, name...), b["weight"]))
	}
	return strings.Join(all, ", ")
}

func TestWeightsOfTheGatewayAPI(t *testing.T) {
	const one = `[{name: web, port: 80}]`
	tests := []struct {
		name, refs string
		weight     int
		want       string
	}{
		{"one backend", one, 10, "web 9, web-next 1"},
		{"nothing for the canary", one, 0, "web 1, web-next 0"},
		{"everything for the canary", one, 100, "web 0, web-next 1"},
		{"a third in between", one, 33, "web 67, web-next 33"},
		{"others keep their share", `[{name: web, weight: 1}, {name: old, weight: 3}]`, 20, "web 4, web-next 1, old 15"},
		{"the place is kept", `[{name: old}, {name: web}, {name: api, weight: 0}]`, 50, "old 2, web 1, web-next 1, api 0, api-next 0"},
		{"two Services", `[{name: web, weight: 90}, {name: api, weight: 10}]`, 10, "web 81, web-next 9, api 9, api-next 1"},
		{"other namespaces and kinds are others", `[{name: web, namespace: prod}, {name: web, namespace: test}, {name: web, kind: Bucket, group: example.com}]`,
			50, "web 1, web-next 1, web 2, web 2"},
		{"all weights are 0", `[{name: web, weight: 0}]`, 50, "web 0, web-next 0"},
	}
	for _, kind := range []string{"HTTPRoute", "GRPCRoute"} {
		for _, test := range tests {
			t.Run(kind+" "+test.name, func(t *testing.T) {
				objects := decoded(t, "{apiVersion: gateway.networking.k8s.io/v1, kind: "+kind+", metadata: {name: r}, spec: {rules: [{backendRefs: [{name: elsewhere}]}, {backendRefs: "+test.refs+"}]}}")
				before := clone(objects[0].Fields)
				split, err := Gateway{}.Split(objects, services, test.weight)
				if err != nil || len(split) != 1 {
					t.Fatalf("%d objects, %v", len(split), err)
				}
				rules := objectsAt(split[0].Fields, "spec", "rules")
				if got := backends(objectsAt(rules[1], "backendRefs"), "name"); got != test.want {
					t.Errorf("got  %s\nwant %s", got, test.want)
				}
				if got := backends(objectsAt(rules[0], "backendRefs"), "name"); got != "elsewhere <nil>" {
					t.Errorf("a rule that is none of ours has changed: %s", got)
				}
				if diff := cmp.Diff(before, objects[0].Fields); diff != "" {
					t.Errorf("what was given has changed:\n%s", diff)
				}
			})
		}
	}
}

func TestACanarysBackendIsAsTheServices(t *testing.T) {
	objects := decoded(t, `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec:
  rules:
  - matches: [{path: {value: /}}]
    filters: [{type: RequestMirror, requestMirror: {backendRef: {name: web, port: 80}}}]
    backendRefs:
    - {name: web, port: 80, filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: b}]}}]}
`)
	split, err := Gateway{}.Split(objects, services, 25)
	if err != nil {
		t.Fatal(err)
	}
	rule := objectsAt(split[0].Fields, "spec", "rules")[0]
	refs := objectsAt(rule, "backendRefs")
	if refs[1]["name"] != "web-next" || refs[1]["weight"] != int64(1) || refs[0]["weight"] != int64(3) {
		t.Fatalf("backends %v", refs)
	}
	for _, key := range []string{"port", "filters"} {
		if diff := cmp.Diff(refs[0][key], refs[1][key]); diff != "" || refs[1][key] == nil {
			t.Errorf("%s:\n%s", key, diff)
		}
	}
	if got := at[string](objectsAt(rule, "filters")[0], "requestMirror", "backendRef", "name"); got != "web" {
		t.Errorf("the mirror leads to %s", got)
	}
}

func TestWeightsOfIstio(t *testing.T) {
	host := func(name string) string { return `{destination: {host: ` + name + `, port: {number: 80}}}` }
	weighted := func(name string, weight int) string {
		return fmt.Sprintf(`{destination: {host: %s}, weight: %d}`, name, weight)
	}
	tests := []struct {
		name, routes string
		weight       int
		want         string
	}{
		{"one destination", host("web"), 10, "web 90, web-next 10"},
		{"one destination without weight", weighted("web", 0), 10, "web 90, web-next 10"},
		{"nothing for the canary", host("web"), 0, "web 100, web-next 0"},
		{"everything for the canary", host("web"), 100, "web 0, web-next 100"},
		{"by its full name", host("web.prod.svc.cluster.local"), 50, "web.prod.svc.cluster.local 50, web-next.prod.svc.cluster.local 50"},
		{"others keep their share", weighted("web", 50) + "," + weighted("old", 50), 20, "web 40, web-next 10, old 50"},
		{"in less than per cent", weighted("web", 50) + "," + weighted("old", 50), 5, "web 19, web-next 1, old 20"},
		{"of another namespace", host("web") + "," + weighted("web.test.svc.cluster.local", 1), 50, "web 0, web-next 0, web.test.svc.cluster.local 100"},
	}
	for _, protocol := range []string{"http", "tcp", "tls"} {
		for _, test := range tests {
			t.Run(protocol+" "+test.name, func(t *testing.T) {
				objects := decoded(t, "{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: v}, spec: {"+protocol+": [{route: ["+test.routes+"]}]}}")
				split, err := Istio{}.Split(objects, services, test.weight)
				if err != nil || len(split) != 1 {
					t.Fatalf("%d objects, %v", len(split), err)
				}
				rule := objectsAt(split[0].Fields, "spec", protocol)[0]
				if got := backends(objectsAt(rule, "route"), "destination", "host"); got != test.want {
					t.Errorf("got  %s\nwant %s", got, test.want)
				}
			})
		}
	}
}

func TestADestinationRuleIsCopied(t *testing.T) {
	split, err := Istio{}.Split(decoded(t, `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, labels: {app: web}}
spec: {host: web, trafficPolicy: {loadBalancer: {simple: LEAST_REQUEST}}, subsets: [{name: v1, labels: {version: v1}}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: other}
spec: {host: other}
---
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: {name: v}
spec: {http: [{route: [{destination: {host: web}}]}]}
`), services, 10)
	if err != nil || len(split) != 2 {
		t.Fatalf("%d objects, %v", len(split), err)
	}
	want := decoded(t, `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web-canary, labels: {app: web}}
spec: {host: web-next, trafficPolicy: {loadBalancer: {simple: LEAST_REQUEST}}}
`)[0]
	if diff := cmp.Diff(want, split[1]); diff != "" {
		t.Error(diff)
	}
}

func TestCanaryIngresses(t *testing.T) {
	split, err := Nginx{}.Split(decoded(t, `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: front
  labels: {app: front}
  annotations: {cert-manager.io/issuer: ours, kubernetes.io/ingress.class: public, nginx.ingress.kubernetes.io/canary: "false"}
spec:
  ingressClassName: public
  tls: [{hosts: [a.example], secretName: a}]
  defaultBackend: {service: {name: api, port: {name: http}}}
  rules:
  - host: a.example
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
      - {path: /old, pathType: Prefix, backend: {service: {name: old, port: {number: 80}}}}
  - host: b.example
    http: {paths: [{path: /old, pathType: Prefix, backend: {service: {name: old, port: {number: 80}}}}]}
  - http: {paths: [{path: /api, pathType: Exact, backend: {service: {name: api, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: other}
spec: {defaultBackend: {service: {name: other, port: {number: 80}}}}
`), services, 35)
	if err != nil {
		t.Fatal(err)
	}
	want := decoded(t, `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: front-canary
  labels: {app: front}
  annotations: {kubernetes.io/ingress.class: public, nginx.ingress.kubernetes.io/canary: "true", nginx.ingress.kubernetes.io/canary-weight: "35"}
spec:
  ingressClassName: public
  defaultBackend: {service: {name: api-next, port: {name: http}}}
  rules:
  - host: a.example
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web-next, port: {number: 80}}}}]}
  - http: {paths: [{path: /api, pathType: Exact, backend: {service: {name: api-next, port: {number: 80}}}}]}
`)
	if diff := cmp.Diff(want, split); diff != "" {
		t.Error(diff)
	}
}

func TestWhatCannotBeDivided(t *testing.T) {
	route := func(refs string) string {
		return "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: r}, spec: {rules: [{backendRefs: [" + refs + "]}]}}"
	}
	const ingress = `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i, annotations: {nginx.ingress.kubernetes.io/canary: "true"}},
		spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}}`
	tests := []struct {
		name   string
		router derive.Router
		text   string
		weight int
		want   string
	}{
		{"no route", Gateway{}, route("{name: other}"), 10, "router gateway: no HTTPRoute or GRPCRoute of the release routes to Service api or web: "},
		{"no VirtualService", Istio{}, route("{name: web}"), 10, "router istio: no VirtualService of the release routes to"},
		{"no Ingress", Nginx{}, route("{name: web}"), 10, "router nginx: no Ingress of the release routes to"},
		{"a route of another group", Gateway{}, strings.Replace(route("{name: web}"), "gateway.networking.k8s.io/v1", "example.com/v1", 1), 10, "no HTTPRoute"},
		{"large weights", Gateway{}, route("{name: web, weight: 99991}, {name: x, weight: 99989}"), 1, "HTTPRoute prod/r rule 1: the weights of the backends are too large"},
		{"many backends", Gateway{}, route("{name: web}" + strings.Repeat(", {name: x}", 15)), 1, "17 backends"},
		{"a negative weight", Gateway{}, route("{name: web, weight: -1}"), 1, "weight -1"},
		{"a weight that is none", Gateway{}, route("{name: web, weight: many}"), 1, "weight many"},
		{"a subset", Istio{}, "{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: v}, spec: {http: [{route: [{destination: {host: web, subset: v1}}]}]}}",
			1, "VirtualService prod/v: http rule 1: it sends to subset v1 of web"},
		{"a canary of the chart's own", Nginx{}, ingress, 1, "Ingress prod/i is a canary itself"},
		{"too much", Nginx{}, ingress, 101, "a weight of 101 per cent"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := test.router.Split(decoded(t, test.text), services, test.weight); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestSharesAreExact compares each backend's share of a rule before and after, as rational numbers.
func TestSharesAreExact(t *testing.T) {
	const seed = 7
	random := rand.New(rand.NewPCG(seed, seed))
	for round := range 5000 {
		shares := make([]share, 1+random.IntN(5))
		var sum int64
		for i := range shares {
			shares[i] = share{weight: int64(random.IntN(10_000)), divided: random.IntN(2) == 0}
			sum += shares[i].weight
		}
		weight := random.IntN(101)
		stable, canary, err := divide(shares, weight)
		if err != nil {
			t.Fatal(err)
		}
		var after int64
		for i := range shares {
			after += stable[i] + canary[i]
		}
		if sum == 0 || after == 0 {
			if sum != after {
				t.Errorf("round %d: the weights are %d in all and were %d", round, after, sum)
			}
			continue
		}
		for i, s := range shares {
			share, to := big.NewRat(s.weight, sum), big.NewRat(0, 1)
			if s.divided {
				to = new(big.Rat).Mul(share, big.NewRat(int64(weight), 100))
			}
			if got := big.NewRat(canary[i], after); got.Cmp(to) != 0 {
				t.Fatalf("round %d: %v at %d per cent: the canary of %d has %s, want %s", round, shares, weight, i, got, to)
			}
			if got, want := big.NewRat(stable[i], after), new(big.Rat).Sub(share, to); got.Cmp(want) != 0 {
				t.Fatalf("round %d: %v at %d per cent: backend %d has %s, want %s", round, shares, weight, i, got, want)
			}
		}
	}
}

func TestARouteIsSettledOnceAllItsParentsHaveTakenItUp(t *testing.T) {
	parent := func(name, accepted, resolved string, generation int) string {
		return fmt.Sprintf(`{parentRef: {group: gateway.networking.k8s.io, kind: Gateway, name: %s}, controllerName: example.com/c, conditions: [
			{type: Accepted, status: "%s", reason: R, message: m, observedGeneration: %d},
			{type: ResolvedRefs, status: "%s", reason: R, message: m, observedGeneration: %d}]}`, name, accepted, generation, resolved, generation)
	}
	tests := []struct{ name, parents, want string }{
		{"nobody yet", "", "Gateway prod/a: no controller has taken it up yet"},
		{"one of two", parent("a", "True", "True", 4), "Gateway other/b section http: no controller has taken it up yet"},
		{"a parent that was left", parent("c", "False", "True", 1), "Gateway prod/a: no controller has taken it up yet"},
		{"not accepted", parent("a", "False", "True", 4), "Gateway prod/a: Accepted is False: R m"},
		{"not resolved", parent("a", "True", "Unknown", 4), "Gateway prod/a: ResolvedRefs is Unknown: R m"},
		{"an earlier generation", parent("a", "True", "True", 3), "Gateway prod/a: Accepted is about an earlier version of it"},
		{"no conditions", `{parentRef: {name: a}, controllerName: x}`, "Gateway prod/a: Accepted is not known yet"},
		{"both", parent("a", "True", "True", 4) + "," + strings.Replace(parent("b", "True", "True", 4), "name: b", "name: b, namespace: other, sectionName: http", 1), ""},
	}
	for _, test := range tests {
		live := decoded(t, `{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: r, namespace: prod, generation: 4},
			spec: {parentRefs: [{name: a}, {name: b, namespace: other, sectionName: http}]}, status: {parents: [`+test.parents+`]}}`)[0]
		if ok, why := (Gateway{}).Settled(live.Fields); ok != (test.want == "") || why != test.want {
			t.Errorf("%s: %v %q, want %q", test.name, ok, why, test.want)
		}
	}
	if ok, why := (Gateway{}).Settled(map[string]any{}); ok || why == "" {
		t.Errorf("a route without parents: %v %q", ok, why)
	}
}

func TestAVirtualServiceIsSettledUnlessItsStatusSaysOtherwise(t *testing.T) {
	for status, want := range map[string]string{
		"{}": "",
		`{observedGeneration: 2, conditions: [{type: Reconciled, status: "True"}]}`:                        "",
		`{conditions: [{type: Reconciled, status: "True"}, {type: PassedValidation, status: "True"}]}`:     "",
		`{observedGeneration: 2, conditions: [{type: Reconciled, status: "False", message: 1/2 proxies}]}`: "Reconciled is False 1/2 proxies",
		`{observedGeneration: 1, conditions: [{type: Reconciled, status: "True"}]}`:                        "Reconciled is about an earlier version of it",
	} {
		live := decoded(t, `{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: v, generation: 2}, status: `+status+`}`)[0]
		if ok, why := (Istio{}).Settled(live.Fields); ok != (want == "") || why != want {
			t.Errorf("%s: %v %q", status, ok, why)
		}
	}
	if ok, _ := (Nginx{}).Settled(nil); !ok {
		t.Error("an Ingress is never settled")
	}
}
