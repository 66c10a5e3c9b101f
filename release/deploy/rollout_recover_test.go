package deploy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/plan"
)

// TestARecoveryKeepsData holds that what a rollout made goes, but for what has data.
func TestARecoveryKeepsData(t *testing.T) {
	r := &rolling{operation: &operation{name: "web", Config: Config{Namespace: "shop"}}}
	live := map[manifest.Ref]Live{}
	ref := func(kind, name string, owned bool) manifest.Ref {
		ref := manifest.Ref{APIVersion: "v1", Kind: kind, Namespace: "shop", Name: name}
		o := manifest.Object{Ref: ref, Fields: map[string]any{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": name}}}
		if owned {
			o = plan.Own(o, "web", "shop")
		}
		live[ref] = o.Fields
		return ref
	}
	settings := ref("ConfigMap", "settings", true)
	refs := []manifest.Ref{
		ref("PersistentVolumeClaim", "data", true), settings, ref("Namespace", "other", true), ref("ConfigMap", "foreign", false),
		{APIVersion: "v1", Kind: "ConfigMap", Namespace: "shop", Name: "gone"},
	}
	if diff := cmp.Diff([]manifest.Ref{settings}, r.removable(refs, nil, live)); diff != "" {
		t.Error(diff)
	}
}
