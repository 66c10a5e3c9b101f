package cli

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// ciWords are the values of --ci.
var ciWords = []string{"auto", "jenkins", "github", "gitlab", "none"}

// ciServer is the pipeline server that a command speaks to. Jenkins has no
// syntax for groups or annotations in logs: it reads result.json and JUnit.
// The zero value is none. It is not safe for concurrent use.
type ciServer struct {
	name    string
	title   string // of the group that is open, "" for none
	section string // its name for GitLab
	stop    string // with GitHub: what ends the time in which commands in the log count not
	found   []finding
	chart   string // name of the chart that findings are about, "" for none
	folder  string // or archive of it
}

// ciOf finds out which pipeline server runs the process, if the flag does not say.
func ciOf(flag string, getenv func(string) string) string {
	switch {
	case flag != "" && flag != "auto":
		return flag
	case getenv("GITHUB_ACTIONS") == "true":
		return "github"
	case getenv("GITLAB_CI") == "true":
		return "gitlab"
	case getenv("BUILD_TAG") != "" && getenv("JENKINS_URL") != "":
		return "jenkins"
	}
	return "none"
}

// openCI finds out which server the command speaks to. From here on its log has
// no commands but ours.
func (a *app) openCI(cmd *cobra.Command) {
	f := cmd.Flags().Lookup("ci")
	if f == nil {
		return
	}
	a.ci = &ciServer{name: ciOf(f.Value.String(), a.env.Getenv)}
	a.guardLog(a.ci.name)
}

// ciFlag adds --ci to a command.
func ciFlag(f *pflag.FlagSet) {
	f.Var(newChoice(ciWords...), "ci", "render groups, annotations and a summary for this pipeline server; auto finds it out")
}

// begin opens a group. Nothing that is printed in it, such as the log of a
// hook, is taken for a command by GitHub's runner.
func (c *ciServer) begin(a *app, title string, now time.Time) {
	if c == nil {
		return
	}
	switch c.name {
	case "github":
		c.stop = strings.ToLower(newID(now))
		a.command("::group::" + githubText("slipway "+title))
		a.command("::stop-commands::" + c.stop)
	case "gitlab":
		c.section = "slipway_" + strings.ToLower(newID(now))
		a.command(fmt.Sprintf("\x1b[0Ksection_start:%d:%s\r\x1b[0Kslipway %s", now.Unix(), c.section, printable(title)))
	default:
		return
	}
	c.title = title
}

// end closes the group.
func (c *ciServer) end(a *app, now time.Time) {
	if c == nil || c.title == "" {
		return
	}
	switch c.name {
	case "github":
		a.command("::" + c.stop + "::")
		a.command("::endgroup::")
	case "gitlab":
		a.command(fmt.Sprintf("\x1b[0Ksection_end:%d:%s\r\x1b[0K", now.Unix(), c.section))
	}
	c.title = ""
}

// annotate shows on GitHub's page of a run how a command has ended, and writes
// the summary of the step.
func (c *ciServer) annotate(a *app, r resultDoc) {
	if c == nil || c.name != "github" {
		return
	}
	for _, line := range c.annotations(r.Command) {
		a.command(line)
	}
	switch r.ExitCode {
	case exitDone, exitChanges:
	case exitPaused, exitUndecided:
		a.command("::notice title=" + githubProperty("slipway "+r.Command) + "::" + githubText(summaryLine(&r)))
	default:
		a.command("::error title=" + githubProperty("slipway "+r.Command) + "::" + githubText(strings.Join(append([]string{r.Message}, r.Hints...), "\n")))
	}
	if name := a.env.Getenv("GITHUB_STEP_SUMMARY"); name != "" {
		if err := appendTo(name, summaryOf(&r)+c.findingsSummary()); err != nil {
			a.warnf("slipway: warning: write the step's summary: %v", err)
		}
	}
}

// appendTo adds a text to a file.
func appendTo(name, text string) error {
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	if e := file.Close(); err == nil {
		err = e
	}
	return err
}

// summaryLine says in a line how a command has ended.
func summaryLine(r *resultDoc) string {
	text := fmt.Sprintf("%s (exit code %d)", r.State, r.ExitCode)
	if r.Rollout != nil && r.Rollout.Steps > 0 {
		text += fmt.Sprintf(": %s, step %d of %d, %d %%", r.Rollout.State, r.Rollout.Step, r.Rollout.Steps, r.Rollout.Weight)
	}
	return text
}

// summaryOf is the summary of a step in Markdown.
func summaryOf(r *resultDoc) string {
	var out strings.Builder
	fmt.Fprintf(&out, "### slipway %s %s\n\n| | |\n|---|---|\n", markdownText(r.Command), markdownText(r.Release))
	row := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&out, "| %s | %s |\n", name, markdownText(text))
		}
	}
	row("result", summaryLine(r))
	if r.Revision > 0 {
		row("revision", fmt.Sprint(r.Revision))
	}
	row("namespace", r.Namespace)
	row("plan", r.Plan)
	row("started by", r.Actor)
	row("approved by", r.Approver)
	row("message", r.Message)
	row("next", r.Next)
	out.WriteString("\n")
	return out.String()
}

// markdownText is a text for a cell of a table.
func markdownText(text string) string {
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "\n", "<br>", "<", "&lt;", "`", "'", "[", `\[`, "!", `\!`).Replace(printable(text))
}

// githubText is a text as the message of one of the runner's commands.
func githubText(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(printable(text))
}

// githubProperty is a text as a property of one of the runner's commands.
func githubProperty(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(githubText(text))
}
