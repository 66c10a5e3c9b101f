package derive

import (
	"strings"
	"testing"

	"github.com/e6d26078/slipway/release/manifest"
)

func TestWhatAPodCounts(t *testing.T) {
	list, err := manifest.Objects(`
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  initContainers:
    - {name: migrate, resources: {requests: {cpu: 2, memory: 64Mi}}}
    - {name: proxy, restartPolicy: Always, resources: {requests: {cpu: 100m, memory: 50M}}}
    - {name: late, resources: {requests: {cpu: 1950m}}}
  containers:
    - {name: a, resources: {requests: {cpu: 0.5}, limits: {cpu: 1, memory: 1Gi}}}
    - {name: b, resources: {requests: {memory: 1e6, nvidia.com/gpu: 1}}}
`)
	if err != nil {
		t.Fatal(err)
	}
	got := podAmounts(mapping(list[0].Fields["spec"]))
	for name, want := range map[string]string{
		"pods":                    "1",
		"requests.cpu":            "2050m",      // the last init container beside the proxy
		"requests.memory":         "1124741824", // the proxy, a's limit and b
		"requests.nvidia.com/gpu": "1",
		"limits.cpu":              "1",
		"limits.memory":           "1Gi",
	} {
		if have, err := quantity(want); err != nil || have.Cmp(got[name]) != 0 {
			q := got[name]
			t.Errorf("%s: got %s, want %s", name, q.String(), want)
		}
	}
}

func TestWhichQuotasCount(t *testing.T) {
	const hard = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q}\n"
	limited := strings.Replace(newer, "image: web:2", "image: web:2\n          resources: {requests: {cpu: 100m}}", 1)
	config := strings.Replace(limited, "blue", "red", 1)
	for _, test := range []struct {
		name, target, quota string
		refused             string // "" is room enough
	}{
		{"nine more pods fit", limited, hard + "spec: {hard: {pods: 18}}\nstatus: {hard: {pods: 18}, used: {pods: 9}}", ""},
		{"the short name of a request", limited, hard + "spec: {hard: {cpu: 800m}}", "cpu: 900m more at most, 800m free"},
		{"what is used counts", limited, hard + "status: {hard: {requests.cpu: 1}, used: {requests.cpu: 900m}}", "requests.cpu: 900m more at most, 100m free"},
		{"a labelled clone and the surge of the roll after it", config, hard + "spec: {hard: {count/pods: 11}}", "count/pods: 12 more at most, 11 free"},
		{"pods without any request", limited, hard + "spec: {scopes: [BestEffort], hard: {pods: 1}}", ""},
		{"pods with a request", limited, hard + "spec: {scopes: [NotBestEffort], hard: {pods: 1}}", "pods: 9 more at most, 1 free"},
		{"pods that end by themselves", limited, hard + "spec: {scopes: [Terminating], hard: {pods: 1}}", ""},
		{"pods of a priority class", limited, hard + "spec: {scopeSelector: {matchExpressions: []}, hard: {pods: 1}}", ""},
		{"a resource that the pods do not use", limited, hard + "spec: {hard: {requests.storage: 0, services: 0}}", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := canaryOf(t, web, test.target)
			in.Around = fieldsOf(objects(t, test.quota))
			_, err := Compute(in)
			switch {
			case test.refused == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.refused != "" && (err == nil || !strings.Contains(err.Error(), test.refused)):
				t.Errorf("got %v, want %q", err, test.refused)
			}
		})
	}
}
