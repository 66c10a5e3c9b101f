package analysis

import (
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"github.com/e6d26078/slipway/release/rollout"
)

// What a condition may cost.
const (
	maxConditionBytes = 4096
	maxNodes          = 200
	memoryBudget      = 100_000 // elements that it may make
	maxRange          = 10_000
	maxValues         = 10_000 // in a result
)

// conditions are those of a metric; what it does not have is nil.
type conditions struct{ success, failure *condition }

type condition struct{ program *vm.Program }

// variables are what a condition can read.
type variables struct {
	result, stable any
	pods, weight   int
}

// compile reads the conditions of a metric.
func compile(m rollout.Metric) (conditions, error) {
	var c conditions
	for _, part := range []struct {
		field, text string
		into        **condition
	}{{"successCondition", m.SuccessCondition, &c.success}, {"failureCondition", m.FailureCondition, &c.failure}} {
		if strings.TrimSpace(part.text) == "" {
			continue
		}
		one, err := compileOne(part.text, m.Provider)
		if err != nil {
			return conditions{}, fmt.Errorf("metric %q: %s: %w", m.Name, part.field, err)
		}
		*part.into = one
	}
	return c, nil
}

func compileOne(text string, provider rollout.Provider) (*condition, error) {
	if len(text) > maxConditionBytes {
		return nil, fmt.Errorf("%d bytes are too many, %d are allowed", len(text), maxConditionBytes)
	}
	config := conf.CreateNew()
	config.MaxNodes = maxNodes
	tree, err := parser.ParseWithConfig(text, config)
	if err != nil {
		return nil, positioned(err)
	}
	limits := &limiter{names: environment(provider)}
	ast.Walk(&tree.Node, limits)
	if limits.err != nil {
		return nil, positioned(limits.err.Bind(file.NewSource(text)))
	}
	options := append(helpers(), expr.Env(limits.names), expr.AsBool(), expr.MaxNodes(maxNodes*2), expr.Patch(numbersOnly{}))
	program, err := expr.Compile(text, options...)
	if err != nil {
		return nil, positioned(err)
	}
	return &condition{program}, nil
}

// positioned words an error of the expression library in one line.
func positioned(err error) error {
	var at *file.Error
	if !errors.As(err, &at) {
		return errors.New(strings.ReplaceAll(err.Error(), "\n", " "))
	}
	return fmt.Errorf("line %d, column %d: %s", at.Line, at.Column+1, strings.ReplaceAll(at.Message, "\n", " "))
}

// environment has the types of the variables that a condition can read.
func environment(p rollout.Provider) types.Map {
	names := types.Map{"result": types.Any, "pods": types.Int, "weight": types.Int}
	if p.Prometheus != nil && p.Prometheus.Stable {
		names["stable"] = types.Any
	}
	if p.PodHealth != nil {
		names["result"] = types.Map{
			"ready": types.Int, "pods": types.Int, "restarts": types.Int,
			"oomKilled": types.Int, "waiting": types.Array(types.String),
		}
	}
	return names
}

// holds tells whether the condition is true.
func (c *condition) holds(v variables) (bool, error) {
	machine := vm.VM{MemoryBudget: memoryBudget}
	out, err := machine.Run(c.program, map[string]any{
		"result": v.result, "stable": v.stable, "pods": v.pods, "weight": v.weight,
	})
	if err != nil {
		return false, positioned(err)
	}
	yes, ok := out.(bool)
	if !ok {
		return false, fmt.Errorf("it gives %s, not true or false", kindOf(out))
	}
	return yes, nil
}

// limiter refuses what could make a condition take long, or give different
// results for the same values: its cost grows at most with the square of the
// result's size.
type limiter struct {
	names    types.Map
	inside   bool // a predicate
	err      *file.Error
	location file.Location
}

// Visit implements the library's interface.
func (l *limiter) Visit(node *ast.Node) {
	if l.err != nil {
		return
	}
	l.location = (*node).Location()
	switch n := (*node).(type) {
	case *ast.VariableDeclaratorNode:
		l.refuse("let is not allowed in a condition")
	case *ast.IdentifierNode:
		if strings.HasPrefix(n.Value, "$") {
			l.refuse("%s is not allowed in a condition", n.Value)
		} else if n.Value == "stable" && l.names["stable"] == nil {
			l.refuse("stable is there only for a Prometheus query with stable: true")
		}
	case *ast.BuiltinNode:
		if !allowedBuiltins(n.Name) {
			l.refuse("function %s is not allowed in a condition", n.Name)
		}
	case *ast.CallNode:
		if _, ok := n.Callee.(*ast.IdentifierNode); !ok {
			l.refuse("methods cannot be called in a condition")
		}
	case *ast.BinaryNode:
		l.binary(n)
	case *ast.ArrayNode:
		l.literal(n.Nodes)
	case *ast.MapNode:
		l.literal(n.Pairs)
	case *ast.PredicateNode:
		if l.inside {
			l.refuse("a predicate in a predicate is not allowed in a condition")
			return
		}
		inner := &limiter{names: l.names, inside: true}
		ast.Walk(&n.Node, inner)
		l.err = inner.err
	}
}

func (l *limiter) refuse(format string, args ...any) {
	l.err = &file.Error{Location: l.location, Message: fmt.Sprintf(format, args...)}
}

// binary refuses ranges whose size is not seen to be small.
func (l *limiter) binary(n *ast.BinaryNode) {
	if n.Operator != ".." {
		return
	}
	from, ok1 := n.Left.(*ast.IntegerNode)
	to, ok2 := n.Right.(*ast.IntegerNode)
	if !ok1 || !ok2 || to.Value-from.Value >= maxRange {
		l.refuse("a range needs two whole numbers that are less than %d apart", maxRange)
	}
}

// literal refuses lists in predicates that are not constant: nested ones could double a value again and again.
func (l *limiter) literal(nodes []ast.Node) {
	if !l.inside {
		return
	}
	for _, n := range nodes {
		switch n.(type) {
		case *ast.IntegerNode, *ast.FloatNode, *ast.StringNode, *ast.BoolNode, *ast.NilNode:
		default:
			l.refuse("a list in a predicate can have only constants")
			return
		}
	}
}

func allowedBuiltins(name string) bool {
	switch name {
	case "all", "none", "any", "one", "filter", "map", "find", "findIndex", "findLast", "findLastIndex", "count", "sum",
		"len", "type", "abs", "ceil", "floor", "round", "int", "float", "string", "trim", "trimPrefix", "trimSuffix",
		"upper", "lower", "indexOf", "lastIndexOf", "hasPrefix", "hasSuffix", "max", "min", "mean", "median",
		"first", "last", "get", "keys", "values":
		return true
	}
	return false
}
