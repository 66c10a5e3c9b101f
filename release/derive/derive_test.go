package derive

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
)

// objects reads documents of YAML; what has no namespace is in prod.
func objects(t testing.TB, text string) []manifest.Object {
	t.Helper()
	list, err := manifest.Objects(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for i := range list {
		if o := &list[i]; o.Namespace == "" && !strings.HasPrefix(o.Kind, "Cluster") {
			o.Namespace = "prod"
			child(o.Fields, "metadata")["namespace"] = "prod"
		}
	}
	return list
}

// liveOf are the objects of the base as they live, some of them replaced.
func liveOf(base, replaced []manifest.Object) map[manifest.Ref]Fields {
	live := map[manifest.Ref]Fields{}
	for _, o := range append(append([]manifest.Object{}, base...), replaced...) {
		live[o.Ref] = cloneMap(o.Fields)
	}
	return live
}

func fieldsOf(list []manifest.Object) []Fields {
	var all []Fields
	for _, o := range list {
		all = append(all, o.Fields)
	}
	return all
}

// web is a release of one Deployment with its Service and configuration.
const web = `
apiVersion: v1
kind: ConfigMap
metadata: {name: web-config, labels: {helm.sh/chart: web-1.0.0}}
data: {colour: blue}
---
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web}, annotations: {prometheus.io/scrape: "true"}}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: http, nodePort: 30080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}, annotations: {helm.sh/resource-policy: keep}}
spec:
  replicas: 9
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, helm.sh/chart: web-1.0.0}}
    spec:
      containers:
        - name: web
          image: web:1
          ports: [{name: http, containerPort: 8080}]
          envFrom: [{configMapRef: {name: web-config}}]
`

// newer is web with another image.
var newer = strings.NewReplacer("web:1", "web:2", "web-1.0.0", "web-1.1.0").Replace(web)

const database = `
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {selector: {app: db}, ports: [{port: 5432}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 3
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "db:1", envFrom: [{configMapRef: {name: db-config}}]}]}
  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce]}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: db-config}
data: {size: small}
`

const scaler = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {minReplicas: 2, maxReplicas: 12, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
`

// canaryOf is an input of a canary by pods from one text to another.
func canaryOf(t testing.TB, base, target string) Input {
	in := Input{Release: "web", Namespace: "prod", Revision: 7, Settings: rollout.Settings{Strategy: rollout.Canary},
		Base: objects(t, base), Target: objects(t, target)}
	in.Live = liveOf(in.Base, nil)
	return in
}

func mustCompute(t testing.TB, in Input) *Plan {
	t.Helper()
	p, err := Compute(in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustObjects(t testing.TB, p *Plan, in Input, v rollout.View, o Observed) []manifest.Object {
	t.Helper()
	all, err := p.Objects(in.Base, in.Target, v, o, in.Routers)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// find returns the object of a kind and name.
func find(t testing.TB, all []manifest.Object, kind, name string) Fields {
	t.Helper()
	for _, o := range all {
		if o.Kind == kind && o.Name == name {
			if at(o.Fields, "metadata", "name") != name || o.Fields["kind"] != kind {
				t.Errorf("%s has other fields: %v", o.Ref, o.Fields["metadata"])
			}
			return o.Fields
		}
	}
	return nil
}

func reasonsOf(t testing.TB, err error) []Reason {
	t.Helper()
	var refused *RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("not refused: %v", err)
	}
	return refused.Reasons
}

func same(t testing.TB, what string, got, want []manifest.Object) {
	t.Helper()
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got\n%v\nwant\n%v", what, got, want)
	}
}

// fakeRouter divides the traffic of TestRoutes, whose spec lists a Service.
type fakeRouter struct{}

func (fakeRouter) Name() string                  { return "test" }
func (fakeRouter) Kinds() []string               { return []string{"TestRoute.example.com"} }
func (fakeRouter) Settled(Fields) (bool, string) { return true, "" }
func (fakeRouter) Split(all []manifest.Object, services map[string]string, weight int) ([]manifest.Object, error) {
	var split []manifest.Object
	for _, o := range all {
		backends, _ := at(o.Fields, "spec", "backends").([]any)
		if o.Kind == "TestRoute" && len(backends) == 1 && services[text(backends[0])] != "" {
			o.Fields = maps.Clone(o.Fields)
			o.Fields["spec"] = map[string]any{"backends": []any{backends[0], services[text(backends[0])], int64(weight)}}
			extra := manifest.Object{Ref: o.Ref, Fields: Fields{"apiVersion": o.APIVersion, "kind": o.Kind,
				"metadata": map[string]any{"name": o.Name + "-extra", "namespace": o.Namespace}}}
			extra.Name += "-extra"
			split = append(split, o, extra)
		}
	}
	if len(split) == 0 {
		return nil, errors.New("nothing routes to them")
	}
	return split, nil
}

func asJSON(t testing.TB, value any) (tree any) {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	return tree
}
