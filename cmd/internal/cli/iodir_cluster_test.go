package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/e6d26078/slipway/release/cluster/clustertest"
)

// TestPipelines runs testdata/pipeline against a real control plane, each script
// with the chart of TestRollouts. Beside the commands of TestDeploying there are
//
//	valid SCHEMA [-lines] FILE   a file, or each of its lines, is as a schema in docs/schema says
//	await PATTERN FILE           until the file holds it
func TestPipelines(t *testing.T) {
	runOnCluster(t, "testdata/pipeline", clusterScripts{
		commands: func(scriptObjects) scriptCommands { return scriptCommands{"valid": validFile, "await": awaitText} },
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

func validFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: valid SCHEMA [-lines] FILE")
	}
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(sourceFolder, "../../../docs/schema", args[0]))
	ts.Check(err)
	data := []byte(ts.ReadFile(args[len(args)-1]))
	parts := [][]byte{data}
	if args[1] == "-lines" {
		parts = bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	}
	for _, part := range parts {
		var document any
		ts.Check(json.Unmarshal(part, &document))
		if err := schema.Validate(document); err != nil {
			ts.Fatalf("%s: %v", part, err)
		}
	}
	ts.Logf("%d documents are valid", len(parts))
}

// sourceFolder is the folder of the package: scripts run elsewhere.
var sourceFolder, _ = filepath.Abs(".")

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
