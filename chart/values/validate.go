package values

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values/schema"
)

// Schemas keeps the compiled schemas of charts, so that each is compiled once.
// The zero value is ready; it may be used concurrently. A chart's schema must
// not change once it was used.
type Schemas struct {
	compiled sync.Map // *chart.Chart -> func() (*schema.Schema, error)
}

// SchemaOptions adjusts [Node.ValidateSchema].
type SchemaOptions struct {
	// Cache keeps the compiled schemas. Nil compiles them anew.
	Cache *Schemas
	// Load answers references to other documents, as in [schema.Options]. Nil refuses them.
	// With a Cache the function of the first call counts.
	Load func(url string) ([]byte, error)
	// Warn receives warnings, as in [ResolveOptions].
	Warn func(message string)
}

// SchemaError says which charts' values do not conform to their values.schema.json.
type SchemaError struct {
	Charts []ChartSchemaError
}

// ChartSchemaError is the part of a SchemaError about one chart.
type ChartSchemaError struct {
	Chart string // name, or alias, of the chart
	Path  string // where its values are in those of the root: "", or names joined by dots
	// Err is a *schema.ValidationError, or says that the schema itself is at fault.
	Err error
}

func (e *SchemaError) Error() string {
	var b strings.Builder
	b.WriteString("values don't meet the specifications of the schema(s) in the following chart(s):\n")
	for _, c := range e.Charts {
		fmt.Fprintf(&b, "%s:\n%v", c.Chart, c.Err)
	}
	return b.String()
}

// Unwrap returns the errors of the charts.
func (e *SchemaError) Unwrap() []error {
	errs := make([]error, len(e.Charts))
	for i, c := range e.Charts {
		errs[i] = c.Err
	}
	return errs
}

// ValidateSchema checks vals, the result of [Node.Coalesce], against the
// schema of n and its subcharts. The error is a *SchemaError with Helm's text.
func (n *Node) ValidateSchema(vals map[string]any, o SchemaOptions) error {
	if o.Cache == nil {
		o.Cache = &Schemas{}
	}
	var e SchemaError
	e.check(n, vals, nil, o)
	if len(e.Charts) == 0 {
		return nil
	}
	return &e
}

func (e *SchemaError) check(n *Node, vals map[string]any, at *trail, o SchemaOptions) {
	if n.Chart.Schema != nil {
		if vals == nil {
			vals = map[string]any{}
		}
		s, err := o.Cache.of(n.Chart, o)
		if err == nil {
			err = s.Validate(vals)
		}
		if err != nil {
			e.Charts = append(e.Charts, ChartSchemaError{Chart: n.Name(), Path: at.String(), Err: err})
		}
	}
	for _, sub := range n.Deps() {
		v := vals[sub.Name()]
		if v == nil {
			continue
		}
		subAt := &trail{at, sub.Name()}
		t, ok := v.(map[string]any)
		if !ok {
			err := fmt.Errorf("invalid type for values: expected object (map), got %T\n", v)
			e.Charts = append(e.Charts, ChartSchemaError{Chart: sub.Name(), Path: subAt.String(), Err: err})
			continue
		}
		e.check(sub, t, subAt, o)
	}
}

// of returns the compiled schema of c.
func (s *Schemas) of(c *chart.Chart, o SchemaOptions) (*schema.Schema, error) {
	compile, ok := s.compiled.Load(c)
	if !ok {
		so := schema.Options{Load: o.Load}
		if o.Warn != nil {
			so.UnresolvedURN = func(urn string) {
				o.Warn("WARNING: unresolved URN reference ignored; using permissive schema: " + urn)
			}
		}
		compile, _ = s.compiled.LoadOrStore(c, sync.OnceValues(func() (*schema.Schema, error) {
			if len(c.Schema) == 0 {
				return nil, errors.New("EOF")
			}
			return schema.Compile(c.Schema, so)
		}))
	}
	return compile.(func() (*schema.Schema, error))()
}
