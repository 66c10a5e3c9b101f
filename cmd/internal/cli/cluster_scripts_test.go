package cli

import (
	"maps"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/client-go/dynamic"

	"github.com/e6d26078/slipway/release/cluster/clustertest"
)

// scriptCommands are commands of scripts, beside testscript's.
type scriptCommands = map[string]func(*testscript.TestScript, bool, []string)

// clusterScripts is what a folder of scripts has beside what all have that run
// on a control plane.
type clusterScripts struct {
	commands func(objects scriptObjects) scriptCommands
	setup    func(env *testscript.Env, c *clustertest.Cluster) error // nil for none
}

// runOnCluster runs the scripts of a folder against a real control plane. Each
// has a namespace (HELM_NAMESPACE) and another one for Helm (HELMS_OWN).
func runOnCluster(t *testing.T, folder string, scripts clusterScripts) {
	t.Helper()
	c := clustertest.Shared(t)
	peers := peersFolder(t)
	client, err := dynamic.NewForConfig(c.RESTConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	objects := scriptObjects{client}
	commands := scriptCommands{"exits": exits, "valid": validFile, "live": objects.show, "apply": objects.apply, "remove": objects.remove}
	maps.Copy(commands, scripts.commands(objects))
	testscript.Run(t, testscript.Params{
		Dir:  folder,
		Cmds: commands,
		Setup: func(env *testscript.Env) error {
			tb := env.T().(testing.TB)
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("HELM3", filepath.Join(peers, "helm3"))
			env.Setenv("HELM4", filepath.Join(peers, "helm4"))
			env.Setenv("KUBECONFIG", c.Kubeconfig())
			env.Setenv("HELM_NAMESPACE", c.Namespace(tb))
			env.Setenv("HELMS_OWN", c.Namespace(tb))
			if scripts.setup == nil {
				return nil
			}
			return scripts.setup(env, c)
		},
	})
}
