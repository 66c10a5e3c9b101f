package rego_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/release/policy"
	"github.com/e6d26078/slipway/release/policy/rego"
)

const objects = `# Source: shop/templates/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app.kubernetes.io/name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: docker.example/web:1
        securityContext: {privileged: true}
---
# Source: shop/templates/agent.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: agent
  annotations: {policy.example/privileged: agreed}
  labels: {app.kubernetes.io/name: agent, app.kubernetes.io/version: "1"}
spec:
  replicas: 2
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      securityContext: {runAsNonRoot: true}
      containers:
      - name: agent
        image: registry.example/agent:1
        securityContext: {privileged: true}
        resources: {limits: {memory: 1Gi}}
---
# Source: shop/templates/service.yaml
apiVersion: v1
kind: Service
metadata:
  name: web
  labels: {app.kubernetes.io/name: web, app.kubernetes.io/version: "1"}
spec:
  type: LoadBalancer
  selector: {app: web}
  ports: [{port: 80}]
---
# Source: shop/templates/secret.yaml
apiVersion: v1
kind: Secret
metadata:
  name: login
  labels: {app.kubernetes.io/name: web, app.kubernetes.io/version: "1"}
data: {password: Y2FuYXJ5LWJpcmQ=}
`

func set(t testing.TB) *policy.Set {
	t.Helper()
	s, err := policy.NewSet("shop", "prod", objects, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// files reads all files below folders of testdata.
func files(t testing.TB, folders ...string) []policy.File {
	t.Helper()
	var list []policy.File
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join("testdata", folder), func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			data, err := os.ReadFile(name)
			list = append(list, policy.File{Name: filepath.ToSlash(name), Data: data})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// told lists what policies find, one line each.
func told(t testing.TB, modules, data []policy.File, options policy.RegoOptions) []string {
	t.Helper()
	p, err := rego.Compile(modules, data, options)
	if err != nil {
		t.Fatal(err)
	}
	s := set(t)
	checks, findings, err := p.Evaluate(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	report := &policy.Report{}
	report.Add(s, &policy.Config{}, checks, findings)
	var lines []string
	for i := range report.Findings {
		f := &report.Findings[i]
		line := fmt.Sprintf("%s %s %s: %s", f.Severity, f.Check, f.Ref, f.Message)
		if f.Exception != "" {
			line = "excepted " + line
		}
		if f.Metadata != nil {
			line += fmt.Sprint(" ", f.Metadata)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestPoliciesInTheStyleOfConftestWorkUnchanged(t *testing.T) {
	for name, test := range map[string]struct {
		modules []policy.File
		options policy.RegoOptions
		want    []string
	}{
		"the language before version 1": {files(t, "v0"), policy.RegoOptions{}, []string{
			"deny rego/main.deny Deployment web: Containers must not run as root in Deployment web",
			"deny rego/main.deny_privileged Deployment web: container web is privileged",
			"deny rego/main.deny_registry Deployment web: image docker.example/web:1 is from a registry that is not allowed",
			"deny rego/main.violation Deployment web: Deployment web lacks labels map[details:map[kind:Deployment missing:[app.kubernetes.io/version]]]",
			"warn rego/main.warn_service_type Service web: Service web costs a load balancer",
			"warn rego/main.warn Deployment web: a single pod serves everybody",
			"excepted deny rego/main.deny_privileged Deployment agent: container agent is privileged",
		}},
		"version 1": {files(t, "v1"), policy.RegoOptions{}, []string{
			"deny rego/main.deny Deployment web: container web has no limit of memory",
			"deny rego/main.violation_replicas Deployment web: Deployment web has 1 pods map[field:spec.replicas team:platform]",
			"excepted warn rego/main.warn Service web: all ports are below 1024",
		}},
		"another package, which tells a secret": {files(t, "v1"), policy.RegoOptions{Namespaces: []string{"team.shop"}}, []string{
			"deny rego/team.shop.deny Secret login: the password is ***",
		}},
		"all at once": {files(t, "combined"), policy.RegoOptions{Combine: true}, []string{
			"deny rego/main.deny  : shop/templates/agent.yaml: nothing selects the pods of Deployment agent",
		}},
		"both versions in one folder": {append(files(t, "v0"), files(t, "v1/field.rego")...), policy.RegoOptions{Namespaces: []string{"*"}}, []string{
			"deny rego/main.deny Deployment web: Containers must not run as root in Deployment web",
			"deny rego/main.deny_privileged Deployment web: container web is privileged",
			"deny rego/main.deny_registry Deployment web: image docker.example/web:1 is from a registry that is not allowed",
			"deny rego/main.violation Deployment web: Deployment web lacks labels map[details:map[kind:Deployment missing:[app.kubernetes.io/version]]]",
			"deny rego/main.violation_replicas Deployment web: Deployment web has 1 pods map[field:spec.replicas team:platform]",
			"warn rego/main.warn_service_type Service web: Service web costs a load balancer",
			"warn rego/main.warn Deployment web: a single pod serves everybody",
			"excepted deny rego/main.deny_privileged Deployment agent: container agent is privileged",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, told(t, test.modules, files(t, "data"), test.options)); diff != "" {
				t.Errorf("findings differ (- wanted, + found)\n%s", diff)
			}
		})
	}
}

func TestFaultyPoliciesAreRefusedWithFileAndLine(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"no Rego at all":        {"package main\n\ndeny contains msg if {\n  msg := \n}\n", "p.rego:5: "},
		"the older language":    {"package main\n\ndeny[msg] {\n  msg := ]\n}\n", "p.rego:4: "},
		"an unknown name":       {"package main\n\ndeny contains msg if {\n  msg := nobody\n}\n", "p.rego:4: var nobody is unsafe"},
		"the network":           {"package main\n\ndeny contains msg if {\n  msg := http.send({\"url\": \"http://example\"}).body\n}\n", "p.rego:4: undefined function http.send: policies have no network"},
		"addresses":             {"package main\n\ndeny contains msg if {\n  some msg in net.lookup_ip_addr(\"example\")\n}\n", "p.rego:4: undefined function net.lookup_ip_addr: "},
		"the environment":       {"package main\n\ndeny contains msg if {\n  msg := opa.runtime().env.HOME\n}\n", "p.rego:4: undefined function opa.runtime: "},
		"the clock":             {"package main\n\ndeny contains msg if {\n  time.now_ns() > 0\n  msg := \"late\"\n}\n", "p.rego:4: undefined function time.now_ns: "},
		"chance":                {"package main\n\ndeny contains msg if {\n  rand.intn(\"x\", 2) == 1\n  msg := \"bad luck\"\n}\n", "p.rego:4: undefined function rand.intn: "},
		"files, by a schema":    {"package main\n\ndeny contains msg if {\n  json.match_schema({}, {\"$ref\": \"file:///etc/passwd\"})[0]\n  msg := \"x\"\n}\n", "p.rego:4: undefined function json.match_schema: "},
		"nothing that counts":   {"package other\n\ndeny contains msg if {\n  msg := \"x\"\n}\n", "no rule named deny, violation or warn in package main"},
		"a rule that is no set": {"package main\n\ndeny if {\n  input.kind == \"Deployment\"\n}\n", "p.rego:3: rule deny is true, and has to be a set of messages"},
		"objects without msg":   {"package main\n\ndeny contains {\"text\": \"x\"} if {\n  true\n}\n", "p.rego:3: rule deny gives an object without a text named msg"},
		"two values of one":     {"package main\n\nname := \"a\" if true\n\nname := \"b\" if true\n\ndeny contains name if true\n", "rule deny: complete rules must not produce multiple outputs"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := rego.Compile([]policy.File{{Name: "p.rego", Data: []byte(test.text)}}, nil, policy.RegoOptions{})
			if err == nil {
				_, _, err = p.Evaluate(context.Background(), set(t))
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v\nwant %s", err, test.want)
			}
		})
	}
	for name, test := range map[string]struct{ name, text, want string }{
		"no YAML":       {"d.yaml", "a: 1\nb: [\n", "d.yaml:"},
		"no mapping":    {"d.json", "[1]", "d.json: data for policies have to be a mapping"},
		"another form":  {"d.toml", "a = 1", "d.toml: data for policies are files named"},
		"a second time": {"d.yaml", "registries: {allowed: x}", "d.yaml: another file has registries.allowed already"},
	} {
		_, err := rego.Compile(files(t, "v1"), append(files(t, "data"), policy.File{Name: test.name, Data: []byte(test.text)}), policy.RegoOptions{})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v\nwant %s", name, err, test.want)
		}
	}
}

// endless has a rule that would count for hours.
const endless = `package main

deny contains msg if {
	some a in numbers.range(1, 100000)
	some b in numbers.range(1, 100000)
	a * b == -1
	msg := "never"
}
`

// greedy has a rule that would take all memory there is.
const greedy = `package main

deny contains msg if {
	all := numbers.range(1, 1000000000)
	msg := sprintf("%d", [count(all)])
}
`

func TestPoliciesThatTakeTooMuchAreEnded(t *testing.T) {
	evaluate := func(ctx context.Context, text string, options policy.RegoOptions) error {
		p, err := rego.Compile([]policy.File{{Name: "p.rego", Data: []byte(text)}}, nil, options)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = p.Evaluate(ctx, set(t))
		return err
	}
	err := evaluate(context.Background(), endless, policy.RegoOptions{Time: 50 * time.Millisecond})
	if err == nil || err.Error() != "the policies took longer than 50ms" {
		t.Errorf("time: %v", err)
	}
	runtime.GC()
	err = evaluate(context.Background(), greedy, policy.RegoOptions{Time: 10 * time.Minute, Memory: 64 << 20})
	if err == nil || err.Error() != "the policies took more than 64 MiB of memory" {
		t.Errorf("memory: %v", err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	time.AfterFunc(50*time.Millisecond, func() { cancel(fmt.Errorf("the user went away")) })
	if err := evaluate(ctx, endless, policy.RegoOptions{Time: 10 * time.Minute}); err == nil || err.Error() != "the user went away" {
		t.Errorf("an end from outside: %v", err)
	}
}
