package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/chart/values"
)

func TestAValuesFileIsReadOnceForThePlacesOfAllItsValues(t *testing.T) {
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "key%d: 1\n", i)
	}
	origin := originOf(&values.Merged{Layers: []values.Layer{{Flag: "-f", Text: "x.yaml", Data: []byte(text.String())}}})
	path := []string{"key700"}
	if file, line, col, known := origin(path); file != "-f x.yaml" || line != 701 || col != 1 || !known {
		t.Errorf("got %s:%d:%d %v", file, line, col, known)
	}
	const few = 10
	if n := testing.AllocsPerRun(5, func() { origin(path) }); n > few {
		t.Errorf("%v allocations for one value", n)
	}
}
