package jenkins

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/chart/yaml"
	"github.com/e6d26078/slipway/cmd/internal/cli"
)

var (
	commandLine = regexp.MustCompile("slipway ((?:rollout|upgrade|plan|apply)[^\n|`;']*)")
	longFlag    = regexp.MustCompile(`--([a-z-]+)`)
)

// TestSnippetsNameCommandsAndFlagsThatThereAre looks at each command line of the
// snippets and of their page.
func TestSnippetsNameCommandsAndFlagsThatThereAre(t *testing.T) {
	files, err := filepath.Glob("snippets/*.yaml")
	if err != nil || len(files) != 2 {
		t.Fatalf("%v %v", files, err)
	}
	found := 0
	for _, name := range append(files, "../../docs/jenkins.md") {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".yaml") {
			if _, err := yaml.DecodeMap(data); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, line := range commandLine.FindAllStringSubmatch(string(data), -1) {
			found++
			cmd, _, err := cli.Command().Find(strings.Fields(line[1]))
			if err != nil || cmd.HasSubCommands() && cmd.Name() != "rollout" {
				t.Errorf("%s: %s: %v", name, line[0], err)
				continue
			}
			for _, flag := range longFlag.FindAllStringSubmatch(line[1], -1) {
				if cmd.Flag(flag[1]) == nil {
					t.Errorf("%s: %s: %s has no --%s", name, line[0], cmd.CommandPath(), flag[1])
				}
			}
		}
	}
	if found < 8 {
		t.Errorf("only %d command lines were found", found)
	}
}
