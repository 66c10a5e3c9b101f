package deploy_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

const parcels = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: parcels.GROUP.example.test
spec:
  group: GROUP.example.test
  scope: Namespaced
  names: {kind: Parcel, plural: parcels}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object}}
`

// TestADefinitionThatMovesToItsFolderStays has a chart move a definition from
// its templates to its crds folder, and back: the objects of the kind are kept.
// #DIFFERS Helm deletes the definition, and all of them with it.
func TestADefinitionThatMovesToItsFolderStays(t *testing.T) {
	t.Parallel()
	api := clustertest.Start(t) // definitions are nobody's namespace's
	config := configFor(t, api.RESTConfig(t), api.Namespace(t))
	charts := func(group string) (templated, moved *chart.Chart) {
		text := strings.ReplaceAll(parcels, "GROUP", group)
		moved = chartOf("")
		moved.Files = []*chart.File{{Name: "crds/parcels.yaml", Data: []byte(text)}}
		return chartOf(text), moved
	}
	there := func(group string) bool {
		ref := manifest.Ref{APIVersion: "apiextensions.k8s.io/v1", Kind: "CustomResourceDefinition", Name: "parcels." + group + ".example.test"}
		live, err := config.Cluster.Read(background, []manifest.Ref{ref})
		if err != nil {
			t.Fatal(err)
		}
		metadata, _ := live[ref]["metadata"].(map[string]any)
		return live[ref] != nil && metadata["deletionTimestamp"] == nil
	}
	for mode, name := range map[deploy.CRDMode]string{deploy.CreateCRDs: "create", deploy.ApplyCRDs: "apply", deploy.SkipCRDs: "skip"} {
		templated, moved := charts(name)
		options := deploy.ChangeOptions{CRDs: mode}
		if _, err := deploy.Install(background, config, name, templated, nil, deploy.InstallOptions{ChangeOptions: options}); err != nil {
			t.Fatal(err)
		}
		if _, err := deploy.Upgrade(background, config, name, moved, nil, deploy.UpgradeOptions{ChangeOptions: options}); err != nil {
			t.Fatal(err)
		}
		if !there(name) {
			t.Errorf("--crds %s: the definition is gone", name)
		}
		if _, err := deploy.Rollback(background, config, name, deploy.RollbackOptions{ChangeOptions: options}); err != nil {
			t.Error(err)
		}
		if _, err := deploy.Rollback(background, config, name, deploy.RollbackOptions{ChangeOptions: options}); err != nil {
			t.Error(err)
		}
		if !there(name) {
			t.Errorf("--crds %s: the definition is gone after rollbacks", name)
		}
	}
	templated, moved := charts("helm")
	helm := func(command string, c *chart.Chart) {
		path, err := chart.SaveFile(c, t.TempDir(), chart.SaveOptions{})
		if err != nil {
			t.Fatal(err)
		}
		output, err := exec.Command(peer(t, "helm3"), command, "helm", path, "-n", config.Namespace, "--kubeconfig", api.Kubeconfig()).CombinedOutput()
		if err != nil {
			t.Fatalf("helm %s: %v\n%s", command, err, output)
		}
	}
	helm("install", templated)
	helm("upgrade", moved)
	if there("helm") {
		t.Error("Helm keeps the definition by now: this is no difference any more")
	}
}
