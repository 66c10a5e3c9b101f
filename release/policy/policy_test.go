package policy_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/e6d26078/slipway/release/policy"
)

// checked makes the built-in checks on a manifest, and gives CHECK OBJECT FIELD of what is found.
func checked(t *testing.T, body string, live *policy.Live) string {
	t.Helper()
	set, err := policy.NewSet("web", "prod", body, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	set.Live = live
	var lines []string
	report := policy.Check(set, &policy.Config{})
	for i := range report.Findings {
		f := &report.Findings[i]
		lines = append(lines, f.Check+" "+f.Ref.Name+" "+f.FieldPath())
	}
	return strings.Join(lines, "\n")
}

// deployment is one that nothing is the matter with.
const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front}}
    spec:
      terminationGracePeriodSeconds: 60
      topologySpreadConstraints: [{maxSkew: 1}]
      containers:
      - name: web
        image: registry.example:5000/web@sha256:0
        ports: [{name: http, containerPort: 8080}]
        readinessProbe: {httpGet: {path: /}}
        resources: {requests: {cpu: 200m, memory: 0.25Gi}, limits: {cpu: 1, memory: 1342177280}}
---
`

func budget(spec string) string {
	return "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: budget}\nspec: {selector: {matchLabels: {app: web}}, " + spec + "}\n"
}

func selecting(kind, spec string) string {
	version := map[string]string{"Service": "v1", "NetworkPolicy": "networking.k8s.io/v1", "PodDisruptionBudget": "policy/v1"}[kind]
	return "apiVersion: " + version + "\nkind: " + kind + "\nmetadata: {name: it}\nspec: {" + spec + "}\n"
}

func TestWhatIsRightIsNotFound(t *testing.T) {
	for name, test := range map[string]struct{ body, want string }{
		"nothing is the matter":              {deployment, ""},
		"a budget that leaves one":           {deployment + budget("minAvailable: 3"), ""},
		"a budget of all":                    {deployment + budget("minAvailable: 4"), "pdb-blocks-drain budget spec.minAvailable"},
		"a budget of a share, rounded up":    {deployment + budget("minAvailable: 76%"), "pdb-blocks-drain budget spec.minAvailable"},
		"a budget of a share":                {deployment + budget("minAvailable: 75%"), ""},
		"a budget that lets go":              {deployment + budget("maxUnavailable: 1%"), ""},
		"a budget that lets none go":         {deployment + budget("maxUnavailable: 0"), "pdb-blocks-drain budget spec.maxUnavailable"},
		"expressions that match":             {deployment + selecting("PodDisruptionBudget", "maxUnavailable: 1, selector: {matchExpressions: [{key: tier, operator: In, values: [front, back]}, {key: app, operator: Exists}, {key: x, operator: DoesNotExist}, {key: tier, operator: NotIn, values: [back]}]}"), ""},
		"expressions that do not match":      {deployment + selecting("PodDisruptionBudget", "maxUnavailable: 1, selector: {matchExpressions: [{key: tier, operator: NotIn, values: [front]}]}"), "selector-no-match it spec.selector"},
		"a NetworkPolicy for all pods":       {selecting("NetworkPolicy", "podSelector: {}"), ""},
		"a NetworkPolicy for none":           {selecting("NetworkPolicy", "podSelector: {matchLabels: {a: b}}"), "selector-no-match it spec.podSelector"},
		"a Service without a selector":       {selecting("Service", "ports: [{port: 80}]"), ""},
		"a Service by number":                {deployment + selecting("Service", "selector: {app: web}, ports: [{port: 80, targetPort: 8080}]"), ""},
		"pods that an operator may make":     {selecting("Service", "selector: {app: db}, ports: [{port: 80}]") + "---\napiVersion: example/v1\nkind: Database\nmetadata: {name: db}\n", ""},
		"another namespace":                  {deployment + "apiVersion: v1\nkind: Service\nmetadata: {name: it, namespace: other}\nspec: {selector: {app: web}}\n", "selector-no-match it spec.selector"},
		"a limit far above, in other units":  {strings.Replace(deployment, "0.25Gi", "200M", 1), "resources-unbounded web spec.template.spec.containers[0].resources.limits.memory"},
		"a request alone, without a limit":   {strings.Replace(deployment, "memory: 1342177280", "x: 1", 1), "resources-unbounded web spec.template.spec.containers[0].resources"},
		"a port of the registry is no tag":   {strings.Replace(deployment, "@sha256:0", "", 1), "image-latest web spec.template.spec.containers[0].image"},
		"many pods that may be on one node":  {strings.Replace(deployment, "topologySpreadConstraints: [{maxSkew: 1}]", "affinity: {}", 1), "pods-not-spread web spec.replicas"},
		"pods that are to be kept apart":     {strings.Replace(deployment, "topologySpreadConstraints: [{maxSkew: 1}]", "affinity: {podAntiAffinity: {x: []}}", 1), ""},
		"not ready is all the same to it":    {strings.Replace(deployment, "readinessProbe", "livenessProbe", 1) + selecting("Service", "selector: {app: web}, publishNotReadyAddresses: true, ports: [{port: 80, targetPort: 8080}]"), ""},
		"a gate instead of a probe":          {strings.Replace(strings.Replace(deployment, "readinessProbe", "livenessProbe", 1), "topologySpread", "readinessGates: [{conditionType: x}]\n      topologySpread", 1) + selecting("Service", "selector: {app: web}, ports: [{port: 80, targetPort: 8080}]"), ""},
		"no probe of what nobody asks":       {strings.Replace(deployment, "readinessProbe", "livenessProbe", 1), ""},
		"no probe of what a port's name has": {strings.Replace(deployment, "readinessProbe", "livenessProbe", 1) + selecting("Service", "selector: {app: web}, ports: [{port: 80, targetPort: http}]"), "readiness-missing web spec.template.spec.containers[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			if found := checked(t, test.body, nil); found != test.want {
				t.Errorf("found %q, want %q", found, test.want)
			}
		})
	}
}

func ingress(name, class, host, path, kind string) string {
	return "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: " + name + "}\nspec: {ingressClassName: " + class +
		", rules: [{host: " + host + ", http: {paths: [{path: " + path + ", pathType: " + kind + "}]}}]}\n---\n"
}

// liveIngress is one of the cluster.
func liveIngress(name, release string) policy.Fields {
	return policy.Fields{
		"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
		"metadata": map[string]any{"name": name, "namespace": "prod", "annotations": map[string]any{
			"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": "prod"}},
		"spec": map[string]any{"rules": []any{map[string]any{"host": "A.example", "http": map[string]any{"paths": []any{map[string]any{"path": "/x/", "pathType": "Prefix"}}}}}},
	}
}

func TestIngressesOfOneAddress(t *testing.T) {
	const field = " spec.rules[0].http.paths[0].path"
	one := ingress("one", "nginx", "a.example", "/x", "Prefix")
	for name, test := range map[string]struct {
		body, want string
		live       []policy.Fields
	}{
		"alone":                   {one, "", nil},
		"the same":                {one + ingress("two", "nginx", "A.example", "/x/", "Prefix"), "ingress-conflict two" + field, nil},
		"of the usual controller": {one + ingress("two", `""`, "a.example", "/x", "Prefix"), "ingress-conflict two" + field, nil},
		"of another controller":   {one + ingress("two", "haproxy", "a.example", "/x", "Prefix"), "", nil},
		"another host":            {one + ingress("two", "nginx", "b.example", "/x", "Prefix"), "", nil},
		"another type":            {one + ingress("two", "nginx", "a.example", "/x", "Exact"), "", nil},
		"the canary of another": {one + strings.Replace(ingress("two", "nginx", "a.example", "/x", "Prefix"), "{name: two}",
			"{name: two, annotations: {nginx.ingress.kubernetes.io/canary: 'true'}}", 1), "", nil},
		"live, of another release":      {one, "ingress-conflict one" + field, []policy.Fields{liveIngress("other", "other")}},
		"live, what it is now":          {one, "", []policy.Fields{liveIngress("one", "other")}},
		"live, what it was before":      {one, "", []policy.Fields{liveIngress("earlier", "web")}},
		"live, the release is the same": {ingress("two", "nginx", "b.example", "/", "Exact"), "", []policy.Fields{liveIngress("earlier", "web")}},
	} {
		t.Run(name, func(t *testing.T) {
			var live *policy.Live
			if test.live != nil {
				live = &policy.Live{Ingresses: test.live}
			}
			if found := checked(t, test.body, live); found != test.want {
				t.Errorf("found %q, want %q", found, test.want)
			}
		})
	}
}

func TestSecretsAreNotInFindings(t *testing.T) {
	const word = "canary-bird"
	encoded := base64.StdEncoding.EncodeToString([]byte(word + "\nsecond line"))
	set, err := policy.NewSet("web", "prod", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: "+encoded+", b: dHJ1}\nstringData: {c: plain-word}\n", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	report := &policy.Report{}
	report.Add(set, &policy.Config{}, nil, []policy.Finding{{
		Check: "rego/main.deny", Severity: policy.Deny, Message: "it is " + word + " or " + encoded + " or plain-word, which is true",
		Metadata: map[string]any{word: []any{"second line", map[string]any{"x": "plain-word"}}, "n": int64(1)},
	}})
	text, err := report.JSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{word, encoded, "plain-word", "second line"} {
		if strings.Contains(string(text)+report.Text(), secret) {
			t.Errorf("%q is told:\n%s", secret, text)
		}
	}
	if !strings.Contains(report.Text(), "it is *** or *** or ***, which is true") {
		t.Errorf("ordinary words are masked: %s", report.Text())
	}
}

func TestExceptionsHoldForWhatTheyName(t *testing.T) {
	now := time.Date(2027, 1, 31, 23, 59, 0, 0, time.UTC)
	parse := func(exception string, now time.Time) *policy.Config {
		c, err := policy.ParseConfig([]byte("apiVersion: slipway.dev/policy/v1\nexceptions:\n- {reason: r, "+exception+"}\n"), "policy.yaml", now)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	set, err := policy.NewSet("web", "prod", "apiVersion: v1\nkind: Pod\nmetadata: {name: import-1, namespace: prod}\n"+
		"spec: {containers: [{name: x, image: x, resources: {requests: {cpu: 1}, limits: {memory: 1}}}]}\n", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for exception, holds := range map[string]bool{
		"check: image-latest": true,
		"check: '*'":          true,
		"check: image-latest, object: Pod/import-*":        true,
		"check: image-latest, object: Pod/export-*":        false,
		"check: image-latest, object: Job/*":               false,
		"check: image-latest, object: '*/import-?'":        true,
		"check: image-latest, namespace: prod":             true,
		"check: image-latest, namespace: test":             false,
		"check: graceful-end":                              false,
		"check: image-latest, until: 2027-01-31":           true,
		"check: image-latest, until: 2027-01-30":           false,
		"check: rego/main.*, object: Pod/import-1":         false,
		"check: 'image-[k-m]*', object: '[A-Z]od/import*'": true,
	} {
		report := policy.Check(set, parse(exception, now))
		if len(report.Findings) != 1 || (report.Findings[0].Exception == "r") != holds || (report.Excepted() == 1) != holds {
			t.Errorf("%s: holds %v: %+v", exception, !holds, report.Findings)
		}
	}
	ours := []policy.Finding{{Check: "rego/team.shop.deny_x", Severity: policy.Deny, Message: "m"}}
	report := &policy.Report{}
	report.Add(set, parse("check: rego/team.shop.*", now), nil, ours)
	if report.Denied() != 0 {
		t.Errorf("an exception for policies does not hold: %+v", report.Findings)
	}
}

// TestExceptionsHoldInTheNamespaceOfTheRelease has an object that names no
// namespace, which a chart's mostly do: without a cluster nobody fills it in.
func TestExceptionsHoldInTheNamespaceOfTheRelease(t *testing.T) {
	set, err := policy.NewSet("web", "prod", strings.Replace(deployment, "web@sha256:0", "web:latest", 1), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for namespace, holds := range map[string]bool{"prod": true, "pro?": true, "test": false} {
		config := &policy.Config{Exceptions: []policy.Exception{{Check: "*", Namespace: namespace, Reason: "r"}}}
		if report := policy.Check(set, config); len(report.Findings) != 1 || (report.Excepted() == 1) != holds {
			t.Errorf("namespace %s: holds %v: %+v", namespace, !holds, report.Findings)
		}
	}
}

// TestPodsThatAnUpgradeTakesAwayAnswerNobody changes the labels of pods and not
// the selector: what still matches are the pods that the upgrade replaces.
func TestPodsThatAnUpgradeTakesAwayAnswerNobody(t *testing.T) {
	live := func(name, release string) policy.Fields {
		return policy.Fields{
			"apiVersion": "apps/v1", "kind": "Deployment",
			"metadata": map[string]any{"name": name, "namespace": "prod", "annotations": map[string]any{
				"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": "prod"}},
			"spec": map[string]any{
				"selector": map[string]any{"matchLabels": map[string]any{"app": "old"}},
				"template": map[string]any{"metadata": map[string]any{"labels": map[string]any{"app": "old"}}},
			},
		}
	}
	pod := policy.Fields{"metadata": map[string]any{"name": "old-1", "namespace": "prod", "labels": map[string]any{"app": "old", "pod-template-hash": "1"}}}
	const lost = "selector-no-match it spec.selector"
	for name, test := range map[string]struct {
		workloads []policy.Fields
		want      string
	}{
		"of a Deployment that is replaced": {[]policy.Fields{live("web", "web")}, lost},
		"of a Deployment that is removed":  {[]policy.Fields{live("gone", "web")}, lost},
		"of another release":               {[]policy.Fields{live("other", "other")}, "selector-foreign it spec.selector"},
		"of nobody":                        {nil, ""},
	} {
		found := checked(t, deployment+selecting("Service", "selector: {app: old}, ports: [{port: 80}]"),
			&policy.Live{Complete: true, Pods: []policy.Fields{pod}, Workloads: test.workloads})
		if found != test.want {
			t.Errorf("%s: found %q, want %q", name, found, test.want)
		}
	}
}
