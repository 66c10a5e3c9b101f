package policy

import (
	"math"
	"strconv"
	"strings"

	"github.com/e6d26078/slipway/release/manifest"
)

// findBudgets finds PodDisruptionBudgets that never let a pod be evicted.
func findBudgets(in *inspection) {
	held := map[*workload]*manifest.Object{}
	for _, o := range in.budgets {
		if o.Annotations()[rolloutAnnotation] != nil {
			continue
		}
		s := selectorOf(at(o.Fields, "spec", "selector"), false)
		pods, known := 0, true
		for _, w := range in.selected(in.namespace(o), s) {
			if !w.endless() || w.made {
				continue
			}
			if first := held[w]; first != nil {
				in.add(o, []string{"spec", "selector"}, "leave one of them out",
					"its pods are also those of %s: the API server evicts no pod that two budgets match", first.Ref)
			}
			held[w] = o
			pods += max(w.replicas, 0)
			known = known && w.replicas >= 0
		}
		in.checkBudget(o, pods, known)
	}
}

// checkBudget looks at the numbers of a budget over at least so many pods.
func (in *inspection) checkBudget(o *manifest.Object, pods int, known bool) {
	const fix = "allow one pod to be unavailable"
	spec, _ := o.Fields["spec"].(map[string]any)
	if v, given := spec["maxUnavailable"]; given && v != nil {
		if n, percent, ok := share(v); ok && n == 0 {
			in.add(o, []string{"spec", "maxUnavailable"}, fix, "maxUnavailable is %s: no pod may ever be evicted, and draining a node waits for ever", percent)
		}
		return
	}
	v, given := spec["minAvailable"]
	n, shown, ok := share(v)
	if !given || !ok {
		return
	}
	field := []string{"spec", "minAvailable"}
	if strings.HasSuffix(shown, "%") {
		if n >= 100 {
			in.add(o, field, fix, "minAvailable is %s: no pod may ever be evicted, and draining a node waits for ever", shown)
			return
		}
		n = int(math.Ceil(float64(pods*n) / 100)) // as the controller rounds
	}
	if known && pods > 0 && n >= pods {
		in.add(o, field, "run one more pod, or lower it; maxUnavailable: 1 is right for any number of pods",
			"minAvailable is %s, and there may be as few as %d of these pods: then none may be evicted, and draining a node waits for ever", shown, pods)
	}
}

// share reads a number of pods or a percentage.
func share(v any) (n int, shown string, ok bool) {
	if n, ok := intOf(v); ok {
		return n, strconv.Itoa(n), true
	}
	text := textOf(v)
	n, err := strconv.Atoi(strings.TrimSuffix(text, "%"))
	return n, text, err == nil
}
