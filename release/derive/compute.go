package derive

import (
	"fmt"
	"slices"

	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
)

// Compute works out how a release is launched in steps. Equal inputs give
// equal plans. The error is a *[RefusedError] with every obstacle.
func Compute(in Input) (*Plan, error) {
	c := newComputation(&in)
	c.random()
	c.findConfig()
	c.findWorkloads()
	if len(c.changes) == 0 && len(c.reasons) == 0 {
		c.reasons = append(c.reasons, Reason{Ref: manifest.Ref{Kind: "release", Name: in.Release},
			Why: "no workload's pods change", Remedy: "use upgrade"})
	}
	if len(c.changes) == 0 {
		return nil, &RefusedError{c.reasons}
	}
	c.findScalers()
	c.findServices()
	c.findCopies()
	c.findEarly()
	c.findRights()
	c.findRoutes()
	for _, w := range c.changes {
		c.checkWorkload(w)
	}
	c.checkOwners()
	c.checkQuota()
	if len(c.reasons) > 0 {
		return nil, &RefusedError{c.reasons}
	}
	for _, w := range c.changes {
		c.plan.Workloads = append(c.plan.Workloads, w.Workload)
	}
	return c.plan, nil
}

// change is a workload whose pods change, while it is worked out.
type change struct {
	Workload
	base, target *manifest.Object
	live         Fields
}

type computation struct {
	in           *Input
	plan         *Plan
	reasons      []Reason
	base, target index
	live         map[identity]Fields
	kept         map[identity]bool
	config       map[identity]bool // ConfigMaps and Secrets whose content changes
	changes      []*change
	pinned       bool // Services select one side only
}

func newComputation(in *Input) *computation {
	c := &computation{in: in, base: indexOf(in.Base), target: indexOf(in.Target),
		live: make(map[identity]Fields, len(in.Live)+len(in.Around)), kept: map[identity]bool{}, config: map[identity]bool{},
		plan:   &Plan{Revision: in.Revision, Total: in.Settings.Total, Router: in.Options.Router},
		pinned: in.Settings.Pinned || in.Settings.Strategy == rollout.BlueGreen || in.Options.Router != "",
	}
	for _, f := range in.Around {
		c.live[identify(refOf(f))] = f
	}
	for r, f := range in.Live {
		if f != nil {
			c.live[identify(r)] = f
		}
	}
	return c
}

func (c *computation) refuse(o *manifest.Object, why, remedy string) {
	r := Reason{Ref: o.Ref, Source: o.Source, Why: why, Remedy: remedy}
	if !slices.Contains(c.reasons, r) {
		c.reasons = append(c.reasons, r)
	}
}

func (c *computation) warn(format string, values ...any) {
	if w := fmt.Sprintf(format, values...); !slices.Contains(c.plan.Warnings, w) {
		c.plan.Warnings = append(c.plan.Warnings, w)
	}
}

// findConfig notes the configuration whose content changes.
func (c *computation) findConfig() {
	for i := range c.in.Target {
		o := &c.in.Target[i]
		base := c.base.find(o.Ref)
		if base == nil || !isConfig(o.Ref) || c.kept[identify(o.Ref)] {
			continue
		}
		if contentDigest(base.Fields) != contentDigest(o.Fields) {
			c.config[identify(o.Ref)] = true
		}
	}
}

// findWorkloads finds those whose pods change.
func (c *computation) findWorkloads() {
	for i := range c.in.Target {
		o := &c.in.Target[i]
		base := c.base.find(o.Ref)
		if base == nil || !isDeployment(o.Ref) && !isStatefulSet(o.Ref) {
			c.deferred(base, o)
			continue
		}
		before, after := templateOf(base.Fields), templateOf(o.Fields)
		config := uses(after, o.Namespace, c.config)
		templated := differs(withoutNoise(before), withoutNoise(after))
		switch {
		case templated || config:
			c.addWorkload(&change{base: base, target: o, live: c.live[identify(o.Ref)]}, config)
		case differs(before, after):
			c.warn("%s: its pods are replaced at the promotion, because only labels and annotations of the chart differ", o.Ref)
		}
	}
}

// deferred warns of pods that change at the promotion in one go.
func (c *computation) deferred(base, target *manifest.Object) {
	if base == nil || target.Kind != "DaemonSet" {
		return
	}
	if differs(templateOf(base.Fields), templateOf(target.Fields)) {
		c.warn("%s: it changes at the promotion, all at once", target.Ref)
	}
}

// addWorkload decides the form.
func (c *computation) addWorkload(w *change, config bool) {
	w.Ref = w.target.Ref
	if w.live == nil {
		c.refuse(w.target, "it is not in the cluster", "bring it back by an upgrade to what is deployed first")
		return
	}
	w.Replicas = wholeOr(at(w.live, "spec", "replicas"), 1)
	if w.Replicas == 0 {
		c.warn("%s: it has no pods, and changes at the promotion", w.Ref)
		return
	}
	c.changes = append(c.changes, w)
	if isStatefulSet(w.Ref) {
		w.Form = Partitioned
		return
	}
	w.Form, w.Clone = Adoptable, named(w.Ref.Name, fmt.Sprintf("-r%d", c.in.Revision), maxPodOwner)
	if config {
		w.Form = Labelled
	} else if what := added(w.live, templateOf(w.base.Fields)); what != "" {
		w.Form = Labelled
		c.warn("%s: somebody else set %s, which an upgrade leaves in place; so its pods are rolled once more after the canary", w.Ref, what)
	}
	c.collision(w.target, manifest.Ref{APIVersion: w.Ref.APIVersion, Kind: w.Ref.Kind, Namespace: w.Ref.Namespace, Name: w.Clone})
}

// collision refuses a name that is taken by what no rollout of this release has made.
func (c *computation) collision(of *manifest.Object, made manifest.Ref) {
	live := c.live[identify(made)]
	ours := text(at(live, "metadata", "annotations", RolloutAnnotation)) != "" &&
		text(at(live, "metadata", "annotations", "meta.helm.sh/release-name")) == c.in.Release
	if c.base.find(made) != nil || c.target.find(made) != nil || live != nil && !ours {
		c.refuse(of, fmt.Sprintf("%s would be made, and there is one already", made), "rename or delete that one")
	}
}

// findCopies plans the copies that the labelled clones use.
func (c *computation) findCopies() {
	used := map[identity]bool{}
	for _, w := range c.changes {
		if w.Form != Labelled {
			continue
		}
		spec := mapping(templateOf(w.target.Fields)["spec"])
		eachReference(spec, func(kind string, holder map[string]any, field string) {
			used[identity{"", kind, w.Ref.Namespace, text(holder[field])}] = true
		})
	}
	for i := range c.in.Target {
		o := &c.in.Target[i]
		if id := identify(o.Ref); c.config[id] && used[id] {
			made := o.Ref
			made.Name = copyName(o)
			c.collision(o, made)
			c.plan.Copies = append(c.plan.Copies, Copy{Ref: o.Ref, Name: made.Name})
		}
	}
}
