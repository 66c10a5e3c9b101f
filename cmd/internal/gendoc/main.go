// Command gendoc writes the pages about slipway's commands:
//
//	go run ./cmd/internal/gendoc docs/cli
//
// It replaces all pages in the folder. A test fails when they are out of date.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/cmd/internal/cli"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gendoc FOLDER")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "gendoc:", err)
		os.Exit(1)
	}
}

func write(folder string) error {
	old, err := filepath.Glob(filepath.Join(folder, "*.md"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for name, text := range pages(cli.Command()) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pages gives the pages of a command and those below it, by file name.
func pages(cmd *cobra.Command) map[string]string {
	all := map[string]string{pageName(cmd): page(cmd)}
	for _, sub := range shown(cmd) {
		for name, text := range pages(sub) {
			all[name] = text
		}
	}
	return all
}

func pageName(cmd *cobra.Command) string {
	return strings.ReplaceAll(cmd.CommandPath(), " ", "_") + ".md"
}

// shown lists the commands below one that users are to know, by name.
func shown(cmd *cobra.Command) []*cobra.Command {
	var list []*cobra.Command
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			list = append(list, sub)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name() < list[j].Name() })
	return list
}

func page(cmd *cobra.Command) string {
	cmd.InitDefaultHelpFlag()
	var out strings.Builder
	fmt.Fprintf(&out, "# %s\n\n%s.\n\n%s\n", cmd.CommandPath(), sentence(cmd.Short), strings.TrimSpace(cmd.Long))
	if subs := shown(cmd); len(subs) > 0 {
		out.WriteString("\n## Commands\n\n")
		for _, sub := range subs {
			fmt.Fprintf(&out, "- [%s](%s): %s\n", sub.CommandPath(), pageName(sub), sub.Short)
		}
	} else {
		fmt.Fprintf(&out, "\n## Usage\n\n    %s\n", cmd.UseLine())
	}
	if cmd.Example != "" {
		fmt.Fprintf(&out, "\n## Examples\n\n%s\n", indent(cmd.Example))
	}
	flags := cmd.NonInheritedFlags()
	if flags.HasAvailableFlags() {
		fmt.Fprintf(&out, "\n## Flags\n\n%s\n", indent(flags.FlagUsages()))
	}
	out.WriteString(schemas(cmd))
	if inherited := cmd.InheritedFlags(); inherited.HasAvailableFlags() {
		fmt.Fprintf(&out, "\n## Flags of all commands\n\n%s\n", indent(inherited.FlagUsages()))
	}
	if parent := cmd.Parent(); parent != nil {
		fmt.Fprintf(&out, "\nBelongs to [%s](%s).\n", parent.CommandPath(), pageName(parent))
	}
	return out.String()
}

// schemas lists what a command gives in JSON.
func schemas(cmd *cobra.Command) string {
	_, name, _ := strings.Cut(cmd.CommandPath(), " ")
	var out strings.Builder
	for _, o := range cli.Outputs() {
		if o.Command != name && o.Command != "" || o.Command == "" && cmd.Flags().Lookup(strings.TrimPrefix(o.Flag, "--")) == nil {
			continue
		}
		if out.Len() == 0 {
			out.WriteString("\n## Schemas of its JSON\n\n")
		}
		flag := "its answers"
		if o.Flag != "" {
			flag = "`" + o.Flag + "`"
		}
		fmt.Fprintf(&out, "- %s: [%s](../schema/%s)\n", flag, o.Schema, o.Schema)
	}
	return out.String()
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// indent makes a Markdown code block of a text.
func indent(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		if line = strings.TrimRight(line, " "); line != "" {
			lines[i] = "    " + line
		}
	}
	return strings.Join(lines, "\n")
}
