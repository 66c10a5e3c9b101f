package cluster

import (
	"testing"

	"k8s.io/apimachinery/pkg/util/yaml"
)

func parse(t testing.TB, text string) map[string]any {
	t.Helper()
	object := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	return object
}

const scaled = `
metadata:
  name: web
  finalizers: [a]
  annotations: {meta.helm.sh/release-name: shop}
  managedFields:
  - manager: helm
    operation: Apply
    fieldsV1: {"f:spec": {"f:replicas": {}, "f:paused": {}}}
  - manager: autoscaler
    operation: Update
    subresource: scale
    fieldsV1: {"f:spec": {"f:replicas": {}}}
  - manager: controller
    operation: Update
    subresource: status
    fieldsV1: {"f:status": {"f:replicas": {}}}
  - manager: kubectl-edit
    operation: Update
    fieldsV1:
      f:metadata: {"f:finalizers": {".": {}, "v:\"a\"": {}}}
      f:spec:
        f:atomic: {}
        f:template:
          f:containers:
            k:{"name":"web"}: {".": {}, "f:image": {}, "f:ports": {".": {}, "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:hostPort": {}}}}
spec:
  replicas: 3
  paused: false
  atomic: {a: [1, 2.0, x]}
  template:
    containers:
    - {name: side, image: s}
    - {name: web, image: "web:1", ports: [{containerPort: 80, protocol: TCP, hostPort: 8080}]}
status: {replicas: 3}
`

func TestAConflictIsForeseen(t *testing.T) {
	live := parse(t, scaled)
	for name, test := range map[string]struct {
		wanted string
		want   bool
	}{
		"a document that sets nothing of others":             {`{spec: {paused: true}}`, false},
		"the value that another manager has set":             {`{spec: {replicas: 3}}`, false},
		"the same number in another type":                    {`{spec: {replicas: 3.0, atomic: {a: [1.0, 2, x]}}}`, false},
		"another value than an autoscaler has set":           {`{spec: {replicas: 2}}`, true},
		"null where another manager has set a value":         {`{spec: {replicas: null}}`, true},
		"the status, which an apply leaves alone":            {`{status: {replicas: 9}}`, false},
		"an item of a list found by its key":                 {`{spec: {template: {containers: [{name: web, image: "web:2"}]}}}`, true},
		"the same item with the same value":                  {`{spec: {template: {containers: [{name: web, image: "web:1"}]}}}`, false},
		"another item of the list":                           {`{spec: {template: {containers: [{name: side, image: t}]}}}`, false},
		"an item whose key's default is left out":            {`{spec: {template: {containers: [{name: web, ports: [{containerPort: 80, hostPort: 1}]}]}}}`, true},
		"an item with another key":                           {`{spec: {template: {containers: [{name: web, ports: [{containerPort: 81, hostPort: 1}]}]}}}`, false},
		"a value that is atomic, other than it is":           {`{spec: {atomic: {a: [1, 2]}}}`, true},
		"a set that has the value of another manager, alone": {`{metadata: {finalizers: [a]}}`, false},
		"a scalar in the place of a map":                     {`{spec: 1}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := MayConflict(live, parse(t, test.wanted)); got != test.want {
				t.Errorf("MayConflict = %v, want %v", got, test.want)
			}
		})
	}
}

func TestNoConflictIsForeseenWithWhatIsHandedOver(t *testing.T) {
	for name, test := range map[string]struct {
		live, wanted string
		want         bool
	}{
		"a client-side helm": {
			`{metadata: {managedFields: [{manager: helm, operation: Update, fieldsV1: {"f:data": {"f:a": {}}}}]}, data: {a: "1"}}`,
			`{data: {a: "2"}}`, false,
		},
		"a client-side helm under another name": {
			`{metadata: {annotations: {meta.helm.sh/release-name: shop}, managedFields: [{manager: helm-v3, operation: Update,
			  fieldsV1: {"f:metadata": {"f:annotations": {"f:meta.helm.sh/release-name": {}}}, "f:data": {"f:a": {}}}}]}, data: {a: "1"}}`,
			`{data: {a: "2"}}`, false,
		},
		"kubectl, when the object is adopted": {
			`{metadata: {managedFields: [{manager: kubectl-client-side-apply, operation: Update, fieldsV1: {"f:data": {"f:a": {}}}}]}, data: {a: "1"}}`,
			`{metadata: {annotations: {meta.helm.sh/release-name: shop}}, data: {a: "2"}}`, false,
		},
		"kubectl, when the object is the release's already": {
			`{metadata: {annotations: {meta.helm.sh/release-name: shop}, managedFields: [
			  {manager: kubectl-client-side-apply, operation: Update, fieldsV1: {"f:data": {"f:a": {}}}}]}, data: {a: "1"}}`,
			`{metadata: {annotations: {meta.helm.sh/release-name: shop}}, data: {a: "2"}}`, true,
		},
		"an applier that happens to be called differently": {
			`{metadata: {managedFields: [{manager: argocd, operation: Apply, fieldsV1: {"f:data": {"f:a": {}}}}]}, data: {a: "1"}}`,
			`{data: {a: "2"}}`, true,
		},
		"fields in a form that is not known": {
			`{metadata: {managedFields: [{manager: x, operation: Apply, fieldsV1: {"z:data": {}}}]}, data: {a: "1"}}`,
			`{data: {a: "1"}}`, true,
		},
		"an object without managed fields": {`{data: {a: "1"}}`, `{data: {a: "2"}}`, false},
		"no object":                        {`{}`, `{data: {a: "2"}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := MayConflict(parse(t, test.live), parse(t, test.wanted)); got != test.want {
				t.Errorf("MayConflict = %v, want %v", got, test.want)
			}
		})
	}
}

func FuzzMayConflict(f *testing.F) {
	f.Add(scaled, `{spec: {replicas: 2}}`)
	f.Fuzz(func(t *testing.T, live, wanted string) {
		l, w := map[string]any{}, map[string]any{}
		if yaml.Unmarshal([]byte(live), &l) != nil || yaml.Unmarshal([]byte(wanted), &w) != nil {
			return
		}
		if MayConflict(l, l) && len(managedFields(l)) == 0 {
			t.Error("a conflict with nobody")
		}
		MayConflict(l, w)
		if _, err := migration(l, w); err != nil {
			return
		}
	})
}
