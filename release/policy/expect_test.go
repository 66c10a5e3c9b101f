package policy_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/policy"
)

// TestLinesAreThoseOfTheObjectThatIsExpected has a chart that renders an object
// as it was, and another one than it was: of that no line is told.
func TestLinesAreThoseOfTheObjectThatIsExpected(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*manifest.Object)
		line   bool
	}{
		"as it was": {func(*manifest.Object) {}, true},
		"another":   {func(o *manifest.Object) { o.Fields["spec"].(map[string]any)["replicas"] = int64(77) }, false},
		"not there": {func(o *manifest.Object) { o.Name = "elsewhere" }, false},
	} {
		set, finder := rendered(t, filepath.Join(faulty, "not-spread"), nil)
		report := policy.Check(set, &policy.Config{})
		if len(report.Findings) != 1 {
			t.Fatalf("%d findings", len(report.Findings))
		}
		f := &report.Findings[0]
		for _, o := range set.Objects {
			if o.Ref == f.Ref {
				test.change(&o)
			}
			finder.Expect(o)
		}
		finder.Locate(context.Background(), f)
		if (f.Place.Line > 0) != test.line {
			t.Errorf("%s: line %d", name, f.Place.Line)
		}
	}
}
