package derive

import (
	"slices"
	"strings"

	"github.com/e6d26078/slipway/release/manifest"
)

// keeper is a tool that puts back what others change.
type keeper struct {
	name     string
	marks    []string // keys of labels and annotations
	managers []string
}

var keepers = []keeper{
	{"Argo CD", []string{"argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance"}, []string{"argocd-controller", "argocd-application-controller"}},
	{"Flux", []string{"helm.toolkit.fluxcd.io/name", "kustomize.toolkit.fluxcd.io/name"}, []string{"helm-controller", "kustomize-controller"}},
}

// checkOwners looks for others that do with the release's objects as they see fit.
func (c *computation) checkOwners() {
	for _, k := range keepers {
		for i := range c.in.Base {
			if o := &c.in.Base[i]; k.keeps(c.live[identify(o.Ref)]) {
				c.refuse(o, k.name+" manages it, and would put back what a rollout changes", "suspend "+k.name+" for this release, or launch by it")
				break
			}
		}
	}
	for _, w := range c.changes {
		for i := range c.in.Base {
			c.checkDriver(w, c.in.Base[i].Ref, c.in.Base[i].Fields)
		}
		for _, f := range c.in.Around {
			c.checkDriver(w, refOf(f), f)
		}
	}
}

func (k keeper) keeps(live Fields) bool {
	for _, mark := range k.marks {
		if at(live, "metadata", "labels", mark) != nil || at(live, "metadata", "annotations", mark) != nil {
			return true
		}
	}
	return slices.ContainsFunc(mappings(at(live, "metadata", "managedFields")), func(entry map[string]any) bool {
		return slices.Contains(k.managers, text(entry["manager"]))
	})
}

// checkDriver refuses a workload that an object of another tool launches.
func (c *computation) checkDriver(w *change, r manifest.Ref, f Fields) {
	if r.Namespace != w.Ref.Namespace {
		return
	}
	tool, reference := "", any(nil)
	switch {
	case r.Group() == "argoproj.io" && r.Kind == "Rollout":
		tool, reference = "Argo Rollouts", at(f, "spec", "workloadRef")
	case strings.HasPrefix(r.Group(), "flagger.app") && r.Kind == "Canary":
		tool, reference = "Flagger", at(f, "spec", "targetRef")
	}
	if tool != "" && pointsTo(reference, w) {
		c.refuse(w.target, tool+" launches it ("+r.String()+")", "launch it by "+tool+", or delete that object first")
	}
}
