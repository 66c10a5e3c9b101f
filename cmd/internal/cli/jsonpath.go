package cli

import (
	"fmt"
	"io"

	"k8s.io/client-go/util/jsonpath"
)

// printJSONPath writes what a JSONPath expression, in kubectl's dialect, finds
// in the values. What does not exist is an error (#DIFFERS: Helm prints
// nothing and succeeds).
func printJSONPath(out io.Writer, expression string, values map[string]any) error {
	p := jsonpath.New("out")
	if err := p.Parse(expression); err != nil {
		return withHint(fmt.Errorf("error parsing jsonpath %s: %w", expression, err), "an example: --jsonpath '{.image.tag}'")
	}
	if err := p.Execute(out, values); err != nil {
		return withHint(fmt.Errorf("--jsonpath %s: %w", expression, err), "an example: --jsonpath '{.image.tag}'")
	}
	return nil
}
