package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The files of --io-dir. docs/design/0009-pipeline.md says why they are files.
const (
	paramsFile    = "params.json"
	resultFile    = "result.json"
	paramsVersion = "slipway.dev/params/v1"
	// maxParams bounds params.json, in bytes.
	maxParams = 8 << 20
)

// operandKeys are the parameters that are no flags, in the order of the arguments.
var operandKeys = []string{"release", "chart", "revision"}

// pipelineFlags adds the flags by which pipelines talk to a command. Run looks
// for them before the others are parsed.
func pipelineFlags(f *pflag.FlagSet) {
	f.String("io-dir", "", "folder for pipelines: parameters are read from params.json in it, and how the command has ended is written to result.json")
	ciFlag(f)
}

// params is a params.json.
type params struct {
	key    string // of the operation, "" if the caller gave none
	values map[string]json.RawMessage
}

// givenFlag is the value of a flag in arguments that nobody has parsed yet, ""
// if it is not there.
func givenFlag(args []string, name string) (value string) {
	for i, arg := range args {
		switch {
		case arg == "--":
			return value
		case arg == "--"+name && i+1 < len(args):
			value = args[i+1]
		case strings.HasPrefix(arg, "--"+name+"="):
			value = arg[len(name)+3:]
		}
	}
	return value
}

// withParams puts what params.json says into the arguments, before what the
// command line says. The result of an earlier command is removed, so that
// nobody takes it for this one's.
func (a *app) withParams(root *cobra.Command, args []string) ([]string, error) {
	dir := cmp.Or(givenFlag(args, "io-dir"), a.env.Getenv("SLIPWAY_IO_DIR"))
	if dir == "" {
		return args, nil
	}
	cmd, rest, err := root.Find(args)
	if err != nil || cmd.Flags().Lookup("io-dir") == nil {
		return args, nil // which the parser tells of
	}
	a.ending.open(dir)
	a.ending.set(func(r *resultDoc) { r.Command = strings.TrimPrefix(cmd.CommandPath(), "slipway ") })
	if err := os.Remove(filepath.Join(dir, resultFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, machineFault(fmt.Errorf("--io-dir: remove the result of an earlier command: %w", err))
	}
	p, err := readParams(filepath.Join(dir, paramsFile))
	if err != nil || p == nil {
		return args, err
	}
	a.ending.set(func(r *resultDoc) {
		r.Key = p.key
		_ = json.Unmarshal(p.values["release"], &r.Release) // of another kind it is refused below
	})
	flags, operands, err := p.arguments(cmd)
	if err != nil {
		return nil, withHint(fmt.Errorf("%s: %w", filepath.Join(dir, paramsFile), err), "docs/schema/params.v1.json says what it may hold")
	}
	words := strings.Fields(cmd.CommandPath())[1:]
	all := slices.Concat(words, flags, rest)
	if len(operands) > 0 && !slices.Contains(rest, "--") {
		all = append(all, "--")
	}
	a.fromParams = true
	return append(all, operands...), nil
}

// readParams reads a params.json, nil if there is none.
func readParams(name string) (*params, error) {
	file, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(filepath.Dir(name)); err != nil {
			return nil, fmt.Errorf("--io-dir: %w", err)
		}
		return nil, nil
	}
	if err != nil {
		return nil, machineFault(fmt.Errorf("--io-dir: %w", err))
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxParams+1))
	if err != nil {
		return nil, machineFault(fmt.Errorf("read %s: %w", name, err))
	}
	if len(data) > maxParams {
		return nil, fmt.Errorf("%s is larger than %d MiB", name, maxParams>>20)
	}
	p := &params{}
	if err := json.Unmarshal(data, &p.values); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("%s:%d: it is no JSON object", name, 1+bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n")))
		}
		return nil, fmt.Errorf("%s: it has to be a JSON object", name)
	}
	var version string
	if err := json.Unmarshal(p.values["apiVersion"], &version); err != nil || version != paramsVersion {
		return nil, fmt.Errorf("%s: apiVersion has to be %s", name, paramsVersion)
	}
	if key, ok := p.values["key"]; ok && json.Unmarshal(key, &p.key) != nil {
		return nil, fmt.Errorf("%s: key has to be a text", name)
	}
	delete(p.values, "apiVersion")
	delete(p.values, "key")
	return p, nil
}

// arguments are the parameters as flags and operands of a command.
func (p *params) arguments(cmd *cobra.Command) (flags, operands []string, err error) {
	known := paramFlags(cmd)
	for _, key := range orderedKeys(p.values) {
		if _, isFlag := known[key]; !isFlag && !slices.Contains(operandKeys, key) {
			return nil, nil, fmt.Errorf("unknown parameter %q of '%s'%s", key, cmd.CommandPath(), nearParam(key, known))
		}
		value, err := decodeParam(p.values[key])
		if err != nil {
			return nil, nil, fmt.Errorf("parameter %s: %w", key, err)
		}
		if f, isFlag := known[key]; isFlag {
			more, err := flagArguments(f, value)
			if err != nil {
				return nil, nil, fmt.Errorf("parameter %s: %w", key, err)
			}
			flags = append(flags, more...)
		}
	}
	for _, key := range operandKeys {
		if _, isFlag := known[key]; isFlag || p.values[key] == nil {
			continue
		}
		value, _ := decodeParam(p.values[key])
		text, ok := scalarText(value)
		if !ok {
			return nil, nil, fmt.Errorf("parameter %s has to be a text", key)
		}
		operands = append(operands, text)
	}
	return flags, operands, nil
}

func decodeParam(data []byte) (value any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	err = decoder.Decode(&value)
	return value, err
}

// paramFlags are the flags of a command that can be parameters, by their names there.
func paramFlags(cmd *cobra.Command) map[string]*pflag.Flag {
	known := map[string]*pflag.Flag{}
	add := func(f *pflag.Flag) {
		if !f.Hidden && f.Name != "io-dir" && f.Name != "help" {
			known[paramName(f.Name)] = f
		}
	}
	cmd.LocalFlags().VisitAll(add)
	cmd.InheritedFlags().VisitAll(add)
	return known
}

// paramName writes the name of a flag as JSON has names: fromStep.
func paramName(flag string) string {
	words := strings.Split(flag, "-")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

// nearParam says which parameter may have been meant.
func nearParam(key string, known map[string]*pflag.Flag) string {
	for _, name := range orderedKeys(known) {
		if strings.EqualFold(name, key) || paramName(key) == name || isNear(name, key) {
			return fmt.Sprintf("; did you mean %s?", name)
		}
	}
	return ""
}

// isNear reports whether two words differ by a letter more or less, or by two
// neighbours that have changed places.
func isNear(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	head := 0
	for head < len(a) && a[head] == b[head] {
		head++
	}
	rest, other := a[head:], b[head:]
	switch len(b) - len(a) {
	case 0:
		return len(rest) > 1 && rest[0] == other[1] && rest[1] == other[0] && rest[2:] == other[2:]
	case 1:
		return rest == other[1:]
	}
	return false
}

// orderedKeys are the names of a map in order.
func orderedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
