package deploy

import (
	"fmt"
	"strings"
	"testing"

	helm "helm.sh/helm/v3/pkg/release"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/manifest"
)

// TestWhatTheTargetsSecretsHoldIsMasked also where no pod reads them.
func TestWhatTheTargetsSecretsHoldIsMasked(t *testing.T) {
	record := &release.Record{Release: &helm.Release{
		Manifest: "kind: Secret\napiVersion: v1\nmetadata: {name: a}\nstringData: {p: \"first-line\\nsecond-line\", short: abc}\n---\nkind: Secret\napiVersion: v1\nmetadata: {name: b}\ndata: {p: ZW5jb2RlZA==}\n---\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: Secret}\ndata: {p: public}\n",
		Hooks:    []*helm.Hook{{Manifest: "kind: Secret\napiVersion: v1\nmetadata: {name: h}\nstringData: {p: of-a-hook}\n"}, {Manifest: "kind: Secret: ["}},
	}}
	o := &operation{target: record, masking: &masking{}}
	for text, want := range map[string]string{
		"it is second-line":                  "it is ***",
		"encoded and ZW5jb2RlZA==":           "*** and ***",
		"of-a-hook, first-line\nsecond-line": "***, ***",
		"public abc":                         "public abc",
		"":                                   "",
	} {
		if got := o.mask(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	hook := &HookFailedError{Ref: manifest.Ref{Kind: "Job", Name: "encoded"}, Message: "it cannot log in with second-line", Detail: []string{"log: of-a-hook"}}
	notReady := &NotReadyError{Objects: []NotReady{{Message: "it says first-line", Detail: []string{"log: second-line"}}}}
	told := fmt.Sprint(o.masked(hook), hook.Detail, o.masked(notReady), notReady.Objects[0].Detail)
	if strings.Contains(told, "of-a-hook") || strings.Contains(told, "-line") {
		t.Error(told)
	}
	if hook.Error() != "hook Job encoded failed: it cannot log in with ***" {
		t.Error(hook) // names of objects are shown
	}
	var seen []string
	o.Watch = func(s Sight) { seen = append(seen, s.Detail...) }
	o.watch()(Sight{Detail: []string{"encoded"}})
	if len(seen) != 1 || seen[0] != "***" {
		t.Errorf("%q is seen", seen)
	}
	// Another target has other secrets; without one there are none.
	o.target = &release.Record{Release: &helm.Release{}}
	if got := o.mask("second-line"); got != "second-line" {
		t.Error(got)
	}
	if got := (&operation{}).mask("a"); got != "a" {
		t.Error(got)
	}
}
