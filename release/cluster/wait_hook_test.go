package cluster

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

func TestAHookIsWaitedForToItsEnd(t *testing.T) {
	t.Parallel()
	const pod = "{apiVersion: v1, kind: Pod, metadata: {name: hook, annotations: {slipway.dev/stage: %}}, spec: {restartPolicy: Never, containers: [{name: main, image: a}]}}"
	tests := []struct {
		name, document string
		want           string // of the error
		detail         string // a part of it
	}{
		{"a Job that completes", jobOf("hook", "complete", ""), "", ""},
		{"a Pod that succeeds", strings.Replace(pod, "%", "complete", 1), "", ""},
		{"a ConfigMap", "{apiVersion: v1, kind: ConfigMap, metadata: {name: hook}}", "", ""},
		{"a Job that fails", jobOf("hook", "fail", `, slipway.dev/logs: "migration 7 is broken"`), "backoff limit", "migration 7 is broken"},
		{"a Pod that fails", strings.Replace(pod, "%", "fail", 1), "exit code 1", ""},
		{"a Job whose image cannot be pulled", jobOf("hook", "image-pull", ""), "ImagePullBackOff", "Failed to pull image"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			hook := r.install(t, tt.document)[0]
			err := r.waitHook(r.ctx, hook, deploy.WaitOptions{Jobs: true, Settle: settle})
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var e *deploy.HookFailedError
			if !errors.As(err, &e) || e.Ref != hook.Ref || !strings.Contains(e.Message, tt.want) {
				t.Fatalf("got %v, want that the hook failed: %s", err, tt.want)
			}
			if detail := strings.Join(e.Detail, "\n"); !strings.Contains(detail, tt.detail) {
				t.Errorf("the detail does not say %q:\n%s", tt.detail, detail)
			}
		})
	}
}

func TestAHookThatTakesTooLong(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hook := r.install(t, jobOf("hook", "never-ready", ""))[0]
	ctx, cancel := context.WithTimeout(r.ctx, time.Second)
	defer cancel()
	got := wantNotReady(t, r.WaitHook(ctx, hook, nil), true, "")
	if got.Message != "0 of 1 completions" {
		t.Errorf("got %s", got.Message)
	}
}

func TestLogsOfAHook(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hooks := r.install(t, jobOf("hook", "complete", `, slipway.dev/logs: "one\ntwo \e[31mred"`),
		"{apiVersion: v1, kind: Pod, metadata: {name: pair, annotations: {slipway.dev/stage: complete, slipway.dev/logs: said}}, spec: {restartPolicy: Never, containers: [{name: a, image: a}, {name: b, image: b}]}}",
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: hook}}")
	for i, want := range []string{"one\ntwo [31mred\n", "==> pod pair, container a <==\nsaid\n==> pod pair, container b <==\nsaid\n", ""} {
		if err := r.WaitHook(r.ctx, hooks[i], nil); err != nil {
			t.Fatal(err)
		}
		got, err := r.Logs(r.ctx, hooks[i])
		if err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", hooks[i].Ref, got, err, want)
		}
	}
}

func TestLogsAreMaskedOrLeftOut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hooks := r.install(t, "{apiVersion: v1, kind: Secret, metadata: {name: login}, stringData: {password: correct-horse}}",
		"{apiVersion: v1, kind: Pod, metadata: {name: hook, annotations: {slipway.dev/stage: complete, slipway.dev/logs: login with correct-horse}}, spec: {restartPolicy: Never, containers: [{name: main, image: a, env: [{name: P, valueFrom: {secretKeyRef: {name: login, key: password}}}]}]}}")
	if err := r.WaitHook(r.ctx, hooks[1], nil); err != nil {
		t.Fatal(err)
	}
	got, err := r.Logs(r.ctx, hooks[1])
	if err != nil || got != "login with ***\n" {
		t.Errorf("got %q, %v", got, err)
	}

	r.install(t,
		"{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: logs}, rules: [{apiGroups: [''], resources: [pods, pods/log], verbs: [get, list]}]}",
		"{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: logs}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: logs}, subjects: [{kind: User, name: viewer, apiGroup: rbac.authorization.k8s.io}]}")
	viewer := r.as(t, "viewer")
	awaitRights(t, viewer.Client, Permission{Verb: "list", Resource: "pods", Namespace: r.namespace}, Permission{Verb: "get", Resource: "pods", Subresource: "log", Namespace: r.namespace})
	got, err = viewer.Logs(r.ctx, hooks[1])
	var forbidden *deploy.ForbiddenError
	if got != "" || !errors.As(err, &forbidden) || forbidden.Resource != "secrets" || forbidden.Name != "login" {
		t.Errorf("got %q, %v, want that the Secret must not be read", got, err)
	}
}

func TestWhatIsGoneIsNotWaitedForAnyMore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	objects := r.install(t, playing("web", "slow-deletion", 2), "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}", "{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}")
	if err := r.Wait(r.ctx, objects, deploy.WaitOptions{}); err != nil {
		t.Fatal(err)
	}
	refs := []manifest.Ref{{APIVersion: "example.com/v1", Kind: "Unknown", Namespace: r.namespace, Name: "never"}}
	for _, o := range objects {
		refs = append(refs, o.Ref)
		options := deploy.DeleteOptions{}
		if o.Kind == "Deployment" {
			options.Propagation = "Foreground"
		}
		if err := r.Delete(r.ctx, o.Ref, options); err != nil {
			t.Fatal(err)
		}
	}
	r.requests.taken()
	if err := r.WaitGone(r.ctx, refs); err != nil {
		t.Fatal(err)
	}
	wantRequests(t, r.requests.taken(), "list deployments", "watch deployments", "list configmaps")
}

func TestWhatHasBeenMadeAnewIsGone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const document = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, finalizers: [example.com/hold]}}"
	old := r.install(t, document)[0]
	if err := r.Delete(r.ctx, old.Ref, deploy.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(r.ctx, time.Second)
	defer cancel()
	got := wantNotReady(t, r.WaitGone(ctx, []manifest.Ref{old.Ref}), true, "Finalizers")
	if want := "it is being deleted and waits for its finalizers: example.com/hold"; got.Message != want {
		t.Errorf("got %q, want %q", got.Message, want)
	}

	ended := make(chan error, 1)
	r.requests.taken()
	go func() { ended <- r.WaitGone(r.ctx, []manifest.Ref{old.Ref}) }()
	r.untilAsked(t, "watch configmaps")
	r.patch(t, old.Ref, `{"metadata":{"finalizers":null}}`)
	r.install(t, strings.Replace(document, "finalizers: [example.com/hold]", "labels: {new: 'true'}", 1))
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestAnObjectWithAnotherUIDIsNotTheOneThatIsWaitedFor(t *testing.T) {
	t.Parallel()
	ref := manifest.Ref{APIVersion: "v1", Kind: "ConfigMap", Namespace: "ns", Name: "a"}
	withUID := func(uid string) *unstructured.Unstructured {
		return object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, uid: id-"+uid+"}}")
	}
	l := &leaving{refs: []manifest.Ref{ref}, left: map[string]left{"a": {ref: ref}}}
	l.take(change{listed: &listing{objects: []unstructured.Unstructured{*withUID("1")}}})
	l.take(change{updated: withUID("1")})
	if len(l.left) != 1 {
		t.Fatal("it is taken for gone while it is there")
	}
	l.take(change{listed: &listing{objects: []unstructured.Unstructured{*withUID("2")}}})
	if len(l.left) != 0 {
		t.Error("its successor is taken for it")
	}
}

// untilAsked waits until a request has been sent.
func (r *rig) untilAsked(t *testing.T, request string) {
	t.Helper()
	for r.requests.seen(request) == 0 {
		select {
		case <-r.ctx.Done():
			t.Fatalf("no %s", request)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
