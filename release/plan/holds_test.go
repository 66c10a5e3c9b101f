package plan

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

func TestHoldsComparesAsTheServerWrites(t *testing.T) {
	const (
		deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n"
		pod        = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
		secret     = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
		configMap  = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
		custom     = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\n"
		crd        = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a}\n"
	)
	for name, test := range map[string]struct {
		live, wanted string
		want         bool
	}{
		"fields that the server added":                {deployment + "spec: {replicas: 2, paused: true}", deployment + "spec: {replicas: 2}", true},
		"another value":                               {deployment + "spec: {replicas: 3}", deployment + "spec: {replicas: 2}", false},
		"a missing field":                             {deployment + "spec: {}", deployment + "spec: {replicas: 2}", false},
		"another version":                             {deployment, "apiVersion: apps/v1beta1\nkind: Deployment\nmetadata: {name: a}\n", false},
		"another label":                               {"apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {x: a}}", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {x: b}}", false},
		"text in the place of a number":               {deployment + "spec: {replicas: 2}", deployment + "spec: {replicas: '2'}", false},
		"text in the place of a mapping":              {deployment + "spec: {a: x}", deployment + "spec: {a: {b: c}}", false},
		"a longer list":                               {pod + "spec: {args: [a, b]}", pod + "spec: {args: [a]}", false},
		"another order":                               {pod + "spec: {args: [a, b]}", pod + "spec: {args: [b, a]}", false},
		"elements with defaults":                      {pod + "spec: {containers: [{name: a, image: b, tty: true}]}", pod + "spec: {containers: [{name: a, image: b}]}", true},
		"elements with another value":                 {pod + "spec: {containers: [{name: a, image: b}]}", pod + "spec: {containers: [{name: a, image: c}]}", false},
		"a volume of another type":                    {pod + "spec: {volumes: [{name: a, hostPath: {path: /}}]}", pod + "spec: {volumes: [{name: a, emptyDir: {}}]}", false},
		"null for nothing":                            {pod + "spec: {}", pod + "spec: {nodeName: null}", true},
		"null for something":                          {pod + "spec: {nodeName: x}", pod + "spec: {nodeName: null}", false},
		"null in a list":                              {custom + "spec: [null]", custom + "spec: [null]", true},
		"null in a list for something":                {custom + "spec: [1]", custom + "spec: [null]", false},
		"null creation time":                          {"apiVersion: v1\nkind: Pod\nmetadata: {name: a, creationTimestamp: '2026-01-01T00:00:00Z'}", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, creationTimestamp: null}", true},
		"an empty list that is stored as nothing":     {pod + "spec: {}", pod + "spec: {tolerations: []}", true},
		"an empty list for a full one":                {pod + "spec: {tolerations: [{key: a}]}", pod + "spec: {tolerations: []}", false},
		"an empty list of a custom resource":          {custom + "spec: {}", custom + "spec: {a: []}", false},
		"empty annotations":                           {pod, "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {}}", true},
		"an empty selector that means all":            {"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {ingress: [{from: [{namespaceSelector: {}}]}]}", false},
		"false that is stored as nothing":             {pod + "spec: {}", pod + "spec: {hostNetwork: false}", true},
		"false for true":                              {pod + "spec: {hostNetwork: true}", pod + "spec: {hostNetwork: false}", false},
		"false of a pointer":                          {pod + "spec: {}", pod + "spec: {automountServiceAccountToken: false}", false},
		"an empty environment variable":               {pod + "spec: {containers: [{env: [{name: A}]}]}", pod + "spec: {containers: [{env: [{name: A, value: ''}]}]}", true},
		"an environment variable from elsewhere":      {pod + "spec: {containers: [{env: [{name: A, valueFrom: {fieldRef: {fieldPath: a}}}]}]}", pod + "spec: {containers: [{env: [{name: A, value: ''}]}]}", false},
		"an empty value in a ConfigMap":               {configMap + "data: {name: a}", configMap + "data: {name: a, value: ''}", false},
		"a quantity in other words":                   {pod + "spec: {containers: [{resources: {limits: {cpu: '1', memory: 1Gi}}}]}", pod + "spec: {containers: [{resources: {limits: {cpu: 1000m, memory: 1024Mi}}}]}", true},
		"a quantity as a number":                      {pod + "spec: {containers: [{resources: {requests: {cpu: 500m, memory: '5'}}}]}", pod + "spec: {containers: [{resources: {requests: {cpu: 0.5, memory: 5}}}]}", true},
		"another quantity":                            {pod + "spec: {containers: [{resources: {limits: {cpu: '1', memory: 1Gi}}}]}", pod + "spec: {containers: [{resources: {limits: {cpu: '1', memory: 1G}}}]}", false},
		"a quantity in a label":                       {"apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {sizeLimit: '1'}}", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {sizeLimit: 1000m}}", false},
		"a quantity of a custom resource":             {custom + "spec: {limits: {cpu: '1'}}", custom + "spec: {limits: {cpu: 1000m}}", false},
		"a default in the schema of a CRD":            {crd + "spec: {default: {cpu: '1'}}", crd + "spec: {default: {cpu: 1000m}}", false},
		"an empty list in a schema":                   {crd + "spec: {properties: {}}", crd + "spec: {properties: {default: []}}", false},
		"the status of a known kind":                  {crd + "status: {a: 1}", crd + "status: {a: 2}", true},
		"the status of a custom resource":             {custom + "status: {a: 1}", custom + "status: {a: 2}", false},
		"a port as text":                              {"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{targetPort: 80}]}", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{targetPort: '80'}]}", false},
		"stringData that is in data":                  {secret + "data: {a: eA==, b: eQ==}", secret + "stringData: {a: x}", true},
		"stringData with another value":               {secret + "data: {a: eA==}", secret + "stringData: {a: y}", false},
		"stringData without data":                     {secret, secret + "stringData: {a: x}", false},
		"stringData over data":                        {secret + "data: {a: eA==}", secret + "data: {a: eQ==}\nstringData: {a: x}", true},
		"wrapped base64":                              {secret + "data: {a: eHh4eHh4}", secret + "data: {a: \"eHh4\\neHh4\\n\"}", true},
		"other data":                                  {secret + "data: {a: eA==}", secret + "data: {a: eQ==}", false},
		"data that is no base64":                      {secret + "data: {a: eA==}", secret + "data: {a: '*'}", false},
		"data beside another type":                    {secret + "type: a\ndata: {a: eA==}", secret + "type: b\ndata: {a: eA==}", false},
		"stringData of a kind that is named the same": {"apiVersion: example.com/v1\nkind: Secret\nmetadata: {name: a}\ndata: {a: eA==}", "apiVersion: example.com/v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: x}", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Holds(fields(t, test.live), fields(t, test.wanted)); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestWhatTheServersTypesMakeOfAnObjectIsHeld(t *testing.T) {
	for name, text := range map[string]string{
		"Deployment": `
apiVersion: apps/v1
kind: Deployment
metadata: {name: a, annotations: {}, labels: {app: a}, creationTimestamp: null}
spec:
  replicas: 0
  minReadySeconds: 0
  paused: false
  selector: {matchLabels: {app: a}}
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 1}}
  template:
    metadata: {labels: {app: a}, annotations: null}
    spec:
      hostNetwork: false
      priorityClassName: ""
      imagePullSecrets: []
      nodeSelector: {}
      affinity: {}
      securityContext: {}
      tolerations: []
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 0
      containers:
      - name: a
        image: a
        command: []
        resources: null
        securityContext: {privileged: false, capabilities: {drop: [ALL]}}
        env: [{name: A, value: ""}, {name: B, value: "1"}, {name: C, valueFrom: {secretKeyRef: {name: s, key: k, optional: false}}}]
        ports: [{containerPort: 80, name: http}]
        volumeMounts: [{name: v, mountPath: /v, subPath: "", readOnly: false}]
        livenessProbe: {initialDelaySeconds: 0, httpGet: {path: /, port: http}}
      - {name: b, image: b, resources: {limits: {cpu: 0.5, memory: 1024Mi, ephemeral-storage: 1e9}, requests: {cpu: 1, memory: "1.5Gi"}}}
      volumes: [{name: v, emptyDir: {}}, {name: w, emptyDir: {sizeLimit: 1024Mi, medium: Memory}}]
status: {replicas: 3}`,
		"Service": `
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {type: ClusterIP, publishNotReadyAddresses: false, selector: {app: a}, ports: [{port: 80, targetPort: http}, {port: 81, targetPort: 8081, protocol: UDP, name: b}]}`,
		"StatefulSet": `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: a}
spec:
  serviceName: a
  selector: {matchLabels: {app: a}}
  template: {metadata: {labels: {app: a}}, spec: {containers: [{name: a, image: a}]}}
  volumeClaimTemplates: [{metadata: {name: d}, spec: {accessModes: [ReadWriteOnce], storageClassName: "", resources: {requests: {storage: 1024Mi}}}}]`,
		"RoleBinding": `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: a}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: a}
subjects: [{kind: ServiceAccount, name: a, namespace: b, apiGroup: ""}]`,
		"NetworkPolicy": `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: a}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: [], egress: [{to: [{namespaceSelector: {}}], ports: [{port: 53}]}]}`,
		"LimitRange": `
apiVersion: v1
kind: LimitRange
metadata: {name: a}
spec: {limits: [{type: Container, default: {cpu: 0.25}, max: {memory: 2048Mi}}]}`,
		"HorizontalPodAutoscaler": `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: a}
spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: a}, metrics: [{type: Pods, pods: {metric: {name: a}, target: {type: AverageValue, averageValue: 1000m}}}]}`,
		"ConfigMap":             "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nimmutable: false\ndata: {}\nbinaryData: {}",
		"PodDisruptionBudget":   "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: a}\nspec: {maxUnavailable: 30%, selector: {matchLabels: {a: b}}}",
		"PersistentVolumeClaim": "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a}\nspec: {accessModes: [ReadWriteOnce], storageClassName: '', resources: {requests: {storage: 0.5Gi}}}",
	} {
		t.Run(name, func(t *testing.T) {
			wanted := fields(t, text)
			kind := schema.FromAPIVersionAndKind(wanted["apiVersion"].(string), wanted["kind"].(string))
			typed, err := scheme.Scheme.New(kind)
			if err != nil {
				t.Fatal(err)
			}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(wanted, typed); err != nil {
				t.Fatal(err)
			}
			data, err := json.Marshal(typed)
			if err != nil {
				t.Fatal(err)
			}
			stored := fields(t, string(data))
			if !Holds(stored, wanted) {
				t.Errorf("%v", Diff(stored, estimate(stored, nil, wanted)))
			}
		})
	}
}

func TestNumbersCompareByValue(t *testing.T) {
	for _, test := range []struct {
		a, b any
		want bool
	}{
		{int64(1), float64(1), true}, {float64(1), int64(1), true}, {int64(1), 1.5, false}, {1.5, 1.5, true},
		{int64(9007199254740993), float64(9007199254740992), false}, {int64(9223372036854775807), float64(9223372036854775807), false},
		{int64(1), "1", false}, {"1", int64(1), false}, {true, int64(1), false}, {nil, nil, true}, {nil, false, false},
	} {
		if got := sameScalar(test.a, test.b); got != test.want {
			t.Errorf("%#v and %#v: got %v", test.a, test.b, got)
		}
	}
}

func TestQuantitiesHaveTheValueThatKubernetesGivesThem(t *testing.T) {
	texts := []string{"0", "1", "1000m", "0.5", "500m", "1k", "1000", "1Ki", "1024", "1Mi", "1M", "1e3", "1E3", "1E", "1Ei",
		"-1", "+1", "1.5Gi", "1536Mi", "100n", "0.1u", "5u", "", "x", "1x", "1 ", ".5", "5.", "1/2", "0x10", "1_000", "1e-3", "1m",
		"12345678901234567890", "1P", "1Pi", "1T", "1Ti", "1G", "--1", "1e", "1kk", "1ki"}
	for _, a := range texts {
		x, errA := resource.ParseQuantity(a)
		for _, b := range texts {
			y, errB := resource.ParseQuantity(b)
			want := errA == nil && errB == nil && x.Cmp(y) == 0
			if got := sameQuantity(a, b); got && !want {
				t.Errorf("%q and %q are not the same", a, b)
			} else if !got && want {
				t.Errorf("%q and %q are the same", a, b)
			}
		}
	}
}

func FuzzQuantity(f *testing.F) {
	f.Add("1000m", "1")
	f.Add("1e3", "1k")
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a) > 18 || len(b) > 18 || !sameQuantity(a, b) {
			return // beyond that the server rounds
		}
		x, errA := resource.ParseQuantity(a)
		y, errB := resource.ParseQuantity(b)
		if errA != nil || errB != nil {
			return // the server refuses the object
		}
		if x.Cmp(y) != 0 {
			t.Errorf("%q and %q are not the same", a, b)
		}
	})
}

// jsonObject reads JSON as Kubernetes does.
func jsonObject(data string) (map[string]any, bool) {
	var value map[string]any
	if len(data) > 4000 || json.Unmarshal([]byte(data), &value) != nil {
		return nil, false
	}
	return value, true
}

// changeLeaf changes the nth leaf of a value, a copy of which it returns.
func changeLeaf(value any, n *int) any {
	switch value := value.(type) {
	case map[string]any:
		changed := cloneMap(value)
		for _, key := range slices.Sorted(maps.Keys(value)) {
			if key != "apiVersion" && key != "kind" {
				changed[key] = changeLeaf(value[key], n)
			}
		}
		return changed
	case []any:
		changed := make([]any, len(value))
		for i := range value {
			changed[i] = changeLeaf(value[i], n)
		}
		return changed
	}
	if *n--; *n == -1 {
		return "another value"
	}
	return value
}

func FuzzHolds(f *testing.F) {
	for _, seed := range []string{
		`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"a","env":[{"name":"A","value":""}],"resources":{"limits":{"cpu":1}}}]}}`,
		`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"data":{"a":"eA=="},"stringData":{"b":"x"}}`,
		`{"apiVersion":"example.com/v1","kind":"A","metadata":{"name":"a"},"spec":[null,{},[],1.5]}`,
	} {
		f.Add(seed, 0)
		f.Add(seed, 2)
	}
	f.Fuzz(func(t *testing.T, data string, n int) {
		wanted, ok := jsonObject(data)
		if !ok {
			return
		}
		delete(wanted, "status")
		delete(wanted, "stringData")
		if metadata, isMap := wanted["metadata"].(map[string]any); isMap {
			delete(metadata, "creationTimestamp")
		} else {
			wanted["metadata"] = map[string]any{}
		}
		if !Holds(wanted, wanted) {
			t.Fatal("an object does not hold itself")
		}
		other := changeLeaf(wanted, &n).(map[string]any)
		if same := equal(wanted, other); Holds(other, wanted) != same {
			t.Errorf("changed: %v, but Holds says the contrary", !same)
		}
		// What holds needs no change, whichever way it is found out.
		if Holds(other, wanted) {
			if changes := Diff(other, estimate(other, nil, wanted)); len(changes) > 0 {
				t.Errorf("it holds all, but %v", changes)
			}
		}
	})
}
