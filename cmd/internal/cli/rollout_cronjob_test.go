package cli

import (
	"strings"
	"testing"

	"github.com/e6d26078/slipway/release/deploy/permission"
	"github.com/e6d26078/slipway/release/manifest"
)

// TestTheGuardsManifestsHoldTogether holds that each role is bound to the
// account that the CronJob runs as, and that a guard of one namespace has no
// rights outside of it.
func TestTheGuardsManifestsHoldTogether(t *testing.T) {
	rules := []permission.Rule{
		{Group: "apps", Resource: "deployments", Verbs: []string{"get"}, Purpose: "objects of the chart"},
		{Group: "rbac.authorization.k8s.io", Resource: "clusterroles", Verbs: []string{"get"}, Everywhere: true, Purpose: "objects of the chart"},
	}
	for _, test := range []struct {
		name       string
		everywhere bool
		rules      []permission.Rule
		kinds      string
	}{
		{"one namespace", false, rules[:1], "ServiceAccount Role RoleBinding CronJob"},
		{"objects outside namespaces", false, rules, "ServiceAccount Role RoleBinding ClusterRole ClusterRoleBinding CronJob"},
		{"all namespaces", true, rules, "ServiceAccount ClusterRole ClusterRoleBinding CronJob"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := &guardOptions{everywhere: test.everywhere, schedule: "*/5 * * * *", image: "example.test/slipway:1"}
			objects, err := manifest.Objects(guardJobText("prod", "", o, test.rules))
			if err != nil {
				t.Fatal(err)
			}
			var kinds []string
			for _, object := range objects {
				kinds = append(kinds, object.Kind)
				if object.Name != guardName {
					t.Errorf("%s has another name", object.Ref)
				}
				if inside := !strings.HasPrefix(object.Kind, "Cluster"); inside != (object.Namespace == "prod") {
					t.Errorf("%s is in namespace %q", object.Ref, object.Namespace)
				}
				if !strings.HasSuffix(object.Kind, "RoleBinding") {
					continue
				}
				if got := nested(object.Fields, "roleRef", "kind"); got != strings.TrimSuffix(object.Kind, "Binding") {
					t.Errorf("%s binds a %v", object.Ref, got)
				}
				subjects, _ := object.Fields["subjects"].([]any)
				subject, _ := subjects[0].(map[string]any)
				if len(subjects) != 1 || subject["name"] != guardName || subject["namespace"] != "prod" {
					t.Errorf("%s binds %v", object.Ref, subjects)
				}
			}
			if got := strings.Join(kinds, " "); got != test.kinds {
				t.Errorf("there are %s, want %s", got, test.kinds)
			}
		})
	}
}
