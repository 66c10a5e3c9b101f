package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/e6d26078/slipway/release/cluster/clustertest"
)

// TestPipelines runs testdata/pipeline against a real control plane, each script
// with the chart of TestRollouts. Beside the commands of TestDeploying there is
//
//	await PATTERN FILE           until the file holds it
func TestPipelines(t *testing.T) {
	runOnCluster(t, "testdata/pipeline", clusterScripts{
		commands: func(scriptObjects) scriptCommands { return scriptCommands{"await": awaitText} },
		setup: func(env *testscript.Env, _ *clustertest.Cluster) error {
			for _, f := range txtar.Parse([]byte(rolledChart)).Files {
				name := filepath.Join(env.WorkDir, filepath.FromSlash(f.Name))
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					return err
				}
				if err := os.WriteFile(name, f.Data, 0o644); err != nil {
					return err
				}
			}
			return nil
		},
	})
}

func awaitText(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await PATTERN FILE")
	}
	pattern := regexp.MustCompile(args[0])
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		data, _ := os.ReadFile(ts.MkAbs(args[1]))
		if pattern.Match(data) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s is not in %s: %s", args[0], args[1], data)
		}
	}
}
