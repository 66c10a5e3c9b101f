package plan_test

import (
	"testing"

	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/plan"
)

func TestRulesThatTheControlPlaneWritesAreLeftToIt(t *testing.T) {
	for name, fields := range map[string]map[string]any{
		"collected": {"metadata": map[string]any{}, "aggregationRule": map[string]any{"clusterRoleSelectors": []any{}}, "rules": []any{}},
		"its own":   {"metadata": map[string]any{}, "rules": []any{}},
	} {
		owned := plan.Own(manifest.Object{Ref: manifest.Ref{Kind: "ClusterRole", Name: "view"}, Fields: fields}, "web", "prod")
		if _, has := owned.Fields["rules"]; has != (name == "its own") {
			t.Errorf("%s: rules are sent: %v", name, has)
		}
		if _, has := fields["rules"]; !has {
			t.Errorf("%s: what was handed in has changed", name)
		}
	}
}
