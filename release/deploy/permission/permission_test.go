package permission

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/discovery"

	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/manifest"
)

// TestKindsAreThoseOfKubernetes compares the table of kinds with what an API server serves.
func TestKindsAreThoseOfKubernetes(t *testing.T) {
	c := clustertest.Shared(t)
	client, err := discovery.NewDiscoveryClientForConfig(c.RESTConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	_, served, err := client.ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	known := knownKinds()
	seen := 0
	for _, list := range served {
		group, _, found := strings.Cut(list.GroupVersion, "/")
		if !found {
			group = ""
		}
		for _, r := range list.APIResources {
			// Reviews and evictions are asked, not kept.
			if strings.Contains(r.Name, "/") || !slices.Contains(r.Verbs, "patch") || strings.HasPrefix(group, "internal.") || strings.HasSuffix(group, ".kwok.x-k8s.io") {
				continue
			}
			seen++
			got, found := known[groupKind{group, r.Kind}]
			want := resource{group: group, kind: r.Kind, name: r.Name, namespaced: r.Namespaced}
			if !found {
				// By the convention for kinds that are not known.
				got = resource{group: group, kind: r.Kind, name: pluralOf(r.Kind), namespaced: true}
			}
			if got != want {
				t.Errorf("%s of %q: got %+v, want %+v", r.Kind, group, got, want)
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d kinds are served", seen)
	}
}

func TestRulesSayWhatACommandNeeds(t *testing.T) {
	chart := Chart{
		Objects: decoded(t, `
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: a}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
`),
		Hooks: []manifest.Hook{
			{Name: "before", Events: []manifest.Event{manifest.PreInstall}, Manifest: "apiVersion: batch/v1\nkind: Job\nmetadata: {name: before}\n"},
			{Name: "account", Events: []manifest.Event{manifest.PreUpgrade}, Manifest: "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: account}\n"},
		},
	}
	tests := []struct {
		name    string
		command Command
		options Options
		want    string // group/resource: verbs, needed ones
	}{
		{"list reads metadata", List, Options{}, "secrets list"},
		{"records may be in ConfigMaps", Get, Options{Records: ConfigMaps}, "configmaps get,list"},
		{"records in a database need nothing", Get, Options{Records: Database}, ""},
		{"status reads records", Status, Options{}, "secrets get,list"},
		{"status with resources reads objects and pods", Status, Options{ShowResources: true},
			"secrets get,list configmaps get persistentvolumeclaims get deployments.apps get pods list"},
		{"drift reads objects", Drift, Options{}, "secrets get,list configmaps get persistentvolumeclaims get deployments.apps get"},
		{"recover takes the lock", Recover, Options{}, "secrets get,list,update leases.coordination.k8s.io get,create,update"},
		{"install creates objects and runs its hooks", Install, Options{},
			"secrets get,list,create,update leases.coordination.k8s.io get,create,update,delete configmaps get,create,patch " +
				"persistentvolumeclaims get,create,patch deployments.apps get,create,patch jobs.batch get,list,watch,create,delete"},
		{"upgrade deletes what is wanted no more", Upgrade, Options{},
			"secrets get,list,create,update,delete leases.coordination.k8s.io get,create,update configmaps get,create,patch,delete " +
				"persistentvolumeclaims get,create,patch,delete deployments.apps get,create,patch,delete serviceaccounts get,list,watch,create,delete"},
		{"waiting watches what may be not ready", Rollback, Options{Wait: true},
			"secrets get,list,create,update,delete leases.coordination.k8s.io get,create,update configmaps get,create,patch,delete " +
				"persistentvolumeclaims get,list,watch,create,patch,delete deployments.apps get,list,watch,create,patch,delete"},
		{"uninstall creates nothing", Uninstall, Options{},
			"secrets get,list,update,delete leases.coordination.k8s.io get,create,update,delete configmaps get,delete " +
				"persistentvolumeclaims get,delete deployments.apps get,delete"},
		{"force replaces", Rollback, Options{Force: true},
			"secrets get,list,create,update,delete leases.coordination.k8s.io get,create,update configmaps get,create,update,patch,delete " +
				"persistentvolumeclaims get,create,update,patch,delete deployments.apps get,create,update,patch,delete"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, needed(t, test.command, chart, test.options)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRulesOfRollouts(t *testing.T) {
	chart := Chart{
		Objects: decoded(t, `
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
---
apiVersion: v1
kind: Service
metadata: {name: a}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a}
`),
		Hooks: []manifest.Hook{
			{Name: "before", Events: []manifest.Event{manifest.PreUpgrade}, Manifest: "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: before}\n"},
			{Name: "tried", Events: []manifest.Event{manifest.Test}, Manifest: "apiVersion: v1\nkind: Pod\nmetadata: {name: tried}\n"},
		},
	}
	const takeBack = "secrets get,list,create,update,delete leases.coordination.k8s.io get,create,update " +
		"configmaps get,create,patch,delete services get,create,patch,delete deployments.apps get,list,watch,create,patch,delete " +
		"httproutes.gateway.networking.k8s.io get,list,watch,create,patch,delete "
	tests := []struct {
		command Command
		options Options
		want    string // needed ones
	}{
		{RolloutStatus, Options{}, "secrets get,list services get deployments.apps get pods list endpointslices.discovery.k8s.io list"},
		{RolloutStatus, Options{Records: ConfigMaps}, "configmaps list secrets get,list services get deployments.apps get pods list endpointslices.discovery.k8s.io list"},
		{RolloutAbort, Options{}, takeBack + "pods list endpointslices.discovery.k8s.io list replicasets.apps list"},
		{Guard, Options{}, takeBack + "pods get,list,watch,create,delete endpointslices.discovery.k8s.io list replicasets.apps list"},
		{RolloutPromote, Options{}, takeBack + "pods get,list,watch,create,delete endpointslices.discovery.k8s.io list replicasets.apps list " +
			"cronjobs.batch get,list,watch,create,delete"},
		{RolloutStart, Options{}, strings.Replace(takeBack, "services get,", "services get,list,", 1) +
			"pods get,list,watch,create,delete endpointslices.discovery.k8s.io list replicasets.apps list cronjobs.batch get,list,watch,create,delete " +
			"horizontalpodautoscalers.autoscaling list poddisruptionbudgets.policy list resourcequotas list"},
		{RolloutAbort, Options{Records: Database}, strings.Replace(takeBack, "secrets get,list,create,update,delete leases.coordination.k8s.io get,create,update",
			"leases.coordination.k8s.io get,create,update secrets get,list,update,delete", 1) + "pods list endpointslices.discovery.k8s.io list replicasets.apps list"},
	}
	for _, test := range tests {
		t.Run(string(test.command)+" "+string(test.options.Records), func(t *testing.T) {
			if diff := cmp.Diff(test.want, needed(t, test.command, chart, test.options)); diff != "" {
				t.Error(diff)
			}
		})
	}
	// Whoever only reads gets no right to read Secrets for the sake of rollouts.
	if got := needed(t, Viewer, chart, Options{Records: ConfigMaps}); strings.Contains(got, "secrets") {
		t.Errorf("a viewer may do %s", got)
	}
	if got := needed(t, Viewer, chart, Options{}); !strings.Contains(got, "endpointslices") {
		t.Errorf("a viewer of rollouts may do only %s", got)
	}
}

func TestNoRuleIsThereTwice(t *testing.T) {
	for _, command := range Commands() {
		rules, err := Rules(command, Chart{Objects: decoded(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n")}, Options{Wait: true, Atomic: true, Force: true})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, r := range rules {
			for _, verb := range r.Verbs {
				about := r.Group + "/" + r.Resource + " " + verb
				if r.Everywhere {
					about += " everywhere"
				}
				if seen[about] {
					t.Errorf("%s: %s is there twice", command, about)
				}
				seen[about] = true
			}
		}
	}
}

func TestAnUnknownCommandIsAnError(t *testing.T) {
	_, err := Rules("fly", Chart{}, Options{})
	if unknown, ok := errors.AsType[*UnknownCommandError](err); !ok || unknown.Command != "fly" {
		t.Errorf("got %v", err)
	}
}

func TestAHookThatIsNoYAMLIsAnError(t *testing.T) {
	_, err := Rules(Install, Chart{Hooks: []manifest.Hook{{Name: "h", Path: "web/h.yaml", Events: []manifest.Event{manifest.PreInstall}, Manifest: "a: b: c"}}}, Options{})
	if err == nil || !strings.Contains(err.Error(), "read hook h (web/h.yaml)") {
		t.Errorf("got %v", err)
	}
}

// needed are the rules that a command cannot do without: "pods list secrets get,list".
func needed(t *testing.T, command Command, chart Chart, options Options) string {
	t.Helper()
	rules, err := Rules(command, chart, options)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range rules {
		if r.Optional {
			continue
		}
		name := r.Resource
		if r.Group != "" {
			name += "." + r.Group
		}
		all = append(all, name+" "+strings.Join(r.Verbs, ","))
	}
	return strings.Join(all, " ")
}

func decoded(t *testing.T, text string) []manifest.Object {
	t.Helper()
	all, err := manifest.Objects(text)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
