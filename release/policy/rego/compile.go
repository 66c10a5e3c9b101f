package rego

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/e6d26078/slipway/chart/yaml"
	"github.com/e6d26078/slipway/release/policy"
)

// Policies are compiled. They may be used concurrently.
type Policies struct {
	options  policy.RegoOptions
	compiler *ast.Compiler
	store    storage.Store
	rules    []rule
}

var _ policy.Evaluator = (*Policies)(nil)

// rule is one that has a say.
type rule struct {
	pkg, name string
	ref       ast.Ref
	exception ast.Ref // of its package
	file      string  // and line, for errors
}

func (r *rule) check() string { return "rego/" + r.pkg + "." + r.name }

func (r *rule) severity() policy.Severity {
	if isRule(r.name, "warn") {
		return policy.Warn
	}
	return policy.Deny
}

// isRule reports whether a rule is named WORD or WORD_SOMETHING.
func isRule(name, word string) bool { return name == word || strings.HasPrefix(name, word+"_") }

// The sizes that are taken.
const (
	maxFiles = 2000
	maxBytes = 32 << 20 // of all files
)

// Compile reads policies and data. Files of policies whose names end in
// _test.rego are left out. The documents of data, in YAML or JSON, are merged
// into one. Errors name file and line; they are all the user's to mend.
func Compile(modules, data []policy.File, options policy.RegoOptions) (*Policies, error) {
	if err := checkSizes(modules, data); err != nil {
		return nil, err
	}
	versions, err := versionsOf(options.Version)
	if err != nil {
		return nil, err
	}
	capabilities := harmless()
	parsed := map[string]*ast.Module{}
	for _, f := range modules {
		if strings.HasSuffix(f.Name, "_test.rego") {
			continue
		}
		m, err := parse(f, versions, capabilities)
		if err != nil {
			return nil, err
		}
		if m != nil {
			parsed[f.Name] = m
		}
	}
	documents, err := merge(data)
	if err != nil {
		return nil, err
	}
	if documents["conftest"] == nil {
		if err := asksConftest(parsed); err != nil {
			return nil, err
		}
	}
	p := &Policies{options: options, store: inmem.NewFromObject(documents)}
	p.compiler = ast.NewCompiler().WithCapabilities(capabilities).WithEnablePrintStatements(false)
	p.rules = rulesOf(parsed, options.Namespaces)
	if len(p.rules) == 0 {
		return nil, fmt.Errorf("the policies have no rule named deny, violation or warn in package %s: nothing would be checked", strings.Join(namespaces(options.Namespaces), " or "))
	}
	if p.compiler.Compile(parsed); p.compiler.Failed() {
		return nil, explain(p.compiler.Errors)
	}
	return p, nil
}

// asksConftest refuses policies that go by the name of the file, which conftest
// has in data.conftest: without it they would let everything pass.
func asksConftest(modules map[string]*ast.Module) error {
	name := ast.MustParseRef("data.conftest")
	var found *ast.Location
	for _, file := range slices.Sorted(maps.Keys(modules)) {
		ast.WalkTerms(modules[file], func(t *ast.Term) bool {
			if ref, ok := t.Value.(ast.Ref); ok && found == nil && ref.HasPrefix(name) {
				found = t.Location
			}
			return found != nil
		})
	}
	if found == nil {
		return nil
	}
	return fmt.Errorf("%s:%d: data.conftest: an object of a release is from no file that a policy could go by; with all objects at once each has the path of its template", found.File, found.Row)
}

func checkSizes(lists ...[]policy.File) error {
	files, size := 0, 0
	for _, list := range lists {
		for _, f := range list {
			files, size = files+1, size+len(f.Data)
		}
	}
	if files > maxFiles || size > maxBytes {
		return fmt.Errorf("policies of %d files with %d bytes: at most %d and %d are taken", files, size, maxFiles, maxBytes)
	}
	return nil
}

func versionsOf(word string) ([]ast.RegoVersion, error) {
	switch word {
	case "":
		return []ast.RegoVersion{ast.RegoV1, ast.RegoV0}, nil
	case "v0":
		return []ast.RegoVersion{ast.RegoV0}, nil
	case "v1":
		return []ast.RegoVersion{ast.RegoV1}, nil
	}
	return nil, fmt.Errorf("version %q of Rego is not known: allowed are v0 and v1", word)
}

// parse reads a file in the first version of the language that it fits. It is
// nil for a file without content.
func parse(f policy.File, versions []ast.RegoVersion, capabilities *ast.Capabilities) (*ast.Module, error) {
	var failures []error
	for _, v := range versions {
		m, err := ast.ParseModuleWithOpts(f.Name, string(f.Data), ast.ParserOptions{RegoVersion: v, Capabilities: capabilities})
		if err == nil {
			return m, nil
		}
		failures = append(failures, err)
	}
	err := failures[0]
	if len(failures) > 1 && strings.Contains(err.Error(), "keyword is required") {
		err = failures[1] // it is written in the older version
	}
	return nil, explain(err)
}

// explain puts errors of the parser and compiler into words of ours.
func explain(err error) error {
	var list ast.Errors
	if !errors.As(err, &list) || len(list) == 0 {
		return err
	}
	const most = 5
	var lines []string
	for i, e := range list {
		if i == most {
			lines = append(lines, fmt.Sprintf("and %d more", len(list)-most))
			break
		}
		text := e.Message
		if e.Location != nil && e.Location.File != "" {
			text = fmt.Sprintf("%s:%d: %s", e.Location.File, e.Location.Row, text)
		}
		if strings.HasPrefix(e.Message, "undefined function ") && isTaken(strings.TrimPrefix(e.Message, "undefined function ")) {
			text += ": policies have no network, no environment, no clock and no chance here"
		}
		lines = append(lines, text)
	}
	return errors.New(strings.Join(lines, "\n"))
}

// isTaken reports whether a function of the language is not among those that policies have.
func isTaken(name string) bool {
	if slices.Contains([]string{"parse_config", "parse_config_file", "parse_combined_config_files"}, name) {
		return true // conftest's own, for tests of policies
	}
	return slices.ContainsFunc(ast.CapabilitiesForThisVersion().Builtins, func(b *ast.Builtin) bool { return b.Name == name && !isHarmless(b) })
}

// harmless are the abilities of policies: everything but what reaches out of them.
func harmless() *ast.Capabilities {
	c := *ast.CapabilitiesForThisVersion()
	c.Builtins = slices.DeleteFunc(slices.Clone(c.Builtins), func(b *ast.Builtin) bool { return !isHarmless(b) })
	c.AllowNet = []string{}
	return &c
}

// isHarmless reports whether a function depends on its arguments alone. Those
// that check a JSON Schema read what it refers to, from files and the network;
// some that verify look at the clock.
func isHarmless(b *ast.Builtin) bool {
	switch b.Name {
	case "json.match_schema", "json.verify_schema", "io.jwt.decode_verify",
		"crypto.x509.parse_and_verify_certificates", "crypto.x509.parse_and_verify_certificates_with_options":
		return false
	}
	return !b.Nondeterministic
}

// rulesOf lists the rules that have a say, by package and name.
func rulesOf(modules map[string]*ast.Module, wanted []string) []rule {
	wanted = namespaces(wanted)
	var list []rule
	seen := map[string]bool{}
	for _, file := range slices.Sorted(maps.Keys(modules)) {
		m := modules[file]
		pkg := strings.TrimPrefix(m.Package.Path.String(), "data.")
		if !slices.Contains(wanted, pkg) && !slices.Contains(wanted, "*") {
			continue
		}
		for _, r := range m.Rules {
			name, ok := r.Head.Ref()[0].Value.(ast.Var)
			if !ok || len(r.Head.Args) > 0 { // a function
				continue
			}
			one := rule{pkg: pkg, name: string(name), file: fmt.Sprintf("%s:%d", file, r.Loc().Row)}
			if seen[one.check()] || !isRule(one.name, "deny") && !isRule(one.name, "violation") && !isRule(one.name, "warn") {
				continue
			}
			seen[one.check()] = true
			one.ref = m.Package.Path.Append(ast.StringTerm(one.name))
			one.exception = m.Package.Path.Append(ast.StringTerm("exception"))
			list = append(list, one)
		}
	}
	slices.SortFunc(list, func(a, b rule) int { return strings.Compare(a.check(), b.check()) })
	return list
}

func namespaces(given []string) []string {
	if len(given) == 0 {
		return []string{"main"}
	}
	return given
}

// merge joins documents of data into one.
func merge(files []policy.File) (map[string]any, error) {
	all := map[string]any{}
	for _, f := range files {
		switch path.Ext(f.Name) {
		case ".json", ".yaml", ".yml":
		default:
			return nil, fmt.Errorf("%s: data for policies are files named .yaml, .yml or .json", f.Name)
		}
		tree, err := yaml.Decode(f.Data)
		if err != nil {
			if line := yaml.FaultLine(string(f.Data), err); line > 0 {
				return nil, fmt.Errorf("%s:%d: %w", f.Name, line, err)
			}
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if tree == nil {
			continue
		}
		fields, ok := tree.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s: data for policies have to be a mapping", f.Name)
		}
		for _, name := range slices.Backward(f.Below) {
			fields = map[string]any{name: fields}
		}
		if key := mergeInto(all, fields); key != "" {
			return nil, fmt.Errorf("%s: another file has %s already", f.Name, key)
		}
	}
	return all, nil
}

// mergeInto returns the key that both have, "" if there is none.
func mergeInto(all, more map[string]any) string {
	for _, key := range slices.Sorted(maps.Keys(more)) {
		has, known := all[key]
		if !known {
			all[key] = more[key]
			continue
		}
		below, ok := has.(map[string]any)
		fields, also := more[key].(map[string]any)
		if !ok || !also {
			return key
		}
		if deeper := mergeInto(below, fields); deeper != "" {
			return key + "." + deeper
		}
	}
	return ""
}
