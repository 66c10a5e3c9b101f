package tmpl

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

// sprigTable returns sprig's functions and a few of Helm's as a Table.
func sprigTable() Table {
	table := Table{}
	for name, fn := range sprig.TxtFuncMap() {
		table[name] = Func{Fn: fn}
	}
	return table
}

// addForms gives functions with a string result the quick forms, made of Fn:
// they handle arguments that have the parameters' types already.
func addForms(table Table, names ...string) {
	for _, name := range names {
		f := table[name]
		fn := reflect.ValueOf(f.Fn)
		call := func(args []any) (string, bool) {
			values := make([]reflect.Value, len(args))
			for i, arg := range args {
				values[i] = reflect.ValueOf(arg)
				if arg == nil || !values[i].Type().AssignableTo(paramType(fn.Type(), i)) {
					return "", false
				}
			}
			return strings.Clone(fn.Call(values)[0].String()), true
		}
		f.Fast = func(_ *State, args []any) (any, bool, error) {
			s, ok := call(args)
			return s, ok, nil
		}
		f.Append = func(_ *State, dst []byte, args []any) ([]byte, bool, error) {
			s, ok := call(args)
			return append(dst, s...), ok, nil
		}
		table[name] = f
	}
}

// source is one file of a test.
type source struct{ name, text string }

// oracle renders the sources as Helm's engine does, with text/template, and
// returns the output of the last one.
func oracle(table Table, strict bool, sources []source, data any) (string, error) {
	root := template.New("gotpl")
	missing := "missingkey=zero"
	if strict {
		missing = "missingkey=error"
	}
	root.Option(missing)
	funcs := template.FuncMap{}
	for name, f := range table {
		funcs[name] = f.Fn
	}
	counts := map[string]int{}
	funcs["include"] = oracleInclude(root, counts)
	funcs["tpl"] = oracleTpl(root, counts, missing)
	root.Funcs(funcs)
	for _, s := range sources {
		if _, err := root.New(s.name).Parse(s.text); err != nil {
			return "", err
		}
	}
	var b strings.Builder
	err := root.ExecuteTemplate(&b, sources[len(sources)-1].name, data)
	return b.String(), err
}

func oracleInclude(t *template.Template, counts map[string]int) func(string, any) (string, error) {
	return func(name string, data any) (string, error) {
		if counts[name] > 1000 {
			return "", fmt.Errorf("rendering template has a nested reference name: %s: %w", name, errors.New("unable to execute template"))
		}
		counts[name]++
		defer func() { counts[name]-- }()
		var b strings.Builder
		err := t.ExecuteTemplate(&b, name, data)
		return b.String(), err
	}
}

func oracleTpl(parent *template.Template, counts map[string]int, missing string) func(string, any) (string, error) {
	return func(text string, data any) (string, error) {
		t, err := parent.Clone()
		if err != nil {
			return "", err
		}
		t.Option(missing)
		t.Funcs(template.FuncMap{"include": oracleInclude(t, counts), "tpl": oracleTpl(t, counts, missing)})
		t, err = t.New(parent.Name()).Parse(text)
		if err != nil {
			return "", fmt.Errorf("cannot parse template %q: %w", text, err)
		}
		var b strings.Builder
		if err := t.Execute(&b, data); err != nil {
			return "", fmt.Errorf("error during tpl function execution for %q: %w", text, err)
		}
		return strings.ReplaceAll(b.String(), "<no value>", ""), nil
	}
}

// ours renders the sources with this package.
func ours(table Table, strict bool, sources []source, data any) (string, error) {
	funcs, err := NewFuncs(table)
	if err != nil {
		return "", err
	}
	var files []*File
	for _, s := range sources {
		f, err := Parse(s.name, s.text, funcs)
		if err != nil {
			return "", err
		}
		files = append(files, f)
	}
	st := NewState(context.Background(), NewSet(funcs, files), Env{Strict: strict}, Limits{})
	out, err := st.Execute(sources[len(sources)-1].name, data)
	return string(out), err
}

// addresses match pointers in output, which differ from run to run.
var addresses = regexp.MustCompile(`(?i)0x[0-9a-f]{6,}`)

// difference says where the two renderings differ, or returns "".
func difference(table Table, strict bool, sources []source, makeData func() any) string {
	want, wantErr := oracle(table, strict, sources, makeData())
	got, gotErr := ours(table, strict, sources, makeData())
	gotText, wantText := addresses.ReplaceAllString(fmt.Sprint(gotErr), "0x"), addresses.ReplaceAllString(fmt.Sprint(wantErr), "0x")
	got, want = addresses.ReplaceAllString(got, "0x"), addresses.ReplaceAllString(want, "0x")
	switch {
	case gotText != wantText:
		return fmt.Sprintf("error\n got %v\nwant %v", gotErr, wantErr)
	case wantErr == nil && got != want:
		return fmt.Sprintf("output\n got %q\nwant %q", got, want)
	}
	return ""
}
