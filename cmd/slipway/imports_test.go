package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/e6d26078/slipway/"

// deps lists the packages that a package is built from, itself left out.
func deps(t *testing.T, pkg string) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", module+pkg).Output()
	if err != nil {
		t.Fatalf("go list -deps %s: %v", pkg, err)
	}
	list := strings.Fields(string(out))
	return slices.DeleteFunc(list, func(p string) bool { return p == module+pkg })
}

func ours(list []string) []string {
	var names []string
	for _, p := range list {
		if name, ok := strings.CutPrefix(p, module); ok {
			names = append(names, name)
		}
	}
	return names
}

func TestPackagesImportOnlyWhatTheArchitectureAllows(t *testing.T) {
	allowed := map[string][]string{
		"chart":                 {"chart/yaml", "chart/internal"},
		"chart/yaml":            {"chart/yaml/internal"},
		"chart/values/schema":   {},
		"chart/values":          {"chart", "chart/values/schema"},
		"engine":                {"chart", "engine/internal"},
		"engine/internal/tmpl":  {"chart/yaml", "engine/internal"},
		"release/manifest":      {"chart/yaml"},
		"engine/lint":           {"chart", "engine", "release/manifest"},
		"engine/why":            {"chart", "engine", "release/manifest"},
		"release":               {"chart", "release/manifest", "release/internal"},
		"release/plan":          {"chart/yaml", "release/manifest"},
		"release/rollout":       {},
		"release/policy":        {"chart/yaml", "release/manifest", "release/internal"},
		"repo":                  {"chart", "repo/internal"},
		"repo/oci":              {"chart"},
		"repo/server":           {"repo", "chart", "provenance", "docs/schema"},
		"release/derive":        {"chart/yaml", "release/manifest", "release/rollout", "release/internal"},
		"release/deploy":        {"chart", "engine", "release", "release/manifest", "release/plan", "release/derive", "release/rollout", "release/internal"},
		"release/analysis":      {"chart", "engine", "release", "release/manifest", "release/plan", "release/derive", "release/rollout", "release/deploy", "release/internal"},
		"release/notify":        {"release/rollout", "release/internal"},
		"provenance":            {},
		"release/policy/rego":   {"chart/yaml", "release/manifest", "release/policy", "release/internal"},
		"release/policy/origin": {"chart", "engine", "release/manifest", "release/policy", "release/internal"},
		"release/sqlstore":      {"chart", "release", "release/manifest", "release/internal"},
	}
	for pkg, prefixes := range allowed {
		for _, dep := range ours(deps(t, pkg)) {
			fits := func(prefix string) bool { return dep == prefix || strings.HasPrefix(dep, prefix+"/") }
			if !slices.ContainsFunc(prefixes, fits) {
				t.Errorf("%s imports %s: see ARCHITECTURE.md for who may import whom", pkg, dep)
			}
		}
	}
}

// TestOnlyTheClusterPackagesSpeakToKubernetes holds that everything else can be
// used, and tested, without a Kubernetes client.
func TestOnlyTheClusterPackagesSpeakToKubernetes(t *testing.T) {
	for _, pkg := range []string{"release", "release/plan", "release/deploy", "release/deploy/permission"} {
		for _, dep := range deps(t, pkg) {
			if strings.HasPrefix(dep, "k8s.io/client-go") || strings.HasPrefix(dep, "k8s.io/cli-runtime") {
				t.Errorf("%s imports %s", pkg, dep)
			}
		}
	}
	for _, pkg := range []string{"release/deploy", "release/cluster", "engine"} {
		for _, dep := range ours(deps(t, pkg)) {
			if strings.HasPrefix(dep, "cmd") || dep == "release/sqlstore" || dep == "release/cluster/clustertest" {
				t.Errorf("%s imports %s", pkg, dep)
			}
		}
	}
}

// TestSlipwayIsLinkedWithoutAClientOfKubernetes holds what makes it small: see
// ARCHITECTURE.md. What needs one is in slipway-cluster.
func TestSlipwayIsLinkedWithoutAClientOfKubernetes(t *testing.T) {
	heavy := func(dep string) bool {
		if rest, ok := strings.CutPrefix(dep, "k8s.io/client-go/"); ok {
			return rest != "util/jsonpath" && rest != "third_party/forked/golang/template"
		}
		for _, prefix := range []string{
			"k8s.io/api/", "k8s.io/cli-runtime", "k8s.io/apimachinery/pkg/apis", "github.com/fluxcd/cli-utils", "github.com/open-policy-agent",
			module + "release/cluster", module + "release/sqlstore", module + "repo/server", module + "cmd/internal/backend",
		} {
			if strings.HasPrefix(dep, prefix) {
				return true
			}
		}
		return false
	}
	for _, dep := range deps(t, "cmd/slipway") {
		if heavy(dep) {
			t.Errorf("cmd/slipway is linked with %s", dep)
		}
	}
	if !slices.ContainsFunc(deps(t, "cmd/slipway-cluster"), heavy) {
		t.Error("cmd/slipway-cluster has no client of Kubernetes")
	}
}

// TestTheMachineOfRolloutsNeedsTheStandardLibraryAlone holds that it is pure: it
// cannot reach a cluster, a file or the network.
func TestTheMachineOfRolloutsNeedsTheStandardLibraryAlone(t *testing.T) {
	for _, dep := range deps(t, "release/rollout") {
		if strings.Contains(strings.SplitN(dep, "/", 2)[0], ".") || dep == "net" || dep == "os/exec" {
			t.Errorf("release/rollout imports %s", dep)
		}
	}
}

func TestLibraryPackagesStayLight(t *testing.T) {
	const most = 60
	for _, pkg := range []string{"chart", "chart/values", "engine", "engine/lint", "engine/why", "release/manifest", "release/plan", "provenance"} {
		thirdParty := 0
		for _, dep := range deps(t, pkg) {
			if strings.HasPrefix(dep, module) {
				continue
			}
			if strings.Contains(strings.SplitN(dep, "/", 2)[0], ".") {
				thirdParty++
			}
			if dep == "net/http" || strings.HasPrefix(dep, "k8s.io/") {
				t.Errorf("%s imports %s", pkg, dep)
			}
		}
		if thirdParty > most {
			t.Errorf("%s imports %d third-party packages, at most %d are allowed", pkg, thirdParty, most)
		}
	}
}
