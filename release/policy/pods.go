package policy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/e6d26078/slipway/release/manifest"
)

// rolloutAnnotation marks what a rollout makes beside the chart's objects, as
// package derive has it. Its pods are those of a workload of the chart, so that
// what is the matter with them is told once.
const rolloutAnnotation = "slipway.dev/rollout"

// workload is an object that makes pods.
type workload struct {
	*manifest.Object
	namespace string
	labels    map[string]string // of its pods
	spec      map[string]any    // of its pods
	path      []string          // of spec in the object
	replicas  int               // how many there are at least; -1 if that is not told
	at        []string          // the field that says so
	scaler    *manifest.Object  // which says so, if it is not the workload
	hook      bool
	made      bool // by a rollout
}

// endless reports whether the pods are meant to run for ever.
func (w *workload) endless() bool { return w.Kind != "Job" && w.Kind != "CronJob" && !w.hook }

// workloadOf is nil for an object that makes no pods of a kind that is known.
func workloadOf(o *manifest.Object) *workload {
	w := &workload{Object: o, replicas: -1}
	template := []string{"spec", "template"}
	group := o.Group()
	if group == "extensions" { // as it was before Kubernetes 1.16
		group = "apps"
	}
	switch group + "/" + o.Kind {
	case "apps/Deployment", "apps/StatefulSet", "apps/ReplicaSet", "/ReplicationController":
		w.replicas, w.at = 1, []string{"spec", "replicas"}
		if n, ok := intOf(at(o.Fields, w.at...)); ok {
			w.replicas = n
		}
	case "apps/DaemonSet", "batch/Job":
	case "batch/CronJob":
		template = []string{"spec", "jobTemplate", "spec", "template"}
	case "/Pod":
		template, w.replicas = nil, 1
	default:
		return nil
	}
	w.path = append(slices.Clone(template), "spec")
	w.spec, _ = at(o.Fields, w.path...).(map[string]any)
	w.labels = texts(at(o.Fields, append(slices.Clone(template), "metadata", "labels")...))
	w.made = o.Annotations()[rolloutAnnotation] != nil
	return w
}

// scale takes the least number of pods from autoscalers.
func (in *inspection) scale() {
	for _, s := range in.scalers {
		target, _ := at(s.Fields, "spec", "scaleTargetRef").(map[string]any)
		for _, w := range in.workloads {
			if w.Kind != target["kind"] || w.Name != target["name"] || w.namespace != in.namespace(s) || w.replicas < 0 {
				continue
			}
			w.replicas, w.at, w.scaler = 1, []string{"spec", "minReplicas"}, s
			if n, ok := intOf(at(s.Fields, w.at...)); ok {
				w.replicas = n
			}
		}
	}
}

// container is a container of a pod template with its place in the object.
type container struct {
	fields map[string]any
	path   []string
	kind   string // containers, initContainers
}

func (c *container) name() string { return textOf(c.fields["name"]) }

// sidecar reports whether an init container runs as long as the pod.
func (c *container) sidecar() bool { return c.fields["restartPolicy"] == "Always" }

// containers are those of a kind, "containers" or "initContainers".
func (w *workload) containers(kinds ...string) []container {
	var list []container
	for _, kind := range kinds {
		items, _ := w.spec[kind].([]any)
		for i, item := range items {
			if fields, ok := item.(map[string]any); ok {
				path := append(slices.Clone(w.path), kind, strconv.Itoa(i))
				list = append(list, container{fields, path, kind})
			}
		}
	}
	return list
}

// at is the value at a path of a tree, nil if there is none.
func at(tree map[string]any, path ...string) any {
	var v any = tree
	for _, step := range path {
		switch node := v.(type) {
		case map[string]any:
			v = node[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(node) {
				return nil
			}
			v = node[i]
		default:
			return nil
		}
	}
	return v
}

// under is a path with more steps, never sharing its memory.
func under(path []string, more ...string) []string { return append(slices.Clone(path), more...) }

func textOf(v any) string {
	s, _ := v.(string)
	return s
}

// intOf reads a whole number.
func intOf(v any) (int, bool) {
	switch v := v.(type) {
	case int64:
		return int(v), true
	case float64:
		return int(v), v == float64(int(v))
	}
	return 0, false
}

// texts is a mapping of texts; other values are left out.
func texts(v any) map[string]string {
	m, _ := v.(map[string]any)
	if m == nil {
		return nil
	}
	all := make(map[string]string, len(m))
	for key, value := range m {
		if s, ok := value.(string); ok {
			all[key] = s
		}
	}
	return all
}

// isKubernetes reports whether a group of the API is Kubernetes' own.
func isKubernetes(group string) bool {
	switch group {
	case "", "apps", "batch", "autoscaling", "policy", "extensions":
		return true
	}
	return strings.HasSuffix(group, ".k8s.io")
}
