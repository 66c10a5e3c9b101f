package deploy_test

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
)

// TestTwins has slipway and Helm do the same in two clusters, and compares
// what they leave behind.
func TestTwins(t *testing.T) {
	t.Parallel() // with the other tests; the charts are one after the other
	helm := peer(t, "helm3")
	ours, theirs := newTwin(t), newTwin(t)
	own, corpus := twinCharts(t)
	most, compared := len(corpus), 0
	if os.Getenv("SLIPWAY_SWEEP") != "all" {
		most = 5
	}
	for _, path := range slices.Concat(own, corpus) {
		if compared == most {
			break
		}
		if slices.Contains(corpus, path) && !isTheSameTwice(helm, path) {
			continue
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			namespace := twinNamespace(path)
			for _, step := range []string{"install", "upgrade", "rollback", "uninstall"} {
				helmEnded := make(chan error, 1)
				go func() { helmEnded <- theirs.helm(helm, namespace, step, path) }()
				slipwayErr := ours.slipway(t, namespace, step, path)
				helmErr := <-helmEnded
				if (helmErr == nil) != (slipwayErr == nil) {
					t.Fatalf("%s: Helm: %v\nslipway: %v", step, helmErr, slipwayErr)
				}
				if helmErr != nil {
					t.Logf("neither can %s it: %v", step, firstWords(helmErr))
					// What is outside of namespaces would be seen beside the next chart; there may be nothing to remove.
					_, _ = ours.slipway(t, namespace, "uninstall", path), theirs.helm(helm, namespace, "uninstall", path)
					// #DIFFERS slipway finds out before it creates anything; Helm has created what it could, and keeps what asks for that.
					ours.removeKept(t, namespace)
					theirs.removeKept(t, namespace)
					return
				}
				if diff := cmp.Diff(theirs.objects(t, namespace), ours.objects(t, namespace)); diff != "" {
					t.Fatalf("after %s (-helm +slipway):\n%s", step, diff)
				}
				if step == "uninstall" {
					if slices.Contains(corpus, path) {
						compared++
					}
					break
				}
				for _, question := range [][]string{{"get", "manifest", "twin"}, {"get", "hooks", "twin"}, {"get", "values", "twin", "-a"}, {"get", "notes", "twin"}} {
					if diff := cmp.Diff(theirs.ask(t, helm, namespace, question...), ours.ask(t, helm, namespace, question...)); diff != "" {
						t.Errorf("after %s: helm %v (-helm's record +slipway's):\n%s", step, question, diff)
					}
				}
				if diff := cmp.Diff(theirs.past(t, helm, namespace), ours.past(t, helm, namespace)); diff != "" {
					t.Errorf("after %s: the history that Helm shows (-helm's +slipway's):\n%s", step, diff)
				}
			}
		})
	}
}

// TestToolsTakeTurns has slipway and both Helms upgrade one release in turn.
func TestToolsTakeTurns(t *testing.T) {
	helm3, helm4 := peer(t, "helm3"), peer(t, "helm4")
	api := newTwin(t)
	path := "../../testdata/charts/shop"
	for _, turns := range [][]string{
		{helm4, "slipway", helm4, "slipway"},
		{helm3, "slipway", helm3, "slipway"},
		{"slipway", helm3, helm4, "slipway"},
	} {
		namespace := "turns-" + fmt.Sprint(time.Now().UnixNano())
		for i, tool := range turns {
			step := "upgrade"
			if i == 0 {
				step = "install"
			}
			var err error
			if tool == "slipway" {
				err = api.slipway(t, namespace, step, path)
			} else {
				err = api.helm(tool, namespace, step, path)
			}
			if err != nil {
				t.Fatalf("turn %d of %v: %v", i+1, turns, err)
			}
		}
		if managers := api.managers(t, namespace, "shop-config"); !slices.Equal(managers, []string{"helm/Apply"}) {
			t.Errorf("after %v the ConfigMap has the field managers %v", turns, managers)
		}
	}
}

func peer(t *testing.T, name string) string {
	t.Helper()
	folder := os.Getenv("SLIPWAY_PEERS")
	if folder == "" {
		t.Skip("no Helm binaries: set SLIPWAY_PEERS, or run 'make test'")
	}
	path := filepath.Join(folder, name)
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// twinCharts are the project's own charts, and those of the corpus in an order
// that the seed decides.
func twinCharts(t *testing.T) (own, corpus []string) {
	t.Helper()
	files, err := filepath.Glob("../../testdata/charts/*/Chart.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no charts", err)
	}
	for _, c := range files {
		if folder := filepath.Dir(c); filepath.Base(folder) != "capabilities" { // it prints a resourceVersion
			own = append(own, folder)
		}
	}
	if os.Getenv("SLIPWAY_CORPUS") == "" {
		return own, nil
	}
	corpus, err = filepath.Glob(filepath.Join(os.Getenv("SLIPWAY_CORPUS"), "*.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	h := fnv.New64a()
	h.Write([]byte(os.Getenv("SLIPWAY_SEED")))
	random := rand.New(rand.NewPCG(h.Sum64(), 2))
	random.Shuffle(len(corpus), func(i, j int) { corpus[i], corpus[j] = corpus[j], corpus[i] })
	return own, corpus
}

// isTheSameTwice reports whether a chart can be rendered, and comes out the same each time.
func isTheSameTwice(helm, path string) bool {
	one, err := exec.Command(helm, "template", "twin", path).Output()
	if err != nil {
		return false
	}
	two, err := exec.Command(helm, "template", "twin", path).Output()
	return err == nil && bytes.Equal(one, two)
}

func twinNamespace(path string) string {
	name := strings.TrimSuffix(filepath.Base(path), ".tgz")
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(name))
	return strings.Trim("twin-"+name[:min(len(name), 50)], "-")
}

// twin is a cluster that one of the tools works on.
type twin struct {
	kubeconfig string
	config     *rest.Config
	dynamic    dynamic.Interface
	discovery  discovery.DiscoveryInterface
}

func newTwin(t *testing.T) *twin {
	t.Helper()
	api := clustertest.Start(t)
	rc := api.RESTConfig(t)
	return &twin{kubeconfig: api.Kubeconfig(), config: rc, dynamic: dynamic.NewForConfigOrDie(rc), discovery: discovery.NewDiscoveryClientForConfigOrDie(rc)}
}

// helm has Helm take a step.
func (c *twin) helm(helm, namespace, step, path string) error {
	args := map[string][]string{
		"install":   {"install", "twin", path, "--create-namespace"},
		"upgrade":   {"upgrade", "twin", path, "--set", "twin=2"},
		"rollback":  {"rollback", "twin", "1"},
		"uninstall": {"uninstall", "twin"},
	}[step]
	if strings.HasPrefix(namespace, "turns-") {
		for i := range args {
			args[i] = strings.Replace(args[i], "twin", "shop", 1)
		}
	}
	cmd := exec.Command(helm, append(args, "-n", namespace, "--timeout", "40s")...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig)
	output, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	return nil
}

// slipway takes the same step.
func (c *twin) slipway(t *testing.T, namespace, step, path string) error {
	t.Helper()
	name := "twin"
	if strings.HasPrefix(namespace, "turns-") {
		name = "shop"
	}
	config := configFor(t, c.config, namespace)
	loaded, err := chart.Load(path)
	if err != nil {
		return err
	}
	change := deploy.ChangeOptions{Timeout: 40 * time.Second, HistoryMax: 10}
	switch step {
	case "install":
		change.CreateNamespace = true
		_, err = deploy.Install(background, config, name, loaded, nil, deploy.InstallOptions{ChangeOptions: change})
	case "upgrade":
		_, err = deploy.Upgrade(background, config, name, loaded, map[string]any{name: int64(2)}, deploy.UpgradeOptions{ChangeOptions: change})
	case "rollback":
		_, err = deploy.Rollback(background, config, name, deploy.RollbackOptions{ChangeOptions: change, Revision: 1})
	case "uninstall":
		_, err = deploy.Uninstall(background, config, name, deploy.UninstallOptions{Timeout: 40 * time.Second})
	}
	return err
}

// ask has Helm answer a question about the release "twin".
func (c *twin) ask(t *testing.T, helm, namespace string, question ...string) string {
	t.Helper()
	cmd := exec.Command(helm, append(question, "-n", namespace)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig)
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("helm %v: %v\n%s", question, err, output)
	}
	return clusterIP.ReplaceAllString(string(output), "CLUSTER-IP")
}

// clusterIP is an address that the API server has chosen, as charts find with lookup.
var clusterIP = regexp.MustCompile(`\b10\.0\.\d+\.\d+\b`)

// past is Helm's table of the history without its times.
func (c *twin) past(t *testing.T, helm, namespace string) []string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(c.ask(t, helm, namespace, "history", "twin")) {
		columns := strings.Split(line, "\t")
		if len(columns) > 2 {
			columns = slices.Delete(columns, 1, 2)
		}
		for i := range columns {
			columns[i] = strings.TrimSpace(columns[i])
		}
		lines = append(lines, strings.Join(columns, " "))
	}
	return lines
}

// managers are the field managers of a ConfigMap.
func (c *twin) managers(t *testing.T, namespace, name string) []string {
	t.Helper()
	object, err := c.dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace(namespace).Get(background, name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var managers []string
	for _, m := range object.GetManagedFields() {
		managers = append(managers, m.Manager+"/"+string(m.Operation))
	}
	return managers
}

// made by controllers, or telling of what happened
var notOfCharts = []string{
	"events", "endpoints", "endpointslices", "leases", "pods", "replicasets", "controllerrevisions", "nodes", "componentstatuses",
	"apiservices", "persistentvolumes", "flowschemas", "prioritylevelconfigurations", "namespaces", "csinodes", "ipaddresses", "servicecidrs",
}

// objects are those in a namespace, and the cluster-wide ones of releases.
func (c *twin) objects(t *testing.T, namespace string) map[string]any {
	t.Helper()
	found := map[string]any{}
	c.visit(t, namespace, func(_ dynamic.ResourceInterface, item *unstructured.Unstructured) {
		if item.GetKind() == "ServiceAccount" && item.GetName() == "default" {
			return // a controller makes it, some time after the namespace
		}
		if strings.HasPrefix(item.GetName(), "sh.helm.release.") || item.GetName() == "kube-root-ca.crt" || item.GetDeletionTimestamp() != nil {
			return
		}
		if item.GetKind() == "PersistentVolumeClaim" && item.GetAnnotations()["meta.helm.sh/release-name"] == "" {
			return // a StatefulSet's controller makes it, sooner or later
		}
		if spec, _ := item.Object["spec"].(map[string]any); item.GetKind() == "Job" && spec["ttlSecondsAfterFinished"] != nil {
			return // its controller deletes it, sooner or later
		}
		found[item.GetKind()+"/"+item.GetName()] = essence(item, namespace)
	})
	return found
}

// removeKept removes the cluster-wide objects that the release in a namespace has left.
func (c *twin) removeKept(t *testing.T, namespace string) {
	t.Helper()
	c.visit(t, namespace, func(resource dynamic.ResourceInterface, item *unstructured.Unstructured) {
		if item.GetNamespace() != "" || item.GetAnnotations()["meta.helm.sh/release-namespace"] != namespace {
			return
		}
		if err := resource.Delete(background, item.GetName(), metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
	})
}

// visit visits the objects that charts make in a namespace, and the cluster-wide ones of releases.
func (c *twin) visit(t *testing.T, namespace string, do func(dynamic.ResourceInterface, *unstructured.Unstructured)) {
	t.Helper()
	lists, err := c.discovery.ServerPreferredResources()
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) { // a chart may announce an API that nobody serves here
		t.Fatal(err)
	}
	for _, list := range lists {
		group, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range list.APIResources {
			if !slices.Contains(kind.Verbs, "list") || slices.Contains(notOfCharts, kind.Name) {
				continue
			}
			in, selector := namespace, ""
			if !kind.Namespaced {
				in, selector = "", "app.kubernetes.io/managed-by=Helm"
			}
			resource := c.dynamic.Resource(group.WithResource(kind.Name)).Namespace(in)
			items, err := resource.List(background, metav1.ListOptions{LabelSelector: selector})
			if apierrors.IsNotFound(err) {
				continue // its CustomResourceDefinition has gone meanwhile
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range items.Items {
				do(resource, &items.Items[i])
			}
		}
	}
}

func firstWords(err error) string {
	text := strings.ReplaceAll(err.Error(), "\n", " ")
	return text[:min(len(text), 300)]
}
