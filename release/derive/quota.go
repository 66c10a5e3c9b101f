package derive

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// amounts are quantities by name, as ResourceQuotas count them:
// "pods", "requests.cpu", "limits.memory".
type amounts map[string]resource.Quantity

func (a amounts) add(name string, q resource.Quantity, times int) {
	sum, more := a[name].DeepCopy(), q.DeepCopy()
	more.Mul(int64(times))
	sum.Add(more)
	a[name] = sum
}

// checkQuota refuses a canary that a ResourceQuota of the namespace has no room for.
func (c *computation) checkQuota() {
	for _, f := range c.in.Around {
		r := refOf(f)
		scopes, _ := at(f, "spec", "scopes").([]any)
		if r.Kind != "ResourceQuota" || r.Group() != "" || at(f, "spec", "scopeSelector") != nil || slices.Contains(scopes, any("Terminating")) {
			continue
		}
		more := amounts{}
		for _, w := range c.changes {
			pod := podAmounts(mapping(templateOf(w.target.Fields)["spec"]))
			if w.Form == Partitioned || w.Ref.Namespace != r.Namespace || !inScopes(scopes, pod) {
				continue
			}
			for name, q := range pod {
				more.add(name, q, w.additional(c.plan.scalerOf(&w.Workload) != nil))
			}
		}
		c.checkRoom(f, more)
	}
}

// additional is the number of pods that a workload is given beside its own.
// What an autoscaler adds to that is its own concern, now as before.
func (w *change) additional(scaled bool) int {
	n := w.Replicas
	if !scaled {
		n = max(n, w.Max)
	}
	if w.Form != Labelled {
		return n
	}
	surge := at(w.target.Fields, "spec", "strategy", "rollingUpdate", "maxSurge")
	if percent, isPercent := strings.CutSuffix(text(surge), "%"); isPercent || surge == nil {
		share, err := strconv.Atoi(percent)
		if err != nil {
			share = 25
		}
		return n + (n*share+99)/100
	}
	return n + wholeOr(surge, 0)
}

// inScopes reports whether a quota with scopes counts a pod.
func inScopes(scopes []any, pod amounts) bool {
	bestEffort := true
	for _, name := range []string{"requests.cpu", "requests.memory", "limits.cpu", "limits.memory"} {
		if q := pod[name]; !q.IsZero() {
			bestEffort = false
		}
	}
	return (bestEffort || !slices.Contains(scopes, any("BestEffort"))) && (!bestEffort || !slices.Contains(scopes, any("NotBestEffort")))
}

func (c *computation) checkRoom(quota Fields, more amounts) {
	hard := mapping(at(quota, "status", "hard"))
	if hard == nil {
		hard = mapping(at(quota, "spec", "hard"))
	}
	var short []string
	for _, name := range slices.Sorted(maps.Keys(hard)) {
		limit, err := quantity(hard[name])
		if err != nil {
			continue
		}
		counted := name
		switch name {
		case "cpu", "memory", "ephemeral-storage":
			counted = "requests." + name
		case "count/pods":
			counted = "pods"
		}
		need := more[counted]
		free := limit.DeepCopy()
		if used, err := quantity(at(quota, "status", "used", name)); err == nil {
			free.Sub(used)
		}
		if !need.IsZero() && need.Cmp(free) > 0 {
			short = append(short, fmt.Sprintf("%s: %s more at most, %s free", name, need.String(), free.String()))
		}
	}
	if len(short) > 0 {
		c.reasons = append(c.reasons, Reason{Ref: refOf(quota), Why: "it has no room for the canary's pods (" + strings.Join(short, "; ") + ")",
			Remedy: "raise the quota, or use upgrade"})
	}
}

func quantity(value any) (resource.Quantity, error) {
	if value == nil {
		return resource.Quantity{}, fmt.Errorf("no quantity")
	}
	return resource.ParseQuantity(fmt.Sprint(value))
}

// podAmounts is what one pod counts: its containers together with those init
// containers that keep running, or the greatest of the others if that is more.
func podAmounts(spec map[string]any) amounts {
	running, starting := amounts{}, amounts{}
	for _, container := range mappings(spec["initContainers"]) {
		own := containerAmounts(mapping(container["resources"]))
		if text(container["restartPolicy"]) == "Always" {
			running.addAll(own)
			continue
		}
		own.addAll(running)
		starting.atLeast(own)
	}
	for _, container := range mappings(spec["containers"]) {
		running.addAll(containerAmounts(mapping(container["resources"])))
	}
	running.atLeast(starting)
	maps.Copy(running, containerAmounts(mapping(spec["resources"])))
	running["pods"] = *resource.NewQuantity(1, resource.DecimalSI)
	return running
}

// containerAmounts reads requests, which are the limits where there are none.
func containerAmounts(resources map[string]any) amounts {
	a := amounts{}
	for name, value := range mapping(resources["limits"]) {
		if q, err := quantity(value); err == nil {
			a["limits."+name], a["requests."+name] = q, q
		}
	}
	for name, value := range mapping(resources["requests"]) {
		if q, err := quantity(value); err == nil {
			a["requests."+name] = q
		}
	}
	return a
}

func (a amounts) addAll(b amounts) {
	for name, q := range b {
		a.add(name, q, 1)
	}
}

func (a amounts) atLeast(b amounts) {
	for name, q := range b {
		if have := a[name]; q.Cmp(have) > 0 {
			a[name] = q
		}
	}
}
