package rego

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime/metrics"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/policy"
)

// The usual bounds of an evaluation.
const (
	usualTime   = 30 * time.Second
	usualMemory = 512 << 20
)

// document is what rules are asked about.
type document struct {
	object *manifest.Object // nil for all of them
	input  *ast.Term
}

// Evaluate asks each rule about each object: those of the set, its hooks and
// its definitions. The error says which rule is at fault, in which file and line.
func (p *Policies) Evaluate(ctx context.Context, set *policy.Set) (checks []string, findings []policy.Finding, err error) {
	documents, err := p.documents(set)
	if err != nil {
		return nil, nil, err
	}
	guard := p.newGuard(ctx)
	defer guard.end()
	txn, err := p.store.NewTransaction(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read the data for policies: %w", err)
	}
	defer p.store.Abort(ctx, txn)
	queries := map[string]*query{}
	for i := range p.rules {
		r := &p.rules[i]
		checks = append(checks, r.check())
		for _, ref := range []ast.Ref{r.ref, r.exception} {
			if queries[ref.String()] == nil {
				if queries[ref.String()], err = p.newQuery(ref); err != nil {
					return nil, nil, fmt.Errorf("%s: %w", r.file, explain(err))
				}
			}
		}
	}
	for _, d := range documents {
		run := func(ref ast.Ref) (any, error) { return queries[ref.String()].run(ctx, p, txn, guard, d.input) }
		for i := range p.rules {
			found, err := p.ask(&p.rules[i], d, run)
			if err != nil {
				return nil, nil, guard.explain(ctx, err)
			}
			findings = append(findings, found...)
		}
	}
	return checks, findings, nil
}

// documents turns the objects into inputs.
func (p *Policies) documents(set *policy.Set) ([]document, error) {
	var list []document
	var combined []any
	for _, objects := range [][]manifest.Object{set.CRDs, set.Objects, set.Hooks} {
		for i := range objects {
			o := &objects[i]
			if p.options.Combine {
				combined = append(combined, map[string]any{"path": o.Source, "contents": o.Fields})
				continue
			}
			value, err := ast.InterfaceToValue(o.Fields)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", o.Ref, err)
			}
			list = append(list, document{o, ast.NewTerm(value)})
		}
	}
	if p.options.Combine {
		value, err := ast.InterfaceToValue(combined)
		if err != nil {
			return nil, err
		}
		list = append(list, document{nil, ast.NewTerm(value)})
	}
	return list, nil
}

// query is a compiled question for the value of a rule.
type query struct {
	body     ast.Body
	compiler ast.QueryCompiler
}

const result = ast.Var("result")

func (p *Policies) newQuery(ref ast.Ref) (*query, error) {
	q := &query{compiler: p.compiler.QueryCompiler()}
	var err error
	q.body, err = q.compiler.Compile(ast.NewBody(ast.Equality.Expr(ast.NewTerm(result), ast.NewTerm(ref))))
	return q, err
}

// run returns the value of a rule for an input, nil if it has none.
func (q *query) run(ctx context.Context, p *Policies, txn storage.Transaction, g *guard, input *ast.Term) (any, error) {
	var value any
	err := topdown.NewQuery(q.body).WithQueryCompiler(q.compiler).WithCompiler(p.compiler).
		WithStore(p.store).WithTransaction(txn).WithInput(input).WithCancel(g.cancel).
		Iter(ctx, func(found topdown.QueryResult) error {
			var err error
			if term := found[result]; term != nil {
				value, err = ast.JSON(term.Value)
			}
			return err
		})
	return value, err
}

// ask puts one rule to one document.
func (p *Policies) ask(r *rule, d document, run func(ast.Ref) (any, error)) ([]policy.Finding, error) {
	value, err := run(r.ref)
	if err != nil {
		return nil, ruleError(r, err)
	}
	var messages []any
	switch value := value.(type) {
	case nil:
		return nil, nil
	case bool:
		if !value {
			return nil, nil
		}
		return nil, fmt.Errorf("%s: rule %s is true, and has to be a set of messages: write deny contains msg if { ... }", r.file, r.name)
	case []any:
		messages = value
	default:
		return nil, fmt.Errorf("%s: rule %s has to be a set of messages: write deny contains msg if { ... }", r.file, r.name)
	}
	if len(messages) == 0 {
		return nil, nil
	}
	exceptions, err := run(r.exception)
	if err != nil {
		return nil, ruleError(r, err)
	}
	var findings []policy.Finding
	for _, m := range messages {
		f := policy.Finding{Check: r.check(), Severity: r.severity()}
		if d.object != nil {
			f.Ref, f.Source = d.object.Ref, d.object.Source
		}
		if isExcepted(r.name, exceptions) {
			f.Exception = "rule exception of package " + r.pkg
		}
		if err := describe(&f, r, m); err != nil {
			return nil, err
		}
		findings = append(findings, f)
	}
	return findings, nil
}

// describe takes what a rule says: a text, or an object with msg.
func describe(f *policy.Finding, r *rule, message any) error {
	switch m := message.(type) {
	case string:
		f.Message = m
		return nil
	case map[string]any:
		text, ok := m["msg"].(string)
		if !ok {
			return fmt.Errorf("%s: rule %s gives an object without a text named msg", r.file, r.name)
		}
		f.Message = text
		for key, value := range m {
			if key == "msg" {
				continue
			}
			if f.Metadata == nil {
				f.Metadata = map[string]any{}
			}
			f.Metadata[key] = value
		}
		if field, ok := f.Metadata["field"].(string); ok {
			f.Field = steps(field)
		}
		f.Fix, _ = f.Metadata["fix"].(string)
		return nil
	}
	return fmt.Errorf("%s: rule %s gives what is neither a text nor an object with msg", r.file, r.name)
}

// steps reads a path such as spec.containers[0].image.
func steps(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(`.[]"`, c) })
}

// prefix stands before the name by which exceptions know a rule.
var prefix = regexp.MustCompile(`^(deny|violation|warn)(_|$)`)

// isExcepted reports whether an exception names a rule: by its name without
// deny_ and the like, which is nothing for deny itself.
func isExcepted(name string, exceptions any) bool {
	lists, _ := exceptions.([]any)
	short := prefix.ReplaceAllString(name, "")
	return slices.ContainsFunc(lists, func(list any) bool {
		names, _ := list.([]any)
		return slices.Contains(names, any(short)) || slices.Contains(names, any(name))
	})
}

// ruleError names the place of an error at run time.
func ruleError(r *rule, err error) error {
	var failed *topdown.Error
	if errors.As(err, &failed) && failed.Code != topdown.CancelErr {
		place := r.file
		if l := failed.Location; l != nil && l.File != "" {
			place = fmt.Sprintf("%s:%d", l.File, l.Row)
		}
		return fmt.Errorf("%s: rule %s: %s", place, r.name, failed.Message)
	}
	return err
}

// guard ends an evaluation that takes too much.
type guard struct {
	cancel  topdown.Cancel
	time    time.Duration
	memory  int64
	why     atomic.Value // of string
	stopped chan struct{}
	done    chan struct{}
}

// guardPause is the time between two looks at the memory.
const guardPause = 5 * time.Millisecond

func (p *Policies) newGuard(ctx context.Context) *guard {
	g := &guard{cancel: topdown.NewCancel(), time: p.options.Time, memory: p.options.Memory, stopped: make(chan struct{}), done: make(chan struct{})}
	if g.time <= 0 {
		g.time = usualTime
	}
	if g.memory <= 0 {
		g.memory = usualMemory
	}
	go g.watch(ctx)
	return g
}

func (g *guard) watch(ctx context.Context) {
	defer close(g.done)
	timer, ticker := time.NewTimer(g.time), time.NewTicker(guardPause)
	defer timer.Stop()
	defer ticker.Stop()
	begun := heap()
	for {
		why := ""
		select {
		case <-g.stopped:
			return
		case <-ctx.Done():
			g.cancel.Cancel()
			return
		case <-timer.C:
			why = fmt.Sprintf("the policies took longer than %s", g.time)
		case <-ticker.C:
			if used := heap() - begun; used > g.memory {
				why = fmt.Sprintf("the policies took more than %d MiB of memory", g.memory>>20)
			}
		}
		if why != "" {
			g.why.Store(why)
			g.cancel.Cancel()
			return
		}
	}
}

// heap is the memory of all objects of the process, in bytes.
func heap() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}

// end stops the watch.
func (g *guard) end() {
	close(g.stopped)
	<-g.done
}

// explain says why an evaluation was cancelled, if it was.
func (g *guard) explain(ctx context.Context, err error) error {
	if !topdown.IsCancel(err) {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if why, ok := g.why.Load().(string); ok {
		return errors.New(why)
	}
	return err
}
