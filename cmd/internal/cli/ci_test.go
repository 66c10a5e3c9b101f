package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func getenvOf(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

func TestWhichPipelineServer(t *testing.T) {
	for _, test := range []struct {
		flag string
		env  map[string]string
		want string
	}{
		{"auto", nil, "none"},
		{"auto", map[string]string{"GITHUB_ACTIONS": "true"}, "github"},
		{"auto", map[string]string{"GITLAB_CI": "true"}, "gitlab"},
		{"auto", map[string]string{"JENKINS_URL": "u", "BUILD_TAG": "t"}, "jenkins"},
		{"none", map[string]string{"GITHUB_ACTIONS": "true"}, "none"},
		{"gitlab", map[string]string{"GITHUB_ACTIONS": "true"}, "gitlab"},
	} {
		if got := ciOf(test.flag, getenvOf(test.env)); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

// TestStrangersGiveGitHubNoCommands holds that what begins with two colons in the
// log of a hook or a message is a text for the runner.
func TestStrangersGiveGitHubNoCommands(t *testing.T) {
	var out bytes.Buffer
	summary := filepath.Join(t.TempDir(), "summary.md")
	a := &app{env: Env{Stderr: &out, Now: time.Now, Getenv: getenvOf(map[string]string{"GITHUB_STEP_SUMMARY": summary})}}
	c := &ciServer{name: "github"}
	c.begin(a, "upgrade web\n::set-env name=A::b", noon)
	a.warn("::error::of a hook")
	c.end(a, noon)
	c.warned("100 %\r\n::warning::more")
	c.find(finding{severity: "error", title: "a,b:c", message: "bad\n::add-mask::x", file: "a,line=9::x\n.yaml", line: 3, col: 2})
	c.find(finding{severity: "warning", message: "said", told: "policy: said"})
	c.warned("policy: said") // is not shown twice
	c.annotate(a, resultDoc{Command: "upgrade", Release: "web", ExitCode: 4, State: "failed", Message: "a | b\n::stop", Hints: []string{"look: here, there"}})
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := []string{"::group::slipway upgrade web%0A::set-env name=A::b", "::stop-commands::", "::error::of a hook", "::" + strings.TrimPrefix(lines[1], "::stop-commands::") + "::",
		"::endgroup::", "::warning title=slipway upgrade::100 %25%0A::warning::more",
		"::error file=a%2Cline=9%3A%3Ax%0A.yaml,line=3,col=2,title=a%2Cb%3Ac::bad%0A::add-mask::x", "::warning title=slipway upgrade::said",
		"::error title=slipway upgrade::a | b%0A::stop%0Alook: here, there"}
	for i, line := range lines {
		if i >= len(want) || !strings.HasPrefix(line, want[i]) || i != 1 && line != want[i] {
			t.Errorf("line %d is %q", i, line)
		}
	}
	if len(lines) != len(want) || len(lines[1]) < 40 {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
	text, err := os.ReadFile(summary)
	if err != nil || !strings.Contains(string(text), `| message | a \| b<br>::stop |`) || !strings.Contains(string(text), "| error | a,b:c: bad<br>::add-mask::x | a,line=9::x<br>.yaml:3 |") || !strings.Contains(string(text), "failed (exit code 4)") {
		t.Errorf("%s %v", text, err)
	}
}

func TestColoursOfProgress(t *testing.T) {
	for _, test := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, false}, // no terminal
		{map[string]string{"CLICOLOR_FORCE": "1"}, true},
		{map[string]string{"CLICOLOR_FORCE": "0"}, false},
		{map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, false},
		{map[string]string{"CLICOLOR_FORCE": "1", "TERM": "dumb"}, false},
	} {
		var out bytes.Buffer
		a := &app{env: Env{Stdout: &out, Stderr: &out, Now: time.Now, Getenv: getenvOf(test.env)}}
		p, err := a.newProgress(progressFlags{}, "upgrade web")
		if err != nil {
			t.Fatal(err)
		}
		if p.colour != test.want || a.colours() != test.want {
			t.Errorf("%v: %v on standard error, %v on standard output", test.env, p.colour, a.colours())
		}
		if err := p.finish("upgrade web", nil); err != nil {
			t.Fatal(err)
		}
	}
}
