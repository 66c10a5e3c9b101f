package analysis

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
)

// addition is the function that stands for the operator +.
const addition = "add"

// numbersOnly makes + add numbers only: texts that are put together could grow
// without bound.
type numbersOnly struct{}

// Visit implements the library's interface.
func (numbersOnly) Visit(node *ast.Node) {
	if n, ok := (*node).(*ast.BinaryNode); ok && n.Operator == "+" {
		ast.Patch(node, &ast.CallNode{Callee: &ast.IdentifierNode{Value: addition}, Arguments: []ast.Node{n.Left, n.Right}})
	}
}

// helpers are the functions that conditions have besides the library's own.
func helpers() []expr.Option {
	number := func(name string, f func(float64) any) func(...any) (any, error) {
		return func(args ...any) (any, error) {
			v, err := toFloat(args[0])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			return f(v), nil
		}
	}
	return []expr.Option{
		expr.Function("asFloat", number("asFloat", func(v float64) any { return v }), new(func(any) float64)),
		expr.Function("asInt", func(args ...any) (any, error) { return toInt(args[0]) }, new(func(any) int)),
		expr.Function("isNaN", number("isNaN", func(v float64) any { return math.IsNaN(v) }), new(func(any) bool)),
		expr.Function("isInf", number("isInf", func(v float64) any { return math.IsInf(v, 0) }), new(func(any) bool)),
		expr.Function("isNil", func(args ...any) (any, error) { return args[0] == nil, nil }, new(func(any) bool)),
		expr.Function("default", orElse, new(func(any, any) any)),
		expr.Function(addition, add, new(func(any, any) any)),
	}
}

// orElse is its second argument where the first one is missing or not a number.
func orElse(args ...any) (any, error) {
	if v, ok := args[0].(float64); args[0] == nil || (ok && math.IsNaN(v)) {
		return args[1], nil
	}
	return args[0], nil
}

func add(args ...any) (any, error) {
	a, aWhole := args[0].(int)
	b, bWhole := args[1].(int)
	if aWhole && bWhole {
		return a + b, nil
	}
	for _, v := range args {
		if _, text := v.(string); text {
			return nil, fmt.Errorf("+ adds numbers, not %s", kindOf(v))
		}
	}
	x, err := toFloat(args[0])
	if err != nil {
		return nil, err
	}
	y, err := toFloat(args[1])
	return x + y, err
}

func toFloat(v any) (float64, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case int:
		return float64(v), nil
	case string:
		if f, err := strconv.ParseFloat(v, 64); err == nil {
			return f, nil
		}
		return 0, errors.New("the text is not a number") // which may be secret
	}
	return 0, fmt.Errorf("%s is not a number", kindOf(v))
}

func toInt(v any) (any, error) {
	f, err := toFloat(v)
	if err != nil {
		return nil, fmt.Errorf("asInt: %w", err)
	}
	if f = math.Trunc(f); !(math.Abs(f) < 1<<53) {
		return nil, fmt.Errorf("asInt: %v is not a whole number", f)
	}
	return int(f), nil
}

// kindOf names what a value is, for people.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case bool:
		return "true or false"
	case string:
		return "a text"
	case float64, int:
		return "a number"
	case []any, []string, []int:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return fmt.Sprintf("a %T", v)
}
