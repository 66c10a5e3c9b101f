package derive

import (
	"slices"

	"github.com/e6d26078/slipway/release/manifest"
)

// earlyKinds are those of new objects that are made at the start: what pods
// need to run, and new pods that get no traffic of what exists. What else is
// new acts on its own, or on traffic, and waits.
var earlyKinds = []string{
	"/Namespace", "/ServiceAccount", "/Secret", "/ConfigMap", "/PersistentVolumeClaim", "/Service",
	"scheduling.k8s.io/PriorityClass", "apps/Deployment", "apps/StatefulSet",
	"rbac.authorization.k8s.io/Role", "rbac.authorization.k8s.io/RoleBinding",
	"rbac.authorization.k8s.io/ClusterRole", "rbac.authorization.k8s.io/ClusterRoleBinding",
}

// findEarly plans the new objects that are made at the start.
func (c *computation) findEarly() {
	for i := range c.in.Target {
		o := &c.in.Target[i]
		if o.Name == "" || c.base.find(o.Ref) != nil || !slices.Contains(earlyKinds, o.Group()+"/"+o.Kind) {
			continue
		}
		if c.live[identify(o.Ref)] != nil {
			// Who takes the rollout back has to find it as it was.
			c.warn("%s: it is there already, and becomes part of the release at the promotion", o.Ref)
			continue
		}
		if template := templateOf(o.Fields); template != nil {
			if uses(template, o.Namespace, c.config) {
				c.warn("%s: it is new and uses configuration that changes, so it is made at the promotion only", o.Ref)
				continue
			}
			c.checkNewPods(o, template)
		}
		c.plan.Early = append(c.plan.Early, o.Ref)
	}
}

// checkNewPods refuses new pods that would have traffic at once.
func (c *computation) checkNewPods(o *manifest.Object, template map[string]any) {
	for i := range c.in.Base {
		service := &c.in.Base[i]
		if !isService(service.Ref) || service.Namespace != o.Namespace {
			continue
		}
		if selector := mapping(at(service.Fields, "spec", "selector")); selects(selector, labelsOf(template)) && len(c.selected(service)) > 0 {
			c.refuse(o, "it is new, and "+service.Ref.String()+" would send traffic to its pods at once",
				"give its pods labels that the Service does not select, or use upgrade")
		}
	}
}

// rightsFields are the list that is joined, by kind.
var rightsFields = map[string]string{"Role": "rules", "ClusterRole": "rules", "RoleBinding": "subjects", "ClusterRoleBinding": "subjects"}

func isRights(r manifest.Ref) bool {
	return r.Group() == "rbac.authorization.k8s.io" && rightsFields[r.Kind] != ""
}

// findRights plans the roles and bindings that change.
func (c *computation) findRights() {
	for i := range c.in.Target {
		o := &c.in.Target[i]
		base := c.base.find(o.Ref)
		if base == nil || !isRights(o.Ref) {
			continue
		}
		if differs(base.Fields["roleRef"], o.Fields["roleRef"]) {
			c.refuse(o, "its roleRef changes, which the API server does not let happen", "give the new binding another name")
		}
		if field := rightsFields[o.Kind]; differs(base.Fields[field], o.Fields[field]) {
			c.plan.Rights = append(c.plan.Rights, o.Ref)
		}
	}
}

// joined are the elements of both lists, those of the first one first.
func joined(a, b any) []any {
	first, _ := a.([]any)
	second, _ := b.([]any)
	all := slices.Clone(first)
	for _, element := range second {
		if !slices.ContainsFunc(all, func(have any) bool { return !differs(have, element) }) {
			all = append(all, element)
		}
	}
	return all
}
