package cli

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/e6d26078/slipway/release/cluster/clustertest"
)

// TestDeploying runs testdata/deploying against a real control plane. Each
// script has a namespace, and another one for Helm. Beside testscript's
// commands there are
//
//	exits CODE ARGS...      slipway ARGS must end with the exit code
//	both ARGS...            helm in its namespace and slipway print the same, but for times and namespaces
//	live RESOURCE NAME      prints an object of slipway's namespace as YAML; ! live: it is not there
//	apply RESOURCE FILE     applies an object to that namespace as the field manager "other"
//	remove RESOURCE NAME    deletes an object there
//	same FILE FILE          the files are the same, but for times and namespaces
//	pending RELEASE         waits until a hook of a release runs
//	interrupt SIGNAL ARGS...  runs slipway ARGS, sends it the signal once a hook runs and prints its exit code
//
// RESOURCE is as in configmaps or deployments.apps; the version is always v1.
func TestDeploying(t *testing.T) {
	runOnCluster(t, "testdata/deploying", clusterScripts{
		commands: func(objects scriptObjects) scriptCommands {
			return scriptCommands{"both": both, "interrupt": interrupt, "same": same, "pending": pending}
		},
		setup: func(env *testscript.Env, c *clustertest.Cluster) error {
			env.Setenv("NOBODY", c.KubeconfigFor(env.T().(testing.TB), "nobody"))
			return nil
		},
	})
}

// both compares what Helm and slipway print.
func both(ts *testscript.TestScript, neg bool, args []string) {
	namespace, helms := ts.Getenv("HELM_NAMESPACE"), ts.Getenv("HELMS_OWN")
	helmErr := ts.Exec(ts.Getenv("HELM3"), append(args, "-n", helms)...)
	helmOut, helmMessage := ts.ReadFile("stdout"), errorText(ts.ReadFile("stderr"))
	ourErr := ts.Exec("slipway", append(args, "-n", namespace)...)
	ourOut, ourMessage := ts.ReadFile("stdout"), ts.ReadFile("stderr")
	switch {
	case (helmErr != nil) != neg:
		ts.Fatalf("helm: %v", helmErr)
	case (ourErr != nil) != neg:
		ts.Fatalf("slipway: %v", ourErr)
	case neg && !strings.Contains(ourMessage, helmMessage):
		ts.Fatalf("slipway's message lacks Helm's\nhelm: %s\nslipway: %s", helmMessage, ourMessage)
	}
	if diff := cmp.Diff(normal(helmOut, helms), normal(ourOut, namespace)); diff != "" {
		ts.Fatalf("standard output differs (- helm, + slipway)\n%s", diff)
	}
}

// normal is a text without the times and the namespace that are in it.
func normal(text, namespace string) string {
	text = strings.ReplaceAll(text, namespace, "NAMESPACE")
	text = regexp.MustCompile(`\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \d{4}`).ReplaceAllString(text, "TIME")
	return regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`).ReplaceAllString(text, "TIME")
}

// same compares two files.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: same FILE FILE")
	}
	var texts [2]string
	for i, name := range args {
		texts[i] = normal(normal(ts.ReadFile(name), ts.Getenv("HELM_NAMESPACE")), ts.Getenv("HELMS_OWN"))
	}
	if diff := cmp.Diff(texts[0], texts[1]); diff != "" {
		ts.Fatalf("%s and %s differ\n%s", args[0], args[1], diff)
	}
}

// pending waits for a process in the background to get to its first hook.
func pending(ts *testscript.TestScript, neg bool, args []string) {
	const limit = time.Minute
	for begun := time.Now(); time.Since(begun) < limit; time.Sleep(100 * time.Millisecond) {
		if ts.Exec("slipway", "status", args[0], "-o", "json") == nil && strings.Contains(ts.ReadFile("stdout"), `"status":"pending-`) {
			return
		}
	}
	ts.Fatalf("release %s is not pending", args[0])
}

// interrupt runs slipway with its progress on a pipe, and signals it once a hook is said to run.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: interrupt SIGNAL ARGS...")
	}
	script := `: >progress; slipway "$@" 2>progress & pid=$!
until grep -q 'hook running' progress; do kill -0 $pid || break; sleep 0.05; done
kill -` + args[0] + ` $pid; kill -` + args[0] + ` $pid
wait $pid; code=$?; cat progress >&2; echo code $code`
	ts.Check(ts.Exec("sh", append([]string{"-c", script, "sh"}, args[1:]...)...))
}

// scriptObjects are the commands about objects in the cluster.
type scriptObjects struct{ client dynamic.Interface }

func (l scriptObjects) of(ts *testscript.TestScript, resource string) dynamic.ResourceInterface {
	name, group, _ := strings.Cut(resource, ".")
	return l.client.Resource(schema.GroupVersionResource{Group: group, Version: "v1", Resource: name}).Namespace(ts.Getenv("HELM_NAMESPACE"))
}

func (l scriptObjects) show(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: live RESOURCE NAME")
	}
	object, err := l.of(ts, args[0]).Get(context.Background(), args[1], metav1.GetOptions{})
	if neg {
		if !apierrors.IsNotFound(err) && (err != nil || object.GetDeletionTimestamp() == nil) {
			ts.Fatalf("%s %s is there, or cannot be looked for: %v", args[0], args[1], err)
		}
		return
	}
	ts.Check(err)
	object.SetManagedFields(nil)
	text, err := yaml.Marshal(object.Object)
	ts.Check(err)
	_, err = fmt.Fprint(ts.Stdout(), string(text))
	ts.Check(err)
}

func (l scriptObjects) apply(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: apply RESOURCE FILE")
	}
	object := &unstructured.Unstructured{}
	ts.Check(yaml.Unmarshal([]byte(ts.ReadFile(args[1])), &object.Object))
	_, err := l.of(ts, args[0]).Apply(context.Background(), object.GetName(), object, metav1.ApplyOptions{FieldManager: "other", Force: true})
	ts.Check(err)
}

func (l scriptObjects) remove(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: remove RESOURCE NAME")
	}
	ts.Check(l.of(ts, args[0]).Delete(context.Background(), args[1], metav1.DeleteOptions{}))
}
