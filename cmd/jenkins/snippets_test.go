package jenkins

import (
	"errors"
	"os"
	"os/exec"
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

// TestSnippetsRunAgainWhatMayGoWellLater runs the scripts of the snippets with a
// slipway that ends as a file says, call by call, and a sleep that only notes.
func TestSnippetsRunAgainWhatMayGoWellLater(t *testing.T) {
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("the snippets are for bash")
	}
	scripts := append(scriptsOf(t, "snippets/github.yaml"), scriptsOf(t, "snippets/gitlab.yaml")...)
	if len(scripts) != 6 {
		t.Fatalf("%d scripts: %q", len(scripts), scripts)
	}
	for _, script := range scripts {
		gate := 0
		if strings.Contains(script, "GITHUB_OUTPUT") {
			gate = 10 // this one expects to end at a gate
		}
		for _, test := range []struct {
			ends        string // exit codes of the calls, the last one again and again
			env         string
			code, calls int
			pauses      string
		}{
			{ends: "0", calls: 1},
			{ends: "75 75 0", calls: 3, pauses: "10 20 "},
			{ends: "75", code: 75, calls: 4, pauses: "10 20 40 "},
			{ends: "75", code: 75, calls: 1, env: "SLIPWAY_RETRIES=0"},
			{ends: "75", code: 75, calls: 2, env: "SLIPWAY_RETRIES=1 SLIPWAY_RETRY_PAUSE=3", pauses: "3 "},
			{ends: "3", code: 3, calls: 1},
			{ends: "75 143", code: 143, calls: 2, pauses: "10 "},
		} {
			if gate != 0 {
				test.ends = strings.ReplaceAll(" "+test.ends, " 0", " 10")
			}
			folder := t.TempDir()
			for name, text := range map[string]string{
				"slipway": `echo "$*" >> calls; set -- $ENDS; n=$(wc -l < calls); [ "$n" -gt $# ] && n=$#; shift $((n - 1)); exit "$1"`,
				"sleep":   `printf '%s ' "$1" >> pauses`,
				"jq":      "echo step=1",
			} {
				if err := os.WriteFile(filepath.Join(folder, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command(shell, "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
			cmd.Dir = folder
			cmd.Env = append(strings.Fields(test.env), "PATH="+folder+":"+os.Getenv("PATH"), "ENDS="+test.ends, "RUNNER_TEMP="+folder+"/temp", "GITHUB_OUTPUT="+folder+"/output")
			out, err := cmd.CombinedOutput()
			code := 0
			if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
				code = exit.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			calls, _ := os.ReadFile(filepath.Join(folder, "calls"))
			pauses, _ := os.ReadFile(filepath.Join(folder, "pauses"))
			if code != test.code || strings.Count(string(calls), "\n") != test.calls || string(pauses) != test.pauses {
				t.Errorf("%s\n%+v: exit code %d, calls:\n%spauses %s\n%s", script, test, code, calls, pauses, out)
			}
		}
	}
}

// scriptsOf are the scripts of a snippet that run slipway, with what its server
// puts before them.
func scriptsOf(t *testing.T, name string) (scripts []string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := yaml.DecodeMap(data)
	if err != nil {
		t.Fatal(err)
	}
	lines := func(v any) (text string) {
		list, _ := v.([]any)
		for _, line := range list {
			text += line.(string) + "\n"
		}
		return text
	}
	object := func(v any) map[string]any { m, _ := v.(map[string]any); return m }
	before := lines(object(tree["default"])["before_script"])
	for _, job := range tree { // GitLab
		if text := lines(object(job)["script"]); text != "" {
			scripts = append(scripts, before+text)
		}
	}
	retry, _ := object(tree["env"])["RETRY"].(string)
	for _, job := range object(tree["jobs"]) { // GitHub
		steps, _ := object(job)["steps"].([]any)
		for _, step := range steps {
			if text, _ := object(step)["run"].(string); strings.Contains(text, "slipway rollout") {
				scripts = append(scripts, "RETRY='"+strings.ReplaceAll(retry, "'", `'\''`)+"'\n"+text)
			}
		}
	}
	return scripts
}
