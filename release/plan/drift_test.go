package plan

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/release/manifest"
)

const driftStored = `
apiVersion: v1
kind: ConfigMap
metadata: {name: gone}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: same}
data: {a: b}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: web
        image: web:1
        args: [a]
        ports: [{containerPort: 80, protocol: TCP, hostPort: 1}]
`

const driftLive = `
apiVersion: v1
kind: ConfigMap
metadata: {name: same}
data: {a: b, c: d}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: other}
  managedFields:
  - manager: helm
    operation: Apply
    fieldsType: FieldsV1
    fieldsV1: {f:spec: {f:template: {f:spec: {f:containers: {'k:{"name":"web"}': {.: {}, f:name: {}, f:args: {}, f:ports: {'k:{"containerPort":80,"protocol":"TCP"}': {.: {}, f:containerPort: {}}}}}}}}}
  - manager: kubectl-edit
    operation: Update
    fieldsV1: {f:metadata: {f:labels: {f:app: {}}}, f:spec: {f:template: {f:spec: {f:containers: {'k:{"name":"web"}': {f:image: {}, f:ports: {'k:{"containerPort":80,"protocol":"TCP"}': {f:hostPort: {}}}}}}}}}
  - manager: autoscaler
    subresource: scale
    fieldsV1: {f:spec: {f:replicas: {}}}
  - manager: someone
    fieldsV1: {f:spec: {f:replicas: {}}}
spec:
  replicas: 5
  template:
    spec:
      dnsPolicy: ClusterFirst
      containers:
      - name: web
        image: web:2
        args: [b]
        ports: [{containerPort: 80, protocol: TCP, hostPort: 2}]
`

func TestDriftNamesFieldsAndWhoHoldsThem(t *testing.T) {
	var got []string
	drifts := Drift(objects(t, driftStored), live(t, driftLive), nil)
	for _, d := range drifts {
		got = append(got, fmt.Sprint(d.Ref, " ", d.State))
		for _, f := range d.Fields {
			got = append(got, fmt.Sprint("  ", f.Path, " ", f.Old, " ", f.New, " ", f.Managers))
		}
	}
	want := []string{
		"ConfigMap gone missing",
		"ConfigMap same ok",
		"Deployment web changed",
		"  metadata.labels.app other web [kubectl-edit]",
		"  spec.replicas 5 2 [someone]",
		"  spec.template.spec.containers[name=web].args[0] b a [helm]",
		"  spec.template.spec.containers[name=web].image web:2 web:1 [kubectl-edit]",
		"  spec.template.spec.containers[name=web].ports[containerPort=80].hostPort 2 1 [kubectl-edit]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var b bytes.Buffer
	if err := DriftText(&b, drifts, TextOptions{Unchanged: true}); err != nil {
		t.Fatal(err)
	}
	wantText := `- missing  ConfigMap gone
  ok       ConfigMap same
~ changed  Deployment web
    ~ metadata.labels.app: other -> web (held by kubectl-edit)
    ~ spec.replicas: 5 -> 2 (held by someone)
    ~ spec.template.spec.containers[name=web].args[0]: b -> a (held by helm)
    ~ spec.template.spec.containers[name=web].image: web:2 -> web:1 (held by kubectl-edit)
    ~ spec.template.spec.containers[name=web].ports[containerPort=80].hostPort: 2 -> 1 (held by kubectl-edit)
1 missing, 1 changed, 1 as stored
`
	if diff := cmp.Diff(wantText, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestADryRunDecidesWhatHasDrifted(t *testing.T) {
	stored := objects(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {x: 1}")
	is := live(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: a, resourceVersion: '1'}\nspec: {x: 2}")
	should := live(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: a, resourceVersion: '2'}\nspec: {x: 2}")
	if got := Drift(stored, is, should); got[0].State != InOrder || got[0].Estimated {
		t.Errorf("got %+v", got)
	}
	if got := Drift(stored, is, map[manifest.Ref]map[string]any{}); got[0].State != Drifted || !got[0].Estimated {
		t.Errorf("got %+v", got)
	}
}
