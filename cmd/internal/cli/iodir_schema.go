package cli

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Param is a parameter that a params.json may hold.
type Param struct {
	Name     string
	Usage    string
	Types    []string // of JSON, in order
	Words    []string // that are allowed, nil for any
	Commands []string // that take it, such as "rollout start"
}

// Params lists the parameters of all commands that take --io-dir, by name.
func Params() []Param {
	all := map[string]*Param{
		"release":  {Name: "release", Usage: "name of the release", Types: []string{"string"}},
		"chart":    {Name: "chart", Usage: "folder, archive, URL or REPO/NAME of the chart", Types: []string{"string"}},
		"revision": {Name: "revision", Usage: "revision to return to; 0 is the one before the newest", Types: []string{"integer"}},
	}
	eachPipelineCommand(Command(), func(cmd *cobra.Command) {
		name := strings.TrimPrefix(cmd.CommandPath(), "slipway ")
		for operand, takes := range operandsOf(cmd) {
			if takes {
				all[operand].Commands = append(all[operand].Commands, name)
			}
		}
		for key, f := range paramFlags(cmd) {
			p := all[key]
			if p == nil {
				p = &Param{Name: key, Usage: f.Usage}
				all[key] = p
			}
			p.take(f, name)
		}
	})
	list := make([]Param, 0, len(all))
	for _, key := range orderedKeys(all) {
		slices.Sort(all[key].Commands)
		list = append(list, *all[key])
	}
	return list
}

// take adds what a command's flag allows.
func (p *Param) take(f *pflag.Flag, command string) {
	p.Commands = append(p.Commands, command)
	types := []string{"string"}
	switch kind := f.Value.Type(); {
	case kind == "bool":
		types = []string{"boolean"}
	case kind == "int", kind == "float32":
		types = []string{"integer"}
	case kind == "stringArray", kind == "stringSlice":
		types = []string{"array", "string"}
	case kind == "stringToString":
		types = []string{"object"}
	case kind == "strategy", kind == "string" && f.NoOptDefVal != "":
		types = []string{"boolean", "string"}
	case strings.Contains(kind, "|"):
		for word := range strings.SplitSeq(kind, "|") {
			if !slices.Contains(p.Words, word) {
				p.Words = append(p.Words, word)
			}
		}
	}
	if f.Name == "set" {
		types = append(types, "object")
	}
	for _, t := range types {
		if !slices.Contains(p.Types, t) {
			p.Types = append(p.Types, t)
		}
	}
	slices.Sort(p.Types)
}

// operandsOf are the parameters that a command takes as arguments.
func operandsOf(cmd *cobra.Command) map[string]bool {
	takes := map[string]bool{}
	for i, word := range strings.Fields(cmd.Use)[1:] {
		word = strings.Trim(word, "[]<>")
		takes["release"] = takes["release"] || isReleaseOperand(word)
		takes["chart"] = takes["chart"] || word == "CHART"
		takes["revision"] = takes["revision"] || word == "REVISION" && i > 0
	}
	return takes
}

func eachPipelineCommand(cmd *cobra.Command, visit func(*cobra.Command)) {
	for _, sub := range cmd.Commands() {
		eachPipelineCommand(sub, visit)
	}
	if cmd.Flags().Lookup("io-dir") != nil {
		visit(cmd)
	}
}

// ParamsSchema is the JSON Schema of params.json, made from the commands: what
// docs/schema/params.v1.json holds.
func ParamsSchema() ([]byte, error) {
	properties := map[string]any{
		"apiVersion": map[string]any{"const": paramsVersion},
		"key":        map[string]any{"type": "string", "description": "names the operation; result.json repeats it"},
	}
	for _, p := range Params() {
		property := map[string]any{"description": p.Usage + " (" + strings.Join(p.Commands, ", ") + ")", "type": p.Types}
		if len(p.Types) == 1 {
			property["type"] = p.Types[0]
		}
		if slices.Contains(p.Types, "array") {
			property["items"] = map[string]any{"type": []string{"string", "number", "boolean"}}
		}
		if p.Words != nil {
			property["enum"] = p.Words
		}
		if p.Name == "set" {
			property["description"] = "values by their paths, or texts as --set takes them: {\"image\": {\"tag\": \"2\"}} or [\"image.tag=2\"] (" + strings.Join(p.Commands, ", ") + ")"
		}
		properties[p.Name] = property
	}
	data, err := json.MarshalIndent(map[string]any{
		"$schema":              "https://json-schema.org/draft/2020-12/schema",
		"title":                "params.json: the parameters of a command that is run with --io-dir",
		"description":          "Each parameter is the flag of that name, in the notation of JSON. A command refuses those that it does not have.",
		"type":                 "object",
		"required":             []string{"apiVersion"},
		"additionalProperties": false,
		"properties":           properties,
	}, "", "  ")
	return append(data, '\n'), err
}
