package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"
)

// sourceFolder is the folder of the package: scripts run elsewhere.
var sourceFolder, _ = filepath.Abs(".")

// schemaFolder is where schemas are published.
var schemaFolder = filepath.Join(sourceFolder, "..", "..", "..", "docs", "schema")

// compilePublished compiles a schema of docs/schema, or a part of it: NAME or
// NAME#/PATH. One in another folder has an absolute path.
func compilePublished(name string) (*jsonschema.Schema, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(schemaFolder, name)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	return compiler.Compile(name)
}

// validFile is the command of all scripts
//
//	valid SCHEMA [-lines|-yaml] FILE   a file, or each of its lines, is as a schema in docs/schema says
//
// SCHEMA may also be a file of the script's own, by its absolute path.
func validFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: valid SCHEMA [-lines|-yaml] FILE")
	}
	schema, err := compilePublished(args[0])
	ts.Check(err)
	data := []byte(ts.ReadFile(args[len(args)-1]))
	parts := [][]byte{data}
	switch args[1] {
	case "-lines":
		parts = bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	case "-yaml":
		parts[0], err = yaml.YAMLToJSON(data)
		ts.Check(err)
	}
	for _, part := range parts {
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(part))
		ts.Check(err)
		if err := schema.Validate(document); err != nil {
			ts.Fatalf("%s: %v", part, err)
		}
	}
	ts.Logf("%d documents are valid", len(parts))
}

// commandTree is the tree of commands, without anything that they need to run.
func commandTree() *cobra.Command {
	return newRoot(&app{env: Env{Getenv: func(string) string { return "" }, Now: time.Now, Stderr: &bytes.Buffer{}}})
}

// walkFlags does something with each flag that users can see, of each command.
func walkFlags(cmd *cobra.Command, do func(command string, f *pflag.Flag)) {
	_, name, _ := strings.Cut(cmd.CommandPath(), " ")
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			do(name, f)
		}
	})
	for _, sub := range cmd.Commands() {
		walkFlags(sub, do)
	}
}

// notOfOutput are flags that speak of JSON and print none that has a schema.
var notOfOutput = []string{
	"set-json", "skip-schema-validation", "schema-refs", "policy-data", "jsonpath", "show-secrets", // about what is read or shown
	"log-json", // for people and collectors of logs
}

// TestEveryCommandThatPrintsJSONHasASchema finds flags that give JSON by what
// they take and by what their help says.
func TestEveryCommandThatPrintsJSONHasASchema(t *testing.T) {
	has := func(command string, f *pflag.Flag) bool {
		return slices.ContainsFunc(Outputs(), func(o Output) bool {
			return (o.Command == command || o.Command == "") && slices.Contains(strings.Fields(o.Flag), "--"+f.Name)
		})
	}
	flags := 0
	walkFlags(commandTree(), func(command string, f *pflag.Flag) {
		text := f.Value.Type() + " " + f.Usage + " " + f.Name
		if !regexp.MustCompile(`(?i)\bjson\b`).MatchString(text) || slices.Contains(notOfOutput, f.Name) {
			return
		}
		flags++
		if !has(command, f) {
			t.Errorf("slipway %s --%s gives JSON: %q; name its schema in output_schemas.go and in docs/output.md", command, f.Name, f.Usage)
		}
	})
	if flags < 50 {
		t.Errorf("only %d flags give JSON; they are not found", flags)
	}
	root := commandTree()
	for _, o := range Outputs() {
		cmd, _, err := root.Find(strings.Fields(o.Command))
		if err != nil {
			t.Errorf("%s: %v", o.Command, err)
			continue
		}
		for _, word := range strings.Fields(o.Flag) {
			if name, isFlag := strings.CutPrefix(word, "--"); isFlag && o.Command != "" && cmd.Flag(name) == nil {
				t.Errorf("slipway %s has no --%s", o.Command, name)
			}
		}
		if _, err := os.Stat(filepath.Join(schemaFolder, o.Schema)); err != nil {
			t.Error(err)
		}
	}
}

// heldOutput is a command in a script, and a schema that something was held against after it.
type heldOutput struct{ line, schema string }

// heldInScripts reads all scripts.
func heldInScripts(t *testing.T) []heldOutput {
	t.Helper()
	scripts, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	runs := regexp.MustCompile(`(?:^| )(?:exec (?:.* )?slipway|exits \d+) (.*?)(?:&(\w+)&)?$`)
	waits := regexp.MustCompile(`^wait (\w+)$`)
	held := []heldOutput{}
	for _, name := range scripts {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		last, background := "", map[string]string{}
		for line := range strings.Lines(string(txtar.Parse(data).Comment)) {
			line = strings.TrimSpace(line)
			if found := runs.FindStringSubmatch(line); found != nil {
				last, background[found[2]] = found[1], found[1]
			}
			if found := waits.FindStringSubmatch(line); found != nil {
				last = background[found[1]]
			}
			if words := strings.Fields(line); len(words) > 2 && words[0] == "valid" {
				schema, _, _ := strings.Cut(strings.Trim(words[1], "'"), "#")
				held = append(held, heldOutput{last, schema})
			}
		}
	}
	return held
}

// asks reports whether a command line is of a command and has the flags of an output.
func (o Output) asks(command, line string) bool {
	line = strings.ReplaceAll(line+" ", " -o ", " --output ")
	if !strings.HasPrefix(line, command+" ") {
		return false
	}
	for _, flag := range strings.Split(" "+o.Flag, " --")[1:] {
		if !strings.Contains(line, " --"+flag+" ") && !strings.Contains(line, " --"+flag+"=") {
			return false
		}
	}
	return true
}

// withoutEvents are commands that take --events-file, since those whose place
// they take in a pipeline do, and do nothing that would be an event.
var withoutEvents = []string{"plan", "rollout plan"}

// TestScriptsHoldTheOutputOfEveryCommandAgainstItsSchema looks for a script that
// runs each command and holds what it prints or writes against the schema.
func TestScriptsHoldTheOutputOfEveryCommandAgainstItsSchema(t *testing.T) {
	held := heldInScripts(t)
	for _, o := range Outputs() {
		commands := []string{o.Command}
		if o.Command == "" {
			commands = nil
			walkFlags(commandTree(), func(command string, f *pflag.Flag) {
				if "--"+f.Name == o.Flag && !(f.Name == "events-file" && slices.Contains(withoutEvents, command)) {
					commands = append(commands, command)
				}
			})
		}
		for _, command := range commands {
			if !slices.ContainsFunc(held, func(h heldOutput) bool { return h.schema == o.Schema && o.asks(command, h.line) }) {
				t.Errorf("no script runs slipway %s %s and then `valid %s`", command, o.Flag, o.Schema)
			}
		}
	}
}

// TestThePageOfOutputsListsThem holds docs/output.md against the list, and
// against what is in docs/schema.
func TestThePageOfOutputsListsThem(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(schemaFolder, "..", "output.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "|") && strings.Contains(line, "](schema/") {
			rows++
		}
	}
	for _, o := range Outputs() {
		command := o.Command
		if command == "" {
			command = "all that have the flag"
		}
		lines := ""
		if o.Lines {
			lines = ", a document a line"
		}
		row := "| " + command + " | " + strings.TrimSpace("`"+o.Flag+"`") + " | [" + o.Schema + "](schema/" + o.Schema + ")" + lines + " |\n"
		row = strings.ReplaceAll(row, "``", "")
		if !strings.Contains(string(data), row) {
			t.Errorf("docs/output.md lacks the row\n%s", row)
		}
	}
	published, err := filepath.Glob(filepath.Join(schemaFolder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range published {
		if link := "](schema/" + filepath.Base(name) + ")"; !strings.Contains(string(data), link) {
			t.Errorf("docs/output.md has no link %s", link)
		}
	}
	if rows != len(Outputs()) {
		t.Errorf("docs/output.md has %d rows, and there are %d outputs", rows, len(Outputs()))
	}
}

// publishedOutputs are the schemas of what commands print or write, with their examples.
func publishedOutputs(t *testing.T) map[string][]any {
	t.Helper()
	all := map[string][]any{}
	for _, o := range Outputs() {
		data, err := os.ReadFile(filepath.Join(schemaFolder, o.Schema))
		if err != nil {
			t.Fatal(err)
		}
		var schema struct {
			Title    string
			Examples []any
		}
		if err := json.Unmarshal(data, &schema); err != nil {
			t.Fatalf("%s: %v", o.Schema, err)
		}
		if schema.Title == "" || len(schema.Examples) == 0 {
			t.Errorf("%s needs a title and an example", o.Schema)
		}
		all[o.Schema] = schema.Examples
	}
	return all
}
