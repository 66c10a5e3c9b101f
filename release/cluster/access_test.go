package cluster

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authorization "k8s.io/api/authorization/v1"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

func TestARuleGrantsAPermission(t *testing.T) {
	pods := Permission{Verb: "get", Resource: "pods", Namespace: "n"}
	for name, test := range map[string]struct {
		rule authorization.ResourceRule
		p    Permission
		want bool
	}{
		"by its words":            {rule("get", "", "pods"), pods, true},
		"by stars":                {rule("*", "*", "*"), pods, true},
		"not of another verb":     {rule("list", "", "pods"), pods, false},
		"not of another group":    {rule("get", "apps", "pods"), pods, false},
		"not of another resource": {rule("get", "", "services"), pods, false},
		"not of a subresource":    {rule("get", "", "pods/log"), pods, false},
		"of a subresource":        {rule("get", "", "pods/log"), Permission{Verb: "get", Resource: "pods", Subresource: "log"}, true},
		"of that of anything":     {rule("get", "", "*/log"), Permission{Verb: "get", Resource: "pods", Subresource: "log"}, true},
		"not a subresource by it": {rule("get", "", "pods"), Permission{Verb: "get", Resource: "pods", Subresource: "log"}, false},
		"all subresources too":    {rule("get", "", "*"), Permission{Verb: "get", Resource: "pods", Subresource: "log"}, true},
		"not of any name":         {rule("get", "", "pods", "a"), pods, false},
		"of its name":             {rule("get", "", "pods", "a"), Permission{Verb: "get", Resource: "pods", Name: "a"}, true},
		"not of another name":     {rule("get", "", "pods", "a"), Permission{Verb: "get", Resource: "pods", Name: "b"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.p.allowedBy([]authorization.ResourceRule{test.rule}); got != test.want {
				t.Errorf("allowed: %v", got)
			}
		})
	}
}

func rule(verb, group, resource string, names ...string) authorization.ResourceRule {
	return authorization.ResourceRule{Verbs: []string{verb}, APIGroups: []string{group}, Resources: []string{resource}, ResourceNames: names}
}

func TestMissingPermissionsAreFoundByOneRequest(t *testing.T) {
	f := newFixture(t)
	user := f.as("checker", "get core configmaps", "create apps deployments")
	in := func(verb, group, resource string) Permission {
		return Permission{Verb: verb, Group: group, Resource: resource, Namespace: f.namespace}
	}
	wanted := []Permission{
		in("patch", "apps", "deployments"), in("get", "", "configmaps"), in("create", "apps", "deployments"),
		in("delete", "", "configmaps"), in("patch", "apps", "deployments"),
	}
	var missing []Permission
	made := user.requests.during(func() {
		var err error
		if missing, err = user.CanI(t.Context(), wanted); err != nil {
			t.Fatal(err)
		}
	})
	if diff := cmp.Diff([]Permission{wanted[0], wanted[3]}, missing); diff != "" {
		t.Error(diff)
	}
	if len(made) != 1 {
		t.Errorf("requests %v", made)
	}

	// What is outside namespaces a role of the namespace does not grant.
	star := f.as("star", "'*' core '*'")
	missing, err := star.CanI(t.Context(), []Permission{
		{Verb: "create", Resource: "namespaces"}, in("create", "", "pods"), in("delete", "", "services"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Permission{{Verb: "create", Resource: "namespaces"}}, missing); diff != "" {
		t.Error(diff)
	}
	admin, err := f.CanI(t.Context(), wanted)
	if err != nil || admin != nil {
		t.Errorf("an admin lacks %v, %v", admin, err)
	}
}

func TestRulesThatTheServerDoesNotKnowAllOfAreAskedForSingly(t *testing.T) {
	s := newScripted(t)
	s.mux.HandleFunc("POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusCreated, `{"kind": "SelfSubjectRulesReview", "apiVersion": "authorization.k8s.io/v1", "status": {
			"incomplete": true, "resourceRules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}], "nonResourceRules": []}}`)
	})
	s.mux.HandleFunc("POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusCreated, `{"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "status": {"allowed": true}}`)
	})
	missing, err := s.client.CanI(t.Context(), []Permission{
		{Verb: "get", Resource: "pods", Namespace: "n"}, {Verb: "list", Resource: "pods", Namespace: "n"},
	})
	if err != nil || missing != nil {
		t.Errorf("missing %v, %v", missing, err)
	}
	if got := s.count("POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews"); got != 1 {
		t.Errorf("%d reviews", got)
	}
}

func TestRightsThatWereAskedForAheadAreNotAskedForAgain(t *testing.T) {
	s := newScripted(t)
	var verbs atomic.Value
	verbs.Store(`"get"`)
	s.mux.HandleFunc("POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusCreated, `{"kind": "SelfSubjectRulesReview", "apiVersion": "authorization.k8s.io/v1", "status": {
			"resourceRules": [{"verbs": [`+verbs.Load().(string)+`], "apiGroups": [""], "resources": ["pods", "services"]}], "nonResourceRules": []}}`)
	})
	missing := func(verb string) []Permission {
		t.Helper()
		missing, err := s.client.CanI(t.Context(), []Permission{
			{Verb: verb, Resource: "pods", Namespace: "n"}, {Verb: verb, Resource: "services", Namespace: "n"},
		})
		if err != nil {
			t.Fatal(err)
		}
		return missing
	}
	asked := func(want int) {
		t.Helper()
		if got := s.count("POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews"); got != want {
			t.Errorf("asked %d times, want %d", got, want)
		}
	}
	ctx, end := context.WithCancel(t.Context())
	s.client.AskRights(ctx, "n")
	if lacks := missing("get"); lacks != nil {
		t.Errorf("missing %v", lacks)
	}
	asked(1)

	// What was not granted may be by now.
	verbs.Store(`"get", "list"`)
	if lacks := missing("list"); lacks != nil {
		t.Errorf("missing %v", lacks)
	}
	asked(2)
	if lacks := missing("delete"); len(lacks) != 2 {
		t.Errorf("missing %v", lacks)
	}

	// What was granted counts as long as whoever asked is at it.
	verbs.Store(`"list"`)
	if lacks := missing("get"); lacks != nil {
		t.Errorf("missing %v", lacks)
	}
	end()
	for range 100 {
		if missing("get") != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("an answer of long ago still counts")
}

func TestRightsThatCannotBeAskedForAheadAreAskedForInTime(t *testing.T) {
	s := newScripted(t)
	var tries atomic.Int32
	s.mux.HandleFunc("POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews", func(w http.ResponseWriter, _ *http.Request) {
		if tries.Add(1) == 1 {
			respond(w, http.StatusForbidden, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403}`)
			return
		}
		respond(w, http.StatusCreated, `{"kind": "SelfSubjectRulesReview", "apiVersion": "authorization.k8s.io/v1", "status": {
			"resourceRules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["*"]}], "nonResourceRules": []}}`)
	})
	s.client.AskRights(t.Context(), "n")
	missing, err := s.client.CanI(t.Context(), []Permission{
		{Verb: "get", Resource: "pods", Namespace: "n"}, {Verb: "get", Resource: "services", Namespace: "n"},
	})
	if err != nil || missing != nil || tries.Load() != 2 {
		t.Errorf("missing %v after %d tries, %v", missing, tries.Load(), err)
	}
}

func TestWhatIsNotAllowedIsNamedBeforehand(t *testing.T) {
	f := newFixture(t)
	f.apply(`{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: named}, rules: [
		{verbs: [create], apiGroups: [""], resources: [configmaps, secrets]},
		{verbs: [patch], apiGroups: [""], resources: [configmaps], resourceNames: [a]},
		{verbs: [patch], apiGroups: [""], resources: [secrets]}]}`)
	f.apply(`{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: named},
		roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: named}, subjects: [{kind: User, name: namer, apiGroup: rbac.authorization.k8s.io}]}`)
	user := f.as("namer", "get core pods")
	refs := func(documents ...string) []manifest.Ref {
		var refs []manifest.Ref
		for _, document := range documents {
			refs = append(refs, f.object(document).Ref)
		}
		return refs
	}
	const a, b = `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}`, `{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}`
	const secret, clusterRole = `{apiVersion: v1, kind: Secret, metadata: {name: s}}`, `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: c}}`
	if err := user.Allowed(t.Context(), append(refs(a, secret), manifest.Ref{APIVersion: "x/v1", Kind: "Nothing"}), "create", "patch"); err != nil {
		t.Errorf("all is allowed: %v", err)
	}
	err := user.Allowed(t.Context(), refs(a, b, clusterRole), "create", "patch")
	want := "no permission to create clusterroles.rbac.authorization.k8s.io in the whole cluster\n" +
		"no permission to patch configmaps in namespace " + f.namespace + "\n" +
		"no permission to patch clusterroles.rbac.authorization.k8s.io in the whole cluster"
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	var forbidden *deploy.ForbiddenError
	if !errors.As(err, &forbidden) {
		t.Errorf("%T", err)
	}
}
