package values

import (
	"errors"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"

	"helm.sh/helm/v3/pkg/chart"
)

func withSchema(name, schema, vals string, subs ...*chart.Chart) *chart.Chart {
	c := &chart.Chart{Metadata: &chart.Metadata{Name: name, Version: "1.0.0"}, Values: parse(vals)}
	if schema != "" {
		c.Schema = []byte(schema)
	}
	c.AddDependency(subs...)
	return c
}

func TestSchemaErrorsReadAsHelms(t *testing.T) {
	const wantsPort = `{"type":"object","required":["port"],"properties":{"port":{"type":"integer","minimum":1}}}`
	for name, c := range map[string]*chart.Chart{
		"values that conform":        withSchema("a", wantsPort, "port: 1"),
		"a missing property":         withSchema("a", wantsPort, "{}"),
		"a wrong type":               withSchema("a", wantsPort, "port: x"),
		"an empty schema":            withSchema("a", " ", "port: x"),
		"a schema that is no JSON":   withSchema("a", "{", "port: x"),
		"a schema that is no schema": withSchema("a", `{"type":7}`, "port: x"),
		"two charts at fault":        withSchema("a", wantsPort, "port: 0", withSchema("b", wantsPort, "{}"), withSchema("c", "", "{}", withSchema("d", wantsPort, "port: x"))),
		"a global that is refused":   withSchema("a", "", "{}", withSchema("b", `{"additionalProperties":false}`, "{}")),
	} {
		vals, err := chartutil.CoalesceValues(clone(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		helmErr := chartutil.ValidateAgainstSchema(c, vals)
		node, err := Resolve(c, nil, ResolveOptions{})
		if err != nil {
			t.Fatal(err)
		}
		final, err := node.Coalesce(nil, CoalesceOptions{Share: true})
		if err != nil {
			t.Fatal(err)
		}
		var cache Schemas
		for range 2 {
			err = node.ValidateSchema(final, SchemaOptions{Cache: &cache})
			if (err == nil) != (helmErr == nil) {
				t.Fatalf("%s: error %v, Helm %v", name, err, helmErr)
			}
			if err == nil {
				continue
			}
			_, rest, _ := strings.Cut(err.Error(), "chart(s):\n")
			if rest != helmErr.Error() {
				t.Errorf("%s: error\n%q, Helm\n%q", name, rest, helmErr.Error())
			}
			var e *SchemaError
			if !errors.As(err, &e) || len(e.Charts) == 0 {
				t.Errorf("%s: error is a %T", name, err)
			}
		}
	}
}
