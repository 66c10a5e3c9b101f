package permission

import (
	"fmt"
	"slices"

	"github.com/e6d26078/slipway/release/manifest"
)

const (
	crdGroup    = "apiextensions.k8s.io"
	crdResource = "customresourcedefinitions"
	rbacGroup   = "rbac.authorization.k8s.io"
)

// surveyed is what a chart contains, kind by kind.
type surveyed struct {
	objects, hooks []resource
	hasCRDs        bool
	granted        []Rule
}

// survey looks at what a chart contains, of its hooks at those that run at the events.
func survey(chart Chart, events []manifest.Event) (*surveyed, error) {
	k := knownKinds()
	all := slices.Concat(chart.Objects, chart.CRDs)
	s := &surveyed{hasCRDs: len(chart.CRDs) > 0}
	var hooks []manifest.Object
	for _, h := range chart.Hooks {
		if !slices.ContainsFunc(events, h.RunsAt) {
			continue
		}
		objects, err := manifest.Objects(h.Manifest)
		if err != nil {
			return nil, fmt.Errorf("read hook %s (%s): %w", h.Name, h.Path, err)
		}
		hooks = append(hooks, objects...)
	}
	k.learn(all)
	k.learn(hooks)
	s.objects = k.resources(chart.Objects)
	s.hooks = k.resources(hooks)
	s.granted = granted(append(slices.Clone(chart.Objects), hooks...))
	return s, nil
}

// rules applies a line of the table to a chart.
func (n need) rules(s *surveyed, o Options) []Rule {
	rule := Rule{
		Group: n.group, Resource: n.resource, Verbs: n.verbs,
		Everywhere: n.everywhere, Optional: n.optional, Purpose: n.purpose,
	}
	switch n.target {
	case records:
		switch o.Records {
		case Database:
			return nil
		case ConfigMaps:
			rule.Resource = string(ConfigMaps)
		default:
			rule.Resource = string(Secrets)
		}
	case objects:
		return rule.each(s.objects)
	case awaited:
		return rule.each(filter(s.objects, resource.awaited))
	case hooks:
		return rule.each(s.hooks)
	case crds:
		if !s.hasCRDs {
			return nil
		}
	case logsOfHooks:
		if len(filter(s.hooks, resource.runs)) == 0 {
			return nil
		}
	case podsOfObjects:
		if len(filter(s.objects, resource.hasPods)) == 0 {
			return nil
		}
	case services:
		if len(filter(s.objects, func(r resource) bool { return r.group == "" && r.kind == "Service" })) == 0 {
			return nil
		}
	case serving:
		if len(filter(s.objects, resource.serves)) == 0 {
			return nil
		}
	case ingresses:
		if !s.has("Ingress") {
			return nil
		}
	case pickers:
		if !s.has("Service", "PodDisruptionBudget", "NetworkPolicy") {
			return nil
		}
	case placed:
		if len(filter(s.objects, resource.serves)) == 0 && !s.has("Service", "PodDisruptionBudget", "HorizontalPodAutoscaler") {
			return nil
		}
	case claims:
		if len(filter(s.objects, func(r resource) bool { return r.kind == "PersistentVolumeClaim" })) == 0 {
			return nil
		}
	case roles:
		return slices.Clone(s.granted)
	case sides:
		return rule.each(filter(s.objects, resource.hasSides))
	}
	return []Rule{rule}
}

// has reports whether the manifest has one of Kubernetes' own kinds.
func (s *surveyed) has(kinds ...string) bool {
	return len(filter(s.objects, func(r resource) bool {
		_, builtin := builtIn[r.group]
		return builtin && slices.Contains(kinds, r.kind)
	})) > 0
}

// each makes a rule for each of the resources.
func (r Rule) each(resources []resource) []Rule {
	rules := make([]Rule, len(resources))
	for i, about := range resources {
		rules[i] = r
		rules[i].Group, rules[i].Resource = about.group, about.name
		rules[i].Everywhere, rules[i].Guessed = !about.namespaced, about.guessed
	}
	return rules
}

func filter(all []resource, keep func(resource) bool) []resource {
	return slices.DeleteFunc(slices.Clone(all), func(r resource) bool { return !keep(r) })
}

// granted is what the roles among objects grant, and the roles outside the
// chart that its bindings refer to.
func granted(all []manifest.Object) []Rule {
	var rules []Rule
	own := map[string]bool{}
	const purpose = "granted by a role of the chart, and nobody may grant what he does not have"
	for _, o := range all {
		if o.Group() != rbacGroup || o.Kind != "Role" && o.Kind != "ClusterRole" {
			continue
		}
		own[o.Kind+"/"+o.Name] = true
		for _, r := range list(o.Fields["rules"]) {
			for _, rule := range rulesOf(r) {
				rule.Everywhere, rule.Purpose = o.Kind == "ClusterRole", purpose
				rules = append(rules, rule)
			}
		}
	}
	for _, o := range all {
		if o.Group() != rbacGroup || o.Kind != "RoleBinding" && o.Kind != "ClusterRoleBinding" {
			continue
		}
		ref, _ := o.Fields["roleRef"].(map[string]any)
		kind, _ := ref["kind"].(string)
		name, _ := ref["name"].(string)
		if own[kind+"/"+name] {
			continue
		}
		resource := "roles"
		if kind == "ClusterRole" {
			resource = "clusterroles"
		}
		rules = append(rules, Rule{
			Group: rbacGroup, Resource: resource, Verbs: []string{"bind"}, Names: []string{name},
			Everywhere: o.Kind == "ClusterRoleBinding", Purpose: "roles that the chart binds and does not contain",
		})
	}
	return rules
}

// rulesOf takes a rule of a role apart, resource by resource. Rules about URLs
// have no resources and are left out.
func rulesOf(rule any) []Rule {
	fields, _ := rule.(map[string]any)
	var rules []Rule
	for _, group := range texts(fields["apiGroups"]) {
		for _, resource := range texts(fields["resources"]) {
			rules = append(rules, Rule{Group: group, Resource: resource, Verbs: texts(fields["verbs"]), Names: texts(fields["resourceNames"])})
		}
	}
	return rules
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func texts(v any) []string {
	var all []string
	for _, e := range list(v) {
		if s, ok := e.(string); ok {
			all = append(all, s)
		}
	}
	return all
}
