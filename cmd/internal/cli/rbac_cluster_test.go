package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	helm "helm.sh/helm/v3/pkg/release"
	authorization "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"

	"github.com/e6d26078/slipway/cmd/internal/backend"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/cluster"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/deploy/permission"
)

// rightsChart has a kind that is ready at once, one that is waited for, and
// hooks of every event. Its objects are named by the values.
var rightsChart = map[string]string{
	"Chart.yaml":  "apiVersion: v2\nname: web\nversion: 1.0.0\n",
	"values.yaml": "names: [a, b]\nv: 1\nhook: complete\nstage: ready\nfixed: \"\"\n",
	"templates/objects.yaml": `
{{- range .Values.names }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ $.Release.Name }}-{{ . }}}
data: {v: "{{ $.Values.v }}"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ $.Release.Name }}-{{ . }}}
spec:
  selector: {matchLabels: {app: {{ $.Release.Name }}-{{ . }}}}
  template:
    metadata:
      labels: {app: {{ $.Release.Name }}-{{ . }}}
      annotations: {slipway.dev/stage: {{ $.Values.stage }}, v: "{{ $.Values.v }}"}
    spec: {containers: [{name: main, image: "example.com/app:1"}]}
{{- end }}
{{- if .Values.fixed }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Values.fixed }}}
{{- end }}
`,
	"templates/hooks.yaml": `
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-hook
  annotations: {helm.sh/hook: "post-install,pre-upgrade,pre-rollback"}
spec:
  backoffLimit: 0
  template:
    metadata: {annotations: {slipway.dev/stage: {{ .Values.hook }}}}
    spec: {restartPolicy: Never, containers: [{name: main, image: "example.com/app:1"}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: {{ .Release.Name }}-last, annotations: {helm.sh/hook: pre-delete}}
spec:
  template:
    metadata: {annotations: {slipway.dev/stage: complete}}
    spec: {restartPolicy: Never, containers: [{name: main, image: "example.com/app:1"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: {{ .Release.Name }}-test, annotations: {helm.sh/hook: test, slipway.dev/stage: complete}}
spec: {restartPolicy: Never, containers: [{name: main, image: "example.com/app:1"}]}
`,
}

// rights is a namespace in which a user has the rights that a test gives him.
type rights struct {
	t         *testing.T
	cluster   *clustertest.Cluster
	admin     kubernetes.Interface
	user      string
	namespace string
	chart     string
	dir       string // for files

	impersonated bool // the user is nobody whom the cluster knows: admin acts as him
}

// step is a call of slipway and the exit code that it is to have.
type step struct {
	code int
	args string
}

// runs are steps that succeed.
func runs(calls ...string) []step {
	steps := make([]step, len(calls))
	for i, c := range calls {
		steps[i] = step{exitDone, c}
	}
	return steps
}

// scenario is what somebody with the rights of a command does with it, so that
// each of the rights is needed.
type scenario struct {
	name    string
	command permission.Command
	options permission.Options
	setup   []step // as admin
	prepare func(r *rights)
	steps   []step
	check   func(r *rights) error // as admin
}

func scenarios() []scenario {
	const install = "install %s CHART"
	twice := func(call string) []step { return runs(fmt.Sprintf(call, "one"), fmt.Sprintf(call, "two")) }
	unlocked := func(r *rights) { r.removeLease("two") }
	return []scenario{
		{
			name: "list", command: permission.List,
			setup: runs("install one CHART"), steps: runs("list"),
		},
		{
			name: "history", command: permission.History,
			setup: runs("install one CHART"), steps: runs("history one"),
		},
		{
			name: "get", command: permission.Get,
			setup: runs("install one CHART"), steps: runs("get all one"),
		},
		{
			name: "status with resources", command: permission.Status, options: permission.Options{ShowResources: true},
			setup: runs("install one CHART"), steps: runs("status one --show-resources -o json"),
		},
		{
			name: "install", command: permission.Install,
			setup: append(runs("install one CHART", "uninstall one", "install owner CHART --set fixed=shared"),
				step{exitFailed, "install bad CHART --set hook=fail"}),
			// one finds the hook of an earlier release; bad goes on from a failed revision; thief is refused.
			steps: append(runs("install one CHART", "install bad CHART --replace"), step{exitBadInput, "install thief CHART --set fixed=shared"}),
			check: func(r *rights) error { return r.noLease("thief") },
		},
		{
			name: "install that is taken back", command: permission.Install, options: permission.Options{Atomic: true},
			setup:   runs("install one CHART", "uninstall one", "install owner CHART --set fixed=shared"),
			prepare: func(r *rights) { r.lease("good") },
			steps: []step{
				{exitDone, "install good CHART --atomic --set stage=slow"},
				{exitRolledBack, "install one CHART --atomic --set hook=fail,stage=slow --settle 1s"},
				{exitBadInput, "install thief CHART --atomic --set fixed=shared"},
			},
			check: func(r *rights) error { return r.noLease("thief") },
		},
		{
			name: "upgrade", command: permission.Upgrade, options: permission.Options{Wait: true},
			// The revision before the one that is deployed is pruned.
			setup: append(twice(install), twice("upgrade %s CHART --description again")...), prepare: unlocked,
			steps: twice("upgrade %s CHART --wait --history-max 1 --set names={b,c},v=2,stage=slow"),
		},
		{
			name: "rollback", command: permission.Rollback,
			setup: append(twice(install), twice("upgrade %s CHART --set names={b,c},v=2")...), prepare: unlocked,
			steps: twice("rollback %s --history-max 1"),
		},
		{
			name: "uninstall", command: permission.Uninstall, options: permission.Options{Wait: true},
			// An earlier release of the name has left its hook.
			setup:   append(runs("install one CHART", "uninstall one"), twice(install)...),
			prepare: unlocked, steps: twice("uninstall %s --wait --cascade foreground"),
			check: func(r *rights) error { return r.noLease("two") },
		},
		{
			name: "test", command: permission.Test,
			setup: twice(install), prepare: unlocked, steps: append(twice("test %s"), twice("test %s")...),
		},
		{
			name: "drift", command: permission.Drift,
			setup: runs("install one CHART"), steps: runs("drift one"),
		},
		{
			name: "migrate check", command: permission.Migrate,
			setup: runs("install one CHART"), steps: []step{{exitChanges, "migrate check one"}}, // which says what an upgrade would lack
		},
		{
			name: "plan", command: permission.Plan, options: permission.Options{Out: true},
			setup: runs("install one CHART"), steps: runs("plan one CHART --set names={b,c},v=2 --out PLAN"),
		},
		{
			name: "apply", command: permission.Apply,
			setup: slices.Concat(twice(install), twice("upgrade %s CHART --description again"),
				twice("plan %[1]s CHART --set names={b,c},v=2 --history-max 1 --out PLAN-%[1]s")),
			prepare: unlocked, steps: twice("apply --plan PLAN-%s"),
		},
		{
			name: "recover", command: permission.Recover,
			prepare: func(r *rights) { r.pending("one"); r.pending("two"); r.lease("one") },
			steps:   twice("recover %s --yes"),
		},
	}
}

// TestEachCommandRunsUnderItsRole runs every command as a user who has exactly
// the rights that "rbac" prints as needed, and then once for each verb of these
// without it, which must make a difference.
func TestEachCommandRunsUnderItsRole(t *testing.T) {
	c := clustertest.Shared(t)
	chart := writeChart(t, rightsChart)
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			rules := neededRules(t, s, chart)
			r := newRights(t, c, "deployer", chart)
			if err := r.try(s, rules); err != nil {
				t.Fatalf("with every right: %v", err)
			}
			for i, rule := range rules {
				for _, verb := range rule.Verbs {
					if !isSampled(s.name, verb, rule.Resource) {
						continue
					}
					t.Run(fmt.Sprintf("without %s %s.%s", verb, rule.Resource, rule.Group), func(t *testing.T) {
						t.Parallel()
						less := slices.Clone(rules)
						less[i].Verbs = slices.DeleteFunc(slices.Clone(rule.Verbs), func(v string) bool { return v == verb })
						err := newRights(t, c, "deployer", chart).try(s, less)
						if err == nil {
							t.Fatal("it makes no difference")
						}
						t.Log(err)
					})
				}
			}
		})
	}
}

// neededRules are the rules of a scenario in a namespace that are not optional.
func neededRules(t *testing.T, s scenario, chart string) []permission.Rule {
	t.Helper()
	rules := allRules(t, s.command, s.options, chart)
	return slices.DeleteFunc(rules, func(r permission.Rule) bool { return r.Optional })
}

func allRules(t *testing.T, command permission.Command, options permission.Options, chart string) []permission.Rule {
	t.Helper()
	a := &app{env: Env{Getenv: func(string) string { return "" }, Stderr: &bytes.Buffer{}}}
	content, err := a.chartContent(context.Background(), &rbacOptions{}, chart)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := permission.Rules(command, content, options)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func writeChart(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func newRights(t *testing.T, c *clustertest.Cluster, user, chart string) *rights {
	t.Helper()
	admin, err := kubernetes.NewForConfig(c.RESTConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	return &rights{t: t, cluster: c, admin: admin, user: user, namespace: c.Namespace(t), chart: chart, dir: t.TempDir()}
}

// try goes through a scenario, its steps with the rules alone, and returns the
// first thing that is not as it should be.
func (r *rights) try(s scenario, rules []permission.Rule) error {
	r.t.Helper()
	for _, st := range s.setup {
		if err := r.run("admin", st); err != nil {
			r.t.Fatalf("set up: %v", err)
		}
	}
	if s.prepare != nil {
		s.prepare(r)
	}
	r.grant(rules)
	for _, st := range s.steps {
		if err := r.run(r.user, st); err != nil {
			return err
		}
	}
	if s.check != nil {
		return s.check(r)
	}
	return nil
}

// run calls slipway as a user; the chart stands for CHART.
func (r *rights) run(user string, s step) error {
	code, _, stderr := r.slipway(user, strings.Fields(s.args)...)
	if code != s.code {
		return fmt.Errorf("%s: exit code %d, want %d\n%s", s.args, code, s.code, stderr)
	}
	return nil
}

func (r *rights) slipway(user string, args ...string) (code int, stdout, stderr string) {
	r.t.Helper()
	for i, arg := range args {
		switch {
		case arg == "CHART":
			args[i] = r.chart
		case strings.HasPrefix(arg, "PLAN"):
			args[i] = filepath.Join(r.dir, arg)
		}
	}
	if user == r.user && r.impersonated {
		user = "admin"
		args = append(args, "--kube-as-user", r.user)
	}
	args = append(args, "--kubeconfig", r.cluster.KubeconfigFor(r.t, user))
	if !slices.Contains(args, "-n") {
		args = append(args, "-n", r.namespace)
	}
	if slices.Contains([]string{"install", "upgrade", "rollback", "uninstall", "test", "apply"}, args[0]) {
		args = append(args, "--timeout", "20s")
	}
	var out, message bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	code = Run(ctx, Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &message,
		Getenv: func(string) string { return "" }, Now: time.Now, Backend: backend.Kubernetes{},
	})
	return code, out.String(), message.String()
}

// grant gives the user the rules, and nothing else.
func (r *rights) grant(rules []permission.Rule) {
	r.t.Helper()
	ctx := context.Background()
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "rights"}}
	var everywhere []rbacv1.PolicyRule
	for _, rule := range rules {
		switch {
		case len(rule.Verbs) == 0:
		case rule.Everywhere:
			everywhere = append(everywhere, policyRule(rule))
		default:
			role.Rules = append(role.Rules, policyRule(rule))
		}
	}
	if r.impersonated {
		r.grantEverywhere(everywhere)
	}
	_, err := r.admin.RbacV1().Roles(r.namespace).Create(ctx, role, metav1.CreateOptions{})
	r.must(err)
	_, err = r.admin.RbacV1().RoleBindings(r.namespace).Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "rights"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "rights"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: r.user}},
	}, metav1.CreateOptions{})
	r.must(err)
	if len(role.Rules) > 0 {
		r.awaitRights(role.Rules[0])
	}
}

// grantEverywhere gives an impersonated user rights outside namespaces.
func (r *rights) grantEverywhere(rules []rbacv1.PolicyRule) {
	r.t.Helper()
	ctx := context.Background()
	_, err := r.admin.RbacV1().ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: r.user}, Rules: rules}, metav1.CreateOptions{})
	r.must(err)
	_, err = r.admin.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: r.user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: r.user},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: r.user}},
	}, metav1.CreateOptions{})
	r.must(err)
	r.t.Cleanup(func() {
		_ = r.admin.RbacV1().ClusterRoleBindings().Delete(ctx, r.user, metav1.DeleteOptions{})
		_ = r.admin.RbacV1().ClusterRoles().Delete(ctx, r.user, metav1.DeleteOptions{})
	})
	for _, rule := range rules {
		if len(rule.ResourceNames) == 0 {
			r.awaitRightsIn("", rule)
		}
	}
}

// awaitRights returns when the API server has taken notice of a role.
func (r *rights) awaitRights(of rbacv1.PolicyRule) { r.awaitRightsIn(r.namespace, of) }

func (r *rights) awaitRightsIn(namespace string, of rbacv1.PolicyRule) {
	r.t.Helper()
	review := &authorization.SubjectAccessReview{Spec: authorization.SubjectAccessReviewSpec{
		User: r.user,
		ResourceAttributes: &authorization.ResourceAttributes{
			Namespace: namespace, Verb: of.Verbs[0], Group: of.APIGroups[0], Resource: of.Resources[0],
		},
	}}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		answer, err := r.admin.AuthorizationV1().SubjectAccessReviews().Create(context.Background(), review, metav1.CreateOptions{})
		r.must(err)
		if answer.Status.Allowed {
			return
		}
	}
	r.t.Fatalf("%s may still not %s %s", r.user, of.Verbs[0], of.Resources[0])
}

func policyRule(r permission.Rule) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{r.Group}, Resources: []string{r.Resource}, Verbs: r.Verbs, ResourceNames: r.Names}
}

func (r *rights) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rights) removeLease(name string) {
	r.t.Helper()
	r.must(r.admin.CoordinationV1().Leases(r.namespace).Delete(context.Background(), "slipway-"+name, metav1.DeleteOptions{}))
}

// lease makes one that nobody holds.
func (r *rights) lease(name string) {
	r.t.Helper()
	leases, err := cluster.NewLeases(r.admin, r.namespace, cluster.LeaseOptions{})
	r.must(err)
	lock, err := leases.Acquire(context.Background(), name, deploy.Holder{Owner: "test", Operation: "test"})
	r.must(err)
	r.must(lock.Release(context.Background()))
}

func (r *rights) noLease(name string) error {
	_, err := r.admin.CoordinationV1().Leases(r.namespace).Get(context.Background(), "slipway-"+name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return fmt.Errorf("the lock of %s is still there (error %v)", name, err)
}

// pending makes a release that a Helm has left unfinished.
func (r *rights) pending(name string) {
	r.t.Helper()
	meta, err := metadata.NewForConfig(r.cluster.RESTConfig(r.t))
	r.must(err)
	store, err := cluster.NewSecrets(r.admin, meta, r.namespace, time.Now)
	r.must(err)
	r.must(store.Create(context.Background(), &release.Record{Release: &helm.Release{
		Name: name, Namespace: r.namespace, Version: 1, Info: &helm.Info{Status: release.StatusPendingInstall},
	}}))
}

// outsideChart has kinds outside namespaces, roles, and a kind of its own; NAME
// is one that no other run uses.
func outsideChart(t *testing.T, name string) string {
	files := map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: outside\nversion: 1.0.0\n",
		"crds/gadgets.yaml": `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.NAME.example.com}
spec:
  group: NAME.example.com
  scope: Cluster
  names: {kind: Gadget, plural: gadgets, singular: gadget}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
`,
		"templates/all.yaml": `
apiVersion: NAME.example.com/v1
kind: Gadget
metadata: {name: NAME}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: NAME}
rules: [{apiGroups: [""], resources: [nodes], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: NAME}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: NAME}
subjects: [{kind: ServiceAccount, name: web, namespace: default}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web}
rules: [{apiGroups: [""], resources: [endpoints], verbs: [get], resourceNames: [leader]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: web}
subjects: [{kind: ServiceAccount, name: web, namespace: default}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: view}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: web, namespace: default}]
`,
	}
	for path, text := range files {
		files[path] = strings.ReplaceAll(text, "NAME", name)
	}
	return writeChart(t, files)
}

// TestRightsOutsideNamespaces installs a chart with kinds outside namespaces,
// and again without each of the rights that are for these.
func TestRightsOutsideNamespaces(t *testing.T) {
	c := clustertest.Shared(t)
	s := scenario{command: permission.Install, steps: runs("install one CHART")}
	// The rules do not depend on the name but for where it stands in them.
	count := len(neededRules(t, s, outsideChart(t, "count")))
	try := func(t *testing.T, change func([]permission.Rule)) ([]permission.Rule, error) {
		r := newRights(t, c, "", "")
		r.user, r.impersonated, r.chart = "user-"+r.namespace, true, outsideChart(t, r.namespace)
		rules := neededRules(t, s, r.chart)
		change(rules)
		t.Cleanup(func() { r.slipway("admin", "uninstall", "one", "--ignore-not-found") })
		return rules, r.try(s, rules)
	}
	t.Run("with every right", func(t *testing.T) {
		t.Parallel()
		rules, err := try(t, func([]permission.Rule) {})
		if err != nil {
			t.Fatal(err)
		}
		if len(rules) != count {
			t.Errorf("%d rules, %d expected", len(rules), count)
		}
	})
	for i, rule := range neededRules(t, s, outsideChart(t, "count")) {
		if !rule.Everywhere && rule.Names == nil {
			continue
		}
		for _, verb := range rule.Verbs {
			if verb == "watch" || verb == "get" && strings.HasSuffix(rule.Group, ".example.com") {
				continue // these depend on how soon the server serves the new kind
			}
			t.Run(fmt.Sprintf("without %s %s.%s", verb, rule.Resource, rule.Group), func(t *testing.T) {
				t.Parallel()
				_, err := try(t, func(rules []permission.Rule) {
					rules[i].Verbs = slices.DeleteFunc(slices.Clone(rules[i].Verbs), func(v string) bool { return v == verb })
				})
				if err == nil {
					t.Fatal("it makes no difference")
				}
				t.Log(err)
			})
		}
	}
}

func TestOptionalRightsMakeCommandsTellMore(t *testing.T) {
	c := clustertest.Shared(t)
	chart := writeChart(t, rightsChart)
	t.Run("an Event about each revision", func(t *testing.T) {
		t.Parallel()
		for _, optional := range []bool{true, false} {
			rules := allRules(t, permission.Install, permission.Options{}, chart)
			rules = slices.DeleteFunc(rules, func(r permission.Rule) bool { return r.Optional && !optional })
			r := newRights(t, c, "deployer", chart)
			r.grant(rules)
			r.must(r.run(r.user, step{exitDone, "install one CHART"}))
			events, err := r.admin.CoreV1().Events(r.namespace).List(context.Background(), metav1.ListOptions{FieldSelector: "source=slipway"})
			r.must(err)
			if found := slices.ContainsFunc(events.Items, func(e corev1.Event) bool { return e.Reason == "Installed" }); found != optional {
				t.Errorf("with optional rights %t: an Event was found: %t", optional, found)
			}
		}
	})
	t.Run("the releases of all namespaces", func(t *testing.T) {
		t.Parallel()
		r := newRights(t, c, "deployer", chart)
		r.must(r.run("admin", step{exitDone, "install one CHART"}))
		r.grant(allRules(t, permission.List, permission.Options{}, chart))
		code, stdout, stderr := r.slipway(r.user, "list", "-A", "-q")
		if code != exitDone || stdout != "one\n" {
			t.Errorf("exit code %d, output %q, %s", code, stdout, stderr)
		}
		if want := "slipway: warning: no permission to list secrets in the whole cluster: only namespace " + r.namespace + " is listed\n"; stderr != want {
			t.Errorf("got %q, want %q", stderr, want)
		}
	})
}
