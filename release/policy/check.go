package policy

import (
	"fmt"
	"slices"

	"github.com/e6d26078/slipway/release/manifest"
)

// Builtin describes a check that is built in.
type Builtin struct {
	Name  string
	About string // what it finds
	Fix   string // what to do about it in general
}

// builtin is a check with what it does.
type builtin struct {
	Builtin
	find func(*inspection)
}

// builtins are the checks in the order of their names.
func builtins() []builtin {
	return []builtin{
		{Builtin{"graceful-end", "pods behind a Service are stopped while they still get requests", "add a preStop hook that waits, or terminationGracePeriodSeconds for a program that ends on SIGTERM by itself"}, findEnds},
		{Builtin{"image-latest", "an image has no version, so that pods of one revision may run different programs", "name a version or a digest"}, findImages},
		{Builtin{"ingress-conflict", "two Ingresses have one host and path, and which of them counts is left to chance", "change the host or the path of one of them"}, findIngresses},
		{Builtin{"pdb-blocks-drain", "a PodDisruptionBudget never lets a pod be evicted, so that nodes cannot be drained", "allow one pod to be unavailable, or run one more"}, findBudgets},
		{Builtin{"pods-not-spread", "all pods of a workload may be on one node, whose end is the end of all", "add topologySpreadConstraints or podAntiAffinity"}, findSpread},
		{Builtin{"readiness-missing", "pods get requests before they can answer", "add a readinessProbe"}, findProbes},
		{Builtin{"resources-unbounded", "a container has no limit or request, or limits far above its requests", "set requests to what it needs, and limits to at most 5 times that"}, findResources},
		{Builtin{"selector-foreign", "a selector matches pods of another release or workload", "add the label app.kubernetes.io/instance to labels and selector"}, findForeign},
		{Builtin{"selector-no-match", "a selector matches no pods", "make selector and labels of the pods the same"}, findUnmatched},
	}
}

// Builtins lists the checks that are built in, by name. Package rego's are not among them.
func Builtins() []Builtin {
	var list []Builtin
	for _, b := range builtins() {
		list = append(list, b.Builtin)
	}
	return list
}

// Check makes the built-in checks. It returns the findings without places:
// see package origin.
func Check(set *Set, config *Config) *Report {
	report := &Report{Release: set.Release, Namespace: set.Namespace, Objects: len(set.Objects) + len(set.Hooks) + len(set.CRDs)}
	for i := range config.Exceptions {
		if e := &config.Exceptions[i]; e.expired {
			report.Notes = append(report.Notes, fmt.Sprintf("the exception of %s for %s has ended on %s: it does not hold any more", e.Check, e.object(), e.Until))
		}
	}
	var findings []Finding
	var names []string
	in := inspect(set, config)
	for _, b := range builtins() {
		severity := config.SeverityOf(b.Name)
		if severity == Off {
			continue
		}
		names = append(names, b.Name)
		in.found = nil
		b.find(in)
		for i := range in.found {
			f := in.found[i]
			f.Check, f.Severity = b.Name, severity
			findings = append(findings, f)
		}
	}
	report.Notes = append(report.Notes, in.notes...)
	report.Add(set, config, names, findings)
	return report
}

// inspection is a set with what the checks need to know of it.
type inspection struct {
	set       *Set
	config    *Config
	workloads []*workload // of the objects
	byLabel   map[labelKey][]*workload
	hookPods  []*workload // of the hooks
	services  []*manifest.Object
	scalers   []*manifest.Object
	budgets   []*manifest.Object
	policies  []*manifest.Object // NetworkPolicies
	ingresses []*manifest.Object
	// custom: there are objects of kinds that are not Kubernetes' own, which may make pods.
	custom bool
	found  []Finding
	notes  []string
}

// add takes up a finding about a field of an object.
func (in *inspection) add(o *manifest.Object, field []string, fix, format string, args ...any) {
	in.found = append(in.found, Finding{
		Ref: o.Ref, Source: o.Source, Field: slices.Clone(field), Message: fmt.Sprintf(format, args...), Fix: fix,
	})
}

// namespace is the namespace of a namespaced object.
func (in *inspection) namespace(o *manifest.Object) string {
	if o.Namespace == "" {
		return in.set.Namespace
	}
	return o.Namespace
}

// inspect sorts the objects of a set.
func inspect(set *Set, config *Config) *inspection {
	in := &inspection{set: set, config: config}
	for i := range set.Objects {
		o := &set.Objects[i]
		switch o.Group() + "/" + o.Kind {
		case "/Service":
			in.services = append(in.services, o)
		case "autoscaling/HorizontalPodAutoscaler":
			in.scalers = append(in.scalers, o)
		case "policy/PodDisruptionBudget":
			in.budgets = append(in.budgets, o)
		case "networking.k8s.io/NetworkPolicy":
			in.policies = append(in.policies, o)
		case "networking.k8s.io/Ingress", "extensions/Ingress":
			in.ingresses = append(in.ingresses, o)
		default:
			if w := workloadOf(o); w != nil {
				w.namespace = in.namespace(o)
				in.workloads = append(in.workloads, w)
			} else if !isKubernetes(o.Group()) {
				in.custom = true
			}
		}
	}
	for i := range set.Hooks {
		if w := workloadOf(&set.Hooks[i]); w != nil {
			w.namespace, w.hook = in.namespace(&set.Hooks[i]), true
			in.hookPods = append(in.hookPods, w)
		}
	}
	in.scale()
	in.byLabel = map[labelKey][]*workload{}
	for _, w := range in.workloads {
		for name, value := range w.labels {
			key := labelKey{w.namespace, name, value}
			in.byLabel[key] = append(in.byLabel[key], w)
		}
	}
	return in
}

// labelKey is a label of the pods in a namespace.
type labelKey struct{ namespace, name, value string }

// selected are the workloads of the set whose pods a selector selects. The slice is the caller's.
func (in *inspection) selected(namespace string, s selector) []*workload {
	if !s.present {
		return nil
	}
	candidates := in.workloads
	for name, value := range s.labels {
		if with := in.byLabel[labelKey{namespace, name, value}]; len(with) < len(candidates) {
			candidates = with
		}
	}
	var list []*workload
	for _, w := range candidates {
		if w.namespace == namespace && s.matches(w.labels) {
			list = append(list, w)
		}
	}
	return list
}
