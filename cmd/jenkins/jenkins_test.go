package jenkins

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/e6d26078/slipway/cmd/internal/backend"
	"github.com/e6d26078/slipway/cmd/internal/cli"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
)

// TestMain is slipway and slipway-cluster too, by the name that it is started by.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "slipway":
		os.Exit(cli.Main(nil))
	case "slipway-cluster":
		backend.Silence()
		os.Exit(cli.Main(backend.Kubernetes{}))
	}
	os.Exit(m.Run())
}

// scenarios are those of harness/scenarios.groovy, with the Deployments that are
// live in the end.
var scenarios = map[string]string{
	"upgrade":   "web:3",
	"approved":  "web:2",
	"rejected":  "web:1",
	"timedout":  "web:1",
	"foureyes":  "web:1",
	"aborted":   "web:1",
	"killed":    "web:1",
	"restart":   "web:2",
	"bluegreen": "web:2",
	"services":  "cart:2 shop:2 stock:2",
	"guard":     "web:1",
	"digests":   "web:1",
	"retried":   "web:1",
	"alone":     "",
}

// sample are the scenarios that a run takes: those of the contract, and two of the
// others by SLIPWAY_SEED, or all with SLIPWAY_SWEEP=all.
func sample() []string {
	some := []string{"alone", "approved", "aborted", "killed", "restart", "digests", "retried"}
	rest := slices.DeleteFunc(slices.Sorted(maps.Keys(scenarios)), func(name string) bool { return slices.Contains(some, name) })
	if os.Getenv("SLIPWAY_SWEEP") == "all" {
		return append(some, rest...)
	}
	seed := fnv.New64()
	_, _ = seed.Write([]byte(os.Getenv("SLIPWAY_SEED")))
	for _, i := range rand.New(rand.NewPCG(seed.Sum64(), 0)).Perm(len(rest))[:2] {
		some = append(some, rest[i])
	}
	return some
}

// TestTheLibraryAndTheExamples runs them on Groovy 2.4, the language that Jenkins
// embeds, with a step sh that does what Jenkins' does, against a control plane.
func TestTheLibraryAndTheExamples(t *testing.T) {
	groovy := findGroovy(t)
	c := clustertest.Shared(t)
	client, err := kubernetes.NewForConfig(c.RESTConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	namespaces := map[string]string{}
	var pairs []string
	for _, name := range sample() {
		namespaces[name] = c.Namespace(t)
		pairs = append(pairs, name+"="+namespaces[name])
	}
	cmd := exec.Command(groovy, "-cp", absolute(t, "harness"),
		"-Dfolder="+filepath.Join(folder, "builds"), "-Dlibrary="+absolute(t, "vars/slipway.groovy"), "-Dexamples="+absolute(t, "examples"),
		"-Dsource="+absolute(t, "testdata/source"), "-Dkubeconfig="+c.Kubeconfig(), "-Dnamespaces="+strings.Join(pairs, ","),
		absolute(t, "harness/scenarios.groovy"))
	cmd.Env = append(os.Environ(), "PATH="+programs(t, folder)+":"+os.Getenv("PATH"), "JAVA_HOME="+javaHome(t))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for name := range namespaces {
		want := scenarios[name]
		t.Run(name, func(t *testing.T) {
			if !regexp.MustCompile(`(?m)^ok ` + name + `$`).MatchString(out.String()) {
				t.Errorf("it failed:\n%s", part(out.String(), "not ok "+name))
			}
			if got := deployments(t, client, namespaces[name]); got != want {
				t.Errorf("live are %q, want %q", got, want)
			}
		})
	}
}

// part is the output of a scenario, from a line on to the next scenario.
func part(out, head string) string {
	_, rest, _ := strings.Cut(out, head)
	if i := regexp.MustCompile(`(?m)^(not )?ok `).FindStringIndex(rest); i != nil {
		rest = rest[:i[0]]
	}
	if rest == "" {
		return out
	}
	return rest
}

// deployments lists those of a namespace as NAME:TAG.
func deployments(t *testing.T, client kubernetes.Interface, namespace string) string {
	list, err := client.AppsV1().Deployments(namespace).List(context.Background(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range list.Items {
		_, tag, _ := strings.Cut(d.Spec.Template.Spec.Containers[0].Image, ":")
		names = append(names, fmt.Sprintf("%s:%s", d.Name, tag))
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// findGroovy skips the test where there is none, but where SLIPWAY_GROOVY says
// that there has to be.
func findGroovy(t *testing.T) string {
	path, err := exec.LookPath("groovy")
	switch {
	case err == nil:
		return path
	case os.Getenv("SLIPWAY_GROOVY") != "":
		t.Fatal(err)
	}
	t.Skip("no groovy: install Debian's package of that name")
	return ""
}

// javaHome is JAVA_HOME, which Debian's groovy needs, or the home of the java in PATH.
func javaHome(t *testing.T) string {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		return home
	}
	path, err := exec.LookPath("java")
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		t.Fatalf("JAVA_HOME is not set, and there is no java: %v", err)
	}
	return filepath.Dir(filepath.Dir(path))
}

// programs is SLIPWAY_BIN, or makes a folder with slipway and slipway-cluster.
func programs(t *testing.T, folder string) string {
	if built := os.Getenv("SLIPWAY_BIN"); built != "" {
		return built
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(folder, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"slipway", "slipway-cluster"} {
		if err := os.Symlink(self, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	return bin
}

func absolute(t *testing.T, name string) string {
	path, err := filepath.Abs(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestTheLibraryAvoidsWhatPipelinesCannotDo holds the rules of docs/design/0009-pipeline.md
// that no run outside of Jenkins would find.
func TestTheLibraryAvoidsWhatPipelinesCannotDo(t *testing.T) {
	files, err := filepath.Glob("examples/*.Jenkinsfile")
	if err != nil || len(files) < 5 {
		t.Fatalf("%v %v", files, err)
	}
	for _, name := range append(files, "vars/slipway.groovy") {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{`\.(each|eachWithIndex|collect|findAll|find|any|every|inject|sort)\s*[({]`, `JsonSlurper`, `def run\(`, `@NonCPS`, `\bfor \(.* in `, `catch \(FlowInterruptedException`} {
			if found := regexp.MustCompile(bad).Find(data); found != nil {
				t.Errorf("%s has %q", name, found)
			}
		}
	}
}
