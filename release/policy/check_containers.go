package policy

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// everyContainer yields the containers of all pods, those of hooks too.
func (in *inspection) everyContainer(yield func(*workload, container)) {
	for _, w := range slices.Concat(in.workloads, in.hookPods) {
		if w.made {
			continue
		}
		for _, c := range w.containers("initContainers", "containers") {
			yield(w, c)
		}
	}
}

// findImages finds images without a version.
func findImages(in *inspection) {
	in.everyContainer(func(w *workload, c container) {
		image := textOf(c.fields["image"])
		if image == "" || strings.Contains(image, "@") {
			return
		}
		name := image[strings.LastIndexByte(image, '/')+1:]
		_, tag, tagged := strings.Cut(name, ":")
		what := ""
		switch {
		case !tagged:
			what = "has no tag, which means latest"
		case tag == "latest":
			what = "has the tag latest"
		default:
			return
		}
		in.add(w.Object, under(c.path, "image"), "name a version, or a digest",
			"image %s of container %s %s: pods of one revision may run different programs, and a rollback brings nothing back", image, c.name(), what)
	})
}

// most is how far limits may be above requests.
const most = 5

// findResources finds containers whose share of a node is not bounded.
func findResources(in *inspection) {
	in.everyContainer(func(w *workload, c container) {
		path := under(c.path, "resources")
		resources, _ := c.fields["resources"].(map[string]any)
		limits, _ := resources["limits"].(map[string]any)
		requests, _ := resources["requests"].(map[string]any)
		if len(limits) == 0 && len(requests) == 0 {
			in.add(w.Object, path, "set requests, and a limit for memory",
				"container %s has no requests and no limits: it is the first to be evicted, and may take the memory of all others on its node", c.name())
			return
		}
		if limits["memory"] == nil {
			in.add(w.Object, path, "set resources.limits.memory", "container %s has no limit for memory: it may take that of all others on its node", c.name())
		}
		for _, name := range []string{"cpu", "memory"} {
			limit, limited := quantity(limits[name])
			request, requested := quantity(requests[name])
			switch {
			case !limited && !requested && name == "cpu":
				in.add(w.Object, path, "set resources.requests.cpu", "container %s has no request for cpu: the scheduler takes it for nothing", c.name())
			case limited && requested && limit > most*request:
				in.add(w.Object, under(path, "limits", name), fmt.Sprintf("raise the request, or lower the limit to at most %d times of it", most),
					"container %s may take %s times the %s that it asks for (%v, and %v are requested): nodes are promised to more pods than they can carry",
					c.name(), ratio(limit, request), name, limits[name], requests[name])
			}
		}
	})
}

func ratio(limit, request float64) string {
	if request == 0 {
		return "any number of"
	}
	return strconv.FormatFloat(limit/request, 'g', 3, 64)
}

// quantity reads a quantity of Kubernetes: a number with a suffix such as m, Mi or G.
func quantity(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case string:
		number := strings.TrimRight(v, "numkMGTPEi")
		if strings.ContainsAny(v, "eE") && !strings.HasSuffix(v, "E") && !strings.HasSuffix(v, "Ei") { // 1e3
			number = v
		}
		factor, known := suffixes(v[len(number):])
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || !known || math.IsNaN(n) || math.IsInf(n, 0) {
			return 0, false
		}
		return n * factor, true
	}
	return 0, false
}

// suffixes gives the factor of a quantity's suffix.
func suffixes(s string) (float64, bool) {
	for i, unit := range []string{"n", "u", "m", "", "k", "M", "G", "T", "P", "E"} {
		if s == unit {
			return math.Pow(1000, float64(i-3)), true
		}
	}
	for i, unit := range []string{"Ki", "Mi", "Gi", "Ti", "Pi", "Ei"} {
		if s == unit {
			return math.Pow(1024, float64(i+1)), true
		}
	}
	return 0, false
}
