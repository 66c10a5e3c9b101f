package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

const settings = `{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {a: "%s", b: "1"}}`

func TestAnApplyCreatesAndChangesAnObjectInOneRequest(t *testing.T) {
	f := newFixture(t)
	o := f.object(fmt.Sprintf(settings, "1"))
	var live deploy.Live
	made := f.requests.during(func() {
		var err error
		if live, err = f.Apply(t.Context(), o, deploy.ApplyOptions{}); err != nil {
			t.Fatal(err)
		}
	})
	if diff := cmp.Diff([]string{"PATCH /api/v1/namespaces/" + f.namespace + "/configmaps/settings"}, made); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"helm Apply"}, managersOf(live)); diff != "" {
		t.Error(diff)
	}
	changed := f.object(`{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {a: "2"}}`)
	made = f.requests.during(func() {
		var err error
		if live, err = f.Apply(t.Context(), changed, deploy.ApplyOptions{Live: live}); err != nil {
			t.Fatal(err)
		}
	})
	if len(made) != 1 {
		t.Errorf("a change took %v", made)
	}
	if diff := cmp.Diff(map[string]any{"a": "2"}, live["data"]); diff != "" {
		t.Errorf("a field that is not wanted any more: %s", diff)
	}
}

func TestAnApplyCanBeAskedForTheMetadataAlone(t *testing.T) {
	f := newFixture(t)
	for _, change := range []string{"1", "2"} {
		o := f.object(fmt.Sprintf(settings, change))
		live, err := f.Apply(t.Context(), o, deploy.ApplyOptions{MetadataOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		is := f.live(o.Ref)
		for _, field := range []string{"name", "namespace", "uid", "resourceVersion"} {
			if nested(live, "metadata", field) != nested(is, "metadata", field) || nested(live, "metadata", field) == nil {
				t.Errorf("%s: %v, want %v", field, nested(live, "metadata", field), nested(is, "metadata", field))
			}
		}
		if live["kind"] != "ConfigMap" || live["data"] != nil {
			t.Errorf("Apply = %v", live)
		}
		if nested(is, "data", "a") != change {
			t.Errorf("stored: %v", is["data"])
		}
	}
}

func TestADryRunStoresNothing(t *testing.T) {
	f := newFixture(t)
	o := f.object(fmt.Sprintf(settings, "1"))
	live, err := f.Apply(t.Context(), o, deploy.ApplyOptions{DryRun: true})
	if err != nil || nested(live, "metadata", "uid") == nil {
		t.Errorf("Apply = %v, %v", live, err)
	}
	if f.live(o.Ref) != nil {
		t.Error("the object is there")
	}
}

func TestCreateOnlyRefusesAnObjectThatIsThere(t *testing.T) {
	f := newFixture(t)
	o := f.object(fmt.Sprintf(settings, "1"))
	if _, err := f.Apply(t.Context(), o, deploy.ApplyOptions{CreateOnly: true}); err != nil {
		t.Fatal(err)
	}
	_, err := f.Apply(t.Context(), o, deploy.ApplyOptions{CreateOnly: true})
	var exists *deploy.ExistsError
	if !errors.As(err, &exists) || exists.Ref != o.Ref {
		t.Errorf("error %v", err)
	}
	// An apply takes over what was created like that.
	f.apply(`{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {b: "2"}}`)
	live := f.live(o.Ref)
	if diff := cmp.Diff(map[string]any{"b": "2"}, live["data"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"helm Apply"}, managersOf(live)); diff != "" {
		t.Error(diff)
	}
}

func TestAConflictNamesManagerAndField(t *testing.T) {
	f := newFixture(t)
	o := f.object(fmt.Sprintf(settings, "1"))
	f.apply(fmt.Sprintf(settings, "1"))
	f.patchAs("autoscaler", o.Ref, `{"data": {"a": "9"}}`)
	live := f.live(o.Ref)
	changed := f.object(fmt.Sprintf(settings, "2"))
	if !f.MayConflict(live, changed.Fields) {
		t.Error("the conflict was not foreseen")
	}
	for _, dry := range []bool{true, false} {
		_, err := f.Apply(t.Context(), changed, deploy.ApplyOptions{Live: live, DryRun: dry, MetadataOnly: !dry})
		var conflict *deploy.ConflictError
		if !errors.As(err, &conflict) {
			t.Fatalf("error %v", err)
		}
		want := &deploy.ConflictError{Ref: o.Ref, Conflicts: []deploy.Conflict{{Manager: "autoscaler", Field: "data.a"}}}
		if diff := cmp.Diff(want, conflict); diff != "" {
			t.Error(diff)
		}
	}
	live, err := f.Apply(t.Context(), changed, deploy.ApplyOptions{Live: live, TakeConflicts: true})
	if err != nil || nested(live, "data", "a") != "2" {
		t.Errorf("taken by force: %v, %v", live["data"], err)
	}
}

// patchAs changes an object as another field manager.
func (f *fixture) patchAs(manager string, ref manifest.Ref, patch string, subresources ...string) {
	f.t.Helper()
	r, err := f.resourceOf(f.t.Context(), ref)
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := f.objects(r, ref.Namespace).Patch(f.t.Context(), ref.Name, types.MergePatchType, []byte(patch),
		metav1.PatchOptions{FieldManager: manager}, subresources...); err != nil {
		f.t.Fatal(err)
	}
}

const workload = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 0
  selector: {matchLabels: {app: %s}}
  template:
    metadata: {labels: {app: %s}}
    spec: {containers: [{name: web, image: "web:1"}]}
`

func TestAnImmutableFieldIsNamed(t *testing.T) {
	f := newFixture(t)
	for _, test := range []struct {
		name, before, after string
		fields              []string
	}{
		{"the selector of a Deployment", fmt.Sprintf(workload, "web", "web"), fmt.Sprintf(workload, "other", "other"), []string{"spec.selector"}},
		{
			"the cluster IP of a Service",
			`{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {clusterIP: 10.0.77.78, ports: [{port: 80}]}}`,
			`{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {clusterIP: 10.0.77.77, ports: [{port: 80}]}}`,
			[]string{"spec.clusterIPs[0]"},
		},
		{
			"the type of a Secret",
			`{apiVersion: v1, kind: Secret, metadata: {name: s}, type: Opaque, stringData: {a: secret-value}}`,
			`{apiVersion: v1, kind: Secret, metadata: {name: s}, type: other, stringData: {a: secret-value}}`,
			[]string{"type"},
		},
		{
			"the template of a Job",
			`{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: a, image: "a:1"}]}}}}`,
			`{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {suspend: true, parallelism: 2, template: {spec: {restartPolicy: OnFailure, containers: [{name: a, image: "a:2"}]}}}}`,
			[]string{"spec.template.spec"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			live := f.apply(test.before)
			o := f.object(test.after)
			for _, dry := range []bool{true, false} {
				_, err := f.Apply(t.Context(), o, deploy.ApplyOptions{Live: live, DryRun: dry, MetadataOnly: !dry})
				var immutable *deploy.ImmutableError
				if !errors.As(err, &immutable) {
					t.Fatalf("error %v", err)
				}
				if diff := cmp.Diff(test.fields, immutable.Fields); diff != "" {
					t.Error(diff)
				}
			}
			uid := nested(live, "metadata", "uid")
			var immutable *deploy.ImmutableError
			if _, err := f.Replace(t.Context(), o, live); !errors.As(err, &immutable) {
				t.Fatalf("replace: %v", err)
			}
			recreated, err := f.Recreate(t.Context(), o, live)
			if err != nil {
				t.Fatalf("recreate: %v", err)
			}
			if nested(recreated, "metadata", "uid") == uid {
				t.Error("it is the same object still")
			}
		})
	}
}

func TestAnObjectThatIsNotAcceptedIsRejected(t *testing.T) {
	f := newFixture(t)
	if _, err := f.kubernetes.CoreV1().ResourceQuotas(f.namespace).Create(t.Context(), &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "none"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"count/services": quantity.MustParse("0")}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, document, reason string }{
		{"a value of the wrong type", `{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: 1}}`, "Invalid"},
		{"a name that is none", `{apiVersion: v1, kind: ConfigMap, metadata: {name: X}}`, "Invalid"},
		{"an object over the quota", `{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {ports: [{port: 80}]}}`, "Forbidden"},
		{"an object that is too large", `{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: "` + strings.Repeat("x", 1<<20+1) + `"}}`, "Invalid"},
		{"a request that is too large", `{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: "` + strings.Repeat("x", 4<<20) + `"}}`, "RequestEntityTooLarge"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := f.object(test.document)
			for _, live := range []deploy.Live{nil, {}} {
				_, err := f.Apply(t.Context(), o, deploy.ApplyOptions{Live: live, MetadataOnly: true})
				var rejected *deploy.RejectedError
				if !errors.As(err, &rejected) {
					t.Fatalf("error %T %v", err, err)
				}
				if rejected.Reason != test.reason || rejected.Ref != o.Ref {
					t.Errorf("reason %q of %v", rejected.Reason, rejected.Ref)
				}
			}
		})
	}
	t.Run("an object in a namespace that is not there", func(t *testing.T) {
		o := f.object(fmt.Sprintf(settings, "1"))
		o.Namespace = "nowhere"
		_, err := f.Apply(t.Context(), o, deploy.ApplyOptions{})
		var rejected *deploy.RejectedError
		if !errors.As(err, &rejected) || rejected.Reason != "NotFound" {
			t.Errorf("error %v", err)
		}
	})
}

func TestNoErrorQuotesASecret(t *testing.T) {
	f := newFixture(t)
	const canary = "87654321012345"
	for _, document := range []string{
		`{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {a: ` + canary + `}}`,
		`{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: ` + canary + `}}`,
		`{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: "*` + canary + `"}}`,
	} {
		o := f.object(document)
		for _, options := range []deploy.ApplyOptions{{}, {CreateOnly: true}, {DryRun: true}} {
			_, err := f.Apply(t.Context(), o, options)
			if err == nil {
				t.Errorf("%s is accepted", document)
				continue
			}
			for ; err != nil; err = errors.Unwrap(err) {
				if strings.Contains(err.Error(), canary) {
					t.Errorf("%T quotes it: %v", err, err)
				}
			}
		}
	}
}

func TestAMissingPermissionIsNamed(t *testing.T) {
	f := newFixture(t)
	o := f.object(fmt.Sprintf(settings, "1"))
	for _, test := range []struct{ rule, verb string }{
		{"get core configmaps", "patch"},
		{"patch core configmaps", "create"},
	} {
		other := f.as("user-"+test.verb, test.rule)
		_, err := other.Apply(t.Context(), o, deploy.ApplyOptions{})
		var forbidden *deploy.ForbiddenError
		if !errors.As(err, &forbidden) {
			t.Fatalf("error %v", err)
		}
		if forbidden.Verb != test.verb || forbidden.Resource != "configmaps" || forbidden.Namespace != f.namespace {
			t.Errorf("with %q: %v", test.rule, err)
		}
	}
}

func TestWritesOfOneObjectAtOnceAllSucceed(t *testing.T) {
	f := newFixture(t)
	errs := make(chan error)
	for i := range 8 {
		go func() {
			o := f.object(fmt.Sprintf(settings, fmt.Sprint(i)))
			_, err := f.Apply(context.WithoutCancel(t.Context()), o, deploy.ApplyOptions{})
			errs <- err
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestADeletionThatFindsNothingIsNoError(t *testing.T) {
	f := newFixture(t)
	live := f.apply(fmt.Sprintf(settings, "1"))
	ref := f.object(fmt.Sprintf(settings, "1")).Ref
	if err := f.Delete(t.Context(), ref, deploy.DeleteOptions{UID: "another"}); err != nil || f.live(ref) == nil {
		t.Errorf("one of another UID: %v", err)
	}
	for range 2 {
		if err := f.Delete(t.Context(), ref, deploy.DeleteOptions{UID: nested(live, "metadata", "uid").(string)}); err != nil {
			t.Error(err)
		}
	}
	if f.live(ref) != nil {
		t.Error("it is there")
	}
	ref.Kind = "Nothing"
	if err := f.Delete(t.Context(), ref, deploy.DeleteOptions{}); err != nil {
		t.Errorf("a kind that is not served: %v", err)
	}
}

func TestReplaceLeavesNothingOfTheFormerObject(t *testing.T) {
	f := newFixture(t)
	live := f.apply(fmt.Sprintf(settings, "1"))
	f.patchAs("someone", f.object(fmt.Sprintf(settings, "1")).Ref, `{"data": {"more": "x"}}`)
	replaced, err := f.Replace(t.Context(), f.object(fmt.Sprintf(settings, "2")), live)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"a": "2", "b": "1"}, replaced["data"]); diff != "" {
		t.Error(diff)
	}
	if nested(replaced, "metadata", "uid") != nested(live, "metadata", "uid") {
		t.Error("it is another object")
	}
	// And the next apply holds all of it.
	live = f.apply(`{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {c: "3"}}`)
	if diff := cmp.Diff(map[string]any{"c": "3"}, live["data"]); diff != "" {
		t.Error(diff)
	}
	if got := managersOf(live); !slices.Equal(got, []string{"helm Apply"}) {
		t.Errorf("managers %v", got)
	}
}

func TestANamespaceIsEnsured(t *testing.T) {
	f := newFixture(t)
	name := f.namespace + "-more"
	for range 2 {
		if err := f.EnsureNamespace(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	namespace, err := f.kubernetes.CoreV1().Namespaces().Get(t.Context(), name, metav1.GetOptions{})
	if err != nil || namespace.Labels["name"] != name {
		t.Errorf("%v, %v", namespace, err)
	}
	other := f.as("reader", "get core configmaps")
	var forbidden *deploy.ForbiddenError
	if err := other.EnsureNamespace(t.Context(), name+"x"); !errors.As(err, &forbidden) || forbidden.Resource != "namespaces" {
		t.Errorf("error %v", err)
	}
	if err := f.kubernetes.CoreV1().Namespaces().Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
}
