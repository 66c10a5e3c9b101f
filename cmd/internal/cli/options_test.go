package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"
)

// TestOptions runs testdata/options against a real control plane: what each
// option does, and that it is what Helm does. Beside the commands of
// TestDeploying there are
//
//	each ARGS...            Helm in its namespace and slipway both succeed; ! each: both fail
//	helms ARGS...           runs Helm in its namespace
//	pasts RELEASE...        the histories in both namespaces are the same, but for times and the words of failures
//	agree                   the objects in both namespaces are the same
//	edit RESOURCE NAME PATCH  changes an object as the field manager "by-hand" by a JSON merge patch
//	inventory FILE          writes the names and versions of all objects of slipway's namespace to a file
//	definition NAME         prints a CustomResourceDefinition; ! definition: there is none of the name
//	undefine NAME           deletes a CustomResourceDefinition and waits until it is gone
//	keys                    makes an OpenPGP key pair in the files public and private, and public.gpg and private.gpg without armor
func TestOptions(t *testing.T) {
	runOnCluster(t, "testdata/options", clusterScripts{
		commands: func(objects scriptObjects) scriptCommands {
			return scriptCommands{
				"both": both, "same": same, "pending": pending,
				"each": each, "helms": helms, "pasts": pasts, "agree": objects.agree, "edit": objects.edit,
				"inventory": objects.inventory, "definition": objects.definition, "undefine": objects.undefine, "keys": keys,
			}
		},
	})
}

// each runs Helm and slipway with the same arguments.
func each(ts *testscript.TestScript, neg bool, args []string) {
	helmErr := ts.Exec(ts.Getenv("HELM3"), append(args, "-n", ts.Getenv("HELMS_OWN"))...)
	ourErr := ts.Exec("slipway", args...)
	switch {
	case (helmErr != nil) != neg:
		ts.Fatalf("helm: %v", helmErr)
	case (ourErr != nil) != neg:
		ts.Fatalf("slipway: %v", ourErr)
	}
}

func helms(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec(ts.Getenv("HELM3"), append(args, "-n", ts.Getenv("HELMS_OWN"))...)
	if (err != nil) != neg {
		ts.Fatalf("helm: %v", err)
	}
}

// pasts compares what Helm says of both histories.
func pasts(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: pasts RELEASE...")
	}
	type revision struct {
		Revision    int
		Status      string
		Description string
	}
	past := func(name, namespace string) []revision {
		ts.Check(ts.Exec(ts.Getenv("HELM3"), "history", name, "-o", "json", "-n", namespace))
		var all []revision
		ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &all))
		for i := range all {
			if all[i].Status == "failed" {
				all[i].Description = ""
			}
		}
		return all
	}
	for _, name := range args {
		if diff := cmp.Diff(past(name, ts.Getenv("HELMS_OWN")), past(name, ts.Getenv("HELM_NAMESPACE"))); diff != "" {
			ts.Fatalf("the histories of %s differ (- helm, + slipway)\n%s", name, diff)
		}
	}
}

// compared are the kinds that agree looks at.
var compared = []schema.GroupVersionResource{
	{Version: "v1", Resource: "configmaps"}, {Version: "v1", Resource: "secrets"}, {Version: "v1", Resource: "services"},
	{Version: "v1", Resource: "pods"}, {Version: "v1", Resource: "persistentvolumeclaims"},
	{Group: "apps", Version: "v1", Resource: "deployments"}, {Group: "batch", Version: "v1", Resource: "jobs"},
}

// agree compares the objects of both namespaces.
func (l scriptObjects) agree(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: agree")
	}
	found := func(namespace string) string {
		var all strings.Builder
		for _, resource := range compared {
			list, err := l.client.Resource(resource).Namespace(namespace).List(context.Background(), metav1.ListOptions{})
			ts.Check(err)
			for i := range list.Items {
				if text := essenceOf(&list.Items[i]); text != "" {
					fmt.Fprintf(&all, "--- %s %s\n%s", list.Items[i].GetKind(), list.Items[i].GetName(), strings.ReplaceAll(text, namespace, "NAMESPACE"))
				}
			}
		}
		return all.String()
	}
	if diff := cmp.Diff(found(ts.Getenv("HELMS_OWN")), found(ts.Getenv("HELM_NAMESPACE"))); diff != "" {
		ts.Fatalf("the objects differ (- helm, + slipway)\n%s", diff)
	}
}

// notOfCharts are annotations that controllers set, and handedOut the lines of
// an object that the cluster fills in.
var (
	notOfCharts = regexp.MustCompile(`^slipway\.dev/operation|^deployment\.kubernetes\.io/|^volume\.|^pv\.`)
	handedOut   = regexp.MustCompile(`(?m)^.*(clusterIP|controller-uid|volumeName|^  - 10\.).*\n`)
)

// essenceOf is what a tool has made of an object, "" for one that it has not made.
func essenceOf(object *unstructured.Unstructured) string {
	name := object.GetName()
	if len(object.GetOwnerReferences()) > 0 || object.GetDeletionTimestamp() != nil || name == "kube-root-ca.crt" || strings.HasPrefix(name, "sh.helm.release.") {
		return ""
	}
	annotations := object.GetAnnotations()
	for key := range annotations {
		if notOfCharts.MatchString(key) {
			delete(annotations, key)
		}
	}
	object.SetAnnotations(annotations)
	for _, field := range []string{"uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"} {
		unstructured.RemoveNestedField(object.Object, "metadata", field)
	}
	unstructured.RemoveNestedField(object.Object, "status")
	text, err := yaml.Marshal(object.Object)
	if err != nil {
		return err.Error()
	}
	return string(handedOut.ReplaceAll(text, nil))
}

func (l scriptObjects) edit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: edit RESOURCE NAME PATCH")
	}
	_, err := l.of(ts, args[0]).Patch(context.Background(), args[1], types.MergePatchType, []byte(args[2]), metav1.PatchOptions{FieldManager: "by-hand"})
	ts.Check(err)
}

func (l scriptObjects) inventory(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: inventory FILE")
	}
	var all []string
	kinds := append(slices.Clone(compared), schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"},
		schema.GroupVersionResource{Version: "v1", Resource: "events"})
	for _, resource := range kinds {
		list, err := l.client.Resource(resource).Namespace(ts.Getenv("HELM_NAMESPACE")).List(context.Background(), metav1.ListOptions{})
		ts.Check(err)
		for _, item := range list.Items {
			if item.GetKind() == "Event" && !strings.Contains(fmt.Sprint(item.Object["source"], item.Object["reportingComponent"]), "slipway") {
				continue // the cluster's own
			}
			if item.GetKind() == "Pod" && len(item.GetOwnerReferences()) > 0 {
				continue // controllers make and change them
			}
			state := item.GetResourceVersion()
			if text := essenceOf(&item); text != "" {
				state = text // controllers write what is not in it
			}
			all = append(all, fmt.Sprintf("%s %s %s\n", item.GetKind(), item.GetName(), state))
		}
	}
	slices.Sort(all)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Join(all, "")), 0o600))
}

var definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

func (l scriptObjects) definition(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: definition NAME")
	}
	object, err := l.client.Resource(definitions).Get(context.Background(), args[0], metav1.GetOptions{})
	if neg {
		if !apierrors.IsNotFound(err) {
			ts.Fatalf("the definition %s is there, or cannot be looked for: %v", args[0], err)
		}
		return
	}
	ts.Check(err)
	object.SetManagedFields(nil)
	text, err := yaml.Marshal(object.Object)
	ts.Check(err)
	_, err = ts.Stdout().Write(text)
	ts.Check(err)
}

func (l scriptObjects) undefine(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: undefine NAME")
	}
	err := l.client.Resource(definitions).Delete(context.Background(), args[0], metav1.DeleteOptions{})
	for begun := time.Now(); !apierrors.IsNotFound(err); time.Sleep(100 * time.Millisecond) {
		ts.Check(err)
		if time.Since(begun) > time.Minute {
			ts.Fatalf("the definition %s stays", args[0])
		}
		_, err = l.client.Resource(definitions).Get(context.Background(), args[0], metav1.GetOptions{})
	}
}

func keys(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(writeKeys(ts.MkAbs("public"), ts.MkAbs("private")))
}

// writeKeys makes an OpenPGP key pair: armored files, and FILE.gpg of each, the only form that Helm 3 reads.
func writeKeys(public, private string) error {
	entity, err := openpgp.NewEntity("Test", "", "test@example.com", nil)
	if err != nil {
		return err
	}
	write := func(file, kind string, serialize func(io.Writer) error) error {
		var raw, text bytes.Buffer
		if err := serialize(&raw); err != nil {
			return err
		}
		w, err := armor.Encode(&text, kind, nil)
		if err != nil {
			return err
		}
		if _, err := w.Write(raw.Bytes()); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		return errors.Join(os.WriteFile(file, text.Bytes(), 0o600), os.WriteFile(file+".gpg", raw.Bytes(), 0o600))
	}
	return errors.Join(
		write(public, openpgp.PublicKeyType, entity.Serialize),
		write(private, openpgp.PrivateKeyType, func(w io.Writer) error { return entity.SerializePrivate(w, nil) }))
}
